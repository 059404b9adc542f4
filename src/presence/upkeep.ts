// What presence does without being asked: takes pairs up after a start, lets the views of silent watchers lapse, takes back
// what a changed policy forbids. Each walks through the stored records; the work on a pair is done by presence.ts.

import type { Log } from '../log.ts';
import { bareKey, fromBareKey } from '../model/address.ts';
import type { Clock, Timer } from '../model/ports.ts';
import type { Authorization, AuthorizationStore } from '../model/stores.ts';
import { type Pair, pairFor, reversed } from './pair.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A start takes pairs up again over this time, so that a hundred thousand of them are no storm. */
const RESUME_MS = 30_000;
const RESUME_STEP_MS = 7;

export interface UpkeepPorts {
  readonly store: AuthorizationStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Wall ms that does not jump. */
  now(): number;
  isGranted(pair: Pair): Promise<boolean>;
  idleWatcherDays(pair: Pair): number;
  /** Does policy let the watcher see anything now? */
  permits(pair: Pair): boolean;
  revoke(pair: Pair): Promise<void>;
  /** Shows the watcher what policy lets them see now, where that is something else than before. */
  reshow(pair: Pair): void;
  /** Tells the presentity's shore that the watcher is there, or has fallen silent. */
  tell(pair: Pair, kind: 'presence.watcherOnline' | 'presence.watcherOffline'): void;
  readonly sweepMs: number;
}

export class Upkeep {
  readonly #ports: UpkeepPorts;
  /** Pairs whose watcher fell silent; their view is left to lapse. */
  readonly #asleep = new Set<string>();
  readonly #resuming = new Set<Timer>();
  #sweeper: Timer | undefined;

  constructor(ports: UpkeepPorts) {
    this.#ports = ports;
    this.#sweepLater();
  }

  /** Takes the live pairs up again, spread over `overMs`; those of silent watchers are left alone. @returns how many */
  async resume(overMs = RESUME_MS): Promise<number> {
    let pairs = 0;
    for await (const record of this.#ports.store.all()) {
      const pair = pairOfRecord(record);
      if (record.state === 'denied' || (await this.#isIdle(record, pair))) continue;
      const timer = this.#ports.clock.after((pairs++ * RESUME_STEP_MS) % Math.max(1, overMs), () => {
        this.#resuming.delete(timer);
        this.#resume(pair).catch((error: unknown) => this.#ports.log.error({ event: 'presence.failed', error: String(error) }));
      });
      this.#resuming.add(timer);
    }
    return pairs;
  }

  /** The presentity's side learns that the watcher is there. */
  takeUp(pair: Pair): void {
    this.#ports.tell(pair, 'presence.watcherOnline');
  }

  /** Its turn has come; whoever refused or ended it meanwhile is not asked again. */
  async #resume(pair: Pair): Promise<void> {
    const record = await this.#ports.store.get(bareKey(pair.watcher), bareKey(pair.presentity));
    if (record !== undefined && record.state !== 'denied') this.#ports.tell(pair, 'presence.watcherOnline');
  }

  /** Lets the views of silent watchers lapse (RFC 8048 §8.1 asks for a guard). Runs every hour. @returns how many */
  async sweep(): Promise<number> {
    let lapsed = 0;
    for await (const record of this.#ports.store.all()) {
      const pair = pairOfRecord(record);
      if (!(await this.#isIdle(record, pair)) || this.#asleep.has(pair.key)) continue;
      this.#asleep.add(pair.key);
      this.#ports.tell(pair, 'presence.watcherOffline');
      lapsed++;
    }
    return lapsed;
  }

  /** Takes back what policy no longer allows, whole views and single fields. @returns how many pairs lost their view */
  async policyChanged(): Promise<number> {
    let taken = 0;
    for await (const record of this.#ports.store.all()) {
      const pair = pairOfRecord(record);
      if (record.state === 'denied') continue;
      if (this.#ports.permits(pair)) {
        this.#ports.reshow(pair);
        continue;
      }
      await this.#ports.revoke(pair);
      taken++;
    }
    return taken;
  }

  /** Grants whose watcher has shown no sign of life for `idleMs`, for the operators' report. */
  async stale(idleMs: number): Promise<readonly Authorization[]> {
    const found: Authorization[] = [];
    for await (const record of this.#ports.store.all()) {
      if (record.state === 'granted' && this.#ports.now() - record.watcherSeenAt >= idleMs) found.push(record);
    }
    return found;
  }

  /** The watcher has shown a sign of life, or the pair is over. */
  woke(pair: Pair): void {
    this.#asleep.delete(pair.key);
  }

  close(): void {
    this.#sweeper?.cancel();
    for (const timer of this.#resuming) timer.cancel();
  }

  /** Silent for `idleWatcherDays`. If the presentity sees the watcher, the watcher's own presence says when they are there. */
  async #isIdle(record: Authorization, pair: Pair): Promise<boolean> {
    const idleMs = this.#ports.idleWatcherDays(pair) * DAY_MS;
    if (record.state !== 'granted' || this.#ports.now() - record.watcherSeenAt < idleMs) return false;
    return !(await this.#ports.isGranted(reversed(pair)));
  }

  #sweepLater(): void {
    this.#sweeper = this.#ports.clock.after(this.#ports.sweepMs, () => {
      this.sweep().catch((error: unknown) => this.#ports.log.error({ event: 'presence.failed', error: String(error) }));
      this.#sweepLater();
    });
  }
}

function pairOfRecord(record: Authorization): Pair {
  return pairFor(fromBareKey(record.watcher), fromBareKey(record.presentity));
}
