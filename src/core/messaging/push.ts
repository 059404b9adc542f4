// Which clients of a user are told through their push services that something waits (XEP-0357), and how often. A service that
// refuses is not asked again; one that cannot be reached is given up after a while.

import type { Log } from '../../log.ts';
import { type Address, bareKey } from '../../model/address.ts';
import type { Clock, Timer } from '../../model/ports.ts';
import type { PushNews, PushPublisher, PushStore, PushTarget } from '../../model/push.ts';

/** A service hears of one client at most so often, ms; what comes meanwhile is counted in. */
const EVERY_MS = 5000;
/** Publications in a row that come to nothing, until the service is given up. */
const TRIES = 20;
/** Clients that are counted for; the one that was told longest ago is forgotten first. */
const MOST = 20_000;

export interface PushParts {
  readonly store: PushStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly publish: PushPublisher;
  /** Has this client a connection now? */
  awake(user: string, resource: string): boolean;
  /** Is the service still one of those that an operator has named? */
  allowed(service: string): boolean;
}

interface Told {
  /** Messages since the client was last there. */
  count: number;
  /** Clock.monotonic of the last publication. */
  at: number;
  timer: Timer | undefined;
}

export class Push implements PushNews {
  readonly #parts: PushParts;
  readonly #told = new Map<string, Told>();

  constructor(parts: PushParts) {
    this.#parts = parts;
  }

  arrived(user: Address): void {
    void this.#tell(user, () => true, 1);
  }

  asleep(user: Address, resource: string, messages: number): void {
    if (messages > 0) void this.#tell(user, (target) => target.resource === resource, messages);
  }

  awake(user: Address, resource: string): void {
    const prefix = `${bareKey(user)}/${resource}\0`;
    for (const [key, told] of this.#told) {
      if (!key.startsWith(prefix)) continue;
      told.timer?.cancel();
      this.#told.delete(key);
    }
  }

  /** Stops the timers. */
  close(): void {
    for (const { timer } of this.#told.values()) timer?.cancel();
    this.#told.clear();
  }

  async #tell(user: Address, fits: (target: PushTarget) => boolean, messages: number): Promise<void> {
    const key = bareKey(user);
    try {
      for (const target of await this.#parts.store.of(key))
        if (fits(target) && !this.#parts.awake(key, target.resource)) this.#count(user, target, messages);
    } catch (error) {
      this.#parts.log.error({ event: 'core.failed', what: 'push', user: key, error: String(error) });
    }
  }

  #count(user: Address, target: PushTarget, messages: number): void {
    const { clock } = this.#parts;
    const way = `${bareKey(user)}/${target.resource}\0${target.service}\0${target.node}`;
    const told = this.#told.get(way) ?? { count: 0, at: Number.NEGATIVE_INFINITY, timer: undefined };
    this.#told.delete(way);
    this.#told.set(way, told);
    this.#forgetOldest();
    told.count += messages;
    if (told.timer !== undefined) return;
    const publish = (): void => {
      told.timer = undefined;
      if (this.#told.get(way) !== told) return;
      told.at = clock.monotonic();
      void this.#publish(user, target, told.count);
    };
    const waitMs = told.at + EVERY_MS - clock.monotonic();
    if (waitMs > 0) told.timer = clock.after(waitMs, publish);
    else publish();
  }

  #forgetOldest(): void {
    if (this.#told.size <= MOST) return;
    const [oldest] = this.#told;
    if (oldest === undefined) return;
    oldest[1].timer?.cancel();
    this.#told.delete(oldest[0]);
  }

  async #publish(user: Address, { service, node }: PushTarget, count: number): Promise<void> {
    const { store, log, publish, allowed } = this.#parts;
    const key = bareKey(user);
    // XEP-0357 §6: never where it is not enabled, or not any more.
    const target = (await store.of(key)).find((one) => one.service === service && one.node === node);
    if (target === undefined) return;
    if (!allowed(service)) {
      log.debug({ event: 'push.kept', user: key, service }, 'the service is not in clients.push any more, or blocked');
      return;
    }
    const result = await publish(user, target, count);
    if (result.kind === 'taken') {
      log.debug({ event: 'push.sent', user: key, service, count }, 'a push service was told');
      if (target.failures > 0) await store.put(key, { ...target, failures: 0 });
      return;
    }
    const failures = target.failures + 1;
    // XEP-0357 §7.1: an error disables it, unless it may pass.
    if ((result.kind === 'refused' && result.lasting) || failures >= TRIES) {
      await store.remove(key, service, node);
      log.info(
        { event: 'push.disabled', user: key, service, why: result.text },
        'a push service refuses; its client has to enable it anew',
      );
      return;
    }
    await store.put(key, { ...target, failures });
    log.info({ event: 'push.failed', user: key, service, why: result.text }, 'a push service could not be told');
  }
}
