// One state out of many endpoints, the calendar and the person's own choice (lync-features.md A1). Pure: the same inputs
// give the same state, and `reconsiderAt` says when time alone would change it.

import { type Choice, CLASSES, type CustomState, STATES, type State } from './states.ts';

/** One client or telephone of the person. */
export interface EndpointInput {
  readonly id: string;
  readonly open: boolean;
  /** What the client itself says: a word of its protocol, translated. */
  readonly says?: 'away' | 'longAway' | 'doNotDisturb' | 'busy';
  /** What its user is doing there. */
  readonly doing?: 'call' | 'conference' | 'presenting';
  /** Wall ms since when nobody has touched it; absent: it is in use, or does not know. */
  readonly idleSince?: number;
  /** Wall ms of its last word. */
  readonly at: number;
}

export interface CalendarInput {
  readonly kind: 'free' | 'busy' | 'meeting' | 'outOfOffice';
  /** Wall ms at which it ends. */
  readonly until?: number;
}

export interface Inputs {
  /** Wall ms. */
  readonly now: number;
  readonly endpoints: readonly EndpointInput[];
  /** Undefined: reset, nothing chosen. A custom state by its definition. */
  readonly choice?: { readonly what: Choice | CustomState; readonly until?: number };
  readonly calendar?: CalendarInput;
  /** What the person says of being out of the office; wall ms. */
  readonly outOfOffice?: { readonly from: number; readonly until?: number };
  /** Ms without a touch. */
  readonly inactiveAfter?: number;
  readonly awayAfter?: number;
}

export interface Aggregate {
  readonly state: State;
  readonly custom?: CustomState;
  /** As others see the class; `offline` while the person appears offline. */
  readonly number: number;
  /** Its owner reads this: what they chose, even while others see them offline. */
  readonly appearsOffline: boolean;
  /** The endpoint that messages go to first; undefined: none is open. */
  readonly mostActive?: string;
  readonly idleSince?: number;
  /** Wall ms at which the answer changes by itself; undefined: never. */
  readonly reconsiderAt?: number;
}

/** The documented defaults: 5 and 15 minutes. */
const INACTIVE_AFTER_MS = 5 * 60_000;
const AWAY_AFTER_MS = 15 * 60_000;

/** Composes the inputs. */
export function aggregate(inputs: Inputs): Aggregate {
  const { now } = inputs;
  const open = inputs.endpoints.filter((endpoint) => endpoint.open);
  const choice = inputs.choice?.until !== undefined && inputs.choice.until <= now ? undefined : inputs.choice;
  const calendar = inputs.calendar?.until !== undefined && inputs.calendar.until <= now ? undefined : inputs.calendar;
  const appearsOffline = choice?.what === 'appearOffline';
  const mostActive = byActivity(open)[0];
  const idle = mostActive === undefined ? 'none' : idleness(mostActive, inputs);
  const away = inputs.outOfOffice;
  const isAway = away !== undefined && away.from <= now && (away.until === undefined || away.until > now);
  const { state, custom } = compose(open, choice?.what, isAway ? { kind: 'outOfOffice' } : calendar, idle);
  const idleSince = idle === 'none' ? undefined : mostActive?.idleSince;
  const idling = open.flatMap((endpoint) => idleChanges(endpoint, inputs));
  const changes = [choice?.until, calendar?.until, away?.from, away?.until, ...idling].filter(
    (at): at is number => at !== undefined && at > now,
  );
  const shown = appearsOffline ? 'offline' : state;
  return {
    state: shown,
    ...(custom !== undefined && !appearsOffline && { custom }),
    number: custom === undefined || appearsOffline ? STATES[shown].number : numberOf(custom),
    appearsOffline,
    ...(mostActive !== undefined && { mostActive: mostActive.id }),
    ...(idleSince !== undefined && !appearsOffline && { idleSince }),
    ...(changes.length > 0 && { reconsiderAt: Math.min(...changes) }),
  };
}

type Idleness = 'none' | 'inactive' | 'away';

