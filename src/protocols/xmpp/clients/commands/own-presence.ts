// What people say of their presence, as ad-hoc commands of any client: the state they choose, notes, being out of the office, who
// sees what, privacy; and what somebody shows them.

import { bareKey, show } from '../../../../model/address.ts';
import { LEVELS, type Level } from '../../../../model/core.ts';
import type { Outcome } from '../../../../model/outcome.ts';
import type { SettingsChange } from '../../../../model/presence-settings.ts';
import { readLocal, showLocal } from '../../../../model/zoned-time.ts';
import { toAddress } from '../../jid.ts';
import type { Asker } from '../iq-table.ts';
import { ABOUT } from './about.ts';
import type { Command, CommandResult } from './adhoc.ts';
import { type Field, isTrue } from './data-form.ts';

const MINUTE = 60_000;
const UNENDING = 'unending';
/** Takes back what was chosen. */
const RESET = 'reset';
const LASTS: readonly { readonly value: string; readonly label: string }[] = [
  { value: UNENDING, label: 'Until I change it' },
  { value: '30', label: 'Half an hour' },
  { value: '60', label: 'An hour' },
  { value: '240', label: 'Four hours' },
  { value: '480', label: 'Eight hours' },
];

const LEVEL_WORDS: Readonly<Record<Level, string>> = {
  friends: 'Friends and family',
  workgroup: 'Workgroup: meetings too, and may break through Do Not Disturb',
  colleagues: 'Colleagues: notes, activity, place',
  external: 'External: only whether you are available',
  blocked: 'Blocked: always offline, cannot write',
};
const NO_WORD = 'default';

/** @param now wall ms */
export function presenceCommands(now: () => number): readonly Command[] {
  return [setState(now), notes, away(now), seen, privacy, ABOUT];
}

function setState(now: () => number): Command {
  return {
    node: 'urn:isthmus:presence:state',
    name: 'Set my state',
    async form({ session, language }) {
      const chosen = await session.chosen();
      const holds = chosen !== undefined && (chosen.until === undefined || chosen.until > now());
      const states = session.personal.states(language).map(({ state, words }) => ({ value: state, label: words }));
      return {
        instructions: 'What everybody sees, whichever client you use.',
        fields: [
          {
            name: 'state',
            type: 'list-single',
            label: 'State',
            value: holds ? chosen.state : RESET,
            options: [{ value: RESET, label: 'As my clients and my calendar say (reset)' }, ...states],
          },
          { name: 'for', type: 'list-single', label: 'For', value: UNENDING, options: LASTS },
          { name: 'until', type: 'text-single', label: 'Or until, as 2026-11-24 17:00' },
        ],
      };
    },
    async submit({ session }, values) {
      const state = values.get('state') ?? RESET;
      if (state === RESET || state === '')
        return said(await session.choose(undefined), 'Your state is what your clients and your calendar say.');
      const zone = await zoneOf(session);
      const until = untilOf(values, zone, now());
      if (until === 'unread') return unread(values.get('until'));
      const words = session.personal.states().find((one) => one.state === state)?.words ?? state;
      const end = until === undefined ? 'until you change it' : `until ${showLocal(until, zone)} (${zone})`;
      return said(await session.choose({ state, ...(until !== undefined && { until }) }), `You are ${words}, ${end}.`);
    },
  };
}

const notes: Command = {
  node: 'urn:isthmus:presence:note',
  name: 'Note, place and time zone',
  async form({ session }) {
    const { note, notes: before, location, timeZone } = await session.personal.settings();
    const older = before.filter(({ text }) => text !== note).map(({ text }) => text);
    return {
      instructions: 'Shown to colleagues, workgroup, friends and family. Leave empty what is not to be shown.',
      fields: [
        text('note', 'Note', note),
        ...(older.length === 0 ? [] : [{ name: 'before', type: 'fixed', value: `Before: ${older.join(' / ')}` } as const]),
        text('location', 'Where you are', location),
        text('time-zone', 'Time zone, as Europe/Berlin', timeZone),
      ],
    };
  },
  async submit({ session }, values) {
    const change: SettingsChange = {
      ...given(values, 'note', 'note'),
      ...given(values, 'location', 'location'),
      ...given(values, 'time-zone', 'timeZone'),
    };
    return said(await session.personal.change(change), 'This is shown from now on.');
  },
};

function away(now: () => number): Command {
  return {
    node: 'urn:isthmus:presence:out-of-office',
    name: 'Out of office',
    async form({ session }) {
      const { outOfOffice } = await session.personal.settings();
      const zone = await zoneOf(session);
      return {
        instructions: `Times are as on clocks in ${zone}.`,
        fields: [
          { name: 'away', type: 'boolean', label: 'Out of office', value: outOfOffice === undefined ? '0' : '1' },
          text('from', 'From, as 2026-11-24 17:00; empty: now', outOfOffice && showLocal(outOfOffice.from, zone)),
          text('until', 'Until; empty: until you are back', outOfOffice?.until && showLocal(outOfOffice.until, zone)),
          { name: 'note', type: 'text-multi', label: 'Note', ...(outOfOffice?.text !== undefined && { value: outOfOffice.text }) },
        ],
      };
    },
    async submit({ session }, values) {
      if (isTrue(values.get('away')) === false)
        return said(await session.personal.change({ outOfOffice: null }), 'You are not out of the office.');
      const zone = await zoneOf(session);
      const [start, end] = [timeOf(values.get('from'), zone), timeOf(values.get('until'), zone)];
      if (start === 'unread') return unread(values.get('from'));
      if (end === 'unread') return unread(values.get('until'));
      const note = values.get('note')?.trim() ?? '';
      const from = start ?? now();
      const outOfOffice = { from, ...(note !== '' && { text: note }), ...(end !== undefined && { until: end }) };
      const words = `from ${showLocal(from, zone)}${end === undefined ? '' : ` until ${showLocal(end, zone)}`} (${zone})`;
      return said(await session.personal.change({ outOfOffice }), `You are out of the office ${words}.`);
    },
  };
}

