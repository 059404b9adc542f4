// Our own certificates: certs/own/<name>/{fullchain.pem,key.pem}, found by the names inside them. Chosen by domain and
// protocol; of two that fit, the newer. A pair that became faulty on disk keeps its old content in force and says so.

import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import tls, { type SecureContext } from 'node:tls';
import type { Clock } from '../model/ports.ts';
import type { OwnDomain, Protocol } from '../model/table.ts';
import { type CertificateNames, carriesHost, namesOf, normalDomain, speaksFor } from './certificate-names.ts';
import { isSelfSigned } from './path-building.ts';
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
  context(atLeast: 'TLSv1.2' | 'TLSv1.3'): SecureContext;
}

export interface OwnOptions {
  /** The home's certs folder. */
  readonly folder: string;
  readonly clock: Clock;
  /** Our domains by every name; asked each time, so that a new table counts at once. */
  readonly domains: () => ReadonlyMap<string, OwnDomain>;
}

const SOON_MS = 14 * 86_400_000;

/** The pairs in force. */
export class OwnCertificates {
  readonly #options: OwnOptions;
  #pairs: ReadonlyMap<string, OwnCertificate> = new Map();
  /** Raw content of each pair as loaded, to see changes. */
  #content = new Map<string, string>();
  /** Faults of the last load. */
  faults: readonly CertFault[] = [];

  constructor(options: OwnOptions) {
    this.#options = options;
    this.reload();
  }

