// How much one client may say: so many bytes and stanzas a second, with a reserve for bursts. Who says more is not refused, it is
// read later; nobody else waits for it.

export interface AllowanceLimits {
  readonly bytesPerSecond: number;
  readonly bytes: number;
  readonly stanzasPerSecond: number;
  readonly stanzas: number;
}
export const ALLOWANCE: AllowanceLimits = { bytesPerSecond: 64 * 1024, bytes: 1024 * 1024, stanzasPerSecond: 50, stanzas: 500 };

export class Allowance {
  readonly #limits: AllowanceLimits;
  #bytes: number;
  #stanzas: number;
  #at: number;

  /** @param now monotonic ms */
  constructor(now: number, limits: AllowanceLimits = ALLOWANCE) {
    this.#limits = limits;
    this.#bytes = limits.bytes;
    this.#stanzas = limits.stanzas;
    this.#at = now;
  }

  /** Takes one stanza of so many bytes. @returns ms to wait before the next is read; 0: none */
  spend(bytes: number, now: number): number {
    const limits = this.#limits;
    const passed = Math.max(0, now - this.#at) / 1000;
    this.#at = now;
    this.#bytes = Math.min(limits.bytes, this.#bytes + passed * limits.bytesPerSecond) - bytes;
    this.#stanzas = Math.min(limits.stanzas, this.#stanzas + passed * limits.stanzasPerSecond) - 1;
    const wait = Math.max(-this.#bytes / limits.bytesPerSecond, -this.#stanzas / limits.stanzasPerSecond, 0);
    return Math.ceil(wait * 1000);
  }
}
