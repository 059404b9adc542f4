// How fast one client may ask: a token bucket per connection, so that a client in a loop costs itself and nobody else.

/** Requests. */
const BURST = 100;
const PER_SECOND = 20;

export class Pace {
  #left = BURST;
  /** Monotonic ms. */
  #at: number | undefined;

  /** False: this one is too many. */
  take(nowMs: number): boolean {
    const since = this.#at === undefined ? 0 : nowMs - this.#at;
    this.#at = nowMs;
    this.#left = Math.min(BURST, this.#left + (since / 1000) * PER_SECOND);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
