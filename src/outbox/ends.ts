// How rows end: well (a lazy mark), badly (on disk first, with the notice that the sender is owed), or taken back.

import { reason } from '../errors.ts';
import type { Log } from '../log.ts';
import type { DurableEvent, NewRow, OutboxStore, RowEnd } from '../model/outbox-store.ts';
import { type Outcome, refused } from '../model/outcome.ts';
import type { Clock, Ids } from '../model/ports.ts';
import { failureNotice, newRow, type RowTimes } from './accept.ts';
import { type Entry, makeEntry } from './entry.ts';
import type { Queue } from './queue.ts';
import type { Ended, Sender } from './sender.ts';

/** An end that could not be committed is tried again after this. */
const RETRY_END_MS = 1000;
/** How long a gateway may take to give a row back that its sender wants to withdraw. */
const WITHDRAW_MS = 1000;

export interface EndsDeps {
  readonly store: OutboxStore;
  readonly sender: Sender;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Of a notice that is accepted now. */
  readonly times: () => RowTimes;
  /** False while the process stops: notices stay on disk for the next start. */
  readonly isOpen: () => boolean;
  readonly endedLate?: (event: DurableEvent, outcome: Outcome) => void;
}

export class Ends {
  readonly #deps: EndsDeps;

  constructor(deps: EndsDeps) {
    this.#deps = deps;
  }

  /** The sender is done with a row. */
  ended(entry: Entry, outcome: Ended): void {
    switch (outcome.kind) {
      case 'delivered':
        this.good(entry, 'delivered', outcome);
        break;
      case 'handedOver':
        this.good(entry, 'handedOver', outcome);
        break;
      case 'refused':
        void this.bad(entry, { state: 'refused', reason: outcome.reason }, refused(outcome.reason));
        break;
      default:
        outcome satisfies never;
    }
  }

  /** The mark is lazy: a crash before it makes a possible copy, never a loss. */
  good(entry: Entry, state: 'delivered' | 'handedOver', outcome: Outcome): void {
    const evidence = outcome.kind === 'delivered' ? outcome.evidence : 'written, not confirmed';
    entry.phase = 'ending';
    this.#deps.store.delivered({ ...this.#end(entry), state, evidence });
    this.#deps.log.info({ event: 'message.ended', ...about(entry), state, evidence, attempts: entry.tries });
    this.#finish(entry, outcome);
  }

  /** Commits a bad end, and with it the notice that the sender is owed; then the outcome may be known. */
  async bad(entry: Entry, how: Pick<RowEnd, 'state' | 'reason'>, outcome: Outcome): Promise<void> {
    const { store, clock, ids, log } = this.#deps;
    entry.phase = 'ending';
    const why = how.reason;
    try {
      const event = entry.event ?? (await store.load(entry.row.row));
      const notice = (): NewRow | undefined => {
        if (!entry.late || event?.kind !== 'im.sent' || why === undefined) return undefined;
        return newRow(failureNotice(event, why, ids, clock.now()), ids, this.#deps.times());
      };
      const noticed = await store.end({ ...this.#end(entry), ...how }, notice);
      const told = noticed === undefined ? {} : { notice: noticed.id };
      log.info({ event: 'message.ended', ...about(entry), state: how.state, code: why?.code, ...told }, why?.text ?? 'a row has ended');
      if (noticed !== undefined && this.#deps.isOpen())
        this.#deps.sender.add(makeEntry(noticed, undefined, { late: true, possibleCopy: false }));
      this.#finish(entry, outcome);
      if (entry.late && event !== undefined && event.kind !== 'im.sent') this.#deps.endedLate?.(event, outcome);
    } catch (error) {
      log.error({ event: 'store.failed', id: entry.row.id, err: error }, 'an end could not be written and is tried again');
      clock.after(RETRY_END_MS, () => void this.bad(entry, how, outcome));
    }
  }

  #finish(entry: Entry, outcome: Outcome): void {
    this.#deps.sender.remove(entry);
    entry.outcome.resolve(outcome);
    entry.firstWord.resolve(outcome);
  }

  #end(entry: Entry): { row: number; at: number; attempts: number } {
    return { row: entry.row.row, at: this.#deps.clock.now(), attempts: entry.tries };
  }

  /**
   * Holds a row so that it can be ended: calls back a try that is not on a connection yet. A row that is written cannot be taken back.
   * @returns false: it goes on
   */
  async recall(entry: Entry): Promise<boolean> {
    const { clock } = this.#deps;
    const { attempt } = entry;
    entry.withdrawing = true;
    if (entry.phase === 'sending' && attempt !== undefined && !attempt.written) {
      await new Promise<void>((changed) => {
        const timer = clock.after(WITHDRAW_MS, changed);
        attempt.changed = () => {
          timer.cancel();
          changed();
        };
        attempt.abort.abort();
      });
    }
    if (entry.phase === 'waiting' && this.#deps.queue.entry(entry.row.id) === entry) return true;
    this.#deps.sender.release(entry);
    return false;
  }

  /** DESIGN 8: 480 withdraws a row that is still accepted; one that is written cannot be taken back. */
  async withdraw(entry: Entry): Promise<boolean> {
    const { store } = this.#deps;
    if (!(await this.recall(entry))) return false;
    if (entry.possibleCopy) {
      this.#deps.sender.release(entry);
      return false;
    }
    entry.phase = 'ending';
    try {
      await store.end({ ...this.#end(entry), state: 'withdrawn' });
    } catch {
      entry.phase = 'waiting';
      this.#deps.sender.release(entry);
      return false;
    }
    this.#finish(entry, refused(reason('QUEUE_DROPPED', 'it was taken back before it was written')));
    return true;
  }
}

/** What every line about a row says. */
function about({ row }: Entry): { id: string; kind: string; fromDomain: string; toDomain: string } {
  return { id: row.id, kind: row.kind, fromDomain: row.fromDomain, toDomain: row.toDomain };
}
