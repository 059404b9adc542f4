// One user as a whole: the open clients, the person's own choice, their calendar and their words in one, and what of it a
// level may see.

import type { Address } from '../../model/address.ts';
import type { CalendarNow } from '../../model/calendar.ts';
import type { Chosen, Composed, Level, OwnPresence } from '../../model/core.ts';
import type { CustomState } from '../../model/custom-state.ts';
import type { Endpoint, PresenceDocument, Show } from '../../model/presence.ts';
import { NO_SETTINGS, PRESENCE_POLICY, type PresencePolicy, type PresenceSettings } from '../../model/presence-settings.ts';
import type { OpenClient } from '../clients.ts';
import { type Aggregate, aggregate, type EndpointInput } from './aggregate.ts';
import { sees } from './levels.ts';
import { activityOfState, endpointNotes, personOf } from './said-of-person.ts';
import { isAway } from './settings.ts';
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
  /** Wall ms. */
  readonly now: number;
  /** The person's own word, while it holds. */
  readonly choice?: Choice | CustomState;
  readonly settings: PresenceSettings;
  /** What the calendar says now, where the person has not overruled it. */
  readonly calendar?: CalendarNow;
  /** Out of the office by their own word. */
  readonly away: boolean;
  /** Ms without a touch after which a client is away. */
  readonly awayAfter: number;
  /** Where the photo is. */
  readonly picture?: string;
}

/** What a state is made of beside the open clients. */
export interface Makings {
  readonly chosen?: Chosen | undefined;
  readonly states: readonly CustomState[];
  readonly settings?: PresenceSettings;
  readonly calendar?: CalendarNow | undefined;
  readonly policy?: PresencePolicy;
  readonly picture?: string;
}

/** The choice as a word that we know, while it holds; a state that an administrator has taken back says nothing. @param now wall ms */
export function choiceOf(chosen: Chosen | undefined, states: readonly CustomState[], now: number): Choice | CustomState | undefined {
  if (chosen === undefined || (chosen.until !== undefined && chosen.until <= now)) return undefined;
  return CHOICES.find((one) => one === chosen.state) ?? states.find(({ id }) => id === chosen.state);
}

/** Everything in one. @param now wall ms */
export function whole(clients: Iterable<OpenClient>, makings: Makings, now: number): Whole {
  const { chosen, states, settings = NO_SETTINGS, calendar, policy = PRESENCE_POLICY, picture } = makings;
  const what = choiceOf(chosen, states, now);
  const endpoints = [...clients].flatMap((one) => (one.presence === undefined ? [] : [input(one, one.presence)]));
  const until = chosen?.until;
  const choice = what && { what, ...(until !== undefined && { until }) };
  const { outOfOffice } = settings;
  const made = aggregate({
    now,
    endpoints,
    inactiveAfter: policy.inactiveAfterMs,
    awayAfter: policy.awayAfterMs,
    ...(choice && { choice }),
    ...(calendar && { calendar }),
    ...(outOfOffice && { outOfOffice }),
  });
  return {
    ...made,
    now,
    settings,
    away: isAway(settings, now),
    awayAfter: policy.awayAfterMs,
    ...(picture !== undefined && { picture }),
    ...(what && { choice: what }),
    ...(calendar && what !== 'available' && { calendar }),
  };
}

function input(
  { resource, open, saidAt, client: { face } }: OpenClient,
  { availability, show, activity, idleSince }: OwnPresence,
): EndpointInput {
  const doing =
    activity === 'on-the-phone' ? 'call' : activity === 'meeting' ? 'conference' : activity === 'presentation' ? 'presenting' : undefined;
  // Who is in a call says `dnd` because of the call; and RPID's one word for all of it is busy (RFC 4480 §3.2).
  const dnd = doing === undefined ? (face === 'sip' || activity === 'busy' ? 'busy' : 'doNotDisturb') : undefined;
  const says = show === 'away' ? 'away' : show === 'xa' ? 'longAway' : show === 'dnd' ? dnd : activity === 'busy' ? 'busy' : undefined;
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
