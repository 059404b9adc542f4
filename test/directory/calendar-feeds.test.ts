// Calendars of who is signed in: when they are looked at, what counts when they cannot be, and the thread that reads them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FeedsParts, type Fetched, makeFeeds } from '../../src/directory/calendar-feeds.ts';
import { readCalendar } from '../../src/directory/calendar-read.ts';
import { type CalendarReader, makeReader } from '../../src/directory/calendar-reader.ts';
import { systemClock } from '../../src/edge/system-clock.ts';
import type { Log } from '../../src/log.ts';
import type { CalendarPlace, CalendarSettings } from '../../src/model/calendar.ts';
import { ManualClock } from '../support/manual-clock.ts';

const NORA = 'nora@people.example';
const OMAR = 'omar@people.example';
const MINUTE = 60_000;
const PLACE: CalendarPlace = { url: 'https://calendar.people.example/{local}.ics', privateAddress: false };
const SETTINGS: CalendarSettings = {
  domains: new Map([['people.example', PLACE]]),
  users: new Map([[OMAR, undefined]]),
  refreshMs: 5 * MINUTE,
  keepMs: 60 * MINUTE,
  subjects: true,
  freeBusy: true,
};

function meeting(from: number): string {
  const stamp = new Date(from).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:${stamp}\r\nDTSTART:${stamp}\r\nDURATION:PT2H\r\nATTENDEE:mailto:x@y.example\r\nSUMMARY:Review\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;
}

/** As the thread does it, at once. */
const READER: CalendarReader = {
  async read(text, window) {
    try {
      return { entries: readCalendar(text, window) };
    } catch {
      return { wrong: 'no calendar' };
    }
  },
  async close() {},
};

function world(more: Partial<FeedsParts> = {}) {
  const clock = new ManualClock();
  const asked: (string | undefined)[] = [];
  const changed: string[] = [];
  const told: string[] = [];
  const log = { info: ({ event }: { event: string }) => told.push(event), warn: ({ event }: { event: string }) => told.push(event) };
  const state = {
    users: [NORA] as readonly string[],
    settings: SETTINGS as CalendarSettings | undefined,
    answer: (): Fetched => ({ kind: 'text', text: meeting(clock.now()), mark: 'e"1"' }),
  };
  const feeds = makeFeeds({
    settings: () => state.settings,
    users: () => state.users,
    fetch: async (_place, user, mark) => {
      asked.push(`${user} ${mark ?? '-'}`);
      return state.answer();
    },
    reader: READER,
    changed: (user) => changed.push(user),
    clock,
    log: log as unknown as Log, // the two that are used
    random: () => 0.5,
    ...more,
  });
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 2000) {
      clock.advance(Math.min(left, 2000));
      await feeds.settled();
    }
  };
  return { clock, asked, changed, told, state, feeds, pass };
}

test('who is signed in and has a calendar is asked at once, then every five minutes with what was last seen', async () => {
  const { asked, state, feeds, pass, clock, changed } = world();
  state.users = [NORA, OMAR, NORA];
  feeds.start();
  await feeds.settled();
  assert.deepEqual(asked, [`${NORA} -`]);
  assert.deepEqual(changed, [NORA]);
  const now = feeds.calendars.at(NORA, clock.now());
  assert.deepEqual([now?.kind, now?.subject, now?.until], ['meeting', 'Review', clock.now() + 120 * MINUTE]);
  assert.equal(feeds.calendars.at(OMAR, clock.now()), undefined);
  state.answer = () => ({ kind: 'same' });
  await pass(5 * MINUTE + 2000);
  assert.deepEqual(asked, [`${NORA} -`, `${NORA} e"1"`]);
  assert.deepEqual(changed, [NORA]);
  // Whoever leaves is not asked for any more.
  state.users = [];
  await pass(10 * MINUTE);
  assert.equal(asked.length, 2);
  await feeds.stop();
});

