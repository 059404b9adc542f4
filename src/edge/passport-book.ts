// Partner passports (model/passport.ts): what a proven peer showed is compared with what it showed before; a change becomes a
// row and a line in the log. In memory first, so that a handshake that changes nothing writes nothing, but for the time of
// the last sighting, at most once an hour. The handshake never waits for it.

import { createHash, type X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Log } from '../log.ts';
import type { Passport, PassportChange, PassportStore, ShownCertificate } from '../model/passport.ts';
import type { Clock } from '../model/ports.ts';
import type { Protocol } from '../model/table.ts';
import { purposesOf } from './certificate-extensions.ts';
import { namesOf } from './certificate-names.ts';

/** What one proven connection has shown. */
export interface Sighting {
  readonly domain: string;
  readonly protocol: Protocol;
  readonly direction: 'in' | 'out';
  /** Leaf first, as sent. */
  readonly shown: readonly [X509Certificate, ...X509Certificate[]];
  readonly tlsVersion: string;
  readonly cipher: string;
  /** Absent: nothing tells yet. */
  readonly tookOurs?: boolean;
}

/** Who is told of sightings. Returns at once. */
export interface PassportObserver {
  seen(sighting: Sighting): void;
}

/** How often a sighting that changed nothing is written down, ms. */
const LAST_SEEN_MS = 3_600_000;
/** Passports kept in memory; the table holds all. */
const MAX_REMEMBERED = 10_000;
/** Discovered partners are anybody: beyond so many passports only known ones are kept up. */
const MAX_PASSPORTS = 20_000;
/** Servers of one domain, each with a certificate of its own, that take turns without being called a change. */
const MAX_VARIANTS = 16;
const MAX_CHAIN = 8;
const MAX_NAMES = 100;

interface Known {
  passport: Passport | undefined;
  /** `fingerprint version` of what this domain has shown since the start. */
  readonly variants: Set<string>;
}

/** Keeps the passports of one process. */
export class PassportBook implements PassportObserver {
  readonly #store: PassportStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #known = new LRUCache<string, Known>({ max: MAX_REMEMBERED });
  /** Sightings of one passport are taken one after the other. */
  readonly #busy = new Map<string, Promise<void>>();
  #count: number | undefined;
  #stopped = false;

