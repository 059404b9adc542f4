// What is said between users of ours and with partners, as clients hear it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreParts } from '../../../src/core/ports.ts';
import { at, bob, coreWorld, HERE, li, message, nora, omar } from '../world.ts';

test('a message reaches every client that wants messages; the sender hears it on their other client', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const tablet = await world.client(nora, 'tablet');
  const phone = await world.client(omar, 'phone');
  const laptop = await world.client(omar, 'laptop', { presence: { priority: 5 } });
  const quiet = await world.client(omar, 'quiet', { presence: { priority: -1 } });
  const outcome = await world.say(desk, omar, 'hello');
  assert.equal(outcome.kind, 'delivered');
  for (const client of [phone, laptop]) assert.deepEqual(client.heard, ['nora@people.example/desk: hello']);
  assert.deepEqual(quiet.heard, ['nora@people.example/desk: hello (received copy)']);
  assert.deepEqual(tablet.heard, ['nora@people.example/desk: hello (sent copy)']);
  assert.deepEqual(desk.heard, []);
});

test('a message to one client goes there; the others get copies; one that is not there is the bare address', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const phone = await world.client(omar, 'phone');
  const laptop = await world.client(omar, 'laptop');
  await world.say(desk, { ...omar, resource: 'phone' }, 'only there');
  await world.say(desk, { ...omar, resource: 'gone' }, 'anywhere');
  assert.deepEqual(phone.heard, ['nora@people.example/desk: only there', 'nora@people.example/desk: anywhere']);
  assert.deepEqual(laptop.heard, ['nora@people.example/desk: only there (received copy)', 'nora@people.example/desk: anywhere']);
});

test('a SIP client that shows itself as gone is still registered: it is given messages, and sees its contacts', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const phone = await world.client(omar, 'phone', { face: 'sip' });
  await phone.session.subscription('subscribe', nora);
  await desk.session.subscription('subscribed', omar);
  phone.session.present({ availability: 'closed', notes: [] });
  await world.settle();
  phone.forget();
  await world.say(desk, omar, 'you said you were gone');
  desk.session.present({ availability: 'open', show: 'away', notes: [] });
  await world.settle();
  assert.deepEqual(phone.heard, ['nora@people.example/desk: you said you were gone']);
  assert.deepEqual(phone.saw, ['nora@people.example/desk open away']);
});

test('what nobody was there for waits, in order, over a restart and a crash, and comes once', async () => {
  await using world = await coreWorld();
  let desk = await world.client(nora, 'desk');
  for (const body of ['one', 'two']) {
    const outcome = await world.say(desk, omar, body);
    assert.deepEqual(outcome, { kind: 'delivered', evidence: 'kept for omar@people.example' });
  }
  await world.restart('killed');
  desk = await world.client(nora, 'desk');
  await world.say(desk, omar, 'three');
  await world.restart();
  const phone = await world.client(omar, 'phone');
  assert.deepEqual(
    phone.heard,
    ['one', 'two', 'three'].map((body) => `nora@people.example/desk: ${body} (late)`),
  );
  await world.restart();
  const laptop = await world.client(omar, 'laptop');
  assert.deepEqual(laptop.heard, []);
});

test('a client that could not take a message leaves it for the next one', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const phone = await world.client(omar, 'phone', { face: 'sip', presence: 'none' });
  phone.answers = () => false;
  await world.say(desk, omar, 'are you there');
  assert.equal(phone.heard.length, 1);
  phone.session.close();
  const laptop = await world.client(omar, 'laptop');
  assert.deepEqual(laptop.heard, ['nora@people.example/desk: are you there (late)']);
});

test('what is new does not overtake what was kept', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  await world.say(desk, omar, 'first');
  const phone = await world.client(omar, 'phone', { presence: 'none' });
  phone.session.present({ availability: 'open', notes: [] });
  await world.say(desk, omar, 'second');
  assert.deepEqual(phone.heard, ['nora@people.example/desk: first (late)', 'nora@people.example/desk: second']);
});

test('typing goes to who is there and is never kept; a receipt finds the client it is for', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const { event } = { event: message(nora, omar, '') };
  const typing = { kind: 'im.composing', state: 'composing', id: 't', at: 1, origin: event.origin, from: nora, to: omar } as const;
  await desk.session.say({ event: typing });
  const phone = await world.client(omar, 'phone');
  assert.deepEqual(phone.heard, []);
  await desk.session.say({ event: typing });
  assert.deepEqual(phone.heard, ['nora@people.example/desk: composing']);
  await world.say(desk, omar, 'hello');
  const given = phone.items.findLast((item) => item.kind === 'said');
  assert.ok(given?.kind === 'said' && given.event.kind === 'im.sent');
  assert.equal(given.event.ids.messageId, 'wire-hello'); // what nora's XMPP client will recognise
  const receipt = { ...typing, kind: 'im.receipt', status: 'delivered', about: 'wire-hello', to: { ...nora, resource: 'desk' } } as const;
  await phone.session.say({ event: { ...receipt, id: 'r' } });
  assert.deepEqual(desk.heard, ['omar@people.example/phone: delivered wire-hello']);
});

test('to nobody: an unknown user, a disabled one and one who has blocked the sender answer alike', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const phone = await world.client(omar, 'phone');
  await phone.session.block(['nora@people.example']);
  await world.temp.store.people.put({ address: li, name: 'Li', disabled: true, groups: [], createdAt: 0 });
  for (const to of [at('nobody'), omar, li]) {
    const outcome = await world.say(desk, to, `to ${to.local}`);
    assert.ok(outcome.kind === 'refused');
    assert.deepEqual([outcome.reason.code, outcome.reason.text], ['PEER_UNKNOWN_USER', `${to.local}@${HERE} is no user here.`]);
  }
  assert.deepEqual(phone.heard, []);
});

