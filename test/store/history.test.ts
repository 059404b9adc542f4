// The history of users of the core on disk: whole and in order at any size of page, found by words, sealed, and gone in time.

import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HistoryEntry, HistoryFilter, HistoryLine, HistoryStore } from '../../src/model/history.ts';
import { im } from '../outbox/events.ts';
import { tempStore } from './temp-store.ts';

const NORA = 'nora@people.example';
const OMAR = 'omar@people.example';
const BOB = 'bob@partner.example';

const entry = (id: string, more: Partial<HistoryEntry> & { readonly body?: string } = {}): HistoryEntry => {
  const { body = `words of ${id}`, ...rest } = more;
  return { owner: NORA, peer: OMAR, direction: 'in', at: 1000, border: false, said: { event: im(id, { body }) }, ...rest };
};
const ids = (lines: readonly HistoryLine[] | undefined): string[] => (lines ?? []).map(({ id }) => id);

/** Everything that matches, page by page from one end. */
async function walk(store: HistoryStore, filter: HistoryFilter, limit: number, fromEnd: boolean): Promise<string[]> {
  const all: string[] = [];
  let cut: { readonly after?: string; readonly before?: string } = {};
  for (;;) {
    const page = await store.page(NORA, filter, { limit, fromEnd, ...cut });
    assert.ok(page !== undefined && page.lines.length <= limit);
    if (fromEnd) all.unshift(...ids(page.lines));
    else all.push(...ids(page.lines));
    const edge = fromEnd ? page.lines[0] : page.lines.at(-1);
    if (page.complete || edge === undefined) return all;
    cut = fromEnd ? { before: edge.id } : { after: edge.id };
  }
}

test('pages of any size, from either end, give every line once and in order', async () => {
  await using temp = tempStore();
  const store = temp.store.histories;
  const lines = Array.from({ length: 97 }, (_, i) => ({
    id: `m${String(i).padStart(3, '0')}`,
    peer: i % 3 === 0 ? BOB : OMAR,
    at: 1000 + Math.floor(i / 5) * 10,
  }));
  await Promise.all(lines.map(({ id, peer, at }) => store.append(entry(id, { peer, at }))));
  await store.append(entry('elsewhere', { owner: OMAR }));
  const filters: readonly (readonly [HistoryFilter, (line: (typeof lines)[number]) => boolean])[] = [
    [{}, () => true],
    [{ peer: BOB }, ({ peer }) => peer === BOB],
    [{ since: 1050, until: 1100 }, ({ at }) => at >= 1050 && at <= 1100],
    [{ peer: OMAR, since: 1075 }, ({ peer, at }) => peer === OMAR && at >= 1075],
    [{ peer: 'nobody@people.example' }, () => false],
  ];
  for (const [filter, fits] of filters) {
    const right = lines.filter(fits).map(({ id }) => id);
    assert.equal(await store.count(NORA, filter), right.length);
    for (const limit of [1, 2, 3, 7, 20, 96, 97, 98])
      for (const fromEnd of [false, true])
        assert.deepEqual(
          await walk(store, filter, limit, fromEnd),
          right,
          `${JSON.stringify(filter)} by ${limit}${fromEnd ? ' back' : ''}`,
        );
  }
  assert.deepEqual((await store.page(NORA, {}, { limit: 0 }))?.complete, false);
});

test('one event is one line of a history, however often it comes; ids of others are no place in it', async () => {
  await using temp = tempStore();
  const store = temp.store.histories;
  await store.append(entry('a'));
  await store.append(entry('a'));
  await store.append(entry('b', { owner: OMAR, peer: NORA }));
  assert.equal(await store.count(NORA, {}), 1);
  assert.equal(await store.page(NORA, {}, { limit: 5, after: 'b' }), undefined);
  assert.equal(await store.named(NORA, ['a', 'b']), undefined);
  assert.deepEqual(ids(await store.named(NORA, ['a', 'a'])), ['a']);
});

