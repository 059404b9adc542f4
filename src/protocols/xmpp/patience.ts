// How long a stream is waited for: each step of the negotiation, the negotiation as a whole, and then use of any kind.

import type { Clock, Timer } from '../../model/ports.ts';

/** One deadline for the whole negotiation and one for the step it is at; whichever passes first, `late` runs once. */
export class Patience {
  readonly #clock: Clock;
  readonly #late: () => void;
  readonly #whole: Timer;
  #step: Timer | undefined;

  constructor(clock: Clock, wholeMs: number, late: () => void) {
    this.#clock = clock;
    this.#late = late;
    this.#whole = clock.after(wholeMs, late);
  }

  /** The step begins: it may take so long. */
  await(ms: number): void {
    this.#step?.cancel();
    this.#step = this.#clock.after(ms, this.#late);
  }
  /** What was awaited has come. */
  arrived(): void {
    this.#step?.cancel();
  }
  /** Nothing is awaited any more. */
  end(): void {
    this.#step?.cancel();
    this.#whole.cancel();
  }
}

/** Runs `idle` when `used` has not been called for so long. Cheap to call for every stanza. */
export class IdleWatch {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #idle: () => void;
  #usedAt: number;
  #timer: Timer;

  constructor(clock: Clock, idleMs: number, idle: () => void) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#idle = idle;
    this.#usedAt = clock.monotonic();
    this.#timer = clock.after(idleMs, () => this.#look());
  }

  used(): void {
    this.#usedAt = this.#clock.monotonic();
  }
  end(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const left = this.#usedAt + this.#idleMs - this.#clock.monotonic();
    if (left <= 0) this.#idle();
    else this.#timer = this.#clock.after(left, () => this.#look());
  }
}
