// Contact lists, block lists, chosen states and kept messages on disk.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ListEntry } from '../../src/model/core-stores.ts';
import { im } from '../outbox/events.ts';
import { tempStore } from './temp-store.ts';

const NORA = 'nora@people.example';
const OMAR = 'omar@people.example';
const entry = (more: Partial<ListEntry> = {}): ListEntry => ({
  address: OMAR,
  groups: ['Team', 'München'],
  sees: true,
  seen: false,
  asked: false,
  asks: true,
  approved: false,
  listed: true,
  favourite: true,
  ...more,
});

test('contact lists: what is written is there after a crash, in one piece; the words of a request are sealed', async () => {
  await using temp = tempStore();
  const one = entry({ name: 'Omar', level: 'workgroup', request: 'a secret request' });
  const other = entry({ address: NORA, groups: [] });
  await temp.store.contacts.write([
    { owner: NORA, address: OMAR, entry: one, wasListed: false, version: 1 },
    { owner: OMAR, address: NORA, entry: other, wasListed: false, version: 7 },
  ]);
  const store = temp.crash();
  assert.deepEqual(await store.contacts.of(NORA), { entries: [one], version: 1 });
  assert.deepEqual(await store.contacts.of(OMAR), { entries: [other], version: 7 });
  for (const file of ['isthmus.db', 'isthmus.db-wal'])
    assert.ok(!readFileSync(join(temp.folder, file)).includes('a secret request'), `${file} holds the words`);
  await store.contacts.write([{ owner: NORA, address: OMAR, entry: undefined, wasListed: true, version: 2 }]);
  assert.deepEqual(await store.contacts.of(NORA), { entries: [], version: 2 });
});

test('block lists and chosen states are replaced as a whole, and go with the list', async () => {
  await using temp = tempStore();
  const { blocked, chosen, contacts } = temp.store;
  await blocked.put(NORA, [OMAR, 'spam.example']);
  await blocked.put(NORA, ['spam.example']);
  await chosen.put(NORA, { state: 'busy', until: 99 });
  assert.deepEqual(await blocked.of(NORA), ['spam.example']);
  assert.deepEqual(await chosen.of(NORA), { state: 'busy', until: 99 });
  await chosen.put(NORA, { state: 'away' });
  assert.deepEqual(await chosen.of(NORA), { state: 'away' });
  await chosen.put(OMAR, undefined);
  assert.equal(await chosen.of(OMAR), undefined);
  await contacts.forget(NORA);
  assert.deepEqual([await blocked.of(NORA), await chosen.of(NORA)], [[], undefined]);
});

const TWO = { items: 2, bytes: 100_000 };

test('kept messages: in order, once, as many as may, sealed; copies are recognised for a day after they were taken', async () => {
  await using temp = tempStore();
  const { kept } = temp.store;
  const first = await kept.keep(NORA, { event: im('a') }, 5, TWO);
  assert.deepEqual(await kept.keep(NORA, { event: im('b') }, 6, TWO), { kind: 'kept', number: 2 });
  assert.deepEqual(await kept.keep(NORA, { event: im('a') }, 7, TWO), { kind: 'copy', number: 1, waits: true });
  assert.deepEqual(await kept.keep(NORA, { event: im('c') }, 8, TWO), { kind: 'full' });
  assert.deepEqual(first, { kind: 'kept', number: 1 });
  let store = temp.crash();
  const waiting = await store.kept.of(NORA, 0, 10);
  assert.deepEqual(
    waiting.map(({ number, at, said }) => [number, at, said.event.id]),
    [
      [1, 5, 'a'],
      [2, 6, 'b'],
    ],
  );
  assert.deepEqual(waiting[0]?.said.event, im('a'));
  store.kept.taken(1, 10, true);
  store.kept.taken(2, 10, false);
  store = temp.reopen();
  assert.equal(await store.kept.count(NORA), 0);
  assert.deepEqual(await store.kept.keep(NORA, { event: im('a') }, 11, TWO), { kind: 'copy', number: 1, waits: false });
  assert.deepEqual(await store.kept.keep(NORA, { event: im('b') }, 11, TWO), { kind: 'kept', number: 3 });
  assert.equal(await store.kept.expire(0, 10 + 24 * 3600 * 1000 + 1), 0);
  assert.equal((await store.kept.keep(NORA, { event: im('a') }, 12, { items: 9, bytes: 100_000 })).kind, 'kept');
  assert.equal(await store.kept.expire(12, 20), 1); // b has waited too long
  assert.deepEqual(await store.kept.keep(NORA, { event: im('large') }, 13, { items: 9, bytes: 10 }), { kind: 'full' });
  await store.kept.forget(NORA);
  assert.equal(await store.kept.count(NORA), 0);
});
