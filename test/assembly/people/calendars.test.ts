// Calendars fetched over HTTPS from a real server, and read from files: authentication, what was seen before, refusals in words.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { calendarFeeds } from '../../../src/assembly/people/calendars.ts';
import type { Home } from '../../../src/config/home.ts';
import { systemClock } from '../../../src/edge/system-clock.ts';
import { makeWeb } from '../../../src/edge/web.ts';
import type { Log } from '../../../src/log.ts';
import type { CalendarPlace, CalendarSettings } from '../../../src/model/calendar.ts';
import { makeCa } from '../../support/ca.ts';
import { MapResolver } from '../../support/edge-world.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/wait.ts';

const ca = makeCa('Calendars');
const pair = ca.issue({ names: ['calendar.example'] });
const NORA = 'nora@people.example';
const dir = mkdtempSync(join(tmpdir(), 'isthmus-calendars-'));
mkdirSync(join(dir, 'secrets'));
writeFileSync(join(dir, 'secrets/calendars'), 'open sesame\n', { mode: 0o600 });
mkdirSync(join(dir, 'certs/trust/inside'), { recursive: true });
writeFileSync(join(dir, 'certs/trust/inside/root.pem'), ca.rootPem);

const asked: { readonly url: string | undefined; readonly authorization: string | undefined; readonly tag: string | undefined }[] = [];
let etag = '"one"';
let status = 200;
const server = createServer({ key: pair.keyPem, cert: pair.chainPem }, ({ url, headers }, response) => {
  asked.push({ url, authorization: headers.authorization, tag: headers['if-none-match'] });
  if (headers['if-none-match'] === etag) response.writeHead(304).end();
  else response.writeHead(status, { ETag: etag }).end(meeting());
});
const port = await new Promise<number>((done) => server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port))); // a TCP server has one
after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true });
});

const clock = new ManualClock();
function meeting(): string {
  const stamp = new Date(clock.now() - 60_000).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:${stamp}\r\nDURATION:PT2H\r\nATTENDEE:mailto:x@y.example\r\nSUMMARY:Review\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;
}

function feedsOf(place: CalendarPlace, user = NORA) {
  const told: string[] = [];
  const settings: CalendarSettings = {
    ...{ domains: new Map(), users: new Map([[user, place]]), refreshMs: 300_000, keepMs: 3_600_000 },
    ...{ subjects: true, freeBusy: true },
  };
  const resolver = new MapResolver();
  resolver.hosts.set('calendar.example', ['127.0.0.1']);
  const log = { info: () => undefined, warn: ({ why }: { why: string }) => told.push(why) };
  let changes = 0;
  const feeds = calendarFeeds({
    home: () => ({ dir, people: { calendars: settings } }) as unknown as Home, // the two that are read
    web: makeWeb({ resolver, clock: systemClock, roots: () => [] }),
    clock,
    log: log as unknown as Log, // the two that are used
    users: () => [user],
    changed: () => (changes += 1),
  });
  return { feeds, told, changes: () => changes };
}
const url = `https://calendar.example:${port}/{local}/{domain}.ics?of={address}`;

test('a calendar over HTTPS with a password, and again only what is new', async () => {
  const { feeds, told, changes } = feedsOf({ url, user: '{local}', password: 'calendars', privateAddress: true });
  feeds.start();
  await until('the first reading', () => changes() === 1);
  assert.deepEqual(asked.at(-1), {
    url: '/nora/people.example.ics?of=nora%40people.example',
    authorization: `Basic ${Buffer.from('nora:open sesame').toString('base64')}`,
    tag: undefined,
  });
  assert.equal(feeds.calendars.at(NORA, clock.now())?.subject, 'Review');
  await feeds.settled();
  clock.advance(360_000);
  await feeds.settled();
  assert.equal(asked.at(-1)?.tag, '"one"');
  assert.equal(changes(), 1);
  status = 401;
  etag = '"two"';
  clock.advance(360_000);
  await feeds.settled();
  assert.deepEqual(told, ['it answered 401']);
  status = 200;
  await feeds.stop();
});

const FAILS: readonly (readonly [string, CalendarPlace, RegExp])[] = [
  [
    'a private address that nobody named',
    { url, privateAddress: false },
    /private, local or own.*privateAddress: true in people\/calendars\.yaml/,
  ],
  ['a secret that is not there', { url, token: 'missing', privateAddress: true }, /ENOENT.*missing/],
  [
    'a file that is not there',
    { file: 'calendars/{local}.ics', privateAddress: false },
    /calendars\/nora\.ics cannot be read: there is no such file/,
  ],
];
for (const [what, place, words] of FAILS)
  test(`${what} is told`, async () => {
    const { feeds, told } = feedsOf(place);
    feeds.start();
    await feeds.settled();
    assert.match(told.join('\n'), words);
    assert.equal(feeds.calendars.at(NORA, clock.now()), undefined);
    await feeds.stop();
  });

test('a name that somebody chose for themselves leads to the calendar of nobody else', async () => {
  mkdirSync(join(dir, 'calendars'));
  writeFileSync(join(dir, 'calendars/nora_berg.ics'), meeting());
  writeFileSync(join(dir, 'calendars/_nora.ics'), meeting());
  writeFileSync(join(dir, 'nora.ics'), meeting());
  for (const local of ['nora/berg', 'nora\\berg', '.nora', '../nora', '..']) {
    const { feeds, told } = feedsOf({ file: 'calendars/{local}.ics', privateAddress: false }, `${local}@people.example`);
    feeds.start();
    await feeds.settled();
    assert.match(told.join('\n'), /there is no such file/, local);
    await feeds.stop();
  }
  const before = asked.length;
  const { feeds, told } = feedsOf({ url, privateAddress: true }, '..@people.example');
  feeds.start();
  await feeds.settled();
  assert.deepEqual([told, asked.length], [['a name of dots alone can be no part of a URL'], before]);
  await feeds.stop();
});

test('a token goes as a bearer; a file is read again only when it has changed', async () => {
  const bearer = feedsOf({ url, token: 'calendars', privateAddress: true });
  bearer.feeds.start();
  await bearer.feeds.settled();
  assert.equal(asked.at(-1)?.authorization, 'Bearer open sesame');
  await bearer.feeds.stop();
  const path = join(dir, 'nora.ics');
  writeFileSync(path, meeting());
  const { feeds, changes } = feedsOf({ file: '{local}.ics', privateAddress: false });
  feeds.start();
  await feeds.settled();
  assert.equal(changes(), 1);
  writeFileSync(path, meeting().replace('Review', 'Dinner'));
  utimesSync(path, 1, 1);
  clock.advance(360_000);
  await feeds.settled();
  assert.deepEqual([changes(), feeds.calendars.at(NORA, clock.now())?.subject], [2, 'Dinner']);
  await feeds.stop();
});
