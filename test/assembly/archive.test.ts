// The purge of the night: once a day at its hour in the time of the machine, after a night that was missed as well, and again when
// it failed; and histories of who is held stay.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueBefore, purgeAtNight } from '../../src/assembly/archive.ts';
import type { Home } from '../../src/config/home.ts';
import { SILENT } from '../../src/log.ts';
import type { ArchiveSettings } from '../../src/model/archive.ts';
import { im } from '../outbox/events.ts';
import { tempStore } from '../store/temp-store.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NORA = 'nora@people.example';
const OMAR = 'omar@people.example';

/** Of a home only what the purge reads. */
const homeWith = (archive: Partial<ArchiveSettings> | undefined): Home =>
  ({
    archive: archive && { rules: [], blockOnFailure: false, purgeHour: 2, purgeOnlyExported: false, secondPerson: false, ...archive },
  }) as unknown as Home;
const settle = async (): Promise<void> => {
  for (let i = 0; i < 15; i += 1) await new Promise((turn) => setImmediate(turn));
};

test('the hour that was last is found in the time of the machine', () => {
  const at = (day: number, hour: number, minute = 0): number => new Date(2026, 5, day, hour, minute).getTime();
  assert.equal(dueBefore(at(10, 2), 2), at(10, 2));
  assert.equal(dueBefore(at(10, 1, 59), 2), at(9, 2));
  assert.equal(dueBefore(at(10, 23), 0), at(10, 0));
});

test('lines older than the retention go once a day, what is held stays, and each purge is told', async () => {
  await using temp = tempStore();
  const { archive, holds } = temp.store;
  const { clock } = temp;
  const start = clock.now();
  const write = (id: string, from: string, at: number): Promise<void> =>
    archive.append({ id, at, scope: 'internal', from, to: OMAR, event: im(id) });
  await write('old', NORA, start - 20 * DAY);
  await write('held', 'kim@people.example', start - 20 * DAY);
  await write('new', NORA, start - DAY);
  await holds.add({ matter: '4711', who: ['kim@people.example'], why: 'x', by: 'lee', at: start });
  const purgeHour = (new Date(start).getHours() + 12) % 24; // half a day away, wherever this machine is
  let archived: Partial<ArchiveSettings> | undefined = { keepMs: 14 * DAY, purgeHour };
  const told: string[] = [];
  const job = purgeAtNight({ home: () => homeWith(archived), store: temp.store, clock, log: SILENT }, (words) => told.push(words));
  const pass = async (ms: number): Promise<void> => {
    for (let gone = 0; gone < ms; gone += HOUR) {
      clock.advance(HOUR);
      await settle();
    }
  };
  const left = async (): Promise<string[]> => (await archive.page({}, 0, 10)).map(({ id }) => id);
  await pass(HOUR / 6); // nobody knows of a purge, so one is due
  assert.deepEqual(await left(), ['held', 'new']);
  assert.match(told.join(), /: 1 removed, 1 kept by holds$/);
  await write('late', NORA, start - 20 * DAY);
  await pass(6 * HOUR);
  assert.ok((await left()).includes('late'), 'not twice in a day');
  await pass(DAY);
  assert.equal((await left()).includes('late'), false);
  archived = {};
  await write('for good', NORA, start - 20 * DAY);
  await pass(DAY + HOUR);
  assert.ok((await left()).includes('for good'));
  job.stop();
  assert.equal(clock.pending, 0);
});

test('after a clock that ran ahead the purge goes on every night', async () => {
  await using temp = tempStore();
  const { archive } = temp.store;
  const { clock } = temp;
  await archive.purge(0, false, clock.now() + 400 * DAY); // what a clock a year ahead has left behind
  await archive.append({ id: 'old', at: clock.now() - 20 * DAY, scope: 'internal', from: NORA, to: OMAR, event: im('old') });
  const job = purgeAtNight({ home: () => homeWith({ keepMs: 14 * DAY }), store: temp.store, clock, log: SILENT }, () => {});
  clock.advance(HOUR);
  await settle();
  assert.equal(await archive.count({}), 0);
  assert.ok(((await archive.lastPurge())?.at ?? Number.POSITIVE_INFINITY) <= clock.now());
  job.stop();
});

test('a purge that fails is tried again within the hour', async () => {
  await using temp = tempStore();
  const { clock } = temp;
  await temp.store.archive.append({ id: 'old', at: 1, scope: 'internal', from: NORA, to: OMAR, event: im('old') });
  let broken = true;
  const archive = {
    ...temp.store.archive,
    purge: (...given: Parameters<typeof temp.store.archive.purge>) =>
      broken ? Promise.reject(new Error('busy')) : temp.store.archive.purge(...given),
  };
  const job = purgeAtNight({ home: () => homeWith({ keepMs: DAY }), store: { ...temp.store, archive }, clock, log: SILENT }, () => {});
  clock.advance(HOUR / 6);
  await settle();
  broken = false;
  assert.equal(await temp.store.archive.count({}), 1);
  for (let i = 0; i < 7; i += 1) {
    clock.advance(HOUR / 6);
    await settle();
  }
  assert.equal(await temp.store.archive.count({}), 0);
  job.stop();
});

test('what a history keeps past its retention is that of who is held', async () => {
  await using temp = tempStore();
  const { histories, holds } = temp.store;
  for (const owner of [NORA, OMAR])
    await histories.append({
      owner,
      peer: 'ann@partner.example',
      direction: 'in',
      at: 1,
      border: true,
      said: { event: im(`of ${owner}`) },
    });
  await holds.add({ matter: '4711', who: [NORA], why: 'x', by: 'lee', at: 1 });
  const ages = { ledgerMs: DAY, decisionsMs: DAY, requestsMs: DAY, historyMs: DAY };
  await temp.store.expire(ages);
  assert.deepEqual([await histories.count(NORA, {}), await histories.count(OMAR, {})], [1, 0]);
  await holds.release('4711', 'lee', 'over', 2);
  await temp.store.expire(ages);
  assert.equal(await histories.count(NORA, {}), 0);
});
