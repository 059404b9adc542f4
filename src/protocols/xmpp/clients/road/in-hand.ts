// Counts stanzas of one client: how many came, how many of them, without a gap, are handled. XEP-0198 counts and the answers
// to `<r/>` never run ahead of the stanzas before them; and when many are in hand the client is not read.

import type { Clock } from '../../../../model/ports.ts';

/** How long an answer to `<r/>` waits for stanzas that are still in hand. */
const HANDLED_WITHIN_MS = 10_000;

export class InHand {
  readonly #clock: Clock;
  readonly #most: number;
  #received = 0;
  #handled = 0;
  /** Handled ones after a gap. */
  readonly #ahead = new Set<number>();
  #marks: { readonly upTo: number; run(): void }[] = [];
  #room: (() => void) | undefined;

  /** @param most stanzas of one client that are handled at once */
  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  get received(): number {
    return this.#received;
  }
  get handled(): number {
    return this.#handled;
  }

  /** One more has come; what comes back is called when it is handled. */
  take(): () => void {
    const number = ++this.#received;
    return () => this.#done(number);
  }

  /** Resolves when there is room for another one; undefined: there is. */
  room(): Promise<void> | undefined {
    if (this.#received - this.#handled <= this.#most) return undefined;
    return new Promise((resolve) => {
      this.#room = resolve;
    });
  }

  /** Runs when everything received up to now is handled, or after ten seconds. */
  whenHandled(run: () => void): void {
    const upTo = this.#received;
    if (this.#handled >= upTo) {
      run();
      return;
    }
    const once = (): void => {
      timer.cancel();
      this.#marks = this.#marks.filter((each) => each !== mark);
      run();
    };
    const mark = { upTo, run: once };
    const timer = this.#clock.after(HANDLED_WITHIN_MS, once);
    this.#marks.push(mark);
  }

  #done(number: number): void {
    this.#ahead.add(number);
    while (this.#ahead.delete(this.#handled + 1)) this.#handled++;
    for (const mark of this.#marks.filter(({ upTo }) => upTo <= this.#handled)) mark.run();
    if (this.#room !== undefined && this.#received - this.#handled <= this.#most / 2) {
      this.#room();
      this.#room = undefined;
    }
  }
}
