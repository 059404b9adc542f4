// How the road to and from each partner stands, as an operator asks: is it up, since when, what failed last, what waits.
// monitoring/ watches and answers; `isthmus status`, `top`, `explain` and the alerts read it.

import type { Reason } from './reason.ts';
import type { Protocol } from './table.ts';

/** One road. */
export interface PartnerHealth {
  /** A domain of the partner; A-label. */
  readonly domain: string;
  readonly protocol: Protocol;
  /** `in`: they come to us. `out`: we go to them. */
  readonly direction: 'in' | 'out';
  /**
   * `up`: open now, or the last try succeeded. `down`: the last try failed and nothing has succeeded since. `idle`: nobody
   * has tried since the start, or it was closed for want of traffic.
   */
  readonly state: 'up' | 'down' | 'idle';
  /** Wall ms at which that state began. */
  readonly sinceMs: number;
  /** The last failure, also of a road that is up again. */
  readonly lastFailure?: Reason;
  /** Messages and subscriptions that wait for this domain; counted on the `out` road only, else 0. */
  readonly waiting: number;
  /** Age of the oldest of them in ms; 0: nothing waits. */
  readonly oldestMs: number;
}

export interface Health {
  /** Every road that was tried or used since the start, and every road of a listed partner that has not been. */
  roads(): readonly PartnerHealth[];
}
