// Presence in the neck: every presence event that policy allows comes here, from whichever shore, and leaves as events for
// the other one (DESIGN 5). This room carries out what authorization.ts decides for one pair of users at a time; a record
// is committed before anything is sent. showing.ts holds the documents.

import { LRUCache } from 'lru-cache';
import { reason } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Address, bareKey, fromBareKey, show } from '../model/address.ts';
import type { PresenceEnded, PresenceEvent } from '../model/event.ts';
import { HANDED_OVER, type Outcome, refused } from '../model/outcome.ts';
import type { Clock, Ids, Timer } from '../model/ports.ts';
import type { PresenceDetail } from '../model/presence.ts';
import type { Reason } from '../model/reason.ts';
import type { Authorization, AuthorizationStore } from '../model/stores.ts';
import { type Action, type Facts, type Input, step } from './authorization.ts';
import type { Suppressed } from './ceiling.ts';
import { inputOf, type Pair, pairFor, pairOf, reversed } from './pair.ts';
import { LOCAL, Showing } from './showing.ts';
import { Turns } from './turns.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const RETRY_LATER_MS = 300_000;
/** A start takes pairs up again over this time, so that a hundred thousand of them are no storm. */
const RESUME_MS = 30_000;

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
const DEFAULTS: PresenceLimits = {
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

export class Presence {
  readonly #ports: PresencePorts;
  readonly #limits: PresenceLimits;
  readonly #showing: Showing;
  readonly #turns = new Turns();
  readonly #lanes = new Turns();
  readonly #records: LRUCache<string, { readonly record: Authorization | undefined }>;
  /** Pairs whose watcher fell silent; their view is left to lapse. */
  readonly #asleep = new Set<string>();
  readonly #resuming = new Set<Timer>();
  readonly #startedAt: number;
  readonly #startedWall: number;
  #sweeper: Timer | undefined;

  constructor(ports: PresencePorts) {
    this.#ports = ports;
    this.#limits = { ...DEFAULTS, ...ports.limits };
    this.#startedAt = ports.clock.monotonic();
    this.#startedWall = ports.clock.now();
    this.#records = new LRUCache({ max: this.#limits.cachedPairs });
    this.#showing = new Showing({
      clock: ports.clock,
      ids: ports.ids,
      now: () => this.#now(),
      details: (pair) => ports.details(pair.presentity, pair.watcher),
      send: (pair, event) => this.#post(pair, 'watcher', event),
      ifGranted: (pair, work) => this.#ifGranted(pair, work),
      ...this.#limits,
    });
    this.#sweepLater();
  }

  /** What ceilings held back, by field, since the start. */
  get suppressed(): Readonly<Suppressed> {
    return this.#showing.suppressed;
  }

  /**
   * Takes an event that policy has allowed.
   * @returns `queued` or `handedOver` when it was taken; `refused` when it changes nothing (a document that nobody granted)
   *   or too many requests wait. What shores answer is no error here; a store that fails rejects.
   */
  handle(event: PresenceEvent): Promise<Outcome> {
    const pair = pairOf(event);
    return this.#turns.run(pair.key, async () => {
      const full = event.kind === 'presence.requested' ? await this.#tooManyPending(pair) : undefined;
      return full === undefined ? this.#step(pair, inputOf(event), event) : refused(full);
    });
  }

  /** A durable event could not be delivered for good: the watcher learns it where there is something to learn. */
  async undeliverable(event: PresenceEvent, why: Reason): Promise<void> {
    if (event.kind !== 'presence.requested') return;
    const answer = { ...this.#base(event.to, event.from), cause: why };
    const passing = why.peer?.network === 'xmpp' && why.peer.condition.startsWith('remote-server');
    if (!passing && (why.code === 'PEER_FORBIDDEN' || why.blame === 'policy')) {
      await this.handle({ ...answer, kind: 'presence.denied' });
      return;
    }
    const gone = why.code === 'PEER_UNKNOWN_USER' || why.code === 'PEER_GONE' || why.code === 'ROUTE_UNKNOWN_DOMAIN';
    const verdict = gone
      ? ({ reason: 'noresource', retry: 'never' } as const)
      : ({ reason: 'probation', retry: { afterMs: RETRY_LATER_MS } } as const);
    await this.handle({ ...answer, kind: 'presence.ended', by: 'presentity', ...verdict });
  }

  /**
   * After a start: takes the live pairs up again, spread over `overMs`, so that the shores that keep dialogs make sure of
   * them. Pairs whose watcher has fallen silent are left alone. @returns how many pairs
   */
  async resume(overMs = RESUME_MS): Promise<number> {
    let pairs = 0;
    for await (const record of this.#ports.store.all()) {
      const pair = pairFor(fromBareKey(record.watcher), fromBareKey(record.presentity));
      if (record.state === 'denied' || (await this.#isIdle(record, pair))) continue;
      const delay = (pairs++ * 7) % Math.max(1, overMs);
      const timer = this.#ports.clock.after(delay, () => {
        this.#resuming.delete(timer);
        void this.#post(pair, 'presentity', { ...this.#base(pair.watcher, pair.presentity), kind: 'presence.watcherOnline' });
      });
      this.#resuming.add(timer);
    }
    return pairs;
  }

  /** Is there any record between the two, in either direction? Then they may know of each other (disco, vCard). */
  async related(one: Address, other: Address): Promise<boolean> {
    const pair = pairFor(one, other);
    const [forth, back] = [await this.#record(pair), await this.#record(reversed(pair))];
    return forth?.state === 'granted' || back?.state === 'granted';
  }

  /** Takes a grant back at once: `unavailable` and a refusal in the same second, documents dropped (spec 5.8). */
  async revoke(watcher: Address, presentity: Address): Promise<void> {
    const pair = pairFor(watcher, presentity);
    await this.#turns.run(pair.key, () => this.#step(pair, { kind: 'withdrawn' }));
  }

  /** The table has changed: takes back what it no longer allows. @returns how many pairs lost their view */
  async policyChanged(): Promise<number> {
    let taken = 0;
    for await (const record of this.#ports.store.all()) {
      const watcher = fromBareKey(record.watcher);
      const presentity = fromBareKey(record.presentity);
      if (record.state === 'denied' || this.#ports.details(presentity, watcher).length > 0) continue;
      await this.revoke(watcher, presentity);
      taken++;
    }
    return taken;
  }

  /** An operator or a contact list ends a pair: the presentity's side is told as if the watcher had ended it. */
  forget(watcher: Address, presentity: Address): Promise<Outcome> {
    return this.handle({
      ...this.#base(watcher, presentity),
      kind: 'presence.ended',
      by: 'watcher',
      reason: 'unsubscribed',
      retry: 'never',
    });
  }

  /** Grants whose watcher has shown no sign of life for `idleMs`, for the operators' report. */
  async stale(idleMs: number): Promise<readonly Authorization[]> {
    const found: Authorization[] = [];
    for await (const record of this.#ports.store.all()) {
      if (record.state === 'granted' && this.#now() - record.watcherSeenAt >= idleMs) found.push(record);
    }
    return found;
  }

  /** Lets the views of silent watchers lapse (RFC 8048 §8.1 asks for a guard). Runs every hour. @returns how many */
  async sweep(): Promise<number> {
    let lapsed = 0;
    for await (const record of this.#ports.store.all()) {
      const pair = pairFor(fromBareKey(record.watcher), fromBareKey(record.presentity));
      if (!(await this.#isIdle(record, pair)) || this.#asleep.has(pair.key)) continue;
      this.#asleep.add(pair.key);
      void this.#post(pair, 'presentity', { ...this.#base(pair.watcher, pair.presentity), kind: 'presence.watcherOffline', quiet: true });
      lapsed++;
    }
    return lapsed;
  }

  /** Stops the timers; what waits is not sent. */
  close(): void {
    this.#sweeper?.cancel();
    for (const timer of this.#resuming) timer.cancel();
    this.#showing.close();
  }

  /** Resolves when everything handed to the shores so far has been answered. */
  async settled(): Promise<void> {
    await this.#turns.settled();
    await this.#lanes.settled();
  }

  /** Silent for `idleWatcherDays`. If the presentity sees the watcher, the watcher's own presence says when they are there. */
  async #isIdle(record: Authorization, pair: Pair): Promise<boolean> {
    const idleMs = this.#ports.idleWatcherDays(pair.watcher) * DAY_MS;
    if (record.state !== 'granted' || this.#now() - record.watcherSeenAt < idleMs) return false;
    return (await this.#record(reversed(pair)))?.state !== 'granted';
  }

  async #step(pair: Pair, input: Input, event?: PresenceEvent): Promise<Outcome> {
    const now = await this.#record(pair);
    const [next, actions] = step(now, input, await this.#facts(pair, input));
    if (next !== now) await this.#write(pair, next);
    if (next === undefined || next.state === 'denied') this.#asleep.delete(pair.key);
    if (input.kind === 'granted' && now?.state !== 'granted' && next?.state === 'granted') this.#showing.begin(pair);
    let outcome: Outcome = HANDED_OVER;
    const answers: Promise<unknown>[] = [];
    for (const action of actions) {
      const done = await this.#act(pair, action, event);
      if (done.outcome !== undefined) outcome = done.outcome;
      // A request that was not taken was not made.
      if (action.do === 'request' && (outcome.kind === 'refused' || outcome.kind === 'failed')) await this.#write(pair, now);
      if (done.answer !== undefined) answers.push(done.answer);
    }
    if (next?.state !== 'granted') this.#showing.drop(pair);
    // The watcher's shore answers the watcher's question with what it was given meanwhile; the presentity's side is not waited for.
    if (input.kind === 'requested' || input.kind === 'probed' || input.kind === 'watcherOnline') await Promise.all(answers);
    return outcome;
  }

  async #act(pair: Pair, action: Action, event?: PresenceEvent): Promise<{ outcome?: Outcome; answer?: Promise<unknown> }> {
    const toWatcher = this.#base(pair.presentity, pair.watcher);
    const toPresentity = this.#base(pair.watcher, pair.presentity);
    switch (action.do) {
      case 'request': {
        const message = event?.kind === 'presence.requested' ? event.message : undefined;
        const origin = event?.origin ?? LOCAL;
        const about = event === undefined ? {} : { id: event.id, at: event.at };
        const request = { ...toPresentity, ...about, origin, ...(message === undefined ? {} : { message }) };
        return { outcome: await this.#ports.enqueue({ ...request, kind: 'presence.requested' }) };
      }
      case 'grant':
        if (action.durable) return { outcome: await this.#ports.enqueue({ ...toWatcher, ...traced(event), kind: 'presence.granted' }) };
        return { answer: this.#post(pair, 'watcher', { ...toWatcher, kind: 'presence.granted' }) };
      case 'deny':
        if (action.durable) return { outcome: await this.#ports.enqueue({ ...toWatcher, ...traced(event), kind: 'presence.denied' }) };
        return { answer: this.#post(pair, 'watcher', { ...toWatcher, kind: 'presence.denied' }) };
      case 'fail':
        return { answer: this.#post(pair, 'watcher', failure(toWatcher, event, action.first)) };
      case 'stop': {
        const stop = {
          ...toPresentity,
          ...traced(event),
          kind: 'presence.ended',
          by: 'watcher',
          reason: 'unsubscribed',
          retry: 'never',
        } as const;
        return { outcome: await this.#ports.enqueue(stop) };
      }
      case 'watch':
        this.#asleep.delete(pair.key);
        this.#showing.expect(pair);
        void this.#post(pair, 'presentity', { ...toPresentity, kind: 'presence.watcherOnline' });
        return {};
      case 'unwatch':
        void this.#post(pair, 'presentity', { ...toPresentity, kind: 'presence.watcherOffline', quiet: action.quiet });
        return {};
      case 'probe':
        void this.#post(pair, 'presentity', { ...toPresentity, kind: 'presence.probed' });
        return {};
      case 'show':
        return { answer: this.#showing.again(pair) };
      case 'take':
        if (event?.kind === 'presence.notified') this.#ownPresence(pair, this.#showing.take(pair, event));
        return {};
      case 'hide': {
        if (action.grace) {
          this.#showing.hideAfterGrace(pair);
          return {};
        }
        const hidden = this.#showing.hide(pair);
        return hidden === undefined ? {} : { answer: hidden };
      }
      case 'ignore': {
        const { watcher, presentity } = pair;
        this.#ports.log.debug({
          event: 'presence.ignored',
          kind: event?.kind,
          watcher: show(watcher),
          presentity: show(presentity),
          why: action.why,
        });
        if (event?.kind !== 'presence.notified') return {};
        const text = `${show(presentity)} has not granted ${show(watcher)} a view, so the document was dropped; a subscription must come first.`;
        return { outcome: refused(reason('POLICY_PRESENCE_OFF', text)) };
      }
    }
    return action satisfies never;
  }

  /** Somebody's own presence says whether they are there as a watcher of the other (spec 5.2, refresh guard). */
  #ownPresence(pair: Pair, change: { readonly was: boolean | undefined; readonly is: boolean }): void {
    if (change.was === change.is) return;
    const back = reversed(pair);
    void this.#turns.run(back.key, async () => {
      if ((await this.#record(back))?.state !== 'granted') return;
      await this.#step(back, change.is ? { kind: 'watcherOnline' } : { kind: 'watcherOffline', quiet: true });
    });
  }

  #ifGranted(pair: Pair, work: () => void): void {
    const done = this.#turns.run(pair.key, async () => {
      if ((await this.#record(pair))?.state === 'granted') work();
    });
    done.catch((error: unknown) => this.#ports.log.error({ event: 'presence.failed', error: String(error) }));
  }

  /** Sends in order, per pair and direction; a shore that fails loses the event and nothing else. */
  #post(pair: Pair, side: 'watcher' | 'presentity', event: PresenceEvent): Promise<unknown> {
    return this.#lanes.run(`${side} ${pair.key}`, async () => {
      try {
        const outcome = await this.#ports.deliver(event, isLastWord(event));
        if (outcome.kind !== 'refused' && outcome.kind !== 'failed') return;
        this.#ports.log.info({ event: 'presence.undelivered', id: event.id, kind: event.kind, code: outcome.reason.code });
      } catch (error) {
        this.#ports.log.error({ event: 'presence.failed', id: event.id, kind: event.kind, error: String(error) });
      }
    });
  }

  async #facts(pair: Pair, input: Input): Promise<Facts> {
    const { isOurs } = this.#ports;
    const cacheAgeMs = this.#showing.age(pair);
    return {
      watcher: bareKey(pair.watcher),
      presentity: bareKey(pair.presentity),
      now: this.#now(),
      watcherOurs: isOurs(pair.watcher.domain),
      presentityOurs: isOurs(pair.presentity.domain),
      reverseGranted: input.kind === 'watcherOffline' && (await this.#record(reversed(pair)))?.state === 'granted',
      ...(cacheAgeMs === undefined ? {} : { cacheAgeMs }),
    };
  }

  async #tooManyPending(pair: Pair): Promise<Reason | undefined> {
    if (this.#ports.isOurs(pair.watcher.domain) || (await this.#record(pair)) !== undefined) return undefined;
    const waiting = await this.#ports.store.countPending(pair.watcher.domain, pair.presentity.domain);
    if (waiting < this.#limits.pendingPerDomain) return undefined;
    const text = `${waiting} requests from ${pair.watcher.domain} wait for an answer; ${this.#limits.pendingPerDomain} may.`;
    return reason('LIMIT_PENDING', text, { retry: RETRY_LATER_MS });
  }

  async #record(pair: Pair): Promise<Authorization | undefined> {
    const known = this.#records.get(pair.key);
    if (known !== undefined) return known.record;
    const record = await this.#ports.store.get(bareKey(pair.watcher), bareKey(pair.presentity));
    this.#records.set(pair.key, { record });
    return record;
  }

  async #write(pair: Pair, next: Authorization | undefined): Promise<void> {
    this.#records.delete(pair.key); // if the store fails, the next look finds what is true
    if (next === undefined) await this.#ports.store.remove(bareKey(pair.watcher), bareKey(pair.presentity));
    else await this.#ports.store.put(next);
    this.#records.set(pair.key, { record: next });
  }

  #base(from: Address, to: Address): { id: string; at: number; origin: typeof LOCAL; from: Address; to: Address } {
    return { id: this.#ports.ids.event(), at: this.#now(), origin: LOCAL, from, to };
  }

  /** Wall time of the start plus what has really passed: a wall clock that jumps changes nothing here. */
  #now(): number {
    return this.#startedWall + this.#ports.clock.monotonic() - this.#startedAt;
  }

  #sweepLater(): void {
    this.#sweeper = this.#ports.clock.after(this.#limits.sweepMs, () => {
      this.sweep().catch((error: unknown) => this.#ports.log.error({ event: 'presence.failed', error: String(error) }));
      this.#sweepLater();
    });
  }
}

/** Policy that has just forbidden a pair must not hold back the news of it (spec 5.8: in the same second). */
function isLastWord(event: PresenceEvent): boolean {
  if (event.kind === 'presence.notified') return event.document.endpoints.every((endpoint) => endpoint.availability === 'closed');
  return event.kind === 'presence.denied' || event.kind === 'presence.watcherOffline';
}

/** The event that goes on is the one that came: same id in every log line. */
function traced(event: PresenceEvent | undefined): Partial<Pick<PresenceEvent, 'id' | 'at' | 'origin'>> {
  return event === undefined ? {} : { id: event.id, at: event.at, origin: event.origin };
}

/** What the watcher is told when a view ended. Without `cause` it is the end of something that was granted. */
function failure(
  base: Pick<PresenceEnded, 'id' | 'at' | 'origin' | 'from' | 'to'>,
  event: PresenceEvent | undefined,
  first: boolean,
): PresenceEnded {
  const ended = event?.kind === 'presence.ended' ? event : undefined;
  const why = ended?.reason ?? 'noresource';
  const cause = ended?.cause ?? reason('PEER_UNKNOWN_USER', `${show(base.from)} is not known at its server.`);
  return {
    ...base,
    ...traced(event),
    kind: 'presence.ended',
    by: 'presentity',
    reason: why,
    retry: ended?.retry ?? 'never',
    ...(first ? { cause } : {}),
  };
}
