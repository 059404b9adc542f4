// A look at what one partner and we say to each other: decrypted by our own end, redacted, bounded in time and size.

import type { Protocol } from './table.ts';

export interface TraceOrder {
  /** The partner's domains. */
  readonly domains: ReadonlySet<string>;
  readonly durationMs: number;
  /** Octets of messages after which the trace ends. */
  readonly maxBytes: number;
  /** True: bodies, notes and subjects as they are. Passwords, keys and tokens are masked all the same. */
  readonly bodies: boolean;
  readonly signal: AbortSignal;
  /** Called for every message, in order. */
  message(message: TracedMessage): void;
}

/** One SIP message, or one first-level XMPP element or stream header. */
export interface TracedMessage {
  /** Wall ms. */
  readonly at: number;
  /** The session's id. */
  readonly connection: string;
  readonly protocol: Protocol;
  readonly direction: 'in' | 'out';
  /** The peer's end. */
  readonly address: string;
  readonly port: number;
  /** Who opened the connection: `in`: they did. */
  readonly openedBy: 'in' | 'out';
  /** One line: the start line and what places it, or the stanza's name, ids and ends. */
  readonly summary: string;
  /** The message, with what is secret overwritten octet by octet. */
  readonly bytes: Uint8Array;
}

export interface TraceEnd {
  readonly why: 'time' | 'size' | 'stopped';
  readonly messages: number;
  readonly octets: number;
  readonly connections: number;
  /** Octets that could not be read as messages, or belonged to other domains, and are left out. */
  readonly leftOut: number;
}

export interface Traces {
  run(order: TraceOrder): Promise<TraceEnd>;
}
