// How many connections at once, from one address and in all, counted from accept to close (security.md 5). A /64 of IPv6 counts as
// one address: one host may have a whole one.

import { networkOf } from '../model/network.ts';

export interface AdmissionLimits {
  readonly perAddress: number;
  readonly total: number;
}

export const EDGE_LIMITS: AdmissionLimits = { perAddress: 100, total: 10_000 };

/** Counts connections; one for all listeners of a side. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #byAddress = new Map<string, number>();
  #total = 0;

  constructor(limits: AdmissionLimits = EDGE_LIMITS) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  /** Takes a place for `address`; the function that comes back gives it up (once). Undefined: too many. */
  enter(address: string): (() => void) | undefined {
    const network = networkOf(address);
    const count = this.#byAddress.get(network) ?? 0;
    if (count >= this.#limits.perAddress || this.#total >= this.#limits.total) return undefined;
    this.#byAddress.set(network, count + 1);
    this.#total += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#total -= 1;
      const rest = this.#byAddress.get(network)! - 1;
      if (rest === 0) this.#byAddress.delete(network);
      else this.#byAddress.set(network, rest);
    };
  }
}
