// One folder of certs/own, read: fullchain.pem and key.pem, whether they belong together, what partners will stumble over.
// While a pair is being replaced its new key may still be in next/arriving.pem (certificates/pairs.ts has the order of steps).

import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import tls, { type SecureContext } from 'node:tls';
import { expiryWarning } from '../model/expiry.ts';
import { utcDay } from '../model/utc.ts';
import { type CertificateNames, namesOf } from './certificate-names.ts';
import { type Anchors, candidatePaths, isSelfSigned } from './path-building.ts';
import { issuerNameOf, nameOf } from './path-rules.ts';
import { type CertFault, readCertificates } from './pem.ts';
import { NO_RESUMPTION } from './tls-settings.ts';

/** One chain with its key. The key stays inside the secure contexts. */
export interface OwnCertificate {
  /** Folder name in certs/own. */
  readonly name: string;
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  readonly names: CertificateNames;
  /** SHA-256, lower-case hex. */
  readonly fingerprint: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Somebody wants it although it loses names of ours. */
  readonly namesAccepted: boolean;
  context(atLeast: 'TLSv1.2' | 'TLSv1.3'): SecureContext;
}

/** File beside a pair: the SHA-256 of the leaf that somebody wants although it loses names (`cert import --force`). */
export const ACCEPTED = '.accepted';

export interface LoadedPair {
  /** Absent: unchanged, faulty, or not there yet. */
  readonly pair?: OwnCertificate;
  /** What was read, to see changes; absent when nothing changed. */
  readonly content?: string;
  readonly faults: readonly CertFault[];
}

/** A writer may be at work between our reads. */
const MAX_READS = 3;

/**
 * Reads certs/own/<name>.
 * @param before the content in force, which is not made anew
 * @param anchors roots that need not be sent along
 */
export function loadPair(own: string, name: string, before: string | undefined, now: number, anchors?: Anchors): LoadedPair {
  const failed = (part: string, text: string): LoadedPair => ({
    faults: [{ file: `certs/own/${name}/${part}`, text, level: 'error' }],
  });
  let read = readPair(own, name);
  for (let tries = 1; tries < MAX_READS && read !== 'notYet' && 'part' in read && read.mismatch === true; tries++)
    read = readPair(own, name);
  if (read === 'notYet') return { faults: [] };
  if ('part' in read) return failed(read.part, read.text);
  const { chain, chainPem, keyPem } = read;
  const faults = warnings(chain, now, anchors).map((text) => ({
    file: `certs/own/${name}/fullchain.pem`,
    text,
    level: 'warning' as const,
  }));
  const content = chainPem + keyPem;
  if (content === before) return { faults };
  try {
    return { pair: makePair(name, chain, chainPem, keyPem, isAccepted(join(own, name, ACCEPTED), chain[0])), content, faults };
  } catch (error) {
    // OpenSSL refuses keys that are too weak only here.
    return failed('fullchain.pem', `cannot be used for TLS: ${(error as Error).message}`); // tls throws Error only
  }
}

interface ReadPair {
  readonly chain: OwnCertificate['chain'];
  readonly chainPem: string;
  readonly keyPem: string;
}
interface Unreadable {
  readonly part: string;
  readonly text: string;
  readonly mismatch?: true;
}

function readPair(own: string, name: string): ReadPair | Unreadable | 'notYet' {
  const path = (part: string): string => join(own, name, part);
  // A key that waits for its certificate (isthmus cert request) is not a pair with a part missing.
  if (!existsSync(path('fullchain.pem')) && !existsSync(path('key.pem')) && existsSync(path('next'))) return 'notYet';
  let chainPem: string;
  let chain: OwnCertificate['chain'];
  try {
    chainPem = readFileSync(path('fullchain.pem'), 'utf8');
  } catch (error) {
    return unreadable('fullchain.pem', error);
  }
  try {
    chain = readCertificates(chainPem);
  } catch (error) {
    return { part: 'fullchain.pem', text: (error as Error).message }; // readCertificates throws Error only
  }
  try {
    const arriving = path('next/arriving.pem');
    if (existsSync(arriving)) {
      const key = readKey(arriving, chain[0]);
      if (typeof key === 'string') return { chain, chainPem, keyPem: key };
    }
    // security.md 3: a key that others can read is no secret.
    const mode = statSync(path('key.pem')).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      return { part: 'key.pem', text: `can be read by others (mode 0${mode.toString(8)}); chmod 0600 is needed` };
    }
    const key = readKey(path('key.pem'), chain[0]);
    if (typeof key === 'string') return { chain, chainPem, keyPem: key };
    if (key.none) return { part: 'key.pem', text: 'is not a private key in PEM without a passphrase' };
    return { part: 'key.pem', text: 'does not belong to the first certificate of fullchain.pem', mismatch: true };
  } catch (error) {
    return unreadable('key.pem', error);
  }
}

