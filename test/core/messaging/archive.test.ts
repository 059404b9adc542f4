// What users of the core say to each other in the archive: one line, written with what is kept, also of what clients want nobody to
// keep; and nothing reaches anybody that could not be archived where that is asked for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { historyOf } from '../../../src/core/messaging/history.ts';
import { reason } from '../../../src/errors.ts';
import { type LogLine, observed, SILENT } from '../../../src/log.ts';
import type { ArchiveSettings, ArchiveStore } from '../../../src/model/archive.ts';
import { StoreError } from '../../../src/model/outbox-store.ts';
import { Archiving } from '../../../src/routing/archiving.ts';
import { ownDomain, table } from '../../support/table.ts';
import { bob, type CoreWorld, coreWorld, HERE, li, message, nora, omar } from '../world.ts';

const where = { file: 'records/archive.yaml', key: '' };
const ALL: ArchiveSettings = {
  rules: [{ who: 'everyone', name: '', internal: true, external: true, where }],
  ...{ blockOnFailure: false, purgeHour: 2, purgeOnlyExported: false, secondPerson: false },
};

/** What the log was told of. */
const told: LogLine['fields'][] = [];

async function archived(settings: ArchiveSettings, broken?: (store: ArchiveStore) => Partial<ArchiveStore>): Promise<CoreWorld> {
  const rules = table([ownDomain(HERE, 'core')], []);
  const archiving = (): Archiving =>
    new Archiving({
      store: { ...world.temp.store.archive, ...broken?.(world.temp.store.archive) },
      holds: world.temp.store.holds,
      settings: () => settings,
      table: () => rules,
      clock: world.temp.clock,
      log: observed(SILENT, [({ fields }) => told.push(fields)]),
    });
  const world: CoreWorld = await coreWorld({
    capture: (event) => archiving().capture(event),
    history: {
      note: (owner, direction, said) =>
        historyOf({
          store: world.temp.store.histories,
          clock: world.temp.clock,
          log: SILENT,
          serves: ({ domain }) => domain === HERE,
        }).note(owner, direction, said),
    },
  });
  return world;
}
const lines = async (world: CoreWorld): Promise<unknown[]> =>
  (await world.temp.store.archive.page({}, 0, 100)).map(({ scope, from, to, event }) => [scope, from, to, event?.body]);

test('a message between two users is one line, whoever is there to read it, and also when it is not to be kept', async () => {
  await using world = await archived(ALL);
  const desk = await world.client(nora, 'desk');
  await world.client(omar, 'phone');
  await world.client(omar, 'desk');
  await world.say(desk, omar, 'one');
  await world.say(desk, li, 'two'); // away
  await desk.session.say({ event: message(nora, omar, 'three'), store: 'never' });
  await world.settle();
  assert.deepEqual(await lines(world), [
    ['internal', 'nora@people.example', 'omar@people.example', 'one'],
    ['internal', 'nora@people.example', 'li@people.example', 'two'],
    ['internal', 'nora@people.example', 'omar@people.example', 'three'],
  ]);
});

test('what is refused, what crosses the border and who only types make no line in the core', async () => {
  await using world = await archived(ALL);
  const desk = await world.client(nora, 'desk');
  await world.say(desk, { local: 'nobody', domain: HERE }, 'to nobody');
  await world.say(desk, bob, 'out'); // dispatch archives it
  await world.arrives(message(bob, nora, 'in'));
  await desk.session.say({
    event: { kind: 'im.composing', state: 'composing', id: 'x', at: 1, origin: message(nora, omar, '').origin, from: nora, to: omar },
  });
  assert.deepEqual(await lines(world), []);
});

const failing = (): Partial<ArchiveStore> => ({
  append: () => Promise.reject(new Error('no')),
  line: (_, spare) => () => {
    const error = new Error('no');
    if (spare === undefined) throw error;
    spare(error);
  },
});

test('what cannot be archived is refused where nothing may pass, and neither client nor history has it', async () => {
  await using world = await archived({ ...ALL, blockOnFailure: true }, failing);
  const desk = await world.client(nora, 'desk');
  const phone = await world.client(omar, 'phone');
  const outcome = await world.say(desk, omar, 'secret');
  assert.ok(outcome.kind === 'failed' && outcome.reason.code === 'STORE_NOT_ARCHIVED', JSON.stringify(outcome));
  assert.deepEqual(phone.heard, []);
  for (const user of ['nora@people.example', 'omar@people.example']) assert.equal(await world.temp.store.histories.count(user, {}), 0);
  assert.equal(await world.temp.store.kept.count('omar@people.example'), 0);
});

