// Failed attempts to be somebody, counted for each address: ten a minute, then nothing is compared any more for a while.

import { LRUCache } from 'lru-cache';
import { atMost } from '../../model/at-most.ts';
import { networkOf } from '../../model/network.ts';

const WINDOW_MS = 60_000;
const MAX_FAILURES = 10;
/** Addresses kept; the one not seen for longest goes first. */
const MAX_ADDRESSES = 10_000;

export class Throttle {
  readonly #now: () => number;
  readonly #failures = new LRUCache<string, number[]>(atMost(MAX_ADDRESSES));

  /** @param now monotonic ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @returns seconds to wait when this address has failed too often; 0 otherwise */
  waitSeconds(address: string): number {
    const recent = this.#recent(networkOf(address));
    const oldest = recent[0];
    return oldest === undefined || recent.length < MAX_FAILURES ? 0 : Math.ceil((oldest + WINDOW_MS - this.#now()) / 1000);
  }

  failed(address: string): void {
    const network = networkOf(address);
    this.#failures.set(network, [...this.#recent(network), this.#now()].slice(-MAX_FAILURES));
  }

  #recent(network: string): number[] {
    const since = this.#now() - WINDOW_MS;
    return (this.#failures.get(network) ?? []).filter((at) => at > since);
  }
}
