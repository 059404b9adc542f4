// What the rooms ask of each other: the neck asks the shores to deliver, the shores ask the edge for connections.
// Every port is an interface here and is wired in assembly/start.ts, so that no shore knows another room.

import type { Duplex } from 'node:stream';
import type { Event, ImSent, Network, PresenceEvent, ProofWord, Side } from './event.ts';
import type { Outcome } from './outcome.ts';
import type { Reason } from './reason.ts';
import type { SessionNotes } from './sessions.ts';
import type { OwnDomain, Partner, Protocol } from './table.ts';

/** Time, injected wherever it matters. */
export interface Clock {
  /** Wall time in ms: certificates, Date, display. */
  now(): number;
  /** Monotonic ms since some start: everything that lasts. */
  monotonic(): number;
  /** Calls `run` once, never before `ms` have passed. Timers of a system clock do not keep the process alive. */
  after(ms: number, run: () => void): Timer;
}
export interface Timer {
  cancel(): void;
}

/** Identifiers, injected so that tests can repeat themselves. */
export interface Ids {
  /** UUIDv7 for an event. */
  event(): string;
  /** Random lower-case hex of `bytes` bytes (default 8): tags, branches, stream ids. */
  token(bytes?: number): string;
}

// --- the neck -----------------------------------------------------------------------------------------------

/** Hands an event to routing. Resolves when the sender can be answered: decided, committed, delivered or queued. */
export type Submit = (event: Event) => Promise<Outcome>;

/** Writes down what a shore refused by its content alone, before policy was asked, so that `explain` knows of it. */
export type NoteRefusal = (about: Pick<ImSent, 'id' | 'at' | 'origin' | 'from' | 'to' | 'ids'>, reason: Reason) => void;

/** Where an allowed event goes next. */
export interface Hop {
  readonly network: Network;
  readonly side: Side;
  /** The domain of ours that this exchange belongs to: whose certificate and name we show. */
  readonly ourDomain: string;
  /** The domain we deliver to: a partner's (edge) or our own (inside). */
  readonly theirDomain: string;
  /** The partner's entry (edge); made up from `discovered:` for a partner without a file. */
  readonly partner?: Partner;
  /** Our own domain's entry (inside). */
  readonly own?: OwnDomain;
}

/** Identifiers the outbox stored before the first send; a resend uses the same (DESIGN 8). */
export interface WireIds {
  readonly callId: string;
  readonly fromTag: string;
  readonly cseq: number;
  /** XMPP stanza id and IMDN Message-ID: the event's own id. */
  readonly stanzaId: string;
  /** The conversation as the far side is to see it: the counterpart of `event.thread`. Absent when the sender named none. */
  readonly thread?: string;
}

export interface Delivery {
  readonly event: Event;
  readonly hop: Hop;
  /** 1 for the first try. */
  readonly attempt: number;
  /** True when an earlier try, or one before a crash, may have reached the far end: mark it where the protocol can. */
  readonly possibleCopy?: boolean;
  /** Present for durable events. */
  readonly wire?: WireIds;
  /** How long the far end has, in ms (SIP non-INVITE: 32,000). */
  readonly deadlineMs: number;
  /** Aborted: what is not on a connection yet must not be written any more, or a copy would be unmarked. */
  readonly signal: AbortSignal;
  /** To be called once the bytes are on a connection, before the outcome is known. */
  written(): void;
}

/** The face a shore, the core or a network shows to the neck. Never throws for what a peer or network does. */
export interface Gateway {
  readonly network: Network;
  /** True when what was written first is delivered first, so that a lane may write on before the outcome is known. */
  readonly keepsWriteOrder: boolean;
  deliver(delivery: Delivery): Promise<Outcome>;
}

/** The presence rooms of a shore, as its gateway sees them. */
export interface PresenceFace {
  deliver(delivery: Delivery, event: PresenceEvent): Promise<Outcome>;
}

// --- the edge -----------------------------------------------------------------------------------------------

export type ProofResult = { readonly proven: true; readonly how: ProofWord } | { readonly proven: false; readonly reason: Reason };

