// Which clients are told through their push services, how often, and when a service is given up; tokens of devices beside it.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { Push } from '../../../src/core/messaging/push.ts';
import { peopleDesk } from '../../../src/core/people/people-desk.ts';
import { deviceTokens } from '../../../src/core/sign-in/device-tokens.ts';
import { SILENT } from '../../../src/log.ts';
import { type Address, bareKey } from '../../../src/model/address.ts';
import type { Person } from '../../../src/model/core.ts';
import type { PushResult, PushTarget } from '../../../src/model/push.ts';
import { boundData, fitting, readHashed } from '../../../src/protocols/xmpp/clients/sign-in/fast.ts';
import { tempStore } from '../../store/temp-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const nora: Address = { local: 'nora', domain: 'people.example' };
const phone: PushTarget = {
  service: 'push.example',
  node: 'n1',
  resource: 'phone',
  options: [{ name: 'secret', values: ['s3cret'] }],
  failures: 0,
  enabledAt: 0,
};

async function world() {
  const temp = await tempStore();
  const clock = new ManualClock();
  const told: { readonly target: PushTarget; readonly count: number }[] = [];
  const state = { answer: { kind: 'taken' } as PushResult, awake: new Set<string>(), allowed: true };
  const push = new Push({
    store: temp.store.push,
    clock,
    log: SILENT,
    publish: async (_user, target, count) => {
      told.push({ target, count });
      return state.answer;
    },
    awake: (_user, resource) => state.awake.has(resource),
    allowed: () => state.allowed,
  });
  await temp.store.push.put(bareKey(nora), phone);
  return { temp, clock, told, state, push, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() };
}
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 2));
};

test('a client that is away is told how many messages wait, at most once in five seconds', async () => {
  await using one = await world();
  const { push, told, clock } = one;
  push.arrived(nora);
  await settled();
  push.arrived(nora);
  push.arrived(nora);
  await settled();
  assert.deepEqual(
    told.map(({ count }) => count),
    [1],
  );
  clock.advance(5000);
  await settled();
  assert.deepEqual(
    told.map(({ count }) => count),
    [1, 3],
  );
  assert.deepEqual(told[0]?.target.options, phone.options, 'what the client wrote comes back out of the sealed row');
});

test('a client that is there is not told; once back, its count begins anew', async () => {
  await using one = await world();
  const { push, told, state, clock } = one;
  state.awake.add('phone');
  push.arrived(nora);
  await settled();
  assert.equal(told.length, 0);
  state.awake.delete('phone');
  push.asleep(nora, 'phone', 2);
  push.asleep(nora, 'desk', 7);
  await settled();
  assert.deepEqual(
    told.map(({ count }) => count),
    [2],
  );
  push.awake(nora, 'phone');
  clock.advance(5000);
  push.arrived(nora);
  await settled();
  assert.deepEqual(
    told.map(({ count }) => count),
    [2, 1],
  );
});

test('a lasting refusal disables the service, a passing one twenty times in a row', async () => {
  await using one = await world();
  const { push, state, temp, clock } = one;
  state.answer = { kind: 'failed', text: 'no answer' };
  for (let i = 0; i < 19; i++) {
    push.arrived(nora);
    await settled();
    clock.advance(5000);
  }
  assert.equal((await temp.store.push.of(bareKey(nora)))[0]?.failures, 19);
  state.answer = { kind: 'taken' };
  push.arrived(nora);
  await settled();
  assert.equal((await temp.store.push.of(bareKey(nora)))[0]?.failures, 0);
  clock.advance(5000);
  state.answer = { kind: 'refused', lasting: true, text: 'forbidden' };
  push.arrived(nora);
  await settled();
  assert.deepEqual(await temp.store.push.of(bareKey(nora)), []);
});

test('a service that is no longer named is told nothing', async () => {
  await using one = await world();
  one.state.allowed = false;
  one.push.arrived(nora);
  await settled();
  assert.equal(one.told.length, 0);
});

// --- tokens ---------------------------------------------------------------------------------------------------

