// Who is at the other end of one connection, and for which domains it speaks (DESIGN 6). Everyone else asks here and never
// sees the certificate. Asked per request; answered from a cache per connection, table and trust generation.

import type { X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { reason } from '../errors.ts';
import { atMost } from '../model/at-most.ts';
import type { Side } from '../model/event.ts';
import type { Clock, Peer, ProofResult, Resolver } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { SessionNotes } from '../model/sessions.ts';
import { insideOf, type Protocol, type Table } from '../model/table.ts';
import { type CertificateNames, namesOf, normalDomain } from './certificate-names.ts';
import { proveInside } from './inside-proof.ts';
import { provePartner } from './partner-proof.ts';
import type { PassportObserver } from './passport-book.ts';
import { BELIEVED_MS, type PathResult, type PathValidator, type TrustSet } from './path-validation.ts';
import type { PoshJudge } from './posh.ts';
import type { StatusJudge } from './status-rule.ts';
import type { Trust } from './trust-store.ts';

/** What judging needs; one for the whole edge. */
export interface Judges {
  readonly table: () => Table;
  readonly trust: () => Trust;
  readonly validator: PathValidator;
  readonly resolver: Resolver;
  readonly clock: Clock;
  /** Told what a proven peer has shown. */
  readonly passports?: PassportObserver;
  /** Asked what a domain publishes; without it nobody is proven by POSH. */
  readonly posh?: PoshJudge;
  /** Asked whether a certificate is revoked; without it certs/revoked/ alone counts. */
  readonly status?: StatusJudge;
}

/** What is known of the far end when the connection stands. */
export interface FarEnd {
  readonly side: Side;
  readonly direction: 'in' | 'out';
  readonly address: string;
  readonly port: number;
  /** Out: the host we were told to connect to. */
  readonly host?: string;
  readonly tlsVersion?: string;
  readonly cipher?: string;
  /** Out: it asked for our certificate. */
  readonly asked?: boolean;
  /** Out: the certificate status that it stapled. */
  readonly staple?: Uint8Array;
  /** Leaf first, then what else it sent. */
  readonly shown?: readonly [X509Certificate, ...X509Certificate[]];
}

interface Answer {
  readonly result: ProofResult;
  readonly generation: string;
  /** Monotonic ms. */
  readonly until: number;
}

const MAX_DOMAINS = 500;
/** A refusal is looked at again after this time: DNS, the partner's file or the clock may have changed. */
const REFUSED_MS = 30_000;

export class PeerIdentity implements Peer {
  readonly side: Side;
  readonly address: string;
  readonly port: number;
  readonly fingerprint?: string;
  readonly names: readonly string[];
  readonly #far: FarEnd;
  readonly #judges: Judges;
  readonly #notes: Pick<SessionNotes, 'proven'> | undefined;
  readonly #certificateNames: CertificateNames | undefined;
  /** Undefined: never asked, as with the clients of users. */
  #answers: LRUCache<string, Answer> | undefined;
  readonly #asking = new Map<string, Promise<ProofResult>>();
  /** Did it take our certificate? Undefined as long as nothing tells. */
  #tookOurs: boolean | undefined;

  /** @param notes where it is told which domains the connection has proven to be */
  constructor(far: FarEnd, judges: Judges, notes?: Pick<SessionNotes, 'proven'>) {
    this.#far = far;
    this.#judges = judges;
    this.#notes = notes;
    this.side = far.side;
    this.address = far.address;
    this.port = far.port;
    const leaf = far.shown?.[0];
    this.#certificateNames = leaf && namesOf(leaf);
    this.names = this.#certificateNames?.shown ?? [];
    if (leaf) this.fingerprint = fingerprintOf(leaf);
  }

  provenAlready(domain: string, protocol: Protocol): ProofResult | undefined {
    const known = this.#answers?.get(`${protocol} ${domain}`);
    if (known === undefined || known.generation !== this.#generation() || this.#judges.clock.monotonic() >= known.until) return undefined;
    return known.result;
  }

  async proves(domain: string, protocol: Protocol): Promise<ProofResult> {
    const known = this.provenAlready(domain, protocol);
    if (known) return known;
    const key = `${protocol} ${domain}`;
    const generation = this.#generation();
    const asking = `${generation} ${key}`;
    let running = this.#asking.get(asking);
    if (running === undefined) {
      running = this.#judge(domain, protocol).finally(() => this.#asking.delete(asking));
      this.#asking.set(asking, running);
    }
    const result = await running;
    if (result.proven) this.#notes?.proven(normalDomain(domain) ?? domain, result.how);
    const lastsMs = result.proven ? BELIEVED_MS : REFUSED_MS;
    // An answer that was found under an older table or trust is given once, not kept.
    this.#answers ??= new LRUCache(atMost(MAX_DOMAINS));
    this.#answers.set(key, { result, generation, until: this.#judges.clock.monotonic() + lastsMs });
    if (result.proven) this.#sighted(domain, protocol);
    return result;
  }

  noteOurs(taken: boolean): void {
    // Whoever did not ask for a certificate has neither taken nor refused one.
    if (this.#tookOurs === taken || (this.#far.direction === 'out' && this.#far.asked !== true)) return;
    this.#tookOurs = taken;
    for (const [key, { result }] of this.#answers?.entries() ?? []) {
      const [protocol, domain = ''] = key.split(' ');
      if (result.proven && (protocol === 'sip' || protocol === 'xmpp')) this.#sighted(domain, protocol);
    }
  }

  #sighted(spelled: string, protocol: Protocol): void {
    const { side, direction, shown, tlsVersion, cipher } = this.#far;
    const domain = normalDomain(spelled);
    if (side !== 'edge' || shown === undefined || domain === undefined) return;
    // A client that goes on speaking inside TLS has taken the certificate we showed it as server.
    const tookOurs = direction === 'in' ? true : this.#tookOurs;
    this.#judges.passports?.seen({
      domain,
      protocol,
      direction,
      shown,
      tlsVersion: tlsVersion ?? 'unknown',
      cipher: cipher ?? 'unknown',
      ...(tookOurs === undefined ? {} : { tookOurs }),
    });
  }

  #generation(): string {
    const { table, trust, status } = this.#judges;
    return `${table().generation} ${trust().generation} ${status?.generation ?? 0}`;
  }

  async #judge(spelled: string, protocol: Protocol): Promise<ProofResult> {
    const table = this.#judges.table();
    const domain = normalDomain(spelled);
    if (domain === undefined) return no(reason('AUTH_DOMAIN_NOT_PROVEN', 'What stands in place of a domain is none.'));
    if (this.side === 'inside') return this.#judgeInside(domain, protocol, table);
    if (table.domains.has(domain)) {
      return no(reason('AUTH_LOCAL_DOMAIN_OUTSIDE', `${this.address} claims to speak for ${domain}, which is a domain of ours.`));
    }
    const { shown } = this.#far;
    if (shown === undefined || this.#certificateNames === undefined) {
      return no(reason('CERT_MISSING', `${this.address} showed no certificate; one that names ${domain} is needed.`));
    }
    const partner = table.partners.get(domain);
    return provePartner({
      domain,
      protocol,
      partner,
      far: { ...this.#far, shown },
      names: this.#certificateNames,
      judges: this.#judges,
      path: (trust) => this.#path(shown, trust),
    });
  }

  async #judgeInside(domain: string, protocol: Protocol, table: Table): Promise<ProofResult> {
    const whole = table.domains.get(domain);
    if (whole === undefined)
      return no(reason('AUTH_NOT_AN_INSIDE_SERVER', `${this.address} sends for ${domain}, which is not a domain of ours.`));
    const { shown, direction, address, host } = this.#far;
    const path = shown && (await this.#path(shown, this.#judges.trust().inside));
    return proveInside({
      own: insideOf(whole),
      protocol,
      direction,
      address,
      ...(host === undefined ? {} : { host }),
      ...(path?.ok && this.#certificateNames ? { names: this.#certificateNames, constraints: path.constraints } : {}),
      ...(path && !path.ok ? { certificateFault: path.reason } : {}),
    });
  }

  async #path(shown: readonly [X509Certificate, ...X509Certificate[]], trust: TrustSet): Promise<PathResult> {
    const { refused } = this.#judges.trust();
    for (const certificate of shown) {
      const why = refused.get(fingerprintOf(certificate));
      if (why !== undefined) {
        const text = `The certificate ${fingerprintOf(certificate)} is refused by certs/revoked/refused.yaml${why === '' ? '' : `: ${why}`}.`;
        return { ok: false, reason: reason('CERT_PEER_REVOKED', text) };
      }
    }
    return this.#judges.validator.validate(shown, trust);
  }
}

/** SHA-256, lower-case hex. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}
function no(why: Reason): ProofResult {
  return { proven: false, reason: why };
}
