// What a level may see of a user as a whole: which endpoints, in which order, how available at most, and in which words. Pure.

import type { Address } from '../../model/address.ts';
import type { Composed, Level, OwnPresence } from '../../model/core.ts';
import type { Endpoint, PresenceDocument, Show } from '../../model/presence.ts';
import type { OpenClient } from '../clients.ts';
import { sees } from './levels.ts';
import { activityOfState, endpointNotes, personOf } from './said-of-person.ts';
import { CLASS_TO_SHOW, STATES } from './states.ts';
import type { Whole } from './whole.ts';

/** One client of somebody as a watcher of some level sees it. */
export interface SeenEndpoint {
  readonly resource: string;
  readonly presence: OwnPresence;
  /** Wall ms of this state. */
  readonly at: number;
}

/** What a watcher of some level sees of somebody. */
export interface Seen {
  readonly endpoints: readonly SeenEndpoint[];
  /** May the watcher read notes? */
  readonly notes: boolean;
  readonly composed: Composed;
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
  const person = personOf(level, all, open.length > 0);
  const document = { ...documentOf(ordered), ...(person !== undefined && { person }) };
  return { endpoints, notes, composed: { ...stateFor(level, all, open.length > 0), document } };
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

/** What a client says of itself, no more available than the whole person is, and no more of it than the level may have. */
function lowered(own: OwnPresence, level: Level | undefined, all: Whole): OwnPresence {
  if (level === undefined) return own;
  const wide = sees(level, 'note') && sees(level, 'activity') && sees(level, 'device');
  const shows = [own.show, ...boundsOf(all), ...busied(own, all), ...untouched(own, all)];
  const chosen = shows.reduce((least, one) => (SHOWS.indexOf(one) > SHOWS.indexOf(least) ? one : least), own.show);
  const { show: said, notes: words, activity: doing, idleSince, payload, ...rest } = own;
  const activity = sees(level, 'activity') ? (doing ?? activityOfState(all)) : undefined;
  const notes = endpointNotes(level, words, all);
  const same = chosen === said && notes === words;
  const kept = !wide || payload === undefined || (!same && payload.rest === undefined) ? undefined : payload;
  return {
    ...rest,
    ...(chosen !== undefined && { show: chosen }),
    notes,
    ...(activity !== undefined && { activity }),
    ...(idleSince !== undefined && sees(level, 'activity') && { idleSince }),
    // A face's own words would bring back what is held back here.
    ...(kept && { payload: kept, ...(!same && { amended: true as const }) }),
  };
}

/** A client that nobody has touched for long is away, as its user is where they have no other (lync-features A1). */
function untouched({ idleSince }: OwnPresence, { now, awayAfter }: Whole): readonly Show[] {
  return idleSince !== undefined && now - idleSince >= awayAfter ? ['away'] : [];
}

/** Who is in a call is so on every client, unless one says that they are away from it. */
function busied({ show }: OwnPresence, { state }: Whole): readonly (Show | undefined)[] {
  const { class: held } = STATES[state];
  return (show === undefined || show === 'chat') && (held === 'busy' || held === 'doNotDisturb') ? [CLASS_TO_SHOW[held]] : [];
}

/** How available every endpoint is at most: by the person's choice, by their calendar and by being out of the office. */
function boundsOf({ choice, calendar, away, state }: Whole): (Show | undefined)[] {
  const bounds: (Show | undefined)[] = [];
  if (typeof choice === 'object') bounds.push(CLASS_TO_SHOW[choice.class]);
  else if (choice !== undefined && choice !== 'appearOffline') bounds.push(CLASS_TO_SHOW[STATES[choice].class]);
  // A custom state and Available overrule the calendar (aggregate.ts); what remains stands in the state.
  if (typeof choice !== 'object' && choice !== 'available' && (away || (calendar !== undefined && calendar.kind !== 'free')))
    bounds.push(CLASS_TO_SHOW[STATES[state].class]);
  return bounds;
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