  constructor(parts: { readonly store: PassportStore; readonly clock: Clock; readonly log: Log }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  seen(sighting: Sighting): void {
    if (this.#stopped) return;
    const key = `${sighting.domain} ${sighting.protocol} ${sighting.direction}`;
    const known = this.#known.get(key);
    if (known?.passport !== undefined && !this.#busy.has(key) && nothingNew(sighting, known, this.#clock.now())) return;
    const before = this.#busy.get(key) ?? Promise.resolve();
    const taken = before
      .then(() => this.#take(key, sighting))
      .catch((error: unknown) => this.#log.error({ event: 'store.failed', err: error }, 'a partner passport could not be written'))
      .finally(() => {
        if (this.#busy.get(key) === taken) this.#busy.delete(key);
      });
    this.#busy.set(key, taken);
  }

  /** Nothing is written from here on: the store is about to close. */
  stop(): void {
    this.#stopped = true;
  }

  /** Resolves when everything that was seen is written. */
  async settled(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy.values());
  }

  async #take(key: string, sighting: Sighting): Promise<void> {
    let known = this.#known.get(key);
    if (known === undefined) {
      const passport = await this.#store.get(sighting.domain, sighting.protocol, sighting.direction);
      known = { passport, variants: new Set(passport && [`${passport.chain[0]?.fingerprint} ${passport.tlsVersion}`]) };
      this.#known.set(key, known);
    }
    const now = this.#clock.now();
    const before = known.passport;
    if (before !== undefined && nothingNew(sighting, known, now)) return;
    this.#count ??= (await this.#store.all()).length;
    if (before === undefined && this.#count >= MAX_PASSPORTS) return;
    const passport = passportOf(sighting, before, now);
    const variant = variantOf(sighting);
    const changes = known.variants.has(variant) ? [] : changesBetween(before, passport, now);
    await this.#store.put(passport, changes);
    if (before === undefined) this.#count += 1;
    known.passport = passport;
    if (known.variants.size >= MAX_VARIANTS) known.variants.clear();
    known.variants.add(variant);
    for (const { what, text } of changes) {
      const { domain, protocol, direction } = sighting;
      const [leaf] = passport.chain;
      const until = leaf === undefined ? {} : { notAfter: new Date(leaf.notAfter).toISOString(), fingerprint: leaf.fingerprint };
      this.#log.info(
        { event: 'partner.certificate', domain, protocol, direction, change: what, found: text, ...until },
        'seen on the wire',
      );
    }
  }
}

function nothingNew(sighting: Sighting, { passport, variants }: Known, now: number): boolean {
  return (
    passport !== undefined &&
    variants.has(variantOf(sighting)) &&
    now >= passport.lastSeen &&
    now - passport.lastSeen < LAST_SEEN_MS &&
    (sighting.tookOurs === undefined || sighting.tookOurs === passport.tookOurs)
  );
}

function variantOf(sighting: Sighting): string {
  return `${plainPrint(sighting.shown[0])} ${sighting.tlsVersion}`;
}

function passportOf(sighting: Sighting, before: Passport | undefined, now: number): Passport {
  const { domain, protocol, direction, shown, tlsVersion, cipher } = sighting;
  const [leaf] = shown;
  const tookOurs = sighting.tookOurs ?? before?.tookOurs;
  return {
    domain,
    protocol,
    direction,
    chain: shown.slice(0, MAX_CHAIN).map(shownCertificate),
    names: namesOf(leaf).shown.slice(0, MAX_NAMES),
    eku: (purposesOf(leaf) ?? []).map((id) => PURPOSES[id] ?? id),
    tlsVersion,
    cipher,
    acceptedAuthorities: [], // node does not tell what a server's CertificateRequest names
    ...(tookOurs === undefined ? {} : { tookOurs }),
    firstSeen: before?.firstSeen ?? now,
    lastSeen: now,
  };
}

function shownCertificate(certificate: X509Certificate): ShownCertificate {
  const { publicKey } = certificate;
  const details = publicKey.asymmetricKeyDetails;
  const size = details?.modulusLength ?? details?.namedCurve;
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serial: certificate.serialNumber,
    fingerprint: plainPrint(certificate),
    keyFingerprint: createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex'),
    keyType: `${publicKey.asymmetricKeyType ?? 'unknown'}${size === undefined ? '' : ` ${size}`}`,
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
  };
}

const WHICH_WAY = { in: 'when it connects to us', out: 'when we connect to it' } as const;

/** What is different, one row each, most telling first. */
export function changesBetween(before: Passport | undefined, after: Passport, at: number): readonly PassportChange[] {
  const { domain, protocol, direction } = after;
  const who = `${domain} (${protocol === 'sip' ? 'SIP' : 'XMPP'}, ${WHICH_WAY[direction]})`;
  const change = (what: PassportChange['what'], text: string): PassportChange => ({
    at,
    domain,
    protocol,
    direction,
    what,
    text: `${who} ${text}.`,
  });
  const now = after.chain[0];
  const then = before?.chain[0];
  if (now === undefined) return [];
  if (before === undefined || then === undefined) {
    return [change('first', `shows a certificate of "${short(now.issuer)}", valid until ${day(now.notAfter)}, over ${after.tlsVersion}`)];
  }
  const found: PassportChange[] = [];
  if (now.fingerprint !== then.fingerprint) {
    const until = `valid until ${day(now.notAfter)}, the one before until ${day(then.notAfter)}`;
    if (now.keyFingerprint !== then.keyFingerprint) found.push(change('key', `shows a certificate with another key, ${until}`));
    else found.push(change('renewed', `shows a renewed certificate with the same key, ${until}`));
    if (now.issuer !== then.issuer)
      found.push(change('authority', `has changed its authority from "${short(then.issuer)}" to "${short(now.issuer)}"`));
  }
  const gone = before.names.filter((name) => !after.names.includes(name));
  const added = after.names.filter((name) => !before.names.includes(name));
  if (gone.length + added.length > 0) {
    const words = [added.length > 0 ? `new: ${few(added)}` : '', gone.length > 0 ? `gone: ${few(gone)}` : ''].filter((part) => part !== '');
    found.push(change('names', `carries other names (${words.join('; ')})`));
  }
  if (before.eku.toSorted().join() !== after.eku.toSorted().join()) {
    found.push(change('eku', `is made for ${usesOf(after.eku)}, it was for ${usesOf(before.eku)}`));
  }
  if (before.tlsVersion !== after.tlsVersion) found.push(change('tls', `speaks ${after.tlsVersion}, it was ${before.tlsVersion}`));
  return found;
}

/** Extended key usages by the names that people use (RFC 5280 §4.2.1.12, RFC 5924). */
const PURPOSES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.20': 'sipDomain',
  '2.5.29.37.0': 'any',
};

function usesOf(eku: readonly string[]): string {
  return eku.length === 0 ? 'any use' : eku.join(' and ');
}
function few(names: readonly string[]): string {
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ', ...' : '');
}
function short(name: string): string {
  return /CN=([^,]*)/.exec(name)?.[1] ?? name;
}
function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
function oneLine(name: string): string {
  return name
    .replaceAll('\n', ', ')
    .replaceAll(/[^\x20-\x7e\u00a0-\uffff]/g, '?')
    .slice(0, 300);
}
function plainPrint(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}
