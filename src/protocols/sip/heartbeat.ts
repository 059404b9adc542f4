// One timer for all connections of the shore: Timer F, slow peers, keep-alives and idle limits need no better than a second.
// It runs only while somebody listens.

import type { Clock, Timer } from '../../model/ports.ts';

const BEAT_MS = 1000;

export class Heartbeat {
  readonly #clock: Clock;
  readonly #listeners = new Set<(nowMs: number) => void>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `listener` with the monotonic time about once a second, until the returned function is called. */
  add(listener: (nowMs: number) => void): () => void {
    this.#listeners.add(listener);
    this.#arm();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) {
        this.#timer?.cancel();
        this.#timer = undefined;
      }
    };
  }

  #arm(): void {
    this.#timer ??= this.#clock.after(BEAT_MS, () => {
      this.#timer = undefined;
      const now = this.#clock.monotonic();
      for (const listener of [...this.#listeners]) listener(now);
      if (this.#listeners.size > 0) this.#arm();
    });
  }
}
