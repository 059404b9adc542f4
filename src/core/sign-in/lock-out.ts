// Too many failed sign-ins: the user waits, and so does the address they come from. In memory: a restart forgives.

import { LRUCache } from 'lru-cache';
import { atMost } from '../../model/at-most.ts';
import { networkOf } from '../../model/network.ts';
import type { Clock } from '../../model/ports.ts';

export interface LockOutLimits {
  /** Failures of one user within the window. */
  readonly user: number;
  /** Failures from one address within the window, whoever is tried. */
  readonly address: number;
  readonly windowMs: number;
}
const LOCK_OUT: LockOutLimits = { user: 10, address: 50, windowMs: 15 * 60_000 };

const MAX_KEPT = 50_000;

interface Count {
  failures: number;
  /** Monotonic ms. */
  since: number;
}

/** Counts failures; one that succeeds forgets those of its user. */
export class LockOut {
  readonly #clock: Clock;
  readonly #limits: LockOutLimits;
  readonly #counts = new LRUCache<string, Count>(atMost(MAX_KEPT));

  constructor(clock: Clock, limits: LockOutLimits = LOCK_OUT) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Ms until another try is heard; 0: now. @param user bare key */
  waitMs(user: string, address: string): number {
    return Math.max(this.#wait(`user ${user}`, this.#limits.user), this.#wait(`address ${networkOf(address)}`, this.#limits.address));
  }

  failed(user: string, address: string): void {
    for (const key of [`user ${user}`, `address ${networkOf(address)}`]) {
      const count = this.#current(key);
      if (count === undefined) this.#counts.set(key, { failures: 1, since: this.#clock.monotonic() });
      else count.failures += 1;
    }
  }

  succeeded(user: string): void {
    this.#counts.delete(`user ${user}`);
  }

  #wait(key: string, most: number): number {
    const count = this.#current(key);
    return count === undefined || count.failures < most ? 0 : count.since + this.#limits.windowMs - this.#clock.monotonic();
  }

  #current(key: string): Count | undefined {
    const count = this.#counts.get(key);
    if (count === undefined || this.#clock.monotonic() - count.since < this.#limits.windowMs) return count;
    this.#counts.delete(key);
    return undefined;
  }
}
