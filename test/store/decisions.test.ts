import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecisionRecord } from '../../src/model/stores.ts';
import { tempStore } from './temp-store.ts';

const record = (n: number, at: number): DecisionRecord => ({
  at,
  eventId: `e${n}`,
  kind: 'im.sent',
  from: `a@${n % 2 === 0 ? 'even' : 'odd'}.example`,
  to: 'nora@corp.example',
  network: 'xmpp',
  proof: 'certificate',
  allowed: true,
});

test('decisions since a time come in order, all of them, however many', async () => {
  await using temp = tempStore();
  const { store } = temp;
  for (let n = 0; n < 1234; n++) store.decisions.note(record(n, 1000 + n));
  const since = async (ms: number): Promise<string[]> => (await Array.fromAsync(store.decisions.since(ms))).map(({ eventId }) => eventId);
  assert.equal((await since(0)).length, 1234);
  assert.deepEqual((await since(1000 + 1232)).slice(0, 3), ['e1232', 'e1233']);
  assert.deepEqual(await since(1000 + 1234), []);
  assert.deepEqual(
    await since(1000 + 600),
    Array.from({ length: 634 }, (_, index) => `e${600 + index}`),
  );
});

test('a home without a decision has none since anything', async () => {
  await using temp = tempStore();
  assert.deepEqual(await Array.fromAsync(temp.store.decisions.since(0)), []);
  assert.equal((await temp.store.decisions.lastOfDomains(10)).size, 0);
});

test('the last decision about each domain, either side of it', async () => {
  await using temp = tempStore();
  for (let n = 0; n < 10; n++) temp.store.decisions.note(record(n, 1000 + n));
  const last = await temp.store.decisions.lastOfDomains(100);
  assert.deepEqual([...last].sort(), [
    ['corp.example', 1009],
    ['even.example', 1008],
    ['odd.example', 1009],
  ]);
  assert.deepEqual([...(await temp.store.decisions.lastOfDomains(1)).keys()].sort(), ['corp.example', 'odd.example']);
});