  get all(): readonly OwnCertificate[] {
    return [...this.#pairs.values()];
  }

  /**
   * Reads the folder again. A pair whose files are faulty stays as it was; one whose folder is gone goes.
   * Faults come back; `changed` names the pairs that were replaced, added or removed.
   */
  reload(): { readonly faults: readonly CertFault[]; readonly changed: readonly string[] } {
    const { folder, clock } = this.#options;
    const faults: CertFault[] = [];
    const pairs = new Map<string, OwnCertificate>();
    const content = new Map<string, string>();
    const changed: string[] = [];
    const own = join(folder, 'own');
    const names = existsSync(own) ? readdirSync(own).filter((name) => statSync(join(own, name)).isDirectory()) : [];
    for (const name of names.sort()) {
      const loaded = loadPair(own, name, this.#content.get(name), clock.now());
      faults.push(...loaded.faults);
      const old = this.#pairs.get(name);
      const pair = loaded.pair ?? old;
      if (pair) pairs.set(name, pair);
      if (loaded.pair && loaded.content !== undefined) {
        content.set(name, loaded.content);
        changed.push(name);
      } else if (this.#content.has(name)) content.set(name, this.#content.get(name)!);
    }
    changed.push(...[...this.#pairs.keys()].filter((name) => !pairs.has(name)));
    this.#pairs = pairs;
    this.#content = content;
    this.faults = faults;
    return { faults, changed };
  }

  /**
   * The certificate to show for a domain of ours: the one the operator named, else the newest valid one that speaks for
   * it, else one of a host below it (a Lync-style `sip.<domain>`), else the default. Undefined only when there is none at all.
   */
  choose(domain: string, protocol: Protocol): OwnCertificate | undefined {
    const wanted = normalDomain(domain) ?? domain;
    const named = this.#options.domains().get(wanted)?.certificate;
    if (named !== undefined && this.#pairs.has(named)) return this.#pairs.get(named);
    return (
      this.#newest((pair) => speaksFor(pair.names, wanted, protocol)) ??
      this.#newest((pair) => carriesHost(pair.names, wanted)) ??
      this.#newest((pair) => [...pair.names.dns, ...pair.names.sipHosts].some((name) => name.endsWith(`.${wanted}`))) ??
      this.default()
    );
  }

  /** The newest certificate for a name in SNI: a domain of ours, or a host that a certificate carries; undefined when none does. */
  covering(serverName: string, protocol: Protocol): OwnCertificate | undefined {
    const wanted = normalDomain(serverName);
    if (wanted === undefined) return undefined;
    if (this.#options.domains().has(wanted)) return this.choose(wanted, protocol);
    return this.#newest((pair) => speaksFor(pair.names, wanted, protocol)) ?? this.#newest((pair) => carriesHost(pair.names, wanted));
  }

  /** What a peer without SNI sees: the listener's `identity:`, else the certificate that covers most of our domains. */
  default(identity?: string): OwnCertificate | undefined {
    if (identity !== undefined && this.#pairs.has(identity)) return this.#pairs.get(identity);
    const domains = [...this.#options.domains().keys()];
    const covers = (pair: OwnCertificate): number =>
      domains.filter((domain) => speaksFor(pair.names, domain, 'sip') || speaksFor(pair.names, domain, 'xmpp')).length;
    const best = Math.max(-1, ...this.all.filter((pair) => this.#valid(pair)).map(covers));
    return this.#newest((pair) => covers(pair) === best) ?? this.all[0];
  }

  #newest(fits: (pair: OwnCertificate) => boolean): OwnCertificate | undefined {
    const fitting = this.all.filter(fits);
    // An expired one is better than a wrong one: the peer then says what is the matter.
    const usable = fitting.some((pair) => this.#valid(pair)) ? fitting.filter((pair) => this.#valid(pair)) : fitting;
    return usable.reduce<OwnCertificate | undefined>(
      (best, pair) => (best === undefined || pair.notBefore > best.notBefore ? pair : best),
      undefined,
    );
  }

  #valid(pair: OwnCertificate): boolean {
    const now = this.#options.clock.now();
    return pair.notBefore <= now && now <= pair.notAfter;
  }
}

/** Does this certificate of ours name `domain`? For connections that serve several of our domains (DESIGN 6). */
export function shows(pair: OwnCertificate, domain: string, protocol: Protocol): boolean {
  return speaksFor(pair.names, domain, protocol);
}

interface LoadedPair {
  readonly pair?: OwnCertificate;
  /** Absent when nothing changed. */
  readonly content?: string;
  readonly faults: readonly CertFault[];
}

function loadPair(own: string, name: string, before: string | undefined, now: number): LoadedPair {
  const file = (part: string): string => `certs/own/${name}/${part}`;
  const failed = (part: string, text: string): LoadedPair => ({ faults: [{ file: file(part), text, level: 'error' }] });
  const texts: string[] = [];
  for (const part of ['fullchain.pem', 'key.pem']) {
    try {
      texts.push(readFileSync(join(own, name, part), 'utf8'));
    } catch (error) {
      return failed(part, `cannot be read: ${(error as Error).message}; each folder holds fullchain.pem and key.pem`); // fs throws Error only
    }
  }
  const [chainPem = '', keyPem = ''] = texts;
  const mode = statSync(join(own, name, 'key.pem')).mode & 0o777;
  // security.md 3: a key that others can read is no secret.
  if ((mode & 0o077) !== 0) return failed('key.pem', `can be read by others (mode 0${mode.toString(8)}); chmod 0600 is needed`);
  let chain: [X509Certificate, ...X509Certificate[]];
  try {
    chain = readCertificates(chainPem);
  } catch (error) {
    return failed('fullchain.pem', (error as Error).message); // readCertificates throws Error only
  }
  const leaf = chain[0];
  try {
    if (!leaf.checkPrivateKey(createPrivateKey(keyPem)))
      return failed('key.pem', 'does not belong to the first certificate of fullchain.pem');
  } catch {
    return failed('key.pem', 'is not a private key in PEM without a passphrase');
  }
  const faults = warnings(chain, now).map((text) => ({ file: file('fullchain.pem'), text, level: 'warning' as const }));
  const content = chainPem + keyPem;
  if (content === before) return { faults };
  return { pair: makePair(name, chain, chainPem, keyPem), content, faults };
}

function makePair(name: string, chain: OwnCertificate['chain'], chainPem: string, keyPem: string): OwnCertificate {
  const contexts = new Map<string, SecureContext>();
  const [leaf] = chain;
  return {
    name,
    chain,
    names: namesOf(leaf),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
    context(atLeast) {
      const known = contexts.get(atLeast);
      if (known) return known;
      const context = tls.createSecureContext({ key: keyPem, cert: chainPem, minVersion: atLeast, ...NO_RESUMPTION });
      contexts.set(atLeast, context);
      return context;
    },
  };
}

function warnings(chain: OwnCertificate['chain'], now: number): string[] {
  const found: string[] = [];
  const [leaf] = chain;
  const names = namesOf(leaf);
  if (leaf.validToDate.getTime() < now) found.push(`expired on ${leaf.validToDate.toISOString().slice(0, 10)}`);
  else if (leaf.validToDate.getTime() < now + SOON_MS) found.push(`expires on ${leaf.validToDate.toISOString().slice(0, 10)}; renew it`);
  if (leaf.validFromDate.getTime() > now) found.push(`is valid only from ${leaf.validFromDate.toISOString().slice(0, 10)}`);
  if (names.dns.length + names.sipHosts.length + names.xmppServers.length === 0)
    found.push('names no domain (subjectAltName); partners will refuse it');
  // Partners can complete nothing: what is not sent is missing.
  if (chain.length === 1 && !isSelfSigned(leaf))
    found.push('holds no intermediate certificate; append the issuing authority, or partners see an incomplete chain');
  return found;
}
