// Who sees whom: contact lists, requests, presence of each client, choices, levels and blocked addresses, as clients see it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CORE_LIMITS } from '../../../src/core/ports.ts';
import { type Address, show } from '../../../src/model/address.ts';
import { at, type CoreWorld, coreWorld, type FakeClient, li, message, nora, omar, open } from '../world.ts';

/** Both see each other. */
async function friends(world: CoreWorld, a: Address, b: Address): Promise<void> {
  const [one, two] = [await world.client(a, 'befriending'), await world.client(b, 'befriending')];
  await one.session.subscription('subscribe', b);
  await two.session.subscription('subscribed', a);
  await two.session.subscription('subscribe', a);
  await one.session.subscription('subscribed', b);
  one.session.close();
  two.session.close();
  await world.settle();
}

const last = (client: FakeClient): string | undefined => client.saw.at(-1);

test('asking, granting and seeing: both lists, pushes and presence (RFC 6121 §3.1)', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const phone = await world.client(omar, 'phone');
  assert.equal((await desk.session.subscription('subscribe', omar, 'it is me')).kind, 'delivered');
  await world.settle();
  assert.deepEqual(desk.pushed, ['omar@people.example none ask']);
  assert.deepEqual(phone.pushed, []); // a request alone is no entry
  assert.deepEqual(phone.asked, ['subscribe from nora@people.example']);
  const request = phone.items.find((item) => item.kind === 'subscription');
  assert.ok(request?.kind === 'subscription' && request.message === 'it is me');
  phone.forget();
  desk.forget();
  await phone.session.subscription('subscribed', nora);
  await world.settle();
  assert.deepEqual(phone.pushed, ['nora@people.example from']);
  assert.deepEqual(desk.pushed, ['omar@people.example to']);
  assert.deepEqual(desk.asked, ['subscribed from omar@people.example']);
  assert.deepEqual(desk.saw, ['omar@people.example/phone open']);
  assert.deepEqual(phone.saw, []);
  phone.session.present(open({ show: 'away', notes: [{ text: 'lunch' }] }));
  await world.settle();
  assert.equal(last(desk), 'omar@people.example/phone open away lunch');
  phone.session.present({ availability: 'closed', notes: [{ text: 'gone home' }] });
  await world.settle();
  assert.equal(last(desk), 'omar@people.example/phone closed gone home');
  const before = desk.saw.length;
  phone.session.close();
  await world.settle();
  assert.equal(desk.saw.length, before);
});

test('a request waits for who is away, over a restart, and is asked again until it is answered', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  await desk.session.subscription('subscribe', omar, 'hello there');
  await world.restart('killed');
  for (const resource of ['one', 'two']) {
    const phone = await world.client(omar, resource);
    assert.deepEqual(phone.asked, ['subscribe from nora@people.example']);
    const request = phone.items.find((item) => item.kind === 'subscription');
    assert.ok(request?.kind === 'subscription' && request.message === 'hello there');
  }
  const phone = await world.client(omar, 'three');
  await phone.session.subscription('unsubscribed', nora);
  const again = await world.client(omar, 'four');
  assert.deepEqual(again.asked, []);
});

test('a client that comes sees who is there; lists and subscriptions survive a restart', async () => {
  await using world = await coreWorld();
  await friends(world, nora, omar);
  await world.restart();
  const phone = await world.client(omar, 'phone', { presence: { show: 'dnd' } });
  const desk = await world.client(nora, 'desk');
  assert.deepEqual(desk.saw, ['omar@people.example/phone open dnd']);
  assert.deepEqual(phone.saw, ['nora@people.example/desk open']);
  const tablet = await world.client(nora, 'tablet');
  assert.deepEqual(tablet.saw, ['nora@people.example/desk open', 'omar@people.example/phone open dnd']);
  assert.equal(last(desk), 'nora@people.example/tablet open');
  const { contacts, version } = await desk.session.contacts();
  assert.deepEqual(
    contacts.map((contact) => [contact.address.local, contact.subscription]),
    [['omar', 'both']],
  );
  assert.match(version, /^\d+$/);
});

