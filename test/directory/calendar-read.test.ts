// Calendars as people's programs write them: recurrences over a change of the clocks, exceptions, whole days, free/busy.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blocksOf, nowOf } from '../../src/directory/calendar-facts.ts';
import { readCalendar } from '../../src/directory/calendar-read.ts';
import { BLOCK_MS, type CalendarEntry } from '../../src/model/calendar.ts';

const utc = (text: string): number => Date.parse(`${text}Z`);
const WINDOW = { from: utc('2026-10-19T00:00'), until: utc('2026-11-09T00:00'), owner: 'nora@people.example' };

function calendar(...lines: readonly string[]): string {
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//test//', ...lines, 'END:VCALENDAR', ''].join('\r\n');
}
function event(...lines: readonly string[]): string {
  return ['BEGIN:VEVENT', 'UID:one@people.example', 'DTSTAMP:20260101T000000Z', ...lines, 'END:VEVENT'].join('\r\n');
}
/** `2026-10-19T07:00 meeting 60`, minutes at the end. */
function told(text: string): string[] {
  return readCalendar(text, WINDOW).map(
    ({ kind, from, until }) => `${new Date(from).toISOString().slice(0, 16)} ${kind} ${(until - from) / 60_000}`,
  );
}

const BERLIN = `BEGIN:VTIMEZONE\r
TZID:W. Europe Standard Time\r
BEGIN:STANDARD\r
DTSTART:16010101T030000\r
TZOFFSETFROM:+0200\r
TZOFFSETTO:+0100\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r
END:STANDARD\r
BEGIN:DAYLIGHT\r
DTSTART:16010101T020000\r
TZOFFSETFROM:+0100\r
TZOFFSETTO:+0200\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r
END:DAYLIGHT\r
END:VTIMEZONE`;

const WEEKLY = ['DTSTART;TZID=Europe/Berlin:20260105T090000', 'DTEND;TZID=Europe/Berlin:20260105T100000', 'RRULE:FREQ=WEEKLY'];
const CASES: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'a weekly meeting keeps its hour when the clocks change',
    calendar(event(...WEEKLY, 'ATTENDEE:mailto:omar@people.example')),
    ['2026-10-19T07:00 meeting 60', '2026-10-26T08:00 meeting 60', '2026-11-02T08:00 meeting 60'],
  ],
  [
    'the same in the zone that the calendar itself defines, as Outlook does',
    calendar(
      BERLIN,
      event('DTSTART;TZID=W. Europe Standard Time:20260105T090000', 'DURATION:PT30M', 'RRULE:FREQ=WEEKLY;UNTIL=20261027T000000Z'),
    ),
    ['2026-10-19T07:00 busy 30', '2026-10-26T08:00 busy 30'],
  ],
  [
    'EXDATE takes one out, RECURRENCE-ID moves one',
    calendar(
      event(...WEEKLY, 'EXDATE;TZID=Europe/Berlin:20261019T090000'),
      event('RECURRENCE-ID;TZID=Europe/Berlin:20261026T090000', 'DTSTART;TZID=Europe/Berlin:20261027T140000', 'DURATION:PT45M'),
    ),
    ['2026-10-27T13:00 busy 45', '2026-11-02T08:00 busy 60'],
  ],
  [
    'one that was moved into sight from far away, and one that was called off',
    calendar(
      event(...WEEKLY),
      event('RECURRENCE-ID;TZID=Europe/Berlin:20270104T090000', 'DTSTART:20261020T120000Z', 'DTEND:20261020T130000Z'),
      event(
        'RECURRENCE-ID;TZID=Europe/Berlin:20261102T090000',
        'DTSTART;TZID=Europe/Berlin:20261102T090000',
        'DURATION:PT1H',
        'STATUS:CANCELLED',
      ),
    ),
    ['2026-10-19T07:00 busy 60', '2026-10-20T12:00 busy 60', '2026-10-26T08:00 busy 60'],
  ],
  [
    'a whole day away from the office, in the zone of the calendar',
    calendar(
      'X-WR-TIMEZONE:Europe/Berlin',
      event('DTSTART;VALUE=DATE:20261024', 'DTEND;VALUE=DATE:20261026', 'X-MICROSOFT-CDO-BUSYSTATUS:OOF'),
    ),
    ['2026-10-23T22:00 outOfOffice 2940'], // the day of the change has 25 hours
  ],
  [
    'a time without a zone is that of the calendar',
    calendar('X-WR-TIMEZONE:America/New_York', event('DTSTART:20261020T090000', 'DTEND:20261020T093000')),
    ['2026-10-20T13:00 busy 30'],
  ],
  ['transparent is free', calendar(event('DTSTART:20261020T090000Z', 'DURATION:PT1H', 'TRANSP:TRANSPARENT')), []],
  ['called off is free', calendar(event('DTSTART:20261020T090000Z', 'DURATION:PT1H', 'STATUS:CANCELLED')), []],
  ['tentative', calendar(event('DTSTART:20261020T090000Z', 'DURATION:PT1H', 'STATUS:TENTATIVE')), ['2026-10-20T09:00 tentative 60']],
  [
    'what Exchange says counts before what the standard says',
    calendar(event('DTSTART:20261020T090000Z', 'DURATION:PT1H', 'TRANSP:TRANSPARENT', 'X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE')),
    ['2026-10-20T09:00 elsewhere 60'],
  ],
  [
    'an invitation that was declined',
    calendar(event('DTSTART:20261020T090000Z', 'DURATION:PT1H', 'ATTENDEE;PARTSTAT=DECLINED:mailto:Nora@people.example')),
    [],
  ],
  [
    'published free/busy time',
    calendar(
      'BEGIN:VFREEBUSY',
      'DTSTAMP:20260101T000000Z',
      'FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261020T150000Z/PT1H',
      'FREEBUSY:20261020T090000Z/20261020T100000Z,20261021T090000Z/PT30M',
      'FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20261022T000000Z/P1D',
      'FREEBUSY;FBTYPE=FREE:20261023T000000Z/P1D',
      'END:VFREEBUSY',
    ),
    ['2026-10-20T09:00 busy 60', '2026-10-20T15:00 tentative 60', '2026-10-21T09:00 busy 30', '2026-10-22T00:00 outOfOffice 1440'],
  ],
  [
    'a rule that nothing fulfils, and one of every second since 1990, do not hide the rest',
    calendar(
      event('UID:a', 'DTSTART:20200101T090000Z', 'DURATION:PT1H', 'RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30').replace(
        'UID:one@people.example\r\n',
        '',
      ),
      event('UID:b', 'DTSTART:19900101T090000Z', 'DURATION:PT1H', 'RRULE:FREQ=SECONDLY').replace('UID:one@people.example\r\n', ''),
      event('DTSTART:20261020T090000Z', 'DURATION:PT1H'),
    ),
    ['2026-10-20T09:00 busy 60'],
  ],
];
for (const [what, text, entries] of CASES) test(what, () => assert.deepEqual(told(text), entries));

