// The archive of the organisation on disk: one sealed line a message, found by person, domain, time and words at any clock, and
// purged but for what is held.

import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ArchiveFilter, type ArchiveRecord, type ArchiveStore, type Hold, isHeld } from '../../src/model/archive.ts';
import { StoreError } from '../../src/model/outbox-store.ts';
import { openStore } from '../../src/store/store.ts';
import { im } from '../outbox/events.ts';
import { tempStore } from './temp-store.ts';

const NORA = 'nora@people.example';
const OMAR = 'omar@people.example';
const ANN = 'ann@partner.example';
const HOUR = 3_600_000;

const record = (id: string, more: Partial<ArchiveRecord> & { readonly body?: string } = {}): ArchiveRecord => {
  const { body = `words of ${id}`, ...rest } = more;
  return { id, at: 1000, scope: 'internal', from: NORA, to: OMAR, event: im(id, { body }), ...rest };
};
const hold = (matter: string, who: readonly string[], more: Partial<Hold> = {}): Hold => ({
  ...{ matter, who, why: 'a case', by: 'kim', at: 5000, ...more },
});

async function walk(store: ArchiveStore, filter: ArchiveFilter, limit: number): Promise<string[]> {
  const all: string[] = [];
  for (let after = 0; ; ) {
    const page = await store.page(filter, after, limit);
    all.push(...page.map(({ id }) => id));
    if (page.length < limit) return all;
    after = page.at(-1)?.number ?? after;
  }
}

test('what is archived is found by person, pair, domain, scope and time, oldest first, also where the clock stepped back', async () => {
  await using temp = tempStore();
  const { archive } = temp.store;
  const PEOPLE = [NORA, OMAR, ANN, 'bo@partner.example', 'li@other.example'];
  const at = fc.oneof(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 0, max: 40 * HOUR }));
  const said = fc.record({ at, from: fc.constantFrom(...PEOPLE), to: fc.constantFrom(...PEOPLE) });
  const rows = fc.sample(said, { numRuns: 120, seed: 7 });
  const records = rows.map((row, i) => record(`m${i}`, { ...row, scope: i % 3 === 0 ? 'external' : 'internal' }));
  await Promise.all(records.map((one) => archive.append(one)));
  const lines = await archive.page({}, 0, 1000);
  assert.equal(lines.length, 120);
  const filters: readonly ArchiveFilter[] = [
    {},
    { user: NORA },
    { user: NORA, peer: ANN },
    { peer: ANN },
    { domain: 'partner.example' },
    { user: OMAR, scope: 'external' },
    { since: 30_000, until: 10 * HOUR },
    { user: NORA, since: 2 * HOUR },
    { domain: 'other.example', until: HOUR },
    { user: 'nobody@people.example' },
  ];
  for (const filter of filters) {
    const { user, peer, domain, scope, since = 0, until = Number.POSITIVE_INFINITY } = filter;
    const right = lines.filter(
      ({ from, to, ...line }) =>
        (user === undefined || from === user || to === user) &&
        (peer === undefined || (user === undefined ? [from, to].includes(peer) : (from === user ? to : from) === peer)) &&
        (domain === undefined || [from, to].some((one) => one.endsWith(`@${domain}`))) &&
        (scope === undefined || line.scope === scope) &&
        line.at >= since &&
        line.at <= until,
    );
    const ids = right.map(({ id }) => id);
    for (const limit of [7, 300]) assert.deepEqual(await walk(archive, filter, limit), ids, JSON.stringify(filter));
    assert.equal(await archive.count(filter), ids.length);
    assert.deepEqual(
      (await archive.find(filter, ['WORDS'], 1000)).lines.map(({ id }) => id),
      [...ids].reverse(),
    );
  }
});

test('words are found in any case, and the same message is one line', async () => {
  await using temp = tempStore();
  const { archive } = temp.store;
  await Promise.all([
    archive.append(record('a', { body: 'Das große Geheimnis' })),
    archive.append(record('a', { body: 'again' })),
    archive.append(record('b', { body: 'nothing' })),
  ]);
  const { lines, more } = await archive.find({}, ['geheim', 'DAS'], 10);
  assert.deepEqual([lines.map(({ id, event }) => [id, event?.body]), more], [[['a', 'Das große Geheimnis']], false]);
  assert.equal((await archive.find({}, [], 1)).more, true);
  assert.equal(await archive.count({}), 2);
  assert.equal((await archive.size()).lines, 2);
});

test('nothing of what was said stands in the file, and the key is one of its own, made with the first line', async () => {
  await using temp = tempStore();
  const key = join(temp.folder, 'records.key');
  assert.equal(statSync(key, { throwIfNoEntry: false }), undefined);
  await temp.store.archive.append(record('a', { body: 'hippopotamus' }));
  assert.equal(statSync(key).mode & 0o777, 0o600);
  assert.notDeepEqual(readFileSync(key), readFileSync(join(temp.folder, 'archive.key')));
  temp.store.flush();
  for (const file of ['isthmus.db', 'isthmus.db-wal']) assert.equal(readFileSync(join(temp.folder, file)).includes('hippopotamus'), false);
});