function unreadable(part: string, error: unknown): Unreadable {
  const why = error instanceof Error ? error.message : String(error);
  return { part, text: `cannot be read: ${why}; each folder holds fullchain.pem and key.pem` };
}

/** The key's text when it belongs to `leaf`. Throws what node:fs throws. */
function readKey(path: string, leaf: X509Certificate): string | { readonly none: boolean } {
  const text = readFileSync(path, 'utf8');
  try {
    return leaf.checkPrivateKey(createPrivateKey(text)) ? text : { none: false };
  } catch {
    return { none: true };
  }
}

function isAccepted(path: string, leaf: X509Certificate): boolean {
  return existsSync(path) && readFileSync(path, 'utf8').trim() === leaf.fingerprint256;
}

function makePair(name: string, chain: OwnCertificate['chain'], chainPem: string, keyPem: string, namesAccepted: boolean): OwnCertificate {
  const make = (atLeast: 'TLSv1.2' | 'TLSv1.3'): SecureContext =>
    tls.createSecureContext({ key: keyPem, cert: chainPem, minVersion: atLeast, ...NO_RESUMPTION });
  const contexts = new Map<string, SecureContext>([['TLSv1.2', make('TLSv1.2')]]);
  const [leaf] = chain;
  return {
    name,
    chain,
    names: namesOf(leaf),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
    namesAccepted,
    context(atLeast) {
      const known = contexts.get(atLeast);
      if (known) return known;
      const context = make(atLeast);
      contexts.set(atLeast, context);
      return context;
    },
  };
}

function warnings(chain: OwnCertificate['chain'], now: number, anchors: Anchors | undefined): string[] {
  const found: string[] = [];
  const [leaf] = chain;
  const names = namesOf(leaf);
  const ending = expiryWarning(leaf.validToDate.getTime(), now);
  if (ending !== undefined) found.push(ending);
  if (leaf.validFromDate.getTime() > now) found.push(`is valid only from ${utcDay(leaf.validFromDate.getTime())}`);
  if (names.dns.length + names.sipHosts.length + names.xmppServers.length === 0)
    found.push('names no domain (subjectAltName); partners will refuse it');
  // Partners can complete nothing: what is not sent is missing, but for a root, which they must have anyway.
  if (chain.length === 1 && !holdsIssuer(chain, anchors))
    found.push('holds no intermediate certificate; append the issuing authority, or partners see an incomplete chain');
  return found;
}

const NO_ANCHORS: Anchors = { bySubject: () => [] };

/** Does the chain hold the issuer of its leaf, or is that a known root, or the leaf its own issuer? */
function holdsIssuer(chain: OwnCertificate['chain'], anchors: Anchors = NO_ANCHORS): boolean {
  const [leaf] = chain;
  if (isSelfSigned(leaf)) return true;
  const { paths, deadEnd } = candidatePaths(chain, anchors);
  return paths.length > 0 || deadEnd !== leaf;
}

/**
 * Why a new pair must not replace one that is still good; undefined when it may. A lone pair is used whatever it is: a
 * peer then says what is the matter. A pair in force is worth more than a worse one.
 * @param speaksForOurs which of our domains a pair names
 */
export function worseThan(
  old: OwnCertificate,
  pair: OwnCertificate,
  facts: { readonly now: number; readonly anchors?: Anchors; readonly speaksForOurs: (pair: OwnCertificate) => readonly string[] },
): string | undefined {
  const { now, anchors, speaksForOurs } = facts;
  if (old.notAfter < now || old.notBefore > now) return undefined;
  const [leaf] = pair.chain;
  if (pair.notAfter < now) return `expired on ${utcDay(pair.notAfter)}`;
  if (pair.notBefore > now) return `is valid only from ${utcDay(pair.notBefore)}`;
  if (!holdsIssuer(pair.chain, anchors) && holdsIssuer(old.chain, anchors)) {
    return `holds no certificate of its issuer "${issuerNameOf(leaf)}", so that partners would see an incomplete chain`;
  }
  const before = speaksForOurs(old);
  if (!pair.namesAccepted && before.length > 0 && !speaksForOurs(pair).some((domain) => before.includes(domain))) {
    return `("${nameOf(leaf)}") names none of ${before.slice(0, 10).join(', ')}, which the one in force does`;
  }
  return undefined;
}
