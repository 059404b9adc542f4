// `isthmus user state`: what a user is seen as, and their choice set or reset by an operator.

import * as z from 'zod';
import { parseDuration } from '../../config/values.ts';
import { bareKey } from '../../model/address.ts';
import type { Chosen, StateDesk, StateSight } from '../../model/core.ts';
import { readLocal } from '../../model/zoned-time.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { minuteOf, oneLine } from '../words.ts';
import { addressInput, atPeople, personOf, Refused } from './given.ts';

const OPTIONS = {
  set: { type: 'string', value: 'STATE', says: 'chooses a state for them: busy, doNotDisturb, beRightBack, away, offWork, ...' },
  until: { type: 'string', value: 'TIME', says: 'with --set: 2026-11-24T17:00Z, or a span as 2h; default: until they change it' },
  reset: { type: 'boolean', says: 'takes back what was chosen' },
} as const;

export const userState = verb({
  words: 'user state',
  summary: 'what a user is seen as; chooses or resets a state for them',
  positionals: ['address'],
  options: OPTIONS,
  details: [
    'Without options: the state as their own clients see it, what they chose, and their notes.',
    'States are those of every home and of people/states.yaml; a wrong one is answered with the list.',
    'The user sees the choice on every client and may change it. Works while Isthmus runs.',
  ].join('\n'),
  example: 'isthmus user state nora@people.example --set offWork --until 8h --why "called in sick"',
  input: z
    .object({
      address: addressInput,
      set: z.string().min(1).max(64).optional().describe('The state to choose.'),
      until: z.string().min(1).max(40).optional().describe('Its end: ISO time, or a span as 2h.'),
      reset: z.boolean().default(false).describe('Takes back what was chosen.'),
    })
    .refine(({ set, reset }) => set === undefined || !reset, '--set or --reset, not both')
    .refine(({ set, until }) => until === undefined || set !== undefined, '--until goes with --set'),
  http: { method: 'POST', path: '/users/{address}/state' },
  role: 'operator',
  audited: true,
  where: 'process',
  run: (operations, { address, set, until, reset }) =>
    atPeople(operations, 'user state', async (desk): Promise<Report> => {
      const states = statesOf(operations);
      const person = await personOf(operations, desk, address);
      const user = person.address;
      const now = operations.clock.now();
      if (set === undefined && !reset) return report(bareKey(user), await states.of(user), []);
      const chosen: Chosen | undefined = set === undefined ? undefined : { state: wordOf(set, states), ...endOf(until, now) };
      const outcome = await states.choose(user, chosen);
      if (outcome.kind === 'refused' || outcome.kind === 'failed') throw new Refused(outcome.reason.text);
      const did =
        chosen === undefined ? 'reset' : `set to ${chosen.state}${chosen.until === undefined ? '' : ` until ${minuteOf(chosen.until)}`}`;
      const said = report(bareKey(user), await states.of(user), [`State ${did}.`]);
      return { ...said, changes: `state of ${bareKey(user)} ${did}` };
    }),
});

function statesOf({ live }: Operations): StateDesk {
  if (live === undefined) throw new Refused('only a running process knows states');
  return live.states;
}

/** Whatever case it is written in. */
function wordOf(word: string, states: StateDesk): string {
  const known = states.states();
  const found = known.find((one) => one.toLowerCase() === word.toLowerCase());
  if (found === undefined) throw new Refused(`"${word}" is no state that can be chosen; these are: ${known.join(', ')}`);
  return found;
}

function endOf(until: string | undefined, now: number): { readonly until?: number } {
  if (until === undefined) return {};
  const span = parseDuration(until);
  const at = typeof span === 'number' ? now + span : readLocal(until, 'UTC');
  if (at === undefined) throw new Refused(`"${until}" is no time; right would be 2026-11-24T17:00Z or a span such as 2h`);
  if (at <= now) throw new Refused(`${until} is over already`);
  return { until: at };
}

/** Rows of `user show` and `user state`: what the person is seen as, and what they say of it. */
export function stateRows({ chosen, composed, settings }: StateSight): (readonly [string, string])[] {
  const { note, outOfOffice, location, timeZone, contactsOnly, domains } = settings;
  const words = Object.entries(domains).map(([domain, level]) => `${domain} ${level}`);
  const span = (from: number, until?: number): string => `from ${minuteOf(from)}${until === undefined ? '' : ` until ${minuteOf(until)}`}`;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['presence', composed.words === undefined ? composed.state : `${composed.state} (${composed.words})`],
    ['chosen', chosen && `${chosen.state}${chosen.until === undefined ? '' : `, until ${minuteOf(chosen.until)}`}`],
    ['note', note],
    ['out of office', outOfOffice && [span(outOfOffice.from, outOfOffice.until), outOfOffice.text].filter(Boolean).join(': ')],
    ['where', location],
    ['time zone', timeZone],
    ['privacy', contactsOnly ? 'only their contacts see them' : undefined],
    ['levels', words.length === 0 ? undefined : words.join(', ')],
  ];
  return rows.flatMap(([label, value]) => (value === undefined ? [] : [[label, value] as const]));
}

/** The same for programs. */
export function stateView({ chosen, composed, settings }: StateSight): Readonly<Record<string, unknown>> {
  const { outOfOffice, notes, ...rest } = settings;
  const { state, words, number } = composed;
  return {
    state,
    number,
    ...(words !== undefined && { words }),
    ...(chosen !== undefined && { chosen: { state: chosen.state, ...(chosen.until !== undefined && { until: iso(chosen.until) }) } }),
    ...rest,
    notes: notes.map(({ text, at }) => ({ text, at: iso(at) })),
    ...(outOfOffice !== undefined && {
      outOfOffice: {
        ...outOfOffice,
        from: iso(outOfOffice.from),
        ...(outOfOffice.until !== undefined && { until: iso(outOfOffice.until) }),
      },
    }),
  };
}

function report(key: string, sight: StateSight, before: readonly string[]): Report {
  const rows = stateRows(sight);
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, value]) => `  ${label.padEnd(width)}  ${oneLine(value)}`);
  return { text: [...before, key, ...lines].join('\n'), json: { address: key, ...stateView(sight) }, exit: 0 };
}

function iso(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