async function devices(elsewhere = false) {
  const temp = await tempStore();
  const clock = new ManualClock();
  const { people } = temp.store;
  const desk = peopleDesk({ ...temp.store, clock, takeDirectory: () => Promise.reject(new Error('none')) });
  const person: Person = { address: nora, name: 'Nora', disabled: false, groups: [], createdAt: 0 };
  await people.put(person);
  await desk.setPassword(person, '', 'a long pencil');
  const tokens = deviceTokens({ store: temp.store.deviceTokens, people, clock, elsewhere: async () => elsewhere });
  return { temp, clock, desk, person, tokens, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() };
}
const KIND = 'HT-SHA-256-EXPR';

test('a token is good for one device and one mechanism, until any password of its user changes', async () => {
  await using one = await devices();
  const { tokens, person, desk } = one;
  const made = await tokens.give(person, 'd1', KIND);
  assert(made !== undefined);
  assert.equal((await tokens.of(nora, 'd1', KIND))[0]?.token, made.token);
  assert.deepEqual(await tokens.of(nora, 'd2', KIND), []);
  assert.deepEqual(await tokens.of(nora, 'd1', 'HT-SHA-256-NONE'), []);
  await desk.setPassword(person, 'phone', 'another pencil');
  assert.deepEqual(await tokens.of(nora, 'd1', KIND), []);
  assert.deepEqual(await one.temp.store.deviceTokens.of(bareKey(nora)), [], 'and is not kept');
});

test('a count that was seen before is a copy; a token that is invalidated is gone', async () => {
  await using one = await devices();
  const { tokens, person } = one;
  await tokens.give(person, 'd1', KIND);
  const [token] = await tokens.of(nora, 'd1', KIND);
  assert(token !== undefined);
  assert.equal(await tokens.used(nora, 'd1', token, 1, false), true);
  assert.equal(await tokens.used(nora, 'd1', token, 1, false), false);
  assert.equal(await tokens.used(nora, 'd1', token, 2, true), true);
  assert.deepEqual(await tokens.of(nora, 'd1', KIND), []);
});

test('a token is followed by a new one after a day, and stays good until that is used; it ends with its time', async () => {
  await using one = await devices();
  const { tokens, person, clock } = one;
  await tokens.give(person, 'd1', KIND);
  const [first] = await tokens.of(nora, 'd1', KIND);
  assert(first !== undefined);
  await tokens.used(nora, 'd1', first, undefined, false);
  assert.equal(await tokens.give(person, 'd1', undefined), undefined);
  clock.advance(86_400_001);
  assert(await tokens.give(person, 'd1', undefined));
  const both = await tokens.of(nora, 'd1', KIND);
  assert.equal(both.length, 2);
  const [next] = both;
  assert(next !== undefined && (await tokens.used(nora, 'd1', next, undefined, false)));
  assert.deepEqual(
    (await tokens.of(nora, 'd1', KIND)).map(({ number }) => number),
    [next.number],
  );
  clock.advance(21 * 86_400_000);
  assert.deepEqual(await tokens.of(nora, 'd1', KIND), []);
});

test('who was disabled signs in with a password first', async () => {
  await using one = await devices();
  const { tokens, person, temp } = one;
  await tokens.give(person, 'd1', KIND);
  await temp.store.people.put({ ...person, disabled: true });
  await temp.store.people.put(person);
  assert.deepEqual(await tokens.of(nora, 'd1', KIND), []);
});

test('who has the password of a directory is given no token', async () => {
  await using one = await devices(true);
  assert.equal(await one.tokens.give(one.person, 'd1', KIND), undefined);
});

test('the hash of a token covers what it is bound to', () => {
  const token = { number: 1, token: 'secret', expiresAt: 0, count: 0 };
  const bindings = new Map([['tls-exporter', Buffer.from('this connection')]] as const);
  const bound = boundData(KIND, bindings);
  assert(bound !== undefined);
  const proof = createHmac('sha256', 'secret').update('Initiator').update('this connection').digest();
  const said = readHashed(Buffer.concat([Buffer.from('nora\0'), proof]));
  assert.equal(said?.username, 'nora');
  assert.deepEqual(
    fitting([token], said.proof, bound)?.answer,
    createHmac('sha256', 'secret').update('Responder').update('this connection').digest(),
  );
  assert.equal(fitting([token], said.proof, Buffer.from('another connection')), undefined);
  assert.equal(boundData('HT-SHA-256-UNIQ', bindings), undefined);
});