function compose(
  open: readonly EndpointInput[],
  choice: Choice | CustomState | undefined,
  calendar: CalendarInput | undefined,
  idle: Idleness,
): { readonly state: State; readonly custom?: CustomState } {
  // Nobody is there, whatever they chose when they left.
  if (open.length === 0) return { state: 'offline' };
  if (typeof choice === 'object') {
    // A custom state is the person's word; being away for long is a fact.
    if (idle === 'away' && choice.class === 'available') return { state: 'away' };
    return { state: stateOfClass(choice.class), custom: choice };
  }
  const found = [
    ...open.flatMap(whatItSays),
    ...(calendar === undefined ? [] : whatCalendarSays(calendar)),
    ...(choice === undefined || choice === 'appearOffline' ? [] : [choice]),
  ];
  // A person who says available means it: the calendar is overruled, a call in progress is not. Whoever says anything is at work.
  const overruled: readonly State[] =
    choice === 'available'
      ? ['inAMeeting', 'busy', 'outOfOffice']
      : choice === undefined || choice === 'appearOffline'
        ? []
        : ['outOfOffice'];
  const counted = found.filter((state) => !overruled.includes(state));
  const least = counted.reduce<State>((worst, state) => (rank(state) > rank(worst) ? state : worst), 'available');
  if (STATES[least].class === 'available') return { state: idle === 'away' ? 'away' : idle === 'inactive' ? 'inactive' : 'available' };
  if (STATES[least].class !== 'busy') return { state: least };
  // Who speaks on the telephone does not touch the keyboard.
  const speaking = least === 'inACall' || least === 'inAConference';
  if (speaking || idle === 'none') return { state: least };
  return { state: idle === 'away' && choice !== 'busy' ? 'away' : 'busyInactive' };
}

function whatItSays({ says, doing }: EndpointInput): State[] {
  const doings = { call: 'inACall', conference: 'inAConference', presenting: 'presenting' } as const;
  return [...(doing === undefined ? [] : [doings[doing]]), ...(says === 'doNotDisturb' || says === 'busy' ? [says] : [])];
}

function whatCalendarSays({ kind }: CalendarInput): State[] {
  const kinds = { free: [], busy: ['busy'], meeting: ['inAMeeting'], outOfOffice: ['outOfOffice'] } as const;
  return [...kinds[kind]];
}

/** Least available last; within a class, what says more: a call before a meeting before plain busy. */
function rank(state: State): number {
  const within: Partial<Record<State, number>> = { inAMeeting: 1, inACall: 2, inAConference: 3, presenting: 1, outOfOffice: 1, offWork: 2 };
  return CLASSES.indexOf(STATES[state].class) * 10 + (within[state] ?? 0);
}

function stateOfClass(custom: CustomState['class']): State {
  return custom;
}
function numberOf({ class: bound }: CustomState): number {
  return STATES[bound].number;
}

/** The endpoint in use first, then the one touched last; one that says it is away comes behind. */
function byActivity(open: readonly EndpointInput[]): readonly EndpointInput[] {
  const away = ({ says }: EndpointInput): number => (says === 'longAway' ? 2 : says === 'away' ? 1 : 0);
  const touched = ({ idleSince }: EndpointInput): number => idleSince ?? Number.POSITIVE_INFINITY;
  return [...open].sort((a, b) => away(a) - away(b) || touched(b) - touched(a) || b.at - a.at || (a.id < b.id ? -1 : 1));
}

function idleness(
  { says, idleSince }: EndpointInput,
  { now, inactiveAfter = INACTIVE_AFTER_MS, awayAfter = AWAY_AFTER_MS }: Inputs,
): Idleness {
  if (says === 'away' || says === 'longAway') return 'away';
  if (idleSince === undefined) return 'none';
  const idleMs = now - idleSince;
  return idleMs >= awayAfter ? 'away' : idleMs >= inactiveAfter ? 'inactive' : 'none';
}

function idleChanges({ idleSince }: EndpointInput, { inactiveAfter = INACTIVE_AFTER_MS, awayAfter = AWAY_AFTER_MS }: Inputs): number[] {
  return idleSince === undefined ? [] : [idleSince + inactiveAfter, idleSince + awayAfter];
}
