// Typing in pager mode (RFC 3994) needs timers that chat states do not: while an XMPP user composes we repeat `active`
// before the receiver's refresh runs out, and an `active` of a SIP user that is not refreshed becomes `paused`.
// This room owns both timers. Wire lifetimes only: whether typing may cross at all is decided in routing.

import { LRUCache } from 'lru-cache';
import { atMost } from '../../model/at-most.ts';
import type { ChatState } from '../../model/event.ts';
import type { Clock, Timer } from '../../model/ports.ts';

/** RFC 3994 §3.3: a refresh is at least 60 s; we repeat a little earlier than we promised. */
const REFRESH_SECONDS = 60;
const REPEAT_MS = (REFRESH_SECONDS - 5) * 1000;
/** sip-xmpp.md §6: `active` is repeated for at most 5 minutes. */
const REPEAT_FOR_MS = 5 * 60_000;
/** Pairs that are composing at once; the least recent is forgotten, which ends in `idle` at the receiver by itself. */
const MAX_PAIRS = 10_000;

interface Repeating {
  timer: Timer;
  readonly until: number;
}

export class Typing {
  readonly #clock: Clock;
  readonly #outgoing = new LRUCache<string, Repeating>({ ...atMost(MAX_PAIRS), dispose: (entry) => entry.timer.cancel() });
  readonly #incoming = new LRUCache<string, Timer>({ ...atMost(MAX_PAIRS), dispose: (timer) => timer.cancel() });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A state goes out to a SIP user. @param repeat sends `active` again @returns false: it ends nothing that was told */
  sent(pair: string, state: ChatState, repeat: () => void): boolean {
    const told = this.#outgoing.delete(pair);
    if (state !== 'composing') return told;
    const until = this.#clock.monotonic() + REPEAT_FOR_MS;
    const again = (): void => {
      if (this.#clock.monotonic() >= until) {
        this.#outgoing.delete(pair);
        return;
      }
      repeat();
      this.#outgoing.set(pair, { until, timer: this.#clock.after(REPEAT_MS, again) });
    };
    this.#outgoing.set(pair, { until, timer: this.#clock.after(REPEAT_MS, again) });
    return true;
  }

  /** A state came in from a SIP user. @param lapsed is called once when `active` was not refreshed in time */
  received(pair: string, active: boolean, refreshSeconds: number, lapsed: () => void): void {
    this.#incoming.delete(pair);
    if (!active) return;
    const timer = this.#clock.after(refreshSeconds * 1000, () => {
      this.#incoming.delete(pair);
      lapsed();
    });
    this.#incoming.set(pair, timer);
  }

  /** A message ends typing in its direction (RFC 3994 §3.2: the receiver takes the message as idle). */
  ended(pair: string): void {
    this.#outgoing.delete(pair);
    this.#incoming.delete(pair);
  }

  close(): void {
    this.#outgoing.clear();
    this.#incoming.clear();
  }
}
