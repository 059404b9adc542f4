// What has been said in which conversation, so that a disclaimer or a warning is said once in each. In memory only and bounded:
// after a restart it is said once more, which harms nobody; it is never left out.

import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import type { Clock } from '../model/ports.ts';

/** Pairs that are remembered; the least recently heard are forgotten. */
const MAX_PAIRS = 50_000;
/** Somebody who has been silent for so long is met for the first time again, ms. */
const ACQUAINTANCE_MS = 90 * 86_400_000;

interface Pair {
  /** Monotonic ms of the last message, either way. */
  lastAt: number;
  readonly inConversation: Set<string>;
  readonly ever: Set<string>;
}

export interface Talk {
  /** True the first time that `what` is to be said in this conversation. */
  once(what: string): boolean;
  /** True the first time in 90 days. */
  first(what: string): boolean;
  /** The message did not go: what was to be said with it has not been said. */
  undo(): void;
}

export class TalkMemory {
  readonly #clock: Clock;
  readonly #pairs = new LRUCache<string, Pair>(atMost(MAX_PAIRS));

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One message of a pair. @param pauseMs silence that ends a conversation */
  talk(pair: string, pauseMs: number): Talk {
    const now = this.#clock.monotonic();
    const known = this.#pairs.get(pair) ?? { lastAt: now, inConversation: new Set<string>(), ever: new Set<string>() };
    if (now - known.lastAt > pauseMs) known.inConversation.clear();
    if (now - known.lastAt > ACQUAINTANCE_MS) known.ever.clear();
    known.lastAt = now;
    this.#pairs.set(pair, known);
    const said: (() => void)[] = [];
    const say = (set: Set<string>, what: string): boolean => {
      if (set.has(what)) return false;
      set.add(what);
      said.push(() => set.delete(what));
      return true;
    };
    return {
      once: (what) => say(known.inConversation, what),
      first: (what) => say(known.ever, what),
      undo: () => {
        for (const take of said.splice(0)) take();
      },
    };
  }
}