test('a clock that steps back a little does not put a new line before those that a client has', async () => {
  await using temp = tempStore();
  await temp.store.histories.append(entry('first', { at: 50_000 }));
  const store = temp.reopen().histories;
  await store.append(entry('second', { at: 40_000 }));
  assert.deepEqual(ids((await store.page(NORA, {}, { limit: 5, after: 'first' }))?.lines), ['second']);
});

test('words are found in any case and as a part of others, newest first, over more than one step', async () => {
  await using temp = tempStore();
  const store = temp.store.histories;
  const wanted = new Map([
    [3, 'Die Straße nach LÜBECK'],
    [700, 'lübeck again, and the street'],
    [901, 'only a street'],
  ]);
  await Promise.all(
    Array.from({ length: 1000 }, (_, i) => store.append(entry(`m${i}`, { body: wanted.get(i) ?? 'nothing', at: 1000 + i }))),
  );
  assert.deepEqual(await store.find(NORA, {}, ['Lübeck'], 10).then(({ lines, more }) => [ids(lines), more]), [['m700', 'm3'], false]);
  assert.deepEqual(await store.find(NORA, {}, ['street', 'LÜB'], 10).then(({ lines }) => ids(lines)), ['m700']);
  assert.deepEqual(await store.find(NORA, {}, ['street'], 1).then(({ lines, more }) => [ids(lines), more]), [['m901'], true]);
  assert.deepEqual(await store.find(OMAR, {}, ['street'], 1), { lines: [], more: false });
});

test('nothing of what was said can be read in the files; the key is one of its own and read by its owner only', async () => {
  await using temp = tempStore();
  await temp.store.histories.append(entry('a', { body: 'planted-body', said: { event: im('a', { body: 'planted-body' }) } }));
  temp.store.flush();
  const files = ['isthmus.db', 'isthmus.db-wal'].map((name) => readFileSync(join(temp.folder, name), 'latin1')).join('');
  assert.ok(files.includes(NORA), 'the row is there');
  assert.ok(!files.includes('planted-body'));
  assert.equal(statSync(join(temp.folder, 'archive.key')).mode & 0o777, 0o600);
  assert.notDeepEqual(readFileSync(join(temp.folder, 'archive.key')), readFileSync(join(temp.folder, 'store.key')));
});

test('after a kill everything that was answered for is there', async () => {
  await using temp = tempStore();
  await temp.store.histories.append(entry('a', { body: 'still here' }));
  const [line] = (await temp.crash().histories.page(NORA, {}, { limit: 5 }))?.lines ?? [];
  assert.ok(line?.said?.event.kind === 'im.sent' && line.said.event.body === 'still here');
});

test('a key that is gone is said at the start; lines are still counted, and say that they cannot be read', async () => {
  await using temp = tempStore();
  await temp.store.histories.append(entry('a'));
  const { rmSync } = await import('node:fs');
  rmSync(join(temp.folder, 'archive.key'));
  const store = temp.reopen();
  assert.match(store.remarks[0]?.text ?? '', /archive\.key was gone and is new/);
  const page = await store.histories.page(NORA, {}, { limit: 5 });
  assert.deepEqual([ids(page?.lines), page?.lines[0]?.said], [['a'], undefined]);
});

test('what is older than its time goes, except of those who are held', async () => {
  await using temp = tempStore();
  const store = temp.store.histories;
  for (const at of [100, 200, 300]) await Promise.all([NORA, OMAR].map((owner) => store.append(entry(`${owner} ${at}`, { owner, at }))));
  assert.equal(await store.expire(250, (owner) => owner === OMAR), 2);
  assert.deepEqual([await store.count(NORA, {}), await store.count(OMAR, {})], [1, 3]);
  assert.equal(await store.expire(250), 2);
  assert.deepEqual([await store.forget(NORA), await store.forget(OMAR), await store.forget('nobody@people.example')], [1, 1, 0]);
});
