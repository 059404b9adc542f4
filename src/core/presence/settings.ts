// One change of what a person says about their presence, checked and bounded. Pure.

import { reason } from '../../errors.ts';
import type { Level } from '../../model/core.ts';
import type { OutOfOffice, PersonalNote, PresenceSettings, SettingsChange } from '../../model/presence-settings.ts';
import type { Reason } from '../../model/reason.ts';
import { isTimeZone } from '../../model/zoned-time.ts';

const MAX_TEXT = 500;
const MAX_LOCATION = 100;
/** Domains that one person may have a word about. */
const MAX_DOMAINS = 200;
/** lync-features A1: of two notes within this time the second replaces the first. */
const SAME_NOTE_MS = 30_000;

/** @param now wall ms @param remembered how many notes are kept @returns a Reason: nothing is changed */
export function changed(before: PresenceSettings, change: SettingsChange, now: number, remembered: number): PresenceSettings | Reason {
  const { note, outOfOffice, location, timeZone, ...rest } = before;
  const bad =
    tooLong('A note', change.note, MAX_TEXT) ??
    tooLong('A note', change.outOfOffice?.text, MAX_TEXT) ??
    tooLong('A place', change.location, MAX_LOCATION) ??
    wrongZone(change.timeZone) ??
    wrongTimes(change.outOfOffice, now);
  if (bad !== undefined) return bad;
  const domains = withDomain(before.domains, change.domain);
  if (Object.keys(domains).length > MAX_DOMAINS)
    return reason('LIMIT_TARGETS', `At most ${MAX_DOMAINS} domains have a level of their own.`);
  const [text, place] = [said(change.note, note), said(change.location, location)];
  const [zone, away] = [said(change.timeZone, timeZone), change.outOfOffice === undefined ? outOfOffice : change.outOfOffice];
  const isNew = text !== undefined && text !== note;
  return {
    ...rest,
    ...(text !== undefined && { note: text }),
    notes: isNew ? remember(before.notes, { text, at: now }, remembered) : rest.notes,
    ...(away !== undefined && away !== null && { outOfOffice: away }),
    ...(place !== undefined && { location: place }),
    ...(zone !== undefined && { timeZone: zone }),
    contactsOnly: change.contactsOnly ?? before.contactsOnly,
    domains,
  };
}

/** The text after a change; an empty one is none. */
function said(change: string | null | undefined, before: string | undefined): string | undefined {
  if (change === undefined) return before;
  const text = change?.normalize('NFC').trim() ?? '';
  return text === '' ? undefined : text;
}

function remember(notes: readonly PersonalNote[], note: PersonalNote, remembered: number): readonly PersonalNote[] {
  const [last, ...older] = notes;
  const replaces = last !== undefined && note.at - last.at < SAME_NOTE_MS;
  const others = (replaces ? older : notes).filter(({ text }) => text !== note.text);
  return [note, ...others].slice(0, remembered);
}

function withDomain(domains: Readonly<Record<string, Level>>, change: SettingsChange['domain']): Readonly<Record<string, Level>> {
  if (change === undefined) return domains;
  const { [change.name]: _, ...others } = domains;
  return change.level === null ? others : { ...others, [change.name]: change.level };
}

function tooLong(what: string, text: string | null | undefined, most: number): Reason | undefined {
  if (text === undefined || text === null) return undefined;
  if (/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text)) return reason('CONTENT_MALFORMED', `${what} is text, without control characters.`);
  return text.length > most ? reason('CONTENT_TOO_LARGE', `${what} has at most ${most} characters.`) : undefined;
}

function wrongZone(zone: string | null | undefined): Reason | undefined {
  if (zone === undefined || zone === null || zone === '' || isTimeZone(zone)) return undefined;
  return reason('CONTENT_MALFORMED', `${zone.slice(0, 60)} is no time zone; its name is one like Europe/Berlin.`);
}

function wrongTimes(away: OutOfOffice | null | undefined, now: number): Reason | undefined {
  if (away?.until === undefined) return undefined;
  if (away.until <= now) return reason('CONTENT_MALFORMED', 'The end of being out of the office is over already.');
  return away.until <= away.from ? reason('CONTENT_MALFORMED', 'Being out of the office ends before it begins.') : undefined;
}

/** Is the person out of the office at that moment? */
export function isAway({ outOfOffice }: PresenceSettings, now: number): boolean {
  return outOfOffice !== undefined && outOfOffice.from <= now && (outOfOffice.until === undefined || outOfOffice.until > now);
}
