// Presence in the neck: every presence event that policy allows comes here, from whichever shore, and leaves as events for
// the other one (DESIGN 5). This room carries out what authorization.ts decides for one pair of users at a time; a record
// is committed before anything is sent. showing.ts holds the documents, mail.ts sends.

import { reason } from '../errors.ts';
import { type Address, bareKey, fromBareKey, show } from '../model/address.ts';
import type { PresenceEvent } from '../model/event.ts';
import { HANDED_OVER, type Outcome, refused } from '../model/outcome.ts';
import type { Reason } from '../model/reason.ts';
import type { ViewSight } from '../model/sight.ts';
import { Turns } from '../model/turns.ts';
import { type Action, type Facts, type Input, step } from './authorization.ts';
import type { Suppressed } from './ceiling.ts';
import { Mail } from './mail.ts';
import { type Base, failure, LOCAL, tooManyPending, traced, verdictOn } from './own-events.ts';
import { inputOf, type Pair, pairFor, pairOf, reversed } from './pair.ts';
import { PRESENCE_LIMITS, type PresenceLimits, type PresencePorts } from './ports.ts';
import { Records } from './records.ts';
import { Showing } from './showing.ts';
import { Upkeep } from './upkeep.ts';

export class Presence {
  readonly #ports: PresencePorts;
  readonly #limits: PresenceLimits;
  readonly #showing: Showing;
  readonly #turns = new Turns();
  readonly #mail: Mail;
  readonly #records: Records;
  /** After a start, by the hour, and when the table has changed. */
  readonly upkeep: Upkeep;
  readonly #startedAt: number;
  readonly #startedWall: number;

