// What a person says and what is known of them beside their clients, in words: the notes that stand with every endpoint, and the
// facts that SIP watchers are shown of the person as a whole. By level.

import type { Level } from '../../model/core.ts';
import { untilWords } from '../../model/out-of-office.ts';
import type { ActivityWord, Note, PersonFacts } from '../../model/presence.ts';
import { offsetMinutes } from '../../model/zoned-time.ts';
import { sees } from './levels.ts';
import { STATES, type State } from './states.ts';
import type { Whole } from './whole.ts';

/** States that no show of XMPP says: `dnd` alone is read as Do Not Disturb, and who is busy may be written to. */
const SPOKEN: ReadonlySet<State> = new Set<State>([
  'busy',
  'busyInactive',
  'inACall',
  'inAConference',
  'inAMeeting',
  'presenting',
  'outOfOffice',
  'offWork',
  'beRightBack',
]);

/** RFC 4480 §3.2: the word of a state; the others are said by their class. */
const RPID: Partial<Record<State, string>> = {
  inAMeeting: 'meeting',
  inAConference: 'meeting',
  inACall: 'on-the-phone',
  presenting: 'presentation',
  busy: 'busy',
  busyInactive: 'busy',
  doNotDisturb: 'busy',
  away: 'away',
  beRightBack: 'away',
};
/** What RFC 4480 has no word for. */
const OTHER: Partial<Record<State, string>> = { offWork: STATES.offWork.words, outOfOffice: STATES.outOfOffice.words };

/** The activity of every endpoint where it says none itself: that of the calendar. */
export function activityOfState({ state, calendar }: Whole): string | undefined {
  return calendar?.kind === 'meeting' && state === 'inAMeeting' ? RPID.inAMeeting : undefined;
}

/**
 * The notes of one endpoint: the words of the state, being out of the office, and the client's own words or the person's note.
 * @param own what the client itself says; comes back as it is where nothing is to be added or taken away
 */
export function endpointNotes(level: Level, own: readonly Note[], all: Whole): readonly Note[] {
  const state = sees(level, 'activity') ? stateNotes(level, all) : [];
  const away = all.away && sees(level, 'outOfOfficeNote') ? all.settings.outOfOffice?.text : undefined;
  const noted = sees(level, 'note') ? (own.length > 0 || all.settings.note === undefined ? own : [{ text: all.settings.note }]) : [];
  if (state.length === 0 && away === undefined) return noted.length === own.length && own.length === 0 ? own : noted;
  const rest = [away, noted[0]?.text].filter((text) => text !== undefined).join(' - ');
  if (state.length === 0) return [{ text: rest }];
  return rest === '' ? state : state.map(({ text, ...lang }) => ({ ...lang, text: `${text} - ${rest}` }));
}

/** The state in words, one note for each language it is known in. */
function stateNotes(level: Level, all: Whole): readonly Note[] {
  if (all.custom !== undefined) return wordsOf(all.custom.words);
  if (!SPOKEN.has(all.state)) return [];
  const end = all.state === 'outOfOffice' ? all.settings.outOfOffice?.until : undefined;
  const text = STATES[all.state].words + (end === undefined || !all.away ? '' : ` ${untilWords(end, all.settings.timeZone)}`);
  const meeting = all.state === 'inAMeeting' ? meetingOf(level, all) : undefined;
  const about = [meeting?.subject, meeting?.place === undefined ? undefined : `(${meeting.place})`].filter((part) => part !== undefined);
  return about.length === 0 ? [{ text, lang: 'en' }] : [{ text: `${text}: ${about.join(' ')}` }];
}

function wordsOf(words: Readonly<Record<string, string>>): readonly Note[] {
  const { '': plain, ...languages } = words;
  const named = Object.entries(languages).map(([lang, text]) => ({ text, lang }));
  // The text for every other language is usually that of the first one.
  return plain === undefined || named.some(({ text }) => text === plain) ? named : [{ text: plain }, ...named];
}

function meetingOf(level: Level | undefined, { calendar }: Whole): PersonFacts['meeting'] {
  if (calendar === undefined || (calendar.kind !== 'meeting' && calendar.kind !== 'busy')) return undefined;
  const { subject, place, until } = calendar;
  if (level !== undefined && !sees(level, 'meeting')) return undefined;
  return { ...(subject !== undefined && { subject }), ...(place !== undefined && { place }), ...(until !== undefined && { until }) };
}

/**
 * The facts of a person. Who appears offline looks as if nobody were there.
 * @param there is a client seen? @returns undefined: nothing that the level may know
 */
export function personOf(level: Level | undefined, all: Whole, there: boolean): PersonFacts | undefined {
  const may = (field: Parameters<typeof sees>[1]): boolean => level === undefined || sees(level, field);
  const { settings, now } = all;
  const away = all.away && may('outOfOfficeNote') ? settings.outOfOffice : undefined;
  const note = there && may('note') ? settings.note : undefined;
  const location = there && may('location') ? settings.location : undefined;
  const zone = there && may('timeZone') ? settings.timeZone : undefined;
  const meeting = there && all.state === 'inAMeeting' ? meetingOf(level, all) : undefined;
  const activities = there && may('activity') ? activitiesOf(all) : [];
  const picture = there && may('photo') ? all.picture : undefined;
  const facts = {
    activities,
    notes: note === undefined ? [] : [{ text: note }],
    ...(away && { outOfOffice: away }),
    ...(location !== undefined && { location }),
    ...(zone !== undefined && { timeZone: { name: zone, offsetMinutes: offsetMinutes(zone, now) } }),
    ...(meeting && { meeting }),
    ...(picture !== undefined && { picture }),
  };
  return activities.length === 0 && note === undefined && Object.keys(facts).length === 2 ? undefined : facts;
}

/** What is true of the whole person, whichever client says it. Who is merely away is so client by client. */
function activitiesOf({ custom, choice, calendar, away, state }: Whole): readonly ActivityWord[] {
  if (custom !== undefined) return wordsOf(custom.words).map((other) => ({ other }));
  const { class: held } = STATES[state];
  if (choice === undefined && calendar === undefined && !away && held !== 'busy' && held !== 'doNotDisturb') return [];
  const [word, other] = [RPID[state], OTHER[state]];
  if (other !== undefined) return [{ other: { text: other, lang: 'en' } }];
  return word === undefined ? [] : [{ rpid: word }];
}
