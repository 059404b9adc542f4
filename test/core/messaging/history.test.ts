// What is said by and to users stands in their histories: both sides of a conversation, whichever client, over a restart.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { historyOf } from '../../../src/core/messaging/history.ts';
import { reason } from '../../../src/errors.ts';
import { SILENT } from '../../../src/log.ts';
import { type Address, bareKey } from '../../../src/model/address.ts';
import type { HistoryEntry } from '../../../src/model/history.ts';
import { failed } from '../../../src/model/outcome.ts';
import { at, bob, type CoreWorld, coreWorld, HERE, message, nora, omar } from '../world.ts';

/** A world whose core writes into the store that is open. */
async function worldWithHistory(fails = false): Promise<CoreWorld> {
  let world: CoreWorld | undefined;
  const store = {
    append: (entry: HistoryEntry) =>
      fails || world === undefined ? Promise.reject(new Error('the disk is full')) : world.temp.store.histories.append(entry),
  };
  const serves = ({ domain }: Address): boolean => domain === HERE || domain === 'alias.example';
  const mainDomain = (domain: string): string => (domain === 'alias.example' ? HERE : domain);
  world = await coreWorld({
    history: historyOf({ store, clock: { now: () => 1000 }, log: SILENT, serves, mainDomain }),
    serves,
    mainDomain,
  });
  return world;
}

async function told(world: CoreWorld, owner: Address): Promise<string[]> {
  const page = await world.temp.store.histories.page(bareKey(owner), {}, { limit: 50 });
  return (page?.lines ?? []).map(({ direction, peer, border, kind, said }) => {
    const words = said?.event.kind === 'im.sent' ? said.event.body : kind;
    return `${direction} ${peer}${border ? ' (border)' : ''}: ${words}`;
  });
}

test('a conversation stands in both histories, under the id that clients are given', async () => {
  await using world = await worldWithHistory();
  const desk = await world.client(nora, 'desk');
  const tablet = await world.client(nora, 'tablet');
  const phone = await world.client(omar, 'phone');
  await world.say(desk, omar, 'hello');
  await world.say(phone, nora, 'good morning');
  assert.deepEqual(await told(world, nora), ['out omar@people.example: hello', 'in omar@people.example: good morning']);
  assert.deepEqual(await told(world, omar), ['in nora@people.example: hello', 'out nora@people.example: good morning']);
  const page = await world.temp.store.histories.page(bareKey(nora), {}, { limit: 1 });
  for (const client of [tablet, phone]) {
    const [first] = client.items.flatMap((item) => (item.kind === 'said' ? [item] : []));
    assert.equal(first?.archiveId, page?.lines[0]?.id);
  }
});

test('an answer that comes at once stands behind what it answers, in both histories and on the other client', async () => {
  await using world = await worldWithHistory();
  const desk = await world.client(nora, 'desk');
  const tablet = await world.client(nora, 'tablet');
  const phone = await world.client(omar, 'phone');
  const answered = new Promise<void>((resolve) => {
    phone.answers = async () => {
      phone.answers = () => true;
      await world.say(phone, nora, 'yes');
      resolve();
      return true;
    };
  });
  await world.say(desk, omar, 'are you there?');
  await answered;
  assert.deepEqual(await told(world, nora), ['out omar@people.example: are you there?', 'in omar@people.example: yes']);
  assert.deepEqual(await told(world, omar), ['in nora@people.example: are you there?', 'out nora@people.example: yes']);
  assert.deepEqual(tablet.heard, ['nora@people.example/desk: are you there? (sent copy)', 'omar@people.example/phone: yes']);
});

test('what was said before a kill is there after it, and what waited keeps its id', async () => {
  await using world = await worldWithHistory();
  const desk = await world.client(nora, 'desk');
  await world.say(desk, omar, 'for later');
  await world.restart('killed');
  assert.deepEqual(await told(world, omar), ['in nora@people.example: for later']);
  const phone = await world.client(omar, 'phone');
  const [late] = phone.items.flatMap((item) => (item.kind === 'said' ? [item] : []));
  assert.ok(late?.archiveId !== undefined && late.delayedSince !== undefined);
  assert.equal((await world.temp.store.histories.named(bareKey(omar), [late.archiveId]))?.length, 1);
});

test('with partners: what came once stands once, what was refused does not stand', async () => {
  await using world = await worldWithHistory();
  const desk = await world.client(nora, 'desk');
  await world.say(desk, bob, 'to a partner');
  await world.arrives(message(bob, nora, 'back'));
  await world.arrives(message(bob, nora, 'back'), true);
  world.answer = () => failed(reason('PEER_UNKNOWN_USER', 'nobody'));
  await world.say(desk, bob, 'to nobody');
  assert.deepEqual(await told(world, nora), ['out bob@partner.example (border): to a partner', 'in bob@partner.example (border): back']);
});

test('a person has one history under every name of the domain, and a note to oneself is one line', async () => {
  await using world = await worldWithHistory();
  const phone = await world.client(omar, 'phone');
  await world.say(phone, at('nora', 'alias.example'), 'by the other name');
  await world.say(phone, omar, 'to myself');
  assert.deepEqual(await told(world, nora), ['in omar@people.example: by the other name']);
  assert.deepEqual(await told(world, omar), ['out nora@people.example: by the other name', 'in omar@people.example: to myself']);
});

test('a history that cannot be written stops nobody from talking', async () => {
  await using world = await worldWithHistory(true);
  const desk = await world.client(nora, 'desk');
  const phone = await world.client(omar, 'phone');
  assert.equal((await world.say(desk, omar, 'all the same')).kind, 'delivered');
  assert.deepEqual(phone.heard, ['nora@people.example/desk: all the same']);
});

test('what its sender wants on no disk is on none; what they want in no history waits for who is away, and no longer', async () => {
  await using world = await worldWithHistory();
  const desk = await world.client(nora, 'desk');
  const say = async (body: string, store: 'never' | 'untilTaken'): Promise<void> => {
    await desk.session.say({ event: message(nora, omar, body), store });
    await world.settle();
  };
  await say('gone', 'never');
  await say('once', 'untilTaken');
  const phone = await world.client(omar, 'phone');
  await say('there', 'never');
  assert.deepEqual(phone.heard, ['nora@people.example/desk: once (late)', 'nora@people.example/desk: there']);
  assert.deepEqual(await told(world, nora), []);
  assert.deepEqual(await told(world, omar), []);
  world.temp.store.flush();
  assert.equal(await world.temp.store.kept.count(bareKey(omar)), 0);
});
