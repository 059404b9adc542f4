// Service time: how long Isthmus has been there to do its work, in ms. Expiry and dedup count it, so that neither a jump of
// the wall clock nor a long downtime ends what waits (DESIGN 8 "Time"). Running time is monotonic; of a downtime at most
// an hour counts. The base is saved every 10 s; this room owns that timer.

import type { ServiceClockStore } from '../model/outbox-store.ts';
import type { Clock, Timer } from '../model/ports.ts';

const SAVE_EVERY_MS = 10_000;
const MAX_DOWNTIME_MS = 3_600_000;

export class ServiceTime {
  readonly #store: ServiceClockStore;
  readonly #clock: Clock;
  #base = 0;
  #since = 0;
  #timer: Timer | undefined;

  constructor(store: ServiceClockStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  /** Reads the saved base and begins to save. `clean`: the last run ended with nothing on its way. Rejects with StoreError. */
  async start(): Promise<{ readonly clean: boolean }> {
    const saved = await this.#store.load();
    const downtime = saved === undefined ? 0 : Math.min(Math.max(this.#clock.now() - saved.wallMs, 0), MAX_DOWNTIME_MS);
    this.#base = (saved?.serviceMs ?? 0) + downtime;
    this.#since = this.#clock.monotonic();
    this.#arm();
    // On disk before anything is sent: from here on only a drain makes the end clean.
    await this.#save(false, true);
    return { clean: saved?.clean ?? false };
  }

  /** Ms of service time, counted from the first start of this home. */
  now(): number {
    return this.#base + this.#clock.monotonic() - this.#since;
  }

  /** Saves for the last time. `clean`: nothing is on its way. Rejects with StoreError when the disk refuses. */
  async stop(clean: boolean): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#save(clean, true);
  }

  #arm(): void {
    this.#timer = this.#clock.after(SAVE_EVERY_MS, () => {
      void this.#save(false, false);
      this.#arm();
    });
  }

  #save(clean: boolean, durable: boolean): Promise<void> {
    return this.#store.save({ serviceMs: this.now(), wallMs: this.#clock.now(), clean }, durable);
  }
}