test('a key that is gone is said at the start, and lines of it stay as lines without words; a file that is no key stops the start', async () => {
  await using temp = tempStore();
  await temp.store.archive.append(record('a'));
  temp.store.close();
  const key = join(temp.folder, 'records.key');
  rmSync(key);
  const again = openStore({ folder: temp.folder, clock: temp.clock, mode: 'own' });
  assert.match(again.remarks.map(({ text }) => text).join(), /records\.key is gone/);
  await again.archive.append(record('b'));
  assert.deepEqual(
    (await again.archive.page({}, 0, 10)).map(({ id, event }) => [id, event?.body]),
    [
      ['a', undefined],
      ['b', 'words of b'],
    ],
  );
  again.close();
  writeFileSync(key, 'short');
  assert.throws(
    () => openStore({ folder: temp.folder, clock: temp.clock, mode: 'own' }),
    (error) => error instanceof StoreError && /records\.key has 5 bytes/.test(error.reason.text),
  );
});

test('purge never takes a line that a hold keeps, whoever and whenever it is about', async () => {
  const person = fc.constantFrom(NORA, OMAR, ANN);
  const when = fc.integer({ min: 0, max: 10 }).map((hours) => hours * HOUR);
  const line = fc.record({ at: when, from: person, to: person, exported: fc.boolean() });
  const held = fc.record({ who: fc.constantFrom(NORA, ANN, 'partner.example'), since: fc.option(when), until: fc.option(when) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 20 }),
      fc.array(held, { maxLength: 3 }),
      when,
      fc.boolean(),
      async (lines, holds, before, only) => {
        await using temp = tempStore();
        const { archive, holds: book } = temp.store;
        for (const [i, { exported, ...one }] of lines.entries()) {
          await archive.append(record(`m${i}`, one));
          if (exported) await archive.exported({}, (await archive.page({}, 0, 100)).at(-1)?.number ?? 0);
        }
        const lastOut = lines.findLastIndex(({ exported }) => exported);
        const all = await archive.page({}, 0, 100);
        for (const [i, { who, since, until }] of holds.entries())
          await book.add(hold(`M${i}`, [who], { ...(since !== null && { since }), ...(until !== null && { until }) }));
        const keeping = await book.list();
        // All up to the last that was noted are handed out.
        const outTo = all[lastOut]?.number ?? 0;
        const due = all.filter(({ at, number }) => at < before && (!only || number <= outTo));
        const { removed, held: stayed } = await archive.purge(before, only, 0);
        const left = new Set((await archive.page({}, 0, 100)).map(({ id }) => id));
        for (const { id, from, to, at } of all) assert.ok(left.has(id) || !isHeld(keeping, from, to, at), `${id} is held`);
        const dueHeld = due.filter(({ from, to, at }) => isHeld(keeping, from, to, at)).length;
        assert.deepEqual([removed, stayed, left.size], [due.length - dueHeld, dueHeld, all.length - removed]);
      },
    ),
    { numRuns: 12 },
  );
});

test('a hold is in force until it is released, once for each matter, and known at once from another process', async () => {
  await using temp = tempStore();
  const { holds } = temp.store;
  assert.equal(await holds.add(hold('4711', [NORA])), true);
  assert.equal(await holds.add(hold('4711', [OMAR])), false);
  assert.deepEqual(
    (await holds.of(NORA)).map(({ matter }) => matter),
    ['4711'],
  );
  const beside = openStore({ folder: temp.folder, clock: temp.clock, mode: 'visit' });
  await beside.holds.add(hold('4712', ['people.example'], { since: 5 }));
  beside.close();
  assert.deepEqual(
    holds.inForce().map(({ matter }) => matter),
    ['4712', '4711'],
  );
  assert.deepEqual(
    (await holds.of(OMAR)).map(({ matter }) => matter),
    ['4712'],
  );
  assert.equal(await holds.release('4711', 'lee', 'over', 9000), true);
  assert.equal(await holds.release('4711', 'lee', 'over', 9000), false);
  assert.deepEqual(
    (await holds.list()).map(({ matter, released }) => [matter, released?.by]),
    [
      ['4712', undefined],
      ['4711', 'lee'],
    ],
  );
  assert.equal(await holds.add(hold('4711', [OMAR])), true);
});

test('erasing takes every line of one user, but those that are held', async () => {
  await using temp = tempStore();
  const { archive, holds } = temp.store;
  await Promise.all([
    archive.append(record('a')),
    archive.append(record('b', { from: ANN, to: NORA })),
    archive.append(record('c', { from: ANN, to: OMAR })),
  ]);
  await holds.add(hold('4711', [ANN]));
  assert.deepEqual(await archive.erase(NORA, 0), { removed: 1, held: 1 });
  assert.deepEqual(await walk(archive, {}, 10), ['b', 'c']);
});
