// A person is erased: everything that is kept of them goes, but what a hold keeps, and the report says both.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Operations } from '../../../src/ops/operations.ts';
import { openStore } from '../../../src/store/store.ts';
import { im } from '../../outbox/events.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { PeopleHome } from './people-home.ts';

const [NORA, OMAR, BOB] = ['nora@people.example', 'omar@people.example', 'bob@partner.example'];
const NOON = Date.parse('2026-11-20T12:00:00Z');
const ENTRY = {
  ...{ name: 'Nora from work', groups: ['Work'], sees: true, seen: true, asked: false, asks: false, approved: false },
  ...{ listed: true, favourite: false },
};

/** Nora and Omar, what they have said to each other, and what else is kept of Nora. */
async function homeOfNora(): Promise<PeopleHome> {
  const home = new PeopleHome();
  for (const address of [NORA, OMAR]) await home.run('user add', { address, name: address });
  const { people } = await home.operations.people();
  await people.putCredentials(NORA, 'phone', [{ kind: 'scrypt', data: Buffer.from('x'), madeAt: NOON }]);
  const { histories, archive } = home.operations.records();
  for (const [owner, peer, direction] of [
    [NORA, OMAR, 'out'],
    [OMAR, NORA, 'in'],
  ] as const)
    await histories.append({ owner, peer, direction, at: NOON, border: false, said: { event: im('m1') } });
  for (const [id, from, to] of [
    ['m1', NORA, OMAR],
    ['m2', BOB, NORA],
    ['m3', BOB, OMAR],
  ] as const)
    await archive.append({ id, at: NOON, scope: 'internal', from, to, event: im(id) });
  const store = openStore({ folder: `${home.dir}/var`, clock: new ManualClock(), mode: 'visit' });
  const change = (owner: string, address: string) => ({ owner, address, entry: { ...ENTRY, address }, wasListed: false, version: 1 });
  await store.contacts.write([change(NORA, OMAR), change(OMAR, NORA), change(OMAR, BOB)]);
  await store.blocked.put(NORA, [BOB]);
  await store.kept.keep(NORA, { event: im('k1') }, NOON, { items: 10, bytes: 100_000 });
  store.close();
  return home;
}

const WHY: Partial<Operations> = { why: 'request of 12 June' };
interface Json {
  readonly erased: readonly { readonly what: string; readonly things: number }[];
  readonly stays: readonly { readonly what: string; readonly things: number }[];
}
const counts = (list: Json['erased']): Record<string, number> => Object.fromEntries(list.map(({ what, things }) => [what, things]));

test('nothing is left of who was erased but what others said, and the audit log', async () => {
  using home = await homeOfNora();
  const asked = await home.run('user erase', { address: NORA }, WHY);
  assert.equal(asked.exit, 2);
  assert.match(asked.text, /lines of the archive +2\n(.|\n)*Nothing was erased: add --yes/);
  const { exit, json, changes } = await home.run('user erase', { address: NORA, yes: true }, WHY);
  assert.equal(exit, 0);
  const { erased, stays } = json as Json;
  assert.deepEqual(stays, []);
  assert.deepEqual(counts(erased), {
    'account, passwords, photo, devices': 2,
    'contact list, block list, chosen state': 2,
    "entries about them in others' contact lists": 1,
    'messages that wait for them': 1,
    history: 1,
    'lines of the archive': 2,
  });
  assert.match(changes ?? '', /^nora@people\.example: .*lines of the archive: 2 erased/);
  const { ofPerson, histories, archive } = home.operations.records();
  for (const { what, count } of ofPerson) assert.equal(await count(NORA), 0, what);
  assert.deepEqual([await histories.count(OMAR, {}), await archive.count({})], [1, 1]);
  assert.deepEqual([await histories.count(OMAR, {}), (await home.operations.audit().list({ act: 'user erase', limit: 9 })).length], [1, 2]);
  const store = openStore({ folder: `${home.dir}/var`, clock: new ManualClock(), mode: 'visit' });
  const { entries, version } = await store.contacts.of(OMAR);
  assert.deepEqual([entries.map(({ address }) => address), version], [[BOB], 2]);
  store.close();
  assert.equal((await home.run('user erase', { address: NORA, yes: true }, WHY)).text, `Nothing of ${NORA} is kept.`);
});

test('what a hold keeps stays and is named; after its release the same command finishes', async () => {
  using home = await homeOfNora();
  const { holds, histories, archive } = home.operations.records();
  await holds.add({ matter: '4711', who: [NORA], why: 'a lawsuit', by: 'olga', at: NOON });
  const { exit, json, text } = await home.run('user erase', { address: NORA, yes: true }, WHY);
  assert.equal(exit, 1);
  assert.deepEqual(counts((json as Json).stays), { history: 1, 'lines of the archive': 2 });
  assert.match(text, /history: 1, because of hold 4711 \(a lawsuit\)/);
  assert.deepEqual([await histories.count(NORA, {}), await archive.count({ user: NORA })], [1, 2]);
  await holds.release('4711', 'olga', 'over', NOON);
  assert.equal((await home.run('user erase', { address: NORA, yes: true }, WHY)).exit, 0);
  assert.deepEqual([await histories.count(NORA, {}), await archive.count({ user: NORA })], [0, 0]);
});

test('a hold on the other side of a conversation keeps its lines', async () => {
  using home = await homeOfNora();
  await home.operations.records().holds.add({ matter: '12', who: [OMAR], why: 'x', by: 'olga', at: NOON });
  const { exit, json, text } = await home.run('user erase', { address: NORA, yes: true }, WHY);
  assert.equal(exit, 1);
  assert.deepEqual(counts((json as Json).stays), { 'lines of the archive': 1 });
  assert.match(text, /because of a hold on the other side/);
});

test('who wrote from elsewhere can be erased too', async () => {
  using home = await homeOfNora();
  const { exit, json } = await home.run('user erase', { address: BOB, yes: true }, WHY);
  assert.equal(exit, 0);
  assert.deepEqual(counts((json as Json).erased), { "entries about them in others' contact lists": 1, 'lines of the archive': 2 });
});

test('it needs a reason, and over the API the role admin or a second person', async () => {
  using home = await homeOfNora();
  const none = await home.run('user erase', { address: NORA, yes: true });
  assert.match(none.text, /add --why/);
  const alone = await home.run(
    'user erase',
    { address: NORA, yes: true },
    { ...WHY, actor: { name: 'token', role: 'compliance', via: 'api' } },
  );
  assert.deepEqual([alone.exit, /needs the role admin, or an approval/.test(alone.text)], [2, true]);
  const admin = await home.run('user erase', { address: NORA, yes: true }, { ...WHY, actor: { name: 'token', role: 'admin', via: 'api' } });
  assert.equal(admin.exit, 0);
});
