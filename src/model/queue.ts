// What waits, as an operator sees and moves it: never what was written, only who to whom, how often it was tried and why it waits.

import type { DurableEvent } from './outbox-store.ts';
import type { Reason } from './reason.ts';

/** One event that waits. */
export interface QueuedRow {
  readonly id: string;
  readonly kind: DurableEvent['kind'];
  /** Bare addresses. */
  readonly from: string;
  readonly to: string;
  /** The domain it waits for. */
  readonly domain: string;
  /** Wall ms. */
  readonly acceptedAt: number;
  /** Tries so far. */
  readonly attempts: number;
  /**
   * `waiting`: for its turn or the next try. `onItsWay`: a try is under way. `unconfirmed`: written where nothing can confirm it; it
   * ends as handed over unless the partner comes back. `ending`: it is being written down.
   */
  readonly state: 'waiting' | 'onItsWay' | 'unconfirmed' | 'ending';
  /** Wall ms of the next try, when it is known. */
  readonly nextTryAt?: number;
  /** What failed last: this row, or the road that it waits for. */
  readonly why?: Reason;
  /** The row of the same pair of users that must go first. */
  readonly behind?: string;
}

/** Which rows. */
export type Which = { readonly id: string } | { readonly domains: ReadonlySet<string> } | 'all';

export interface QueueSum {
  readonly domain: string;
  readonly rows: number;
  /** Wall ms at which the oldest was accepted. */
  readonly oldestAt: number;
}

export interface QueueDesk {
  /** In the order of acceptance. @param limit at most so many; default: all */
  rows(which: Which, limit?: number): readonly QueuedRow[];
  /** How many rows wait for each domain. Cheap, however much waits. */
  sums(): readonly QueueSum[];
  /** The back-off ends: everything chosen is tried now. Returns how many rows that is about. */
  retry(which: Which): number;
  /** Takes rows out. Who had a provisional yes gets one failure notice. */
  drop(which: Which): Promise<Dropped>;
}

export interface Dropped {
  readonly dropped: number;
  /** Written and never confirmed: ended without a notice, because they may have arrived. */
  readonly unconfirmed: number;
  /** Being sent at this moment: these cannot be taken back. */
  readonly onTheirWay: number;
}