test('one that fails is told once and counts until it is too old; when it is back that is told', async () => {
  const { told, changed, state, feeds, pass, clock } = world();
  feeds.start();
  await feeds.settled();
  state.answer = () => ({ kind: 'failed', why: 'it answered 500' });
  await pass(30 * MINUTE);
  assert.deepEqual(told, ['calendar.failed']);
  assert.equal(feeds.calendars.at(NORA, clock.now())?.kind, 'meeting');
  await pass(40 * MINUTE);
  assert.equal(feeds.calendars.at(NORA, clock.now()), undefined);
  assert.ok(changed.length >= 2, 'the core is told that nothing is known any more');
  state.answer = () => ({ kind: 'text', text: meeting(clock.now()) });
  await pass(6 * MINUTE);
  assert.deepEqual(told, ['calendar.failed', 'calendar.back']);
  assert.equal(feeds.calendars.at(NORA, clock.now())?.kind, 'meeting');
  state.answer = () => ({ kind: 'text', text: '<html>Sign in</html>' });
  await pass(6 * MINUTE);
  assert.deepEqual(told, ['calendar.failed', 'calendar.back', 'calendar.failed']);
});

test('what is known runs ahead for two weeks only, so it is read anew although nothing has changed', async () => {
  const { asked, state, feeds, pass } = world();
  feeds.start();
  await feeds.settled();
  state.answer = () => ({ kind: 'same' });
  await pass(11 * 60 * MINUTE);
  assert.ok(!asked.slice(1).includes(`${NORA} -`));
  await pass(2 * 60 * MINUTE);
  assert.ok(asked.slice(1).includes(`${NORA} -`));
});

test('settings that change take effect: another place, nothing of subjects, no calendars', async () => {
  const { changed, state, feeds, pass, clock, asked } = world();
  feeds.start();
  await feeds.settled();
  state.settings = { ...SETTINGS, subjects: false, freeBusy: false };
  assert.equal(feeds.calendars.at(NORA, clock.now())?.subject, undefined);
  assert.equal(feeds.calendars.blocks(NORA, clock.now(), 4), undefined);
  state.settings = { ...SETTINGS, users: new Map([[NORA, { ...PLACE, url: 'https://other.example/x.ics' }]]) };
  await pass(2000);
  assert.equal(asked.length, 2);
  assert.deepEqual(feeds.calendars.blocks(NORA, clock.now(), 2), ['meeting', 'meeting']);
  state.settings = undefined;
  await pass(2000);
  assert.equal(feeds.calendars.at(NORA, clock.now()), undefined);
  assert.equal(changed.at(-1), NORA);
});

test('at most eight are asked at once', async () => {
  const waiting = Promise.withResolvers<Fetched>();
  let asked = 0;
  const { state, feeds, clock } = world({
    fetch: () => {
      asked += 1;
      return waiting.promise;
    },
  });
  state.users = Array.from({ length: 20 }, (_, n) => `user${n}@people.example`);
  feeds.start();
  clock.advance(4000);
  assert.equal(asked, 8);
  waiting.resolve({ kind: 'failed', why: 'slow' });
  await feeds.settled();
  clock.advance(2000);
  await feeds.settled();
  assert.equal(asked, 16);
});

test('the thread reads, refuses what is none, and is ended', async () => {
  const reader = makeReader(systemClock);
  const window = { from: 0, until: 4e12, owner: NORA };
  const [good, bad, after] = await Promise.all([
    reader.read(meeting(1_800_000_000_000), window),
    reader.read('no calendar', window),
    reader.read(meeting(1_800_000_000_000), window),
  ]);
  assert.equal('entries' in good && good.entries[0]?.subject, 'Review');
  assert.ok('wrong' in bad);
  assert.deepEqual(after, good);
  await reader.close();
});

test('a calendar that takes too long is given up, and the next is read', async () => {
  const clock = new ManualClock();
  const reader = makeReader(clock);
  const window = { from: 0, until: 4e12, owner: NORA };
  // Thousands of events of every second: more than the thread can do before the clock is put forward.
  const many = Array.from(
    { length: 3000 },
    (_, n) => `BEGIN:VEVENT\r\nUID:${n}\r\nDTSTART:19900101T090000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=SECONDLY\r\nEND:VEVENT`,
  );
  const slow = reader.read(`BEGIN:VCALENDAR\r\n${many.join('\r\n')}\r\nEND:VCALENDAR\r\n`, { ...window, from: 3e12 });
  await new Promise((turn) => setImmediate(turn));
  clock.advance(10_000);
  assert.deepEqual(await slow, { wrong: 'it takes more than 10 s, or too much memory, to read' });
  const good = await reader.read(meeting(1_800_000_000_000), window);
  assert.ok('entries' in good && good.entries.length === 1);
  await reader.close();
});