  constructor(ports: PresencePorts) {
    this.#ports = ports;
    this.#limits = { ...PRESENCE_LIMITS, ...ports.limits };
    this.#startedAt = ports.clock.monotonic();
    this.#startedWall = ports.clock.now();
    this.#records = new Records(ports.store, this.#limits.cachedPairs);
    this.#mail = new Mail(ports);
    this.#showing = new Showing({
      clock: ports.clock,
      ids: ports.ids,
      now: () => this.#now(),
      details: (pair) => ports.details(pair.presentity, pair.watcher),
      send: (pair, event) => this.#mail.post(pair, 'watcher', event),
      ifGranted: (pair, work) => this.#ifGranted(pair, work),
      ...this.#limits,
    });
    this.upkeep = new Upkeep({
      store: ports.store,
      clock: ports.clock,
      log: ports.log,
      now: () => this.#now(),
      isGranted: (pair) => this.#records.isGranted(pair),
      idleWatcherDays: (pair) => ports.idleWatcherDays(pair.watcher),
      permits: (pair) => ports.details(pair.presentity, pair.watcher).length > 0,
      revoke: (pair) => this.revoke(pair.watcher, pair.presentity),
      reshow: (pair) => this.#showing.reshow(pair),
      tell: (pair, kind) => {
        const event = {
          ...this.#base(pair.watcher, pair.presentity),
          kind,
          ...(kind === 'presence.watcherOffline' ? { quiet: true } : {}),
        };
        void this.#mail.post(pair, 'presentity', event);
      },
      sweepMs: this.#limits.sweepMs,
    });
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
    await this.handle(verdictOn(this.#base(event.to, event.from), why));
  }

  /** Is there any record between the two, in either direction? Then they may know of each other (disco, vCard). */
  async related(one: Address, other: Address): Promise<boolean> {
    const pair = pairFor(one, other);
    return (await this.#records.isGranted(pair)) || (await this.#records.isGranted(reversed(pair)));
  }

  /** How one view stands, for operators; undefined: nothing is known of it since the start. */
  view(watcher: Address, presentity: Address): ViewSight | undefined {
    const sight = this.#showing.sight(pairFor(watcher, presentity));
    if (sight === undefined) return undefined;
    const now = this.#ports.clock.now();
    const { open, heardMs, shownMs } = sight;
    return { open, ...(heardMs !== undefined && { heardAt: now - heardMs }), ...(shownMs !== undefined && { shownAt: now - shownMs }) };
  }

  /** A user of ours lives at another system from now on: what holds is asked for, and told, there. The records are those on disk. */
  async moved(user: Address): Promise<void> {
    const key = bareKey(user);
    this.#records.forget(key);
    const { store } = this.#ports;
    for (const { watcher, presentity, state } of [...(await store.ofWatcher(key)), ...(await store.ofPresentity(key))])
      if (state !== 'denied') this.upkeep.takeUp(pairFor(fromBareKey(watcher), fromBareKey(presentity)));
  }

  /** The table has changed: takes back what it no longer allows. @returns how many pairs lost their view */
  policyChanged(): Promise<number> {
    return this.upkeep.policyChanged();
  }

  /** To be called once after a start, when the shores can send: takes the live pairs up again. @returns how many */
  resume(): Promise<number> {
    return this.upkeep.resume();
  }

  /** Takes a grant back at once: `unavailable` and a refusal in the same second, documents dropped (spec 5.8). */
  async revoke(watcher: Address, presentity: Address): Promise<void> {
    const pair = pairFor(watcher, presentity);
    await this.#turns.run(pair.key, () => this.#step(pair, { kind: 'withdrawn' }));
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

  /** Stops the timers; what waits is not sent. */
  close(): void {
    this.upkeep.close();
    this.#showing.close();
  }

  /** Resolves when everything handed to the shores so far has been answered. */
  async settled(): Promise<void> {
    await this.#turns.settled();
    await this.#mail.settled();
  }

  async #step(pair: Pair, input: Input, event?: PresenceEvent): Promise<Outcome> {
    const now = await this.#records.get(pair);
    const [next, actions] = step(now, input, await this.#facts(pair, input));
    if (next !== now) await this.#records.put(pair, next);
    if (next === undefined || next.state === 'denied') this.upkeep.woke(pair);
    if (input.kind === 'granted' && now?.state !== 'granted' && next?.state === 'granted') this.#showing.begin(pair);
    let outcome: Outcome = HANDED_OVER;
    const answers: Promise<unknown>[] = [];
    for (const action of actions) {
      const done = await this.#act(pair, action, event);
      if (done.outcome !== undefined) outcome = done.outcome;
      // A request that was not taken was not made.
      if (action.do === 'request' && (outcome.kind === 'refused' || outcome.kind === 'failed')) await this.#records.put(pair, now);
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
        return { answer: this.#mail.post(pair, 'watcher', { ...toWatcher, kind: 'presence.granted' }) };
      case 'deny':
        if (action.durable) return { outcome: await this.#ports.enqueue({ ...toWatcher, ...traced(event), kind: 'presence.denied' }) };
        return { answer: this.#mail.post(pair, 'watcher', { ...toWatcher, kind: 'presence.denied' }) };
      case 'fail':
        return { answer: this.#mail.post(pair, 'watcher', failure(toWatcher, event, action.first)) };
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
        this.upkeep.woke(pair);
        this.#showing.expect(pair);
        void this.#mail.post(pair, 'presentity', { ...toPresentity, kind: 'presence.watcherOnline' });
        return {};
      case 'unwatch':
        void this.#mail.post(pair, 'presentity', { ...toPresentity, kind: 'presence.watcherOffline', quiet: action.quiet });
        return {};
      case 'probe':
        void this.#mail.post(pair, 'presentity', { ...toPresentity, kind: 'presence.probed' });
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
      if (!(await this.#records.isGranted(back))) return;
      await this.#step(back, change.is ? { kind: 'watcherOnline' } : { kind: 'watcherOffline', quiet: true });
    });
  }

  #ifGranted(pair: Pair, work: () => void): void {
    const done = this.#turns.run(pair.key, async () => {
      if (await this.#records.isGranted(pair)) work();
    });
    done.catch((error: unknown) => this.#ports.log.error({ event: 'presence.failed', error: String(error) }));
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
      reverseGranted: input.kind === 'watcherOffline' && (await this.#records.isGranted(reversed(pair))),
      ...(cacheAgeMs === undefined ? {} : { cacheAgeMs }),
    };
  }

  async #tooManyPending(pair: Pair): Promise<Reason | undefined> {
    if (this.#ports.isOurs(pair.watcher.domain) || (await this.#records.get(pair)) !== undefined) return undefined;
    const waiting = await this.#ports.store.countPending(pair.watcher.domain, pair.presentity.domain);
    if (waiting < this.#limits.pendingPerDomain) return undefined;
    return tooManyPending(pair.watcher.domain, waiting, this.#limits.pendingPerDomain);
  }

  #base(from: Address, to: Address): Base {
    return { id: this.#ports.ids.event(), at: this.#now(), origin: LOCAL, from, to };
  }

  /** Wall time of the start plus what has really passed: a wall clock that jumps changes nothing here. */
  #now(): number {
    return this.#startedWall + this.#ports.clock.monotonic() - this.#startedAt;
  }
}
