// Who watches whom: the pair of bare addresses that a presence event is about, and what the event means for their record.

import { type Address, bare, bareKey } from '../model/address.ts';
import type { PresenceEvent } from '../model/event.ts';
import type { Input } from './authorization.ts';

export interface Pair {
  readonly key: string;
  readonly watcher: Address;
  readonly presentity: Address;
}

/** The pair of two addresses, resources left out. */
export function pairFor(watcher: Address, presentity: Address): Pair {
  return { key: `${bareKey(watcher)} ${bareKey(presentity)}`, watcher: bare(watcher), presentity: bare(presentity) };
}

/** The same two people the other way round. */
export function reversed(pair: Pair): Pair {
  return pairFor(pair.presentity, pair.watcher);
}

/** The pair that an event is about, whichever of the two it comes from. */
export function pairOf(event: PresenceEvent): Pair {
  switch (event.kind) {
    case 'presence.requested':
    case 'presence.probed':
    case 'presence.watcherOnline':
    case 'presence.watcherOffline':
      return pairFor(event.from, event.to);
    case 'presence.granted':
    case 'presence.denied':
    case 'presence.notified':
      return pairFor(event.to, event.from);
    case 'presence.ended':
      return event.by === 'watcher' ? pairFor(event.from, event.to) : pairFor(event.to, event.from);
  }
  return event satisfies never;
}

/** The event as an input of the machine in authorization.ts. */
export function inputOf(event: PresenceEvent): Input {
  switch (event.kind) {
    case 'presence.requested':
      return { kind: 'requested' };
    case 'presence.granted':
      return { kind: 'granted' };
    case 'presence.denied':
      return { kind: 'denied', own: event.cause === undefined };
    case 'presence.ended':
      if (event.by === 'watcher') return { kind: 'endedByWatcher' };
      return { kind: 'endedByPresentity', reason: event.reason };
    case 'presence.notified':
      return { kind: 'notified' };
    case 'presence.probed':
      return { kind: 'probed' };
    case 'presence.watcherOnline':
      return { kind: 'watcherOnline' };
    case 'presence.watcherOffline':
      return { kind: 'watcherOffline', quiet: event.quiet ?? false };
  }
  return event satisfies never;
}
