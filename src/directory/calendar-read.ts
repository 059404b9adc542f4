// An iCalendar text (RFC 5545) to the times during which its owner is not simply free. Events with their recurrences and
// exceptions, and published free/busy time. Pure; loops are bounded, but for what ical.js does inside one step.

import ICAL from 'ical.js';
import type { BusyKind, CalendarEntry } from '../model/calendar.ts';
import { instantOf, isTimeZone } from '../model/zoned-time.ts';

export interface CalendarWindow {
  /** Wall ms. */
  readonly from: number;
  readonly until: number;
  /** Whose calendar it is: an invitation that this address has declined says nothing. */
  readonly owner: string;
}

/** Steps through the recurrences of one event: a daily one of fifty years. */
const MAX_STEPS = 20_000;
/** Components of one calendar. */
const MAX_COMPONENTS = 20_000;
const MAX_ENTRIES = 5000;
const MAX_TEXT = 200;

/** By start. @throws Error in words when the text is no calendar */
export function readCalendar(text: string, window: CalendarWindow): readonly CalendarEntry[] {
  const entries: CalendarEntry[] = [];
  for (const root of rootsOf(text)) {
    const zone = zoneOf(root);
    const take = (entry: CalendarEntry | undefined): void => {
      if (entry !== undefined && entry.until > window.from && entry.from < window.until && entries.length < MAX_ENTRIES)
        entries.push(entry);
    };
    readEvents(root, zone, window, take);
    for (const free of root.getAllSubcomponents('vfreebusy').slice(0, MAX_COMPONENTS)) readFreeBusy(free, zone, take);
  }
  return entries.sort((a, b) => a.from - b.from || a.until - b.until);
}

function rootsOf(text: string): ICAL.Component[] {
  const parsed: unknown = ICAL.parse(text.replace(/^\uFEFF/, ''));
  // One calendar is a component, several are a list of them.
  const list: readonly unknown[] = Array.isArray(parsed) && typeof parsed[0] !== 'string' ? parsed : [parsed];
  const roots = list.map((one) => new ICAL.Component(one as ConstructorParameters<typeof ICAL.Component>[0])); // what parse makes
  if (roots.length === 0 || roots.some(({ name }) => name !== 'vcalendar')) throw new Error('it is no iCalendar text');
  return roots;
}

/** Of times that name no zone: the calendar's own, as far as it says one. */
function zoneOf(root: ICAL.Component): string {
  const named = textOf(root, 'x-wr-timezone') ?? '';
  return isTimeZone(named) ? named : 'UTC';
}

type Take = (entry: CalendarEntry | undefined) => void;

function readEvents(root: ICAL.Component, zone: string, window: CalendarWindow, take: Take): void {
  const byUid = new Map<string, { readonly masters: ICAL.Component[]; readonly exceptions: ICAL.Component[] }>();
  for (const [index, event] of root.getAllSubcomponents('vevent').slice(0, MAX_COMPONENTS).entries()) {
    const uid = textOf(event, 'uid') ?? `no uid ${index}`;
    const group = byUid.get(uid) ?? { masters: [], exceptions: [] };
    byUid.set(uid, group);
    (event.hasProperty('recurrence-id') ? group.exceptions : group.masters).push(event);
  }
  for (const { masters, exceptions } of byUid.values()) {
    // One event that cannot be read does not hide the others.
    for (const exception of exceptions) attempt(() => take(single(exception, zone, window)));
    for (const master of masters) attempt(() => recurring(master, exceptions, zone, window, take));
  }
}

function attempt(read: () => void): void {
  try {
    read();
  } catch {
    // a rule that cannot be fulfilled, an event without a start
  }
}

function single(event: ICAL.Component, zone: string, window: CalendarWindow): CalendarEntry | undefined {
  const { startDate, endDate } = new ICAL.Event(event, { exceptions: [], strictExceptions: true });
  return entryOf(event, startDate, endDate, zone, window);
}

/** RFC 5545 §3.8.5: what the rule gives, without EXDATE, and without what an exception stands for. */
function recurring(master: ICAL.Component, exceptions: readonly ICAL.Component[], zone: string, window: CalendarWindow, take: Take): void {
  if (!master.hasProperty('rrule') && !master.hasProperty('rdate')) {
    take(single(master, zone, window));
    return;
  }
  const event = new ICAL.Event(master, { exceptions: [...exceptions], strictExceptions: true });
  const times = event.iterator();
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const time = times.next();
    // There is no null in the types, and there is one at the end.
    if (!time) return;
    const { item, startDate, endDate, recurrenceId } = event.getOccurrenceDetails(time);
    if (msOf(time, master, zone) >= window.until) return;
    const replaced = exceptions.some((one) => one.getFirstPropertyValue('recurrence-id')?.toString() === recurrenceId.toString());
    if (!replaced) take(entryOf(item.component, startDate, endDate, zone, window));
  }
}

