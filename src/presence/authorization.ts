// May this watcher see this presentity? The durable record of one pair as a pure machine (RFC 8048 §5.1, RFC 6121 §3).
// It serves both directions: which shore the two people are on is not known here. Dialogs, their timers and their
// refreshes live on the SIP shore; what is shown lives in cache.ts. `presence.ts` carries the actions out.

import type { EndReason } from '../model/event.ts';
import type { Authorization } from '../model/stores.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A cached document older than this is asked for anew when the watcher shows up. */
const STALE_MS = 10 * 60 * 1000;
/** `reason` of a record that policy, not the presentity, took back. */
const BY_POLICY = 'policy';

/** What the machine may look at besides the record. */
export interface Facts {
  readonly watcher: string;
  readonly presentity: string;
  /** Wall time in ms that does not jump. */
  readonly now: number;
  readonly watcherOurs: boolean;
  readonly presentityOurs: boolean;
  /** The presentity, too, sees the watcher: then the watcher's own presence says when they are there. */
  readonly reverseGranted: boolean;
  /** Age of the document held for this watcher; absent: none is held. */
  readonly cacheAgeMs?: number;
}

export type Input =
  | { readonly kind: 'requested' }
  | { readonly kind: 'granted' }
  /** `own`: the presentity's own word; otherwise a server said no. */
  | { readonly kind: 'denied'; readonly own: boolean }
  | { readonly kind: 'endedByWatcher' }
  | { readonly kind: 'endedByPresentity'; readonly reason: EndReason }
  | { readonly kind: 'notified' }
  | { readonly kind: 'probed' }
  | { readonly kind: 'watcherOnline' }
  /** `quiet`: known from the watcher's own presence, so the presentity has been told already. */
  | { readonly kind: 'watcherOffline'; readonly quiet: boolean }
  /** Policy forbids from now on what it allowed before. */
  | { readonly kind: 'withdrawn' };

export type Action =
  /** Durable, to the presentity: presence.requested. */
  | { readonly do: 'request' }
  /** To the watcher: presence.granted, presence.denied. `durable`: news; otherwise the answer to a question just asked. */
  | { readonly do: 'grant'; readonly durable: boolean }
  | { readonly do: 'deny'; readonly durable: boolean }
  /** To the watcher: presence.ended. `first`: nothing was ever granted, the reason is worth telling. */
  | { readonly do: 'fail'; readonly first: boolean }
  /** Durable, to the presentity: presence.ended by the watcher. */
  | { readonly do: 'stop' }
  /** To the presentity's shore: the watcher is there, or is not. */
  | { readonly do: 'watch' }
  | { readonly do: 'unwatch'; readonly quiet: boolean }
  | { readonly do: 'probe' }
  /** To the watcher: the document held. */
  | { readonly do: 'show' }
  /** Take the document that came and show what changed. */
  | { readonly do: 'take' }
  /** To the watcher: everything shown is gone. `grace`: not before the restart grace is over. Then forget the document. */
  | { readonly do: 'hide'; readonly grace: boolean }
  | { readonly do: 'ignore'; readonly why: string };

export type Step = readonly [authorization: Authorization | undefined, actions: readonly Action[]];

/**
 * One step of the record of one pair.
 * @returns the next record (undefined: none) and what is to be done, in order
 */
export function step(now: Authorization | undefined, input: Input, facts: Facts): Step {
  switch (input.kind) {
    case 'requested':
      return requested(now, facts);
    case 'granted':
      if (now === undefined) return [now, [ignore('nobody asked')]]; // RFC 6121 §3.1.6: an unsolicited `subscribed` changes nothing
      if (now.state === 'granted') return [now, [ignore('granted already')]];
      return [turn(now, 'granted', facts), [{ do: 'grant', durable: true }]];
    case 'denied':
      return denied(now, input.own, facts);
    case 'endedByWatcher':
      // A denial outlives it, so that asking, leaving and asking again does not ring the presentity more than once a day.
      if (now === undefined || now.state === 'denied') return [now, [ignore('nothing to end')]];
      return [undefined, now.state === 'granted' ? [hideNow, { do: 'stop' }] : [{ do: 'stop' }]];
    case 'endedByPresentity':
      return ended(now, input.reason, facts);
    case 'notified':
      // Spec 5.8: presence before the grant is a leak.
      return now?.state === 'granted' ? [now, [{ do: 'take' }]] : [now, [ignore('not granted')]];
    case 'probed':
      if (now?.state !== 'granted') return [now, [{ do: 'deny', durable: false }]]; // RFC 6121 §4.3.2
      return [seen(now, facts), [...held(facts), { do: 'watch' }, ...probeIfStale(facts)]];
    case 'watcherOnline':
      return online(now, facts);
    case 'watcherOffline':
      if (now?.state !== 'granted') return [now, [ignore('not granted')]];
      if (!input.quiet && facts.reverseGranted) return [now, [ignore("the watcher's own presence speaks")]];
      return [now, [{ do: 'unwatch', quiet: input.quiet }]];
    case 'withdrawn':
      return withdrawn(now, facts);
  }
  return input satisfies never;
}

const ignore = (why: string): Action => ({ do: 'ignore', why });
const hideNow: Action = { do: 'hide', grace: false };