const seen: Command = {
  node: 'urn:isthmus:presence:levels',
  name: 'Who sees what',
  async form({ session }) {
    const { domains } = await session.personal.settings();
    const { contacts } = await session.contacts();
    const words = [
      ...contacts.flatMap(({ address, level }) => (level === undefined ? [] : [`${show(address)}: ${level}`])),
      ...Object.entries(domains).map(([domain, level]) => `${domain}: ${level}`),
    ].slice(0, 100);
    return {
      instructions:
        'A word about one contact counts before one about a domain. Without a word people of your organisation are colleagues, all others external.',
      fields: [
        ...(words.length === 0 ? [] : [{ name: 'now', type: 'fixed', value: `Now: ${words.join(', ')}` } as const]),
        { name: 'who', type: 'text-single', label: 'Contact or domain', required: true },
        {
          name: 'level',
          type: 'list-single',
          label: 'Level',
          value: NO_WORD,
          options: [{ value: NO_WORD, label: 'No word of mine' }, ...LEVELS.map((value) => ({ value, label: LEVEL_WORDS[value] }))],
        },
      ],
    };
  },
  async submit({ session }, values) {
    const word = values.get('level') ?? NO_WORD;
    const level = LEVELS.find((one) => one === word) ?? null;
    if (level === null && word !== NO_WORD) return { kind: 'refused', words: `${word.slice(0, 40)} is no level.` };
    const who = toAddress(values.get('who')?.trim() ?? '');
    if ('code' in who) return { kind: 'refused', words: who.text };
    const name = who.local === '' ? who.domain : bareKey(who);
    const words = level === null ? `${name} has no level of your own any more.` : `${name} is now: ${LEVEL_WORDS[level]}.`;
    if (who.local === '') return said(await session.personal.change({ domain: { name: who.domain, level } }), words);
    const { contacts } = await session.contacts();
    const contact = contacts.find(({ address }) => bareKey(address) === name);
    if (contact === undefined)
      return { kind: 'refused', words: `${name} is not in your contact list. Your client's block list keeps out anybody.` };
    const { address, groups, name: alias } = contact;
    return said(await session.putContact({ address, groups, level, ...(alias !== undefined && { name: alias }) }), words);
  },
};

const privacy: Command = {
  node: 'urn:isthmus:presence:privacy',
  name: 'Privacy',
  async form({ session }) {
    const { contactsOnly } = await session.personal.settings();
    return {
      instructions: 'In privacy mode only people whom you have in your own contact list, or given a level, see when you are here.',
      fields: [{ name: 'contacts-only', type: 'boolean', label: 'Only my contacts see me', value: contactsOnly ? '1' : '0' }],
    };
  },
  async submit({ session }, values) {
    const contactsOnly = isTrue(values.get('contacts-only')) ?? false;
    const words = contactsOnly ? 'Only your contacts see you.' : 'Whoever you have let see you does. Your organisation may be stricter.';
    return said(await session.personal.change({ contactsOnly }), words);
  },
};

function text(name: string, label: string, value: string | undefined | 0): Field {
  return { name, type: 'text-single', label, ...(typeof value === 'string' && { value }) };
}

/** A field that was sent; empty takes it away. */
function given<K extends string>(values: ReadonlyMap<string, string>, field: string, key: K): Partial<Record<K, string | null>> {
  const value = values.get(field);
  const change: Partial<Record<K, string | null>> = {};
  if (value !== undefined) change[key] = value.trim() === '' ? null : value;
  return change;
}

async function zoneOf({ personal }: Asker['session']): Promise<string> {
  return (await personal.settings()).timeZone ?? 'UTC';
}

/** Undefined: nothing is written. */
function timeOf(text: string | undefined, zone: string): number | 'unread' | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  return readLocal(text, zone) ?? 'unread';
}

function untilOf(values: ReadonlyMap<string, string>, zone: string, now: number): number | 'unread' | undefined {
  const named = timeOf(values.get('until'), zone);
  if (named !== undefined) return named;
  const minutes = Number(LASTS.find(({ value }) => value !== UNENDING && value === values.get('for'))?.value ?? 0);
  return minutes === 0 ? undefined : now + minutes * MINUTE;
}

function unread(text: string | undefined): CommandResult {
  return { kind: 'refused', words: `"${(text ?? '').slice(0, 40)}" is no time; it is written like 2026-11-24 17:00.` };
}

function said(outcome: Outcome, words: string): CommandResult {
  if (outcome.kind === 'refused' || outcome.kind === 'failed') return { kind: 'refused', words: outcome.reason.text };
  return { kind: 'done', words };
}