/** Who is at the other end of one connection. Settled in edge/peer-identity.ts; everyone else asks, and never sees the certificate. */
export interface Peer {
  readonly side: Side;
  readonly address: string;
  readonly port: number;
  /** SHA-256 of the leaf certificate, lower-case hex, when one was shown. */
  readonly fingerprint?: string;
  /** For people: the names in the certificate. */
  readonly names: readonly string[];
  /**
   * Does this connection speak for `domain` by its certificate (edge), or is it an inside server that may send for our
   * domain `domain`? Cached per connection and table generation.
   */
  proves(domain: string, protocol: Protocol): Promise<ProofResult>;
  /** The cached answer of `proves`, for the hot path; undefined when it must be asked. */
  provenAlready(domain: string, protocol: Protocol): ProofResult | undefined;
  /** Told by whoever learns whether the far end took our certificate (XMPP: whether SASL EXTERNAL succeeded); for its passport. */
  noteOurs?(taken: boolean): void;
}

/** An open connection: bytes, and who is there. `socket` is a net.Socket or tls.TLSSocket. */
export interface Link {
  readonly id: string;
  readonly socket: Duplex;
  readonly peer: Peer;
  readonly direction: 'in' | 'out';
  readonly secure: boolean;
  readonly local: { readonly address: string; readonly port: number };
  /** ALPN protocol agreed, if any. */
  readonly alpn?: string;
  readonly tls?: { readonly version: string; readonly cipher: string };
  /** SNI name the peer asked for (inbound). */
  readonly serverName?: string;
  /** Where a shore tells what operators see of this connection. */
  readonly notes: SessionNotes;
  /** Does the certificate that we showed on it name this domain of ours? A plain link: true. */
  showsOurs(domain: string, protocol: Protocol): boolean;
}

export interface ConnectTarget {
  readonly side: Side;
  readonly protocol: Protocol;
  /** Host name (resolved here, A and AAAA, Happy Eyeballs) or literal address. */
  readonly host: string;
  readonly port: number;
  readonly tls: 'direct' | 'none';
  /** SNI: for SIP the host or domain, for XMPP the domain. */
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  /** The domain of ours whose certificate is shown. */
  readonly identity: string;
  /** The partner's domain, for its passport: whether it takes our certificate. */
  readonly theirDomain?: string;
  readonly tlsAtLeast?: 'TLSv1.2' | 'TLSv1.3';
  readonly allowPrivateAddresses: boolean;
}

/** A connection could not be made; thrown by Connector and TlsUpgrade. */
export class ConnectError extends Error {
  readonly reason: Reason;
  constructor(reason: Reason, options?: ErrorOptions) {
    super(reason.text, options);
    this.name = 'ConnectError';
    this.reason = reason;
  }
}

export interface Connector {
  /** Opens TCP and, when asked, TLS. Rejects with ConnectError. Does not judge the peer: ask `link.peer.proves`. */
  connect(target: ConnectTarget, signal: AbortSignal): Promise<Link>;
}

/** STARTTLS: the same link afterwards, encrypted. Bytes that arrived before TLS must have been thrown away. */
export interface TlsUpgrade {
  asServer(link: Link, options: { readonly domain: string; readonly protocol: Protocol }): Promise<Link>;
  asClient(link: Link, target: ConnectTarget): Promise<Link>;
}

export interface SrvRecord {
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}
export type SrvAnswer =
  | { readonly kind: 'records'; readonly records: readonly SrvRecord[] }
  /** NXDOMAIN or no data. */
  | { readonly kind: 'none' }
  /** A single record with target `.`: the service is explicitly not offered. */
  | { readonly kind: 'notOffered' }
  | { readonly kind: 'failed'; readonly reason: Reason };
export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
}
export type AddressAnswer =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly reason: Reason };

/** DNS with a bounded cache (SRV 300 s, negative 60 s, addresses by TTL). Names are A-labels. */
export interface Resolver {
  srv(name: string): Promise<SrvAnswer>;
  naptr(name: string): Promise<readonly NaptrRecord[]>;
  addresses(host: string): Promise<AddressAnswer>;
}
