// How partners' connections to us went, for the inbound half of `partner test`: the last refusals and successes of each claimed
// domain, or of an address where nobody said who they are. A small memory, not a log: at most so many rows.

import type { FinerCode } from './diagnosis.ts';
import type { ReasonCode } from './reason.ts';
import type { Protocol } from './table.ts';

export interface PeerTry {
  /** Wall ms. */
  readonly at: number;
  /** Absent: it failed before a protocol was spoken on a port that we do not tell apart. */
  readonly protocol?: Protocol;
  /** The domain that it claimed to be; unproven when refused. */
  readonly domain?: string;
  readonly address?: string;
  readonly ok: boolean;
  /** Of a refusal. */
  readonly code?: ReasonCode;
  readonly finer?: FinerCode;
  /** One sentence. */
  readonly text: string;
}

export interface PeerTryStore {
  /** Lazy: a crash may cost the last second. */
  note(one: PeerTry): void;
  /** The newest first, at most 100: by claimed domain, and those of nobody in particular by address. */
  of(domain: string, addresses: ReadonlySet<string>): Promise<readonly PeerTry[]>;
}
