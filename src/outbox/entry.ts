// One waiting row in memory: where it is on its way and who wants to know.

import type { DurableEvent, OutboxRow } from '../model/outbox-store.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Gateway } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';

/**
 * waiting: for its turn or the next try. sending: handed to a gateway, not on a connection yet. written: on a connection.
 * parked: written where nothing can confirm it (XMPP_NO_RETURN_PATH). ending: its end is being committed.
 */
export type Phase = 'waiting' | 'sending' | 'written' | 'parked' | 'ending';

/** One try. */
export interface Attempt {
  readonly abort: AbortController;
  /** Monotonic ms. */
  readonly startedAt: number;
  /** The window's epoch. */
  readonly epoch: number;
  /** A gateway has it. */
  handed: boolean;
  written: boolean;
  /** True once its result has been dealt with; a later one is news of an old try. */
  settled: boolean;
  /** Whoever waits for `written` or `settled`. */
  changed: (() => void) | undefined;
}

/** Where the last try went: rows of a lane follow each other without waiting only on the same road. */
export interface Road {
  readonly gateway: Gateway;
  readonly key: string;
}

export interface Entry {
  readonly row: OutboxRow;
  /** Kept while it is likely to be sent soon; else read from the store when its turn comes. */
  event: DurableEvent | undefined;
  phase: Phase;
  /** Tries so far, over all runs. */
  tries: number;
  /** Failures in a row that were this lane's own. */
  laneFailures: number;
  /** An earlier try may have reached the far end. */
  possibleCopy: boolean;
  /** The sender has had a provisional yes: a later failure is told by a notice. */
  late: boolean;
  /** Its sender wants it back: not to be tried again until that is settled. */
  withdrawing: boolean;
  /** Why the last try of this run failed. */
  lastFailure: Reason | undefined;
  /** Tries that ran into a defect of ours. */
  defects: number;
  attempt: Attempt | undefined;
  road: Road | undefined;
  /** The final outcome. */
  readonly outcome: PromiseWithResolvers<Outcome>;
  /** The final outcome, or `failed` as soon as the first try has failed and the row waits on. */
  readonly firstWord: PromiseWithResolvers<Outcome>;
}

/** A row that waits for its turn. @param event undefined when it is still sealed in the store */
export function makeEntry(row: OutboxRow, event: DurableEvent | undefined, facts: { late: boolean; possibleCopy: boolean }): Entry {
  return {
    row,
    event,
    phase: 'waiting',
    tries: row.attempts,
    laneFailures: 0,
    possibleCopy: facts.possibleCopy,
    late: facts.late,
    withdrawing: false,
    lastFailure: undefined,
    defects: 0,
    attempt: undefined,
    road: undefined,
    outcome: Promise.withResolvers(),
    firstWord: Promise.withResolvers(),
  };
}