test('to a partner: through the neck, as this user, and the answer comes back', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const tablet = await world.client(nora, 'tablet');
  world.answer = () => ({ kind: 'queued', answer: 202 });
  world.sent.length = 0;
  const forged = await world.say(desk, bob, 'hi', { from: omar, ids: { wireId: 'stanza', messageId: 'origin-id' } });
  assert.deepEqual(forged, { kind: 'queued', answer: 202 });
  const [event] = world.sent;
  assert.ok(event?.kind === 'im.sent');
  assert.deepEqual([event.from, event.origin.proof, event.origin.side], [{ ...nora, resource: 'desk' }, 'account', 'local']);
  assert.equal(event.ids.messageId, 'stanza'); // XEP-0184 receipts name the stanza id
  assert.deepEqual(tablet.heard, ['nora@people.example/desk: hi (sent copy)']);
});

test('from a partner: kept or taken, once, even when it comes again after a crash', async () => {
  await using world = await coreWorld();
  const event = message(bob, nora, 'from outside');
  assert.deepEqual(await world.arrives(event), { kind: 'delivered', evidence: 'kept for nora@people.example' });
  await world.restart('killed');
  assert.equal((await world.arrives(event, true)).kind, 'delivered');
  const desk = await world.client(nora, 'desk');
  assert.deepEqual(desk.heard, ['bob@partner.example: from outside (late)']);
  world.temp.store.flush();
  assert.equal((await world.arrives(event, true)).kind, 'delivered');
  assert.equal(desk.heard.length, 1);
  const given = desk.items.find((item) => item.kind === 'said');
  assert.ok(given?.kind === 'said' && given.event.kind === 'im.sent');
  assert.equal(given.event.ids.messageId, 'ours-id-from outside'); // the neck knows receipts by our id
  const nobody = await world.arrives(message(bob, at('nobody'), 'x'));
  assert.ok(nobody.kind === 'refused' && nobody.reason.code === 'PEER_UNKNOWN_USER');
});

test('as many messages wait for one user as may', async () => {
  await using world = await coreWorld({ limits: { kept: { items: 2, bytes: 100_000 } } });
  const desk = await world.client(nora, 'desk');
  const outcomes = [];
  for (const body of ['a', 'b', 'c']) outcomes.push(await world.say(desk, omar, body));
  assert.deepEqual(
    outcomes.map((outcome) => outcome.kind),
    ['delivered', 'delivered', 'refused'],
  );
});

test('the same resource again ends the first client; so does an operator, and disabling the user', async () => {
  await using world = await coreWorld();
  const first = await world.client(nora, 'desk');
  const second = await world.client(nora, 'desk');
  assert.equal(first.ended?.code, 'PEER_GONE');
  assert.equal((await first.session.say({ event: message(nora, omar, 'late') })).kind, 'refused');
  assert.equal(world.core.clients.list().length, 1);
  const third = await world.client(nora, 'third');
  assert.equal(
    world.core.clients.end('nora@people.example', 'third', { code: 'PEER_GONE', blame: 'operator', retry: 'never', text: 'closed' }),
    1,
  );
  assert.ok(third.ended);
  await world.temp.store.people.put({ address: nora, name: 'Nora', disabled: true, groups: [], createdAt: 0 });
  world.temp.clock.advance(30_000);
  await world.settle();
  assert.ok(second.ended);
  assert.deepEqual(world.core.clients.list(), []);
});

test('no more clients than may be; a made-up resource where none is wished for', async () => {
  await using world = await coreWorld({ limits: { clients: 2 } });
  const one = await world.client(nora, '');
  assert.match(one.session.resource, /./);
  await world.client(nora, 'b');
  await assert.rejects(world.client(nora, 'c'), /no more than 2/);
});

test('what one client has just taken is not given to the one that comes next', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  await world.client(omar, 'phone');
  await world.say(desk, omar, 'hello');
  const laptop = await world.client(omar, 'laptop');
  assert.deepEqual(laptop.heard, []);
});

test('who is outside comes to clients with the mark, and is asked about with who vouches', async () => {
  const outsider: NonNullable<CoreParts['outsider']> = ({ local, domain }, met) =>
    domain === HERE ? undefined : { name: `${met.name ?? local} (${domain}, external)`, vouched: `${domain} is known.` };
  await using world = await coreWorld({ outsider });
  const desk = await world.client(nora, 'desk');
  await world.arrives(message(bob, nora, 'hello'));
  await desk.session.putContact({ address: bob, name: 'Bob', groups: [] });
  await world.arrives(message(bob, nora, 'again'));
  const other = await world.client(omar, 'desk');
  await world.say(other, nora, 'hello from a colleague');
  const names = desk.items.flatMap((item) => (item.kind === 'said' ? [item.sender?.name] : []));
  assert.deepEqual(names, ['bob (partner.example, external)', 'Bob (partner.example, external)', undefined]);
  const base = { id: 'r', at: 1, origin: message(bob, nora, '').origin, from: bob, to: nora };
  await world.arrives({ ...base, kind: 'presence.requested', message: 'it is me' });
  const [asked] = desk.items.flatMap((item) => (item.kind === 'subscription' ? [item] : []));
  assert.deepEqual([asked?.message, asked?.sender?.vouched], ['it is me', 'partner.example is known.']);
});
