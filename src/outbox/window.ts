// One partner's window and back-off: how much may be on its way to it at once, and when to try again after it failed.
// The timer belongs to sender.ts; this room only knows the times (monotonic ms).

const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 5 * 60_000;

/**
 * How long to wait after the n-th failure in a row: 1 s doubling to 5 min, with jitter so that many waiters spread.
 * @param random in [0, 1)
 */
export function backOffMs(failures: number, random: number): number {
  const plain = Math.min(FIRST_DELAY_MS * 2 ** Math.max(0, failures - 1), MAX_DELAY_MS);
  return Math.min(Math.round(plain * (0.75 + 0.5 * random)), MAX_DELAY_MS);
}

export class PartnerWindow {
  readonly #limit: number;
  #inFlight = 0;
  #failures = 0;
  #openAt = 0;
  /** Counts failures of the road: what was on its way when it failed fails with it, and is one failure. */
  #epoch = 0;

  /** @param limit rows on their way at once */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get inFlight(): number {
    return this.#inFlight;
  }
  get failures(): number {
    return this.#failures;
  }
  /** Monotonic ms before which nothing is tried. */
  get openAt(): number {
    return this.#openAt;
  }

  /** May another row go now? After a failure one row goes first and tries the road. */
  hasRoom(now: number): boolean {
    return now >= this.#openAt && this.#inFlight < (this.#failures > 0 ? 1 : this.#limit);
  }

  /** True when the last try failed and the next one is not due. */
  isDown(now: number): boolean {
    return now < this.#openAt;
  }

  /** A row goes. Returns the epoch to hand back with its result. */
  started(): number {
    this.#inFlight += 1;
    return this.#epoch;
  }

  /** A row came back, whatever the answer. */
  returned(): void {
    this.#inFlight -= 1;
  }

  /** The far end answered: the road is good. */
  answered(epoch: number): void {
    if (epoch !== this.#epoch) return;
    this.#failures = 0;
    this.#openAt = 0;
  }

  /**
   * The road failed. Later news of the same failure changes nothing.
   * @param retryMs the least wait that the reason asks for
   */
  failed(epoch: number, now: number, retryMs: number, random: number): void {
    if (epoch !== this.#epoch) return;
    this.#epoch += 1;
    this.#failures += 1;
    this.#openAt = now + Math.max(backOffMs(this.#failures, random), retryMs);
  }

  /** The partner is there again (it connected to us), or the routes have changed: try now. */
  wake(): void {
    this.#openAt = 0;
    this.#failures = Math.min(this.#failures, 1);
  }
}