test('the end of it: each side ends what it gave or asked for; taking an entry off a list ends both', async () => {
  await using world = await coreWorld();
  await friends(world, nora, omar);
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  desk.forget();
  await phone.session.subscription('unsubscribed', nora);
  await world.settle();
  assert.deepEqual(desk.asked, ['unsubscribed from omar@people.example']);
  assert.deepEqual(desk.pushed, ['omar@people.example from']);
  assert.equal(last(desk), 'omar@people.example/phone closed');
  phone.forget();
  await desk.session.removeContact(omar);
  await world.settle();
  assert.equal(desk.pushed.at(-1), 'omar@people.example removed');
  assert.deepEqual(phone.asked, ['unsubscribed from nora@people.example']);
  assert.equal(last(phone), 'nora@people.example/desk closed');
  assert.deepEqual((await desk.session.contacts()).contacts, []);
  assert.equal((await desk.session.removeContact(omar)).kind, 'refused');
});

test('entries: names, groups, favourites and levels; bounds; nobody is on their own list', async () => {
  await using world = await coreWorld({ limits: { contacts: 2 } });
  const desk = await world.client(nora, 'desk');
  await desk.session.putContact({ address: omar, name: 'Omar', groups: ['team', 'team'], favourite: true });
  await desk.session.putContact({ address: omar, groups: [], level: 'workgroup' });
  const [entry] = (await desk.session.contacts()).contacts;
  assert.deepEqual(entry, {
    address: omar,
    groups: [],
    subscription: 'none',
    ask: false,
    approved: false,
    favourite: true,
    level: 'workgroup',
  });
  assert.equal((await desk.session.putContact({ address: li, groups: [] })).kind, 'delivered');
  assert.equal((await desk.session.putContact({ address: at('third'), groups: [] })).kind, 'refused');
  assert.equal((await desk.session.subscription('subscribe', at('third'))).kind, 'refused');
  assert.equal((await desk.session.putContact({ address: nora, groups: [] })).kind, 'refused');
  assert.equal((await desk.session.putContact({ address: omar, name: 'x'.repeat(300), groups: [] })).kind, 'refused');
});

test('the limits are those that operators read of', () => {
  const { clients, contacts, blocked, prompts, kept } = CORE_LIMITS;
  const document = readFileSync(join(import.meta.dirname, '../../../docs/core.md'), 'utf8').replaceAll(/\s+/g, ' ');
  assert.ok(document.includes(`at most ${clients} clients, ${contacts} contacts, ${blocked} blocked addresses and ${prompts} requests`));
  assert.ok(document.includes(`at most ${kept.items} messages or ${kept.bytes / 1024 / 1024} MiB for each user`));
});

test('no more requests wait for one user than may', async () => {
  await using world = await coreWorld({ limits: { prompts: 1 } });
  const [desk, tablet] = [await world.client(nora, 'desk'), await world.client(li, 'tablet')];
  assert.equal((await desk.session.subscription('subscribe', omar)).kind, 'delivered');
  const outcome = await tablet.session.subscription('subscribe', omar);
  assert.ok(outcome.kind === 'refused' && outcome.reason.code === 'LIMIT_PENDING');
  assert.deepEqual((await tablet.session.contacts()).contacts, []);
});

