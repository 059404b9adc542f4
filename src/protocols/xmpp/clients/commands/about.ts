// The command that tells what somebody shows this user: everything their level lets them see, the calendar in quarters of an hour.

import { sameBare, show } from '../../../../model/address.ts';
import { BLOCK_MS, type BusyKind } from '../../../../model/calendar.ts';
import type { About } from '../../../../model/core.ts';
import type { Note } from '../../../../model/presence.ts';
import { showLocal } from '../../../../model/zoned-time.ts';
import { toAddress } from '../../jid.ts';
import type { Command } from './adhoc.ts';
import type { Field } from './data-form.ts';

const BUSY_WORDS: Readonly<Record<BusyKind, string>> = {
  free: 'free',
  elsewhere: 'working elsewhere',
  tentative: 'tentative',
  busy: 'busy',
  meeting: 'in a meeting',
  outOfOffice: 'out of office',
};

export const ABOUT: Command = {
  node: 'urn:isthmus:presence:about',
  name: 'About a contact',
  async form() {
    return {
      instructions: 'What somebody of this server lets you see: state, notes, place, local time, and when they are busy.',
      fields: [{ name: 'who', type: 'jid-single', label: 'Contact', required: true }],
    };
  },
  async submit({ session, user }, values) {
    const who = toAddress(values.get('who')?.trim() ?? '');
    if ('code' in who) return { kind: 'refused', words: who.text };
    const about = await session.personal.about(who);
    // Nothing tells who is not there from who does not let themselves be seen (DESIGN 7).
    if (about === undefined) return { kind: 'refused', words: `${show({ local: who.local, domain: who.domain })} shows you nothing.` };
    const zone = (await session.personal.settings()).timeZone ?? 'UTC';
    const words = sameBare(who, user) ? 'This is what your own clients know.' : 'This is what you may see.';
    return { kind: 'done', words, fields: fieldsOf(about, zone) };
  },
};

function fieldsOf({ composed, blocks }: About, zone: string): Field[] {
  const { person } = composed.document;
  const { outOfOffice, meeting } = person ?? {};
  const away =
    outOfOffice && [outOfOffice.text, outOfOffice.until && `until ${showLocal(outOfOffice.until, zone)}`].filter(Boolean).join(', ');
  const rows: readonly (readonly [string, string, string | undefined])[] = [
    ['state', 'State', composed.words ?? composed.state],
    ['note', 'Note', notesOf(person?.notes ?? composed.document.endpoints[0]?.notes)],
    ['out-of-office', 'Out of office', away],
    ['location', 'Where they are', person?.location],
    ['time-zone', 'Time zone', person?.timeZone?.name],
    ['meeting', 'Meeting', meeting && [meeting.subject, meeting.place && `(${meeting.place})`].filter(Boolean).join(' ')],
    ['busy', `Today and tomorrow (${zone})`, blocks && spans(blocks, zone)],
  ];
  return rows.flatMap(([name, label, value]): Field[] =>
    value === undefined || value === '' ? [] : [{ name, type: value.includes('\n') ? 'text-multi' : 'text-single', label, value }],
  );
}

function notesOf(notes: readonly Note[] | undefined): string | undefined {
  return notes?.map(({ text }) => text).join('\n');
}

/** Blocks of one kind in a row are one line. */
function spans({ from, kinds }: NonNullable<About['blocks']>, zone: string): string {
  const lines: string[] = [];
  for (let start = 0; start < kinds.length; ) {
    const kind = kinds[start]!; // start is below the length
    let end = start + 1;
    while (kinds[end] === kind) end += 1;
    if (kind !== 'free')
      lines.push(`${showLocal(from + start * BLOCK_MS, zone)} - ${showLocal(from + end * BLOCK_MS, zone).slice(-5)} ${BUSY_WORDS[kind]}`);
    start = end;
  }
  return lines.length === 0 ? 'free' : lines.join('\n');
}
