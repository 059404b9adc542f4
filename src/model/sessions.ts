// Open connections as an operator sees them: who is there, how they proved it, what crossed. The shores write here, the
// edge keeps the list (edge/sessions.ts), `isthmus session`, `status`, `top` and `partner trace` read it.

import type { ProofWord, Side } from './event.ts';
import type { Reason } from './reason.ts';
import type { Protocol } from './table.ts';

/** What is spoken on a connection; `web`: HTTP, and what goes over WebSockets. */
export type Spoken = Protocol | 'web';

/** One open connection, as a snapshot. */
export interface Session {
  /** The link's id, as in the logs. */
  readonly id: string;
  readonly protocol: Spoken;
  readonly side: Side;
  readonly direction: 'in' | 'out';
  readonly address: string;
  readonly port: number;
  /** Wall ms at which it was opened. */
  readonly since: number;
  readonly tls?: { readonly version: string; readonly cipher: string };
  /** SHA-256 of the certificate the peer showed, lower-case hex. */
  readonly fingerprint?: string;
  /** The domains it has proven to be, and how; empty: nobody yet. */
  readonly proven: ReadonlyMap<string, ProofWord>;
  /** Messages and presence that crossed it, each way. */
  readonly received: number;
  readonly sent: number;
  /** Octets on the wire, each way. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

/** Handed what is read and written on a connection, decrypted, in order. Must not throw, must not keep the bytes as they are. */
export type Tap = (direction: 'in' | 'out', bytes: Uint8Array | string) => void;

/** What a shore tells about one connection of its own. Cheap: no call allocates. */
export interface SessionNotes {
  /** The peer has proven to be `domain`. Said once per domain. */
  proven(domain: string, how: ProofWord): void;
  /** One event crossed. */
  counted(direction: 'in' | 'out'): void;
  /** How the shore ends this connection properly in its own protocol. */
  endsBy(end: (why: Reason) => void): void;
  /** Set while somebody traces this connection: hand over what is read and written, decrypted. */
  readonly tap: Tap | undefined;
}

/** Told of connections as they come, say who they are, and go. Must not throw. */
export interface SessionWatcher {
  opened(session: Session): void;
  proven(id: string, domain: string): void;
  closed(id: string): void;
}

/** The list. */
export interface Sessions {
  list(): readonly Session[];
  /** Ends one properly. False: there is no such session. */
  close(id: string, why: Reason): boolean;
  /** Ends every session that has proven to be one of `domains`. Returns how many. */
  closeDomains(domains: ReadonlySet<string>, why: Reason): number;
  /** Listens to what is read and written on one. Comes back with how to stop, or undefined: there is no such session. */
  tap(id: string, tap: Tap): (() => void) | undefined;
  /** Comes back with how to stop. */
  watch(watcher: SessionWatcher): () => void;
}
