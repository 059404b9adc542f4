// Partner passports (model/passport.ts): what a proven peer showed is compared with what it showed before; a change becomes a
// row and a line in the log. In memory first, so that a handshake that changes nothing writes nothing, but for the time of
// the last sighting, at most once an hour. The handshake never waits for it.

import type { X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Log } from '../log.ts';
import { atMost } from '../model/at-most.ts';
import type { Passport, PassportStore } from '../model/passport.ts';
import type { Clock } from '../model/ports.ts';
import type { Protocol } from '../model/table.ts';
import { changesBetween, passportOf, plainPrint } from './passport-entry.ts';

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
  /** A partner's server refused our certificate in the handshake, before it could prove anything. */
  refusedOurs(domain: string, protocol: Protocol): void;
}

/** How often a sighting that changed nothing is written down, ms. */
const LAST_SEEN_MS = 3_600_000;
/** Passports kept in memory; the table holds all. */
const MAX_REMEMBERED = 10_000;
/** Discovered partners are anybody: beyond so many passports only known ones are kept up. */
const MAX_PASSPORTS = 20_000;
/** Servers of one domain, each with a certificate of its own, that take turns without being called a change. */
const MAX_VARIANTS = 16;

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
  readonly #known = new LRUCache<string, Known>(atMost(MAX_REMEMBERED));
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
    this.#next(key, () => this.#take(key, sighting));
  }

  refusedOurs(domain: string, protocol: Protocol): void {
    if (this.#stopped) return;
    const key = `${domain} ${protocol} out`;
    if (this.#known.get(key)?.passport?.tookOurs === false) return;
    this.#next(key, async () => {
      const known = await this.#remember(key, { domain, protocol, direction: 'out' });
      // Without a passport there is nothing to say it of: nothing of this server has been proven.
      if (known.passport === undefined || known.passport.tookOurs === false) return;
      known.passport = { ...known.passport, tookOurs: false };
      await this.#store.put(known.passport, []);
    });
  }

  #next(key: string, work: () => Promise<void>): void {
    const before = this.#busy.get(key) ?? Promise.resolve();
    const taken = before
      .then(work)
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

  async #remember(key: string, of: Pick<Sighting, 'domain' | 'protocol' | 'direction'>): Promise<Known> {
    let known = this.#known.get(key);
    if (known === undefined) {
      const passport = await this.#store.get(of.domain, of.protocol, of.direction);
      known = { passport, variants: new Set(passport && [`${passport.chain[0]?.fingerprint} ${passport.tlsVersion}`]) };
      this.#known.set(key, known);
    }
    return known;
  }

  async #take(key: string, sighting: Sighting): Promise<void> {
    const known = await this.#remember(key, sighting);
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
