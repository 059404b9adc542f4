// What `isthmus partner test` needs of the world; assembly/ makes it from the edge and the shores.

import type { Reason } from '../../model/reason.ts';
import type { Protocol } from '../../model/table.ts';

export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: 'direct' | 'starttls';
  /** By what it was found: `hosts`, `SRV`, `address`. */
  readonly found: string;
}

export type ProbeLocated =
  | { readonly kind: 'targets'; readonly targets: readonly ProbeTarget[] }
  | { readonly kind: 'failed'; readonly reason: Reason };

/** From the ground up; the last is `stream` for XMPP, `options` for SIP. */
export type RungName = 'dns' | 'tcp' | 'tls' | 'identity' | 'stream' | 'options';

/** One step of the ladder, and how it went. */
export interface Rung {
  readonly name: RungName;
  readonly ok: boolean;
  /** What was found. */
  readonly says: string;
  readonly ms: number;
  readonly reason?: Reason;
}

/** Climbs the rungs of one protocol toward one partner. Steps reject with ConnectError only. */
export interface Climber {
  readonly protocol: Protocol;
  locate(): Promise<ProbeLocated>;
  /** Opens and closes a TCP connection. @returns what was reached, for people */
  tcp(target: ProbeTarget, signal: AbortSignal): Promise<string>;
  /** TLS, identity and stream or OPTIONS, on a new connection; ends with the rung that failed, or the top. */
  above(target: ProbeTarget, signal: AbortSignal): Promise<readonly Rung[]>;
}

/** What policy would say about a message each way, in words. */
export interface PolicyWord {
  readonly allowed: boolean;
  readonly because: string;
}

/** One home's view of one partner. */
export interface Probe {
  /** The domain of ours whose certificate is shown. */
  readonly ourDomain: string;
  /** Protocols spoken with the partner, in order. */
  readonly spoken: readonly Protocol[];
  /** File of the partner; undefined for one without. */
  readonly file?: string;
  readonly climbers: readonly Climber[];
  readonly policy: { readonly toThem: PolicyWord; readonly fromThem: PolicyWord };
}
