// One user as a whole: the open clients, the person's own choice and their states in one, and what of it a level may see.

import type { Address } from '../model/address.ts';
import type { Chosen, Composed, Level, OwnPresence } from '../model/core.ts';
import type { CustomState } from '../model/custom-state.ts';
import type { Endpoint, PresenceDocument, Show } from '../model/presence.ts';
import { type Aggregate, aggregate, type EndpointInput } from './aggregate.ts';
import type { OpenClient } from './clients.ts';
import { sees } from './levels.ts';
import { CHOICES, type Choice, CLASS_TO_SHOW, STATES } from './states.ts';

/** One client of somebody as a watcher of some level sees it. */
export interface SeenEndpoint {
  readonly resource: string;
  readonly presence: OwnPresence;
  /** Wall ms of this state. */
  readonly at: number;
}
export interface Seen {
  readonly endpoints: readonly SeenEndpoint[];
  /** May the watcher read notes? */
  readonly notes: boolean;
  readonly composed: Composed;
}

/** A person at one moment. */
export interface Whole extends Aggregate {
  /** The person's own word, while it holds. */
  readonly choice?: Choice | CustomState;
}

/** The choice as a word that we know, while it holds; a state that an administrator has taken back says nothing. @param now wall ms */
export function choiceOf(chosen: Chosen | undefined, states: readonly CustomState[], now: number): Choice | CustomState | undefined {
  if (chosen === undefined || (chosen.until !== undefined && chosen.until <= now)) return undefined;
  return CHOICES.find((one) => one === chosen.state) ?? states.find(({ id }) => id === chosen.state);
}

/** Everything in one. @param now wall ms */
export function whole(clients: Iterable<OpenClient>, chosen: Chosen | undefined, states: readonly CustomState[], now: number): Whole {
  const what = choiceOf(chosen, states, now);
  const endpoints = [...clients].flatMap((one) => (one.presence === undefined ? [] : [input(one, one.presence)]));
  const until = chosen?.until;
  const choice = what && { what, ...(until !== undefined && { until }) };
  return { ...aggregate({ now, endpoints, ...(choice && { choice }) }), ...(what && { choice: what }) };
}

function input({ resource, open, saidAt }: OpenClient, { availability, show, activity, idleSince }: OwnPresence): EndpointInput {
  const says =
    show === 'away' ? 'away' : show === 'xa' ? 'longAway' : show === 'dnd' ? 'doNotDisturb' : activity === 'busy' ? 'busy' : undefined;
  const doing =
    activity === 'on-the-phone' ? 'call' : activity === 'meeting' ? 'conference' : activity === 'presentation' ? 'presenting' : undefined;
  return {
    id: resource,
    open: open && availability === 'open',
    at: saidAt,
    ...(says !== undefined && { says }),
    ...(doing !== undefined && { doing }),
    ...(idleSince !== undefined && { idleSince }),
  };
}

/** From most to least available. */
const SHOWS: readonly (Show | undefined)[] = ['chat', undefined, 'away', 'xa', 'dnd'];

/**
 * What a level sees of somebody.
 * @param level undefined: their own clients, which see everything as it was said
 */
export function seenBy(level: Level | undefined, clients: Iterable<OpenClient>, all: Whole): Seen {
  const shown = level === undefined || (sees(level, 'availability') && !all.appearsOffline);
  const open = shown ? [...clients].filter((one) => one.available) : [];
  const endpoints = open.map((one) => ({ resource: one.resource, at: one.saidAt, presence: lowered(one.presence!, level, all) })); // available: it has said so
  const best = (one: SeenEndpoint): number => (one.resource === all.mostActive ? -1 : SHOWS.indexOf(one.presence.show));
  const ordered = [...endpoints].sort((a, b) => best(a) - best(b) || b.at - a.at);
  const notes = level === undefined || (sees(level, 'note') && !all.appearsOffline);
  return { endpoints, notes, composed: { ...stateFor(level, all, open.length > 0), document: documentOf(ordered) } };
}

function stateFor(level: Level | undefined, all: Whole, there: boolean): Omit<Composed, 'document'> {
  if (!there) return { state: 'offline', number: STATES.offline.number };
  const words = all.custom?.words[''] ?? Object.values(all.custom?.words ?? {})[0];
  if (level === undefined || sees(level, 'activity'))
    return { state: all.state, number: all.number, ...(words !== undefined && { words }) };
  // Who sees availability alone sees its class.
  const plain = STATES[all.state].class;
  return { state: plain, number: STATES[plain].number };
}

/** What a client says of itself, no more available than the person has chosen to be, and no more of it than the level may have. */
function lowered(own: OwnPresence, level: Level | undefined, all: Whole): OwnPresence {
  if (level === undefined) return own;
  const wide = sees(level, 'note') && sees(level, 'activity') && sees(level, 'device');
  const { choice } = all;
  const held =
    typeof choice === 'object' ? choice.class : choice === undefined || choice === 'appearOffline' ? undefined : STATES[choice].class;
  const bound = held && CLASS_TO_SHOW[held];
  const chosen = SHOWS.indexOf(bound) > SHOWS.indexOf(own.show) ? bound : own.show;
  const { show: said, notes, activity, idleSince, payload, ...rest } = own;
  return {
    ...rest,
    ...(chosen !== undefined && { show: chosen }),
    notes: sees(level, 'note') ? notes : [],
    ...(activity !== undefined && sees(level, 'activity') && { activity }),
    ...(idleSince !== undefined && sees(level, 'activity') && { idleSince }),
    // A face's own words would bring back what is held back here.
    ...(payload !== undefined && wide && chosen === said && { payload }),
  };
}

function documentOf(endpoints: readonly SeenEndpoint[]): PresenceDocument {
  return {
    endpoints: endpoints.map(({ resource, at, presence: { availability, show, activity, notes, priority, idleSince } }): Endpoint => {
      const more = { ...(show !== undefined && { show }), ...(activity !== undefined && { activity }) };
      const facts = { ...(priority !== undefined && { priority }), ...(idleSince !== undefined && { idleSince }) };
      return { id: resource, availability, notes, at, ...more, ...facts };
    }),
  };
}

/** A client that is gone, as it is shown. */
export const GONE: OwnPresence = { availability: 'closed', notes: [] };
/** Nobody of that address is there. */
export const NOTHING: Composed = { state: 'offline', number: STATES.offline.number, document: { endpoints: [] } };

/** Where presence items about one endpoint come from. */
export function endpointOf(of: Address, resource: string): Address {
  return resource === '' ? { local: of.local, domain: of.domain } : { local: of.local, domain: of.domain, resource };
}