test('and passes where it may', async () => {
  await using world = await archived(ALL, failing);
  const desk = await world.client(nora, 'desk');
  const phone = await world.client(omar, 'phone');
  assert.equal((await world.say(desk, omar, 'hello')).kind, 'delivered');
  assert.deepEqual([phone.heard, await lines(world)], [['nora@people.example/desk: hello'], []]);
});

test('what a client has although the disk did not take it is archived by itself, or told as passed without a line', async () => {
  let failing = false;
  told.splice(0);
  await using world = await archived(ALL, (store) => ({
    append: async (record) => {
      if (failing) throw new Error('disk full');
      await store.append(record);
    },
  }));
  const desk = await world.client(nora, 'desk');
  const phone = await world.client(omar, 'phone');
  const { kept } = world.temp.store;
  const keep = kept.keep;
  kept.keep = () => Promise.reject(new StoreError(reason('STORE_FULL', 'the disk is full')));
  assert.equal((await world.say(desk, omar, 'one')).kind, 'delivered');
  kept.keep = async () => ({ kind: 'full' });
  assert.equal((await world.say(desk, omar, 'two')).kind, 'delivered');
  assert.deepEqual(told, []);
  failing = true;
  assert.equal((await world.say(desk, omar, 'three')).kind, 'delivered');
  kept.keep = keep;
  assert.deepEqual(
    phone.heard.map((one) => one.split(': ')[1]),
    ['one', 'two', 'three'],
  );
  assert.deepEqual(
    (await world.temp.store.archive.page({}, 0, 9)).map(({ event }) => event?.body),
    ['one', 'two'],
  );
  assert.deepEqual(
    told.map((one: LogLine['fields']) => one.passed),
    [true],
  );
});

test('a client whose connection is lost keeps nobody waiting when the disk is full', async () => {
  await using world = await archived(ALL);
  const desk = await world.client(nora, 'desk');
  const phone = await world.client(omar, 'phone');
  const lost = await world.client(omar, 'lost');
  lost.answers = () => new Promise(() => {}); // until it is back
  const { kept } = world.temp.store;
  const keep = kept.keep;
  kept.keep = () => Promise.reject(new StoreError(reason('STORE_FULL', 'the disk is full')));
  assert.equal((await desk.session.say({ event: message(nora, omar, 'one') })).kind, 'delivered');
  assert.deepEqual((await lines(world)).length, 1);
  phone.answers = lost.answers;
  const alone = desk.session.say({ event: message(nora, omar, 'two') });
  for (let i = 0; i < 20; i += 1) await new Promise((turn) => setImmediate(turn));
  world.temp.clock.advance(5000);
  assert.equal((await alone).kind, 'failed');
  kept.keep = keep;
});

test('with blockOnFailure messages of two people stay in their order', async () => {
  await using world = await archived({ ...ALL, blockOnFailure: true });
  const desk = await world.client(nora, 'desk');
  const phone = await world.client(omar, 'phone');
  const bodies = Array.from({ length: 20 }, (_, i) => `m${i}`);
  await Promise.all(bodies.map((body) => desk.session.say({ event: message(nora, omar, body) })));
  await world.settle();
  assert.deepEqual(
    phone.heard,
    bodies.map((body) => `nora@people.example/desk: ${body}`),
  );
});

test('after kill -9 what waits for who is away and the archive have the same messages', async () => {
  await using world = await archived(ALL);
  const desk = await world.client(nora, 'desk');
  const saying = Array.from({ length: 30 }, (_, i) =>
    desk.session.say({ event: { ...message(nora, omar, `m${i}`), id: `m${i}` } }).catch(() => undefined),
  );
  for (let waiting = 0; waiting === 0; waiting = await world.temp.store.kept.count('omar@people.example'))
    await new Promise((turn) => setImmediate(turn));
  await world.restart('killed');
  const kept = (await world.temp.store.kept.of('omar@people.example', 0, 100)).map(({ said }) => said.event.id);
  const written = (await world.temp.store.archive.page({}, 0, 100)).map(({ id }) => id);
  assert.ok(kept.length > 0);
  assert.deepEqual(written, kept);
  void saying;
});