function entryOf(
  event: ICAL.Component,
  start: ICAL.Time,
  end: ICAL.Time,
  zone: string,
  { owner }: CalendarWindow,
): CalendarEntry | undefined {
  const kind = kindOf(event, owner);
  const [from, until] = [msOf(start, event, zone), msOf(end, event, zone)];
  if (kind === 'free' || !(until > from)) return undefined;
  // RFC 5545 §3.8.1.3: private and confidential are nobody else's business.
  const open = (textOf(event, 'class') ?? 'PUBLIC').toUpperCase() === 'PUBLIC';
  const subject = open ? textOf(event, 'summary') : undefined;
  const place = open ? textOf(event, 'location') : undefined;
  return { kind, from, until, ...(subject !== undefined && { subject }), ...(place !== undefined && { place }) };
}

/** What Exchange says of an event counts before what RFC 5545 has words for ([MS-OXCICAL] §2.1.3.1.1.20.31). */
function kindOf(event: ICAL.Component, owner: string): BusyKind {
  const status = (textOf(event, 'status') ?? '').toUpperCase();
  if (status === 'CANCELLED' || declined(event, owner)) return 'free';
  const meeting = event.hasProperty('attendee') ? 'meeting' : 'busy';
  const said = (textOf(event, 'x-microsoft-cdo-busystatus') ?? textOf(event, 'x-microsoft-cdo-intendedstatus') ?? '').toUpperCase();
  switch (said) {
    case 'OOF':
      return 'outOfOffice';
    case 'FREE':
      return 'free';
    case 'WORKINGELSEWHERE':
      return 'elsewhere';
    case 'TENTATIVE':
      return 'tentative';
    case 'BUSY':
      return meeting;
    default:
      if ((textOf(event, 'transp') ?? '').toUpperCase() === 'TRANSPARENT') return 'free';
      return status === 'TENTATIVE' ? 'tentative' : meeting;
  }
}

function declined(event: ICAL.Component, owner: string): boolean {
  return event
    .getAllProperties('attendee')
    .slice(0, 1000)
    .some((one) => {
      const address = String(one.getFirstValue()).replace(/^mailto:/i, '');
      return address.toLowerCase() === owner.toLowerCase() && String(one.getParameter('partstat')).toUpperCase() === 'DECLINED';
    });
}

/** RFC 5545 §3.6.4: periods, BUSY where nothing is said. */
function readFreeBusy(component: ICAL.Component, zone: string, take: Take): void {
  const kinds: Readonly<Record<string, BusyKind>> = {
    BUSY: 'busy',
    'BUSY-UNAVAILABLE': 'outOfOffice',
    'BUSY-TENTATIVE': 'tentative',
    FREE: 'free',
  };
  for (const property of component.getAllProperties('freebusy').slice(0, MAX_COMPONENTS)) {
    const kind = kinds[String(property.getParameter('fbtype') ?? 'BUSY').toUpperCase()] ?? 'busy';
    for (const period of property.getValues()) {
      if (kind === 'free' || !(period instanceof ICAL.Period)) continue;
      attempt(() => {
        const [from, until] = [msOf(period.start, component, zone), msOf(period.getEnd(), component, zone)];
        take(until > from ? { kind, from, until } : undefined);
      });
    }
  }
}

/** The instant, by the zone that the time names: one that the runtime knows, else as the calendar defines it, else the calendar's. */
function msOf(time: ICAL.Time, event: ICAL.Component, zone: string): number {
  const { year, month, day, isDate } = time;
  const { hour, minute, second } = isDate ? { hour: 0, minute: 0, second: 0 } : time;
  const local = { year, month, day, hour, minute, second };
  if (isDate) return instantOf(local, zone);
  const { tzid } = time.zone ?? {};
  if (tzid === 'UTC') return Date.UTC(year, month - 1, day, hour, minute, second);
  if (tzid !== undefined && tzid !== 'floating') return isTimeZone(tzid) ? instantOf(local, tzid) : time.toUnixTime() * 1000;
  const named = event.getFirstProperty('dtstart')?.getParameter('tzid');
  return instantOf(local, typeof named === 'string' && isTimeZone(named) ? named : zone);
}

/** One line of text, which turns no other text around (whoever invites writes it); undefined: there is none. */
function textOf(component: ICAL.Component, name: string): string | undefined {
  const value = component.getFirstPropertyValue(name);
  if (typeof value !== 'string') return undefined;
  const text = value
    .replaceAll(/[\s\p{Cc}\p{Bidi_Control}]+/gu, ' ')
    .trim()
    .toWellFormed();
  return text === '' ? undefined : text.slice(0, MAX_TEXT);
}