test('appearing offline: nobody sees anything, oneself does; the choice survives a restart and is reset', async () => {
  await using world = await coreWorld();
  await friends(world, nora, omar);
  let [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  assert.equal((await desk.session.choose({ state: 'appearOffline' })).kind, 'delivered');
  await world.settle();
  assert.equal(last(phone), 'nora@people.example/desk closed');
  const tablet = await world.client(nora, 'tablet');
  assert.deepEqual(tablet.saw, ['nora@people.example/desk open', 'omar@people.example/phone open']);
  await world.restart();
  [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  assert.deepEqual(phone.saw, []);
  await phone.session.probe(nora);
  assert.deepEqual(phone.saw, ['nora@people.example closed']);
  assert.deepEqual(await desk.session.chosen(), { state: 'appearOffline' });
  await desk.session.choose(undefined);
  await world.settle();
  assert.equal(last(phone), 'nora@people.example/desk open');
  assert.equal((await desk.session.choose({ state: 'dancing' })).kind, 'refused');
});

test('a choice bounds what each client shows; a person as a whole has one state', async () => {
  await using world = await coreWorld();
  await friends(world, nora, omar);
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  await desk.session.choose({ state: 'busy', until: world.temp.clock.now() + 60_000 });
  await world.settle();
  assert.equal(last(phone), 'nora@people.example/desk open dnd Busy');
  const item = phone.items.at(-1);
  assert.ok(item?.kind === 'presence' && item.composed !== undefined);
  assert.deepEqual([item.composed.state, item.composed.number], ['busy', 6500]);
  assert.deepEqual(
    item.composed.document.endpoints.map(({ id, show: word }) => [id, word]),
    [['desk', 'dnd']],
  );
  world.temp.clock.advance(60_001);
  await world.settle();
  assert.equal(last(phone), 'nora@people.example/desk open');
});

test('time alone makes somebody inactive, then away', async () => {
  await using world = await coreWorld();
  await friends(world, nora, omar);
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  desk.session.present(open({ idleSince: world.temp.clock.now() }));
  await world.settle();
  const states: (string | undefined)[] = [];
  for (let i = 0; i < 3; i += 1) {
    const item = phone.items.at(-1);
    states.push(item?.kind === 'presence' ? `${item.composed?.state} ${item.presence.show ?? '-'}` : undefined);
    world.temp.clock.advance(8 * 60_000);
    await world.settle();
  }
  assert.deepEqual(states, ['available -', 'inactive -', 'away away']);
});

test('levels: a colleague sees notes, an external contact availability alone, a blocked one nothing', async () => {
  await using world = await coreWorld();
  await friends(world, nora, omar);
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  const payload = { face: 'xmpp', text: '<x/>' } as const;
  desk.session.present(open({ notes: [{ text: 'writing' }], payload }));
  await world.settle();
  assert.equal(last(phone), 'nora@people.example/desk open writing');
  await desk.session.putContact({ address: omar, groups: [], level: 'external' });
  await world.settle();
  assert.equal(last(phone), 'nora@people.example/desk open');
  const seen = phone.items.findLast((item) => item.kind === 'presence');
  assert.ok(seen?.kind === 'presence' && seen.presence.payload === undefined);
  await desk.session.putContact({ address: omar, groups: [], level: 'blocked' });
  await world.settle();
  assert.equal(last(phone), 'nora@people.example/desk closed');
  const outcome = await world.say(phone, nora, 'why');
  assert.ok(outcome.kind === 'refused' && outcome.reason.code === 'PEER_UNKNOWN_USER');
  await desk.session.putContact({ address: omar, groups: [], level: null });
  await world.settle();
  assert.equal(last(phone), 'nora@people.example/desk open writing');
});

test('who is blocked sees the user go and come back, and reaches nobody meanwhile', async () => {
  await using world = await coreWorld();
  await friends(world, nora, omar);
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  await desk.session.block(['omar@people.example']);
  await world.settle();
  assert.equal(last(phone), 'nora@people.example/desk closed');
  desk.session.present(open({ show: 'away' }));
  await world.settle();
  assert.equal(last(phone), 'nora@people.example/desk closed');
  await world.restart();
  const again = await world.client(nora, 'desk');
  assert.deepEqual(await again.session.blocked(), ['omar@people.example']);
  const mobile = await world.client(omar, 'mobile');
  assert.deepEqual(mobile.saw, []);
  await again.session.unblock([]);
  await world.settle();
  assert.equal(last(mobile), 'nora@people.example/desk open');
});

test('who is let in by somebody who appears offline sees that nobody is there', async () => {
  await using world = await coreWorld();
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  await desk.session.choose({ state: 'appearOffline' });
  await phone.session.subscription('subscribe', nora);
  await desk.session.subscription('subscribed', omar);
  await world.settle();
  assert.deepEqual(phone.saw, ['nora@people.example closed']);
});

test('who is blocked while they ask is not heard of again, until they are on the block list no more', async () => {
  await using world = await coreWorld();
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  await phone.session.subscription('subscribe', nora);
  await world.settle();
  assert.deepEqual(desk.asked, ['subscribe from omar@people.example']);
  await desk.session.block(['omar@people.example']);
  const tablet = await world.client(nora, 'tablet');
  assert.deepEqual(tablet.asked, []);
  await desk.session.unblock([]);
  assert.deepEqual((await world.client(nora, 'later')).asked, ['subscribe from omar@people.example']);
});

test('do not disturb: only who may break through does', async () => {
  await using world = await coreWorld();
  await friends(world, nora, omar);
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  await desk.session.choose({ state: 'doNotDisturb' });
  const refused = await world.say(phone, nora, 'knock');
  assert.ok(refused.kind === 'refused' && refused.reason.code === 'PEER_BUSY');
  await desk.session.putContact({ address: omar, groups: [], level: 'workgroup' });
  assert.equal((await world.say(phone, nora, 'urgent')).kind, 'delivered');
  assert.deepEqual(desk.heard, ['omar@people.example/phone: urgent']);
});

test('who is not to be disturbed hears no typing, and is answered by whom they have asked', async () => {
  await using world = await coreWorld();
  await friends(world, nora, omar);
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  await desk.session.choose({ state: 'doNotDisturb' });
  const { id, at: when, origin, from, to } = message(omar, nora, 'typing');
  await phone.session.say({ event: { kind: 'im.composing', id, at: when, origin, from, to, state: 'composing' } });
  await world.settle();
  assert.deepEqual(desk.heard, []);
  await world.say(desk, omar, 'where are you?');
  assert.equal((await world.say(phone, nora, 'here')).kind, 'delivered');
  assert.deepEqual(desk.heard, ['omar@people.example/phone: here']);
  world.temp.clock.advance(61 * 60_000);
  assert.equal((await world.say(phone, nora, 'and another thing')).kind, 'refused');
});

test('a call is seen on every client of the person, in words; away is one client alone', async () => {
  await using world = await coreWorld();
  await friends(world, nora, omar);
  const [desk, telephone] = [await world.client(nora, 'desk'), await world.client(nora, 'telephone', { face: 'sip' })];
  const phone = await world.client(omar, 'phone');
  const seen = (): string[] => {
    const item = phone.items.filter((one) => one.kind === 'presence').at(-1);
    const { endpoints = [], person } = (item?.kind === 'presence' && item.composed?.document) || {};
    const words = endpoints.map(({ id, show, notes }) => [id, show, notes[0]?.text].filter(Boolean).join(' ')).sort();
    return [...words, ...(person?.activities ?? []).map((word) => JSON.stringify(word))];
  };
  telephone.session.present(open({ show: 'dnd', activity: 'on-the-phone' }));
  await world.settle();
  assert.deepEqual(seen(), ['desk dnd In a call', 'telephone dnd In a call', '{"rpid":"on-the-phone"}']);
  telephone.session.present(open({ show: 'dnd' }));
  await world.settle();
  assert.deepEqual(seen(), ['desk dnd Busy', 'telephone dnd Busy', '{"rpid":"busy"}']);
  desk.session.present(open({ show: 'xa' }));
  await world.settle();
  assert.deepEqual(seen(), ['desk xa Busy', 'telephone dnd Busy', '{"rpid":"busy"}']);
  telephone.session.present(open());
  desk.session.present(open({ idleSince: world.temp.clock.now() }));
  await world.settle();
  assert.deepEqual(seen(), ['desk', 'telephone']);
  world.temp.clock.advance(15 * 60_000);
  await world.settle();
  assert.deepEqual(seen(), ['desk away', 'telephone']);
});

test('directed presence: shown to a stranger, and taken back when the client goes (RFC 6121 §4.6)', async () => {
  await using world = await coreWorld();
  const [desk, tablet] = [await world.client(nora, 'desk'), await world.client(li, 'tablet')];
  desk.session.presentTo(li, open());
  await world.settle();
  assert.deepEqual(tablet.saw, ['nora@people.example/desk open']);
  desk.session.close();
  await world.settle();
  assert.deepEqual(tablet.saw, ['nora@people.example/desk open', 'nora@people.example/desk closed']);
});

test('a client that does not look is given no presence; pre-approval grants unseen', async () => {
  await using world = await coreWorld();
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone', { presence: 'none' })];
  await phone.session.subscription('subscribed', nora);
  await desk.session.subscription('subscribe', omar);
  await world.settle();
  assert.deepEqual(phone.asked, []);
  assert.deepEqual(desk.pushed.at(-1), 'omar@people.example to');
  await phone.session.subscription('subscribe', nora);
  await desk.session.subscription('subscribed', omar);
  await world.settle();
  assert.deepEqual(phone.saw, []);
});

test('who blocks somebody sees nothing of them either, and does not write to them', async () => {
  await using world = await coreWorld();
  await friends(world, nora, omar);
  const desk = await world.client(nora, 'desk');
  await desk.session.block(['omar@people.example']);
  const phone = await world.client(omar, 'phone');
  assert.deepEqual(desk.saw, []);
  assert.deepEqual(phone.saw, []);
  const outcome = await world.say(desk, omar, 'hello');
  assert.ok(outcome.kind === 'refused' && outcome.reason.code === 'PEER_NOT_ACCEPTABLE');
});

test('a custom state counts as its class and is shown in its words', async () => {
  const states = [{ id: 'customer', class: 'busy', words: { '': 'With a customer', de: 'Beim Kunden' } }] as const;
  await using world = await coreWorld({ states: () => states });
  await friends(world, nora, omar);
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(omar, 'phone')];
  assert.equal((await desk.session.choose({ state: 'customer' })).kind, 'delivered');
  await world.settle();
  assert.equal(last(phone), 'nora@people.example/desk open dnd With a customer');
  const item = phone.items.at(-1);
  assert.ok(item?.kind === 'presence');
  assert.deepEqual([item.composed?.state, item.composed?.words, item.composed?.number], ['busy', 'With a customer', 6500]);
});

test('a user who is removed leaves nothing to the next one of that address', async () => {
  await using world = await coreWorld();
  await friends(world, nora, omar);
  const [desk, tablet] = [await world.client(nora, 'desk'), await world.client(li, 'tablet')];
  await world.say(tablet, omar, 'for the old one');
  await world.temp.store.people.remove('omar@people.example');
  world.temp.clock.advance(30_000);
  await world.settle();
  assert.deepEqual(desk.asked, ['unsubscribe from omar@people.example', 'unsubscribed from omar@people.example']);
  await world.temp.store.people.put({ address: omar, name: 'Another Omar', disabled: false, groups: [], createdAt: 1 });
  const phone = await world.client(omar, 'phone');
  assert.deepEqual([phone.heard, phone.saw, desk.saw], [[], [], []]);
  assert.deepEqual((await phone.session.contacts()).contacts, []);
});

test('a client sees itself as its user does: as it was said (RFC 6121 §4.2.2)', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk', { presence: { show: 'chat', notes: [{ text: 'here' }] } });
  const [item] = desk.items;
  assert.ok(item?.kind === 'presence');
  assert.deepEqual([show(item.from), item.presence.show, item.presence.notes], ['nora@people.example/desk', 'chat', [{ text: 'here' }]]);
});
