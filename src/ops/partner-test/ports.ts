// What `isthmus partner test` needs of the world; assembly/partner-test/ makes it from the edge and the shores.

import type { Home } from '../../config/home.ts';
import type { ProofWord } from '../../model/event.ts';
import type { Reason } from '../../model/reason.ts';
import type { Protocol, Table } from '../../model/table.ts';

export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: 'direct' | 'starttls';
  /** By what it was found, for people. */
  readonly found: string;
  /** The partner's file names it: two sides that know each other so need no DNS. */
  readonly byFile: boolean;
}

export type ProbeLocated =
  | {
      readonly kind: 'targets';
      readonly targets: readonly ProbeTarget[];
      /** What is wrong with the records although they lead somewhere. */
      readonly warnings: readonly Reason[];
    }
  | { readonly kind: 'failed'; readonly reason: Reason };

/** From the ground up; the last is `stream` for XMPP, `options` for SIP. */
export type RungName = 'dns' | 'tcp' | 'tls' | 'identity' | 'stream' | 'options';

/** One step of the ladder, and how it went. */
export interface Rung {
  readonly name: RungName;
  readonly ok: boolean;
  /** What was seen. */
  readonly says: string;
  /** What would be right. */
  readonly expected: string;
  readonly ms: number;
  readonly reason?: Reason;
  /** It held, but something about it deserves a look. */
  readonly warnings?: readonly Reason[];
}

/** A rung as the climber tells it; the ladder adds what is expected. */
export type ClimbedRung = Omit<Rung, 'expected'>;

/** Climbs the rungs of one protocol toward one partner. Steps reject with ConnectError only. */
export interface Climber {
  readonly protocol: Protocol;
  locate(): Promise<ProbeLocated>;
  /** Opens and closes a TCP connection. @returns what was reached, for people */
  tcp(target: ProbeTarget, signal: AbortSignal): Promise<string>;
  /** TLS, identity and stream or OPTIONS, on a new connection; ends with the rung that failed, or the top. */
  above(target: ProbeTarget, signal: AbortSignal): Promise<readonly ClimbedRung[]>;
}

/** What policy says about one thing in one direction. */
export interface PolicyWord {
  readonly direction: 'toThem' | 'fromThem';
  readonly what: 'message' | 'presence';
  readonly allowed: boolean;
  /** In words, when refused. */
  readonly because: string;
  readonly code?: Reason['code'];
  /** The file, key and line of the home that decided. */
  readonly file?: string;
  readonly key?: string;
  readonly line?: number;
}

/** A record of our own domain as DNS shows it here. */
export type OurRecord =
  | { readonly kind: 'published'; readonly name: string; readonly targets: readonly string[]; readonly ours: boolean }
  | { readonly kind: 'none'; readonly name: string }
  | { readonly kind: 'failed'; readonly name: string; readonly text: string };

/** One home's view of one partner. */
export interface Probe {
  /** The domain of ours whose certificate is shown. */
  readonly ourDomain: string;
  /** The name of our server. */
  readonly ourHost: string;
  /** Protocols that would be spoken between these two domains, in order. */
  readonly spoken: readonly Protocol[];
  /** File of the partner; undefined for one without. */
  readonly file?: string;
  readonly climbers: readonly Climber[];
  readonly policy: readonly PolicyWord[];
  /** The SRV records that the partner would use to find us. */
  ourRecords(protocol: Protocol): Promise<OurRecord>;
  /** Every address that DNS or the file gives for the partner: a refused stranger from there is probably them. */
  addresses(targets: readonly ProbeTarget[]): Promise<ReadonlySet<string>>;
  /** A real message without outbox and ledger, over a connection of its own: for when nothing runs. */
  deliver(from: string, to: string, text: string, signal: AbortSignal): Promise<TestDelivery>;
}

/** Makes probes of one home. */
export interface Prober {
  /** @returns a sentence when the partner cannot be tested at all */
  probe(domain: string, as: string | undefined): Probe | string;
}

export type OpenProber = (home: Home, table: Table) => Promise<Prober>;

/** What became of a message that was sent as a test. */
export interface TestDelivery {
  readonly id: string;
  /** The state of its row: delivered, handedOver, refused, ... ; `waiting` when the time was over. */
  readonly state: string;
  readonly says: string;
  readonly reason?: Reason;
}

/** What only the running process can do for a test; a part of Live. */
export interface PartnerRoom {
  /** Probes with the process' own dialback secret, certificates and DNS cache, by the rules in force. */
  prober(): Prober;
  /** Sends a message through outbox and shores as if `from` had written it, and waits at most `withinMs` for its end. */
  deliver(from: string, to: string, text: string, withinMs: number): Promise<TestDelivery>;
  /** Asks the partner's XMPP server over the open streams whether it answers (a ping, RFC 6120 §10): the road back. */
  roadBack(ourDomain: string, theirDomain: string, withinMs: number): Promise<RoadBack>;
  /** Connections that have proven to be the partner, now. */
  open(
    domain: string,
  ): readonly { readonly protocol: Protocol; readonly direction: 'in' | 'out'; readonly how: ProofWord; readonly since: number }[];
}

export type RoadBack = { readonly kind: 'answered'; readonly ms: number } | { readonly kind: 'failed'; readonly reason: Reason };