function requested(now: Authorization | undefined, facts: Facts): Step {
  if (now === undefined) return [fresh(facts), [{ do: 'request' }]];
  switch (now.state) {
    case 'granted':
      return [seen(now, facts), [{ do: 'grant', durable: false }, ...held(facts), { do: 'watch' }, ...probeIfStale(facts)]];
    case 'pending':
      return mayAskAgain(now, facts) ? [asked(now, facts), [{ do: 'request' }]] : [seen(now, facts), [{ do: 'watch' }]];
    case 'denied':
      if (mayAskAgain(now, facts)) return [asked(turn(now, 'pending', facts), facts), [{ do: 'request' }]];
      // What policy took back and allows again waits for the presentity's word, but is not a refusal.
      if (now.reason === BY_POLICY) return [turn(now, 'pending', facts), []];
      return [seen(now, facts), [{ do: 'deny', durable: false }]];
  }
  return now.state satisfies never;
}

function denied(now: Authorization | undefined, own: boolean, facts: Facts): Step {
  if (now === undefined || now.state === 'denied') return [now, [ignore('nothing to refuse')]];
  if (now.state === 'granted') return [turn(now, 'denied', facts), [hideNow, { do: 'deny', durable: true }]];
  if (!own && hidesExistence(facts)) return [now, [ignore('a partner is not told')]];
  return [turn(now, 'denied', facts), [{ do: 'deny', durable: true }]];
}

function ended(now: Authorization | undefined, reason: EndReason, facts: Facts): Step {
  // The presentity's side confirms what the watcher ended.
  if (now === undefined) return [now, reason === 'unsubscribed' ? [{ do: 'deny', durable: false }] : [ignore('no such pair')]];
  if (reason === 'rejected') return denied(now, true, facts);
  if (reason === 'noresource') {
    if (now.state === 'granted') return [undefined, [hideNow, { do: 'fail', first: false }]];
    if (now.state === 'denied') return [now, [ignore('denied already')]];
    return hidesExistence(facts) ? [now, [ignore('a partner is not told')]] : [undefined, [{ do: 'fail', first: true }]];
  }
  if (now.state === 'granted') {
    // RFC 6665 §4.1.3: `invariant` means that the state will not change: what was shown stays.
    return reason === 'invariant' || reason === 'unsubscribed' ? [now, [ignore(reason)]] : [now, [{ do: 'hide', grace: true }]];
  }
  if (now.state === 'pending' && reason === 'probation') {
    // The request did not arrive: the next one is no second one.
    const { lastSubscribeAt: _, ...rest } = now;
    return [rest, [{ do: 'fail', first: true }]];
  }
  return [now, [ignore(reason)]];
}

function online(now: Authorization | undefined, facts: Facts): Step {
  if (now === undefined) return [now, [ignore('no such pair')]];
  switch (now.state) {
    case 'granted':
      return [seen(now, facts), [{ do: 'watch' }, ...probeIfStale(facts)]];
    case 'pending':
      return mayAskAgain(now, facts) ? [asked(now, facts), [{ do: 'request' }]] : [seen(now, facts), [{ do: 'watch' }]];
    case 'denied':
      return [now, [{ do: 'deny', durable: false }]]; // a dialog restored after the denial
  }
  return now.state satisfies never;
}

function withdrawn(now: Authorization | undefined, facts: Facts): Step {
  if (now === undefined || now.state === 'denied') return [now, [ignore('nothing to take back')]];
  const next = { ...turn(now, 'denied', facts), reason: BY_POLICY };
  if (now.state === 'granted') return [next, [hideNow, { do: 'deny', durable: false }, { do: 'unwatch', quiet: false }]];
  // DESIGN 7: a partner's watcher who waits goes on waiting, whatever policy says.
  return facts.watcherOurs ? [next, [{ do: 'deny', durable: false }]] : [now, [ignore('a partner is not told')]];
}

/** DESIGN 7: toward a partner, unknown, blocked and not permitted users of ours look alike. */
function hidesExistence(facts: Facts): boolean {
  return facts.presentityOurs && !facts.watcherOurs;
}

/** Spec 5.3: at most one `subscribe` per pair in 24 h. */
function mayAskAgain(now: Authorization, facts: Facts): boolean {
  return now.lastSubscribeAt === undefined || facts.now - now.lastSubscribeAt >= DAY_MS;
}

function held(facts: Facts): Action[] {
  return facts.cacheAgeMs === undefined ? [] : [{ do: 'show' }];
}

function probeIfStale(facts: Facts): Action[] {
  return facts.cacheAgeMs === undefined || facts.cacheAgeMs > STALE_MS ? [{ do: 'probe' }] : [];
}

function fresh(facts: Facts): Authorization {
  const { watcher, presentity, now } = facts;
  return { watcher, presentity, state: 'pending', changedAt: now, lastSubscribeAt: now, watcherSeenAt: now };
}

function turn(now: Authorization, state: Authorization['state'], facts: Facts): Authorization {
  const { reason: _, ...rest } = now;
  return { ...rest, state, changedAt: facts.now };
}

function asked(now: Authorization, facts: Facts): Authorization {
  return { ...now, lastSubscribeAt: facts.now, watcherSeenAt: facts.now };
}

/** A sign of life from the watcher; written at most once an hour, to spare the disk. */
function seen(now: Authorization, facts: Facts): Authorization {
  return facts.now - now.watcherSeenAt < 60 * 60 * 1000 ? now : { ...now, watcherSeenAt: facts.now };
}
