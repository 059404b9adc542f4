// Our own certificates: certs/own/<name>/{fullchain.pem,key.pem}, found by the names inside them. Chosen by domain and
// protocol; of two that fit, the newer. A pair that became faulty on disk, or worse than the one in force, does not take
// effect: the old content stays and the fault says why.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../model/ports.ts';
import type { OwnDomain, Protocol } from '../model/table.ts';
import { utcDay } from '../model/utc.ts';
import { carriesHost, normalDomain, speaksFor } from './certificate-names.ts';
import { type LoadedPair, loadPair, type OwnCertificate, worseThan } from './own-pair.ts';
import type { Anchors } from './path-building.ts';
import type { CertFault } from './pem.ts';

export type { OwnCertificate } from './own-pair.ts';

export interface OwnOptions {
  /** The home's certs folder. */
  readonly folder: string;
  readonly clock: Clock;
  /** Our domains by every name; asked each time, so that a new table counts at once. */
  readonly domains: () => ReadonlyMap<string, OwnDomain>;
  /** Roots that need not be sent along; default: none is known. */
  readonly anchors?: () => Anchors;
}

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
   * Reads the folder again. A pair whose files are faulty, or whose new content would be worse than what is in force
   * (expired, incomplete, other names), stays as it was; one whose folder is gone goes.
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
      const old = this.#pairs.get(name);
      const loaded = this.#judged(loadPair(own, name, this.#content.get(name), clock.now(), this.#options.anchors?.()), name, old);
      faults.push(...loaded.faults);
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

  /** What was loaded, or the fault that keeps it from replacing `old`. */
  #judged(loaded: LoadedPair, name: string, old: OwnCertificate | undefined): LoadedPair {
    if (loaded.pair === undefined || old === undefined) return loaded;
    const domains = [...this.#options.domains().keys()];
    const anchors = this.#options.anchors?.();
    const worse = worseThan(old, loaded.pair, {
      now: this.#options.clock.now(),
      ...(anchors && { anchors }),
      speaksForOurs: ({ names }) => domains.filter((domain) => speaksFor(names, domain, 'sip') || speaksFor(names, domain, 'xmpp')),
    });
    if (worse === undefined) return loaded;
    const text = `${worse}; the certificate before it stays in force until ${utcDay(old.notAfter)}`;
    return { faults: [{ file: `certs/own/${name}/fullchain.pem`, text, level: 'error' }] };
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