test('subject and place, but for what is private', () => {
  const about = ['SUMMARY:Review\\, second', 'LOCATION:Room 3'];
  const both = calendar(
    event('DTSTART:20261020T090000Z', 'DURATION:PT1H', ...about),
    event('DTSTART:20261021T090000Z', 'DURATION:PT1H', ...about, 'CLASS:PRIVATE').replace('UID:one', 'UID:two'),
  );
  const [open, hidden] = readCalendar(both, WINDOW);
  assert.deepEqual([open?.subject, open?.place, hidden?.subject, hidden?.place], ['Review, second', 'Room 3', undefined, undefined]);
});

test('who invites turns no text around', () => {
  const [entry] = readCalendar(calendar(event('DTSTART:20261020T090000Z', 'DURATION:PT1H', 'SUMMARY:Review\u202e\u2066 gpj')), WINDOW);
  assert.equal(entry?.subject, 'Review gpj');
});

test('what is no calendar is refused', () => {
  for (const text of ['', '<html>Sign in</html>', 'BEGIN:VCARD\r\nEND:VCARD\r\n', calendar('BEGIN:VEVENT')])
    assert.throws(() => readCalendar(text, WINDOW), Error);
});

const at = (hours: number): number => WINDOW.from + hours * 3_600_000;
const ENTRIES: readonly CalendarEntry[] = [
  { kind: 'tentative', from: at(0), until: at(4) },
  { kind: 'busy', from: at(1), until: at(3), subject: 'Work' },
  { kind: 'meeting', from: at(2), until: at(2.5), subject: 'Review', place: 'Room 3' },
];

test('the moment: what says most counts, until something begins or ends', () => {
  const rows = [0, 1, 2, 2.5, 3].map((hour) => {
    const { kind, until, subject } = nowOf(ENTRIES, at(hour), true);
    return [hour, kind, until === undefined ? undefined : (until - WINDOW.from) / 3_600_000, subject];
  });
  assert.deepEqual(rows, [
    [0, 'free', 1, undefined],
    [1, 'busy', 2, 'Work'],
    [2, 'meeting', 2.5, 'Review'],
    [2.5, 'busy', 3, 'Work'],
    [3, 'free', undefined, undefined],
  ]);
  assert.equal(nowOf(ENTRIES, at(2), false).subject, undefined);
});

test('a block is as busy as the busiest minute in it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ start: fc.integer({ min: -100, max: 500 }), minutes: fc.integer({ min: 1, max: 300 }) }), { maxLength: 8 }),
      (spans) => {
        const entries = spans.map(({ start, minutes }) => {
          const from = WINDOW.from + start * 60_000;
          return { kind: 'busy', from, until: from + minutes * 60_000 } as const;
        });
        const blocks = blocksOf(entries, WINDOW.from, 32);
        for (const [index, kind] of blocks.entries()) {
          const [from, until] = [WINDOW.from + index * BLOCK_MS, WINDOW.from + (index + 1) * BLOCK_MS];
          assert.equal(
            kind === 'busy',
            entries.some((entry) => entry.from < until && entry.until > from),
          );
        }
      },
    ),
  );
});
