// A lane: the rows of one sender to one recipient, in the order of their acceptance (DESIGN 8).
// It knows whose turn it is; sender.ts does the sending. Lanes of one pair of domains share what is known about that road.

import type { Timer } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { Entry, Road } from './entry.ts';
import type { PartnerWindow } from './window.ts';

/**
 * Who rows go to: the domain of their recipients, as seen from the domain of their senders. A partner may refuse the
 * certificate of one domain of ours and take that of another (DESIGN 6), so each pair has a back-off of its own.
 */
export interface Partner {
  readonly domain: string;
  /** The senders' domain. */
  readonly from: string;
  readonly window: PartnerWindow;
  readonly lanes: Set<Lane>;
  /** Lanes that may have a row whose turn it is, in the order in which they asked. */
  readonly ready: Set<Lane>;
  rows: number;
  /** Why the road failed last. */
  lastFailure: Reason | undefined;
  timer: Timer | undefined;
}

export class Lane {
  readonly key: string;
  readonly partner: Partner;
  /** Monotonic ms before which this lane alone waits (the far end refused one user for now). */
  heldUntil = 0;
  readonly #entries: Entry[] = [];

  constructor(key: string, partner: Partner) {
    this.key = key;
    this.partner = partner;
  }

  get length(): number {
    return this.#entries.length;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
  }

  remove(entry: Entry): void {
    const at = this.#entries[0] === entry ? 0 : this.#entries.indexOf(entry);
    if (at >= 0) this.#entries.splice(at, 1);
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /**
   * The row whose turn it is, if any: the first that waits, when all before it are written on a road that keeps their
   * order, and nothing behind it is still on its way (then it was overtaken by a failure, and the rest must come back first).
   */
  next(now: number): Entry | undefined {
    if (now < this.heldUntil) return undefined;
    let found: Entry | undefined;
    for (const entry of this.#entries) {
      switch (entry.phase) {
        case 'parked':
        case 'ending':
          break;
        case 'waiting':
          if (entry.withdrawing) return undefined;
          found ??= entry;
          // Rows that have never been tried have nothing on its way behind them.
          if (found === entry && entry.tries === 0) return entry;
          break;
        case 'sending':
          return undefined;
        case 'written':
          if (found !== undefined || entry.road?.gateway.keepsWriteOrder !== true) return undefined;
          break;
        default:
          return entry.phase satisfies never;
      }
    }
    return found;
  }

  /** May `entry` be written on `road` now, with what is before it still unconfirmed? */
  mayFollow(entry: Entry, road: Road): boolean {
    for (const before of this.#entries) {
      if (before === entry) return true;
      if (before.phase === 'parked' || before.phase === 'ending') continue;
      if (before.phase !== 'written' || before.road?.key !== road.key || !road.gateway.keepsWriteOrder) return false;
    }
    return false;
  }
}
