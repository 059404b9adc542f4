// What presence is given: its ports to store, shores and policy, and its limits.

import type { Log } from '../log.ts';
import type { Address } from '../model/address.ts';
import type { PresenceEvent } from '../model/event.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Clock, Ids } from '../model/ports.ts';
import type { PresenceDetail } from '../model/presence.ts';
import type { AuthorizationStore } from '../model/stores.ts';

export interface PresenceLimits {
  /** Spec 8: at most one document per pair in this time; the last one wins. */
  readonly coalesceMs: number;
  /** Spec 5.8: after a start nobody is shown as gone before this has passed. */
  readonly restartGraceMs: number;
  /** Spec 8: unanswered requests from one remote domain to one of ours. */
  readonly pendingPerDomain: number;
  /** Pairs whose records and documents are held in memory. */
  readonly cachedPairs: number;
  readonly sweepMs: number;
}
export const PRESENCE_LIMITS: PresenceLimits = {
  coalesceMs: 5000,
  restartGraceMs: 90_000,
  pendingPerDomain: 1000,
  cachedPairs: 100_000,
  sweepMs: 60 * 60 * 1000,
};

export interface PresencePorts {
  readonly store: AuthorizationStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /**
   * To the shore of `event.to`, now or not at all.
   * @param lastWord it takes a view back and shows nothing: the way there is asked for, policy is not
   */
  deliver(event: PresenceEvent, lastWord: boolean): Promise<Outcome>;
  /** To the shore of `event.to`, through the outbox; resolves when committed. */
  enqueue(event: PresenceEvent): Promise<Outcome>;
  isOurs(domain: string): boolean;
  /** What `watcher` may see of `presentity` by policy, now; empty: nothing at all. Everything for watchers of ours. */
  details(presentity: Address, watcher: Address): readonly PresenceDetail[];
  /** Days without a sign of life after which a watcher's view is left to lapse (partner key `idleWatcherDays`). */
  idleWatcherDays(watcher: Address): number;
  readonly limits?: Partial<PresenceLimits>;
}
