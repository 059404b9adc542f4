// What was written to a client and not yet acknowledged (XEP-0198): kept in order, bounded, written again after a resumption.
// Without stream management a stanza counts as taken once it is written.

import type { StreamError } from '../../stream-error.ts';

export interface UnackedLimits {
  readonly stanzas: number;
  /** UTF-16 units of text. */
  readonly text: number;
}
const UNACKED_LIMITS: UnackedLimits = { stanzas: 2000, text: 2 * 1024 * 1024 };

const MODULUS = 2 ** 32;

interface Sent {
  readonly text: string;
  readonly settle: ((taken: boolean) => void) | undefined;
}

export class Unacked {
  readonly #limits: UnackedLimits;
  #queue: Sent[] = [];
  #length = 0;
  #acknowledged = 0;

  constructor(limits: UnackedLimits = UNACKED_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#queue.length;
  }
  /** Those of them that somebody waits for: messages, not presence. */
  get awaited(): number {
    return this.#queue.filter(({ settle }) => settle !== undefined).length;
  }
  /** More waits than may wait: the client does not keep up. */
  get full(): boolean {
    return this.#queue.length > this.#limits.stanzas || this.#length > this.#limits.text;
  }

  add(text: string, settle?: (taken: boolean) => void): void {
    this.#queue.push({ text, settle });
    this.#length += text.length;
  }

  /** Takes an `h`. @returns the stream error that it deserves, if any */
  acknowledge(h: string | undefined): StreamError | undefined {
    if (h === undefined || !/^\d{1,10}$/.test(h)) return { condition: 'policy-violation', text: 'h is not a number' };
    // XEP-0198 §4: h wraps at 2^32.
    const ahead = (Number(h) - (this.#acknowledged % MODULUS) + MODULUS) % MODULUS;
    if (ahead > this.#queue.length)
      return { condition: 'undefined-condition', text: `h is ${h}, but only ${this.#acknowledged + this.#queue.length} stanzas were sent` };
    this.#acknowledged += ahead;
    for (const { text, settle } of this.#queue.splice(0, ahead)) {
      this.#length -= text.length;
      settle?.(true);
    }
    return undefined;
  }

  /** The texts, oldest first. */
  texts(): readonly string[] {
    return this.#queue.map(({ text }) => text);
  }

  /** The client is gone for good: nothing of this has reached it for certain. */
  drop(): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#length = 0;
    for (const { settle } of queue) settle?.(false);
  }
}
