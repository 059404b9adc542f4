// What people say of their presence beside a client's word, and who sees how much of it: notes, being out of the office, calendars,
// levels of contacts and domains, privacy.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../../src/model/address.ts';
import type { CalendarNow } from '../../../src/model/calendar.ts';
import type { Level } from '../../../src/model/core.ts';
import { PRESENCE_POLICY } from '../../../src/model/presence-settings.ts';
import { at, bob, type CoreWorld, coreWorld, type FakeClient, li, nora, omar, open } from '../world.ts';

const MINUTE = 60_000;

/** `who` sees nora, and she does not have them in her own list unless `level` or `contact` says so. */
async function watch(world: CoreWorld, desk: FakeClient, who: Address, level?: Level): Promise<FakeClient> {
  const client = await world.client(who, 'watching');
  await client.session.subscription('subscribe', nora);
  await desk.session.subscription('subscribed', who);
  if (level !== undefined) await desk.session.putContact({ address: who, groups: [], level });
  await world.settle();
  client.forget();
  return client;
}

/** The last that was seen of nora: state, note of the endpoint, and facts of the person. */
function seen(client: FakeClient): string {
  const item = client.items.filter((one) => one.kind === 'presence' && one.from.local === 'nora').at(-1);
  if (item?.kind !== 'presence') return 'nothing';
  const { composed, presence } = item;
  const { person } = composed?.document ?? {};
  const facts = [person?.location, person?.timeZone?.name, person?.meeting?.subject].filter((fact) => fact !== undefined);
  return [composed?.state, presence.show ?? presence.availability, presence.notes[0]?.text, ...facts].filter(Boolean).join(' | ');
}

test('note, place and time zone reach who is inside; from outside there is availability alone', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const [colleague, outside] = [await watch(world, desk, omar), await watch(world, desk, li, 'external')];
  const { personal } = desk.session;
  assert.equal((await personal.change({ note: 'back at three', location: 'Hamburg', timeZone: 'Europe/Berlin' })).kind, 'delivered');
  await world.settle();
  assert.equal(seen(colleague), 'available | open | back at three | Hamburg | Europe/Berlin');
  assert.equal(seen(outside), 'nothing');
  // What a client itself says is that client's.
  desk.session.present(open({ notes: [{ text: 'at the desk' }] }));
  await world.settle();
  assert.equal(seen(colleague), 'available | open | at the desk | Hamburg | Europe/Berlin');
  await personal.change({ note: null, location: null, timeZone: null });
  desk.session.present(open());
  await world.settle();
  assert.equal(seen(colleague), 'available | open');
});

test('what was said is there after a kill, with the notes before it', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  for (const note of ['one', 'two', 'three', 'four', 'five']) {
    await desk.session.personal.change({ note });
    // The fifth comes within 30 s of the fourth and takes its place.
    world.temp.clock.advance(note === 'four' ? 20_000 : MINUTE);
  }
  await desk.session.personal.change({ domain: { name: 'partner.example', level: 'colleagues' }, contactsOnly: true });
  await world.restart('killed');
  const again = await world.client(nora, 'desk');
  const { note, notes, domains, contactsOnly } = await again.session.personal.settings();
  assert.deepEqual(
    [note, notes.map(({ text }) => text), domains, contactsOnly],
    ['five', ['five', 'three', 'two'], { 'partner.example': 'colleagues' }, true],
  );
});

test('what two clients change at the same moment holds both', async () => {
  await using world = await coreWorld();
  const [desk, phone] = [await world.client(nora, 'desk'), await world.client(nora, 'phone')];
  await Promise.all([
    desk.session.personal.change({ note: 'from the desk' }),
    phone.session.personal.change({ location: 'Hamburg' }),
    desk.session.personal.change({ domain: { name: 'a.example', level: 'friends' } }),
  ]);
  const { note, location, domains } = await world.temp.store.presenceSettings.of('nora@people.example');
  assert.deepEqual([note, location, domains], ['from the desk', 'Hamburg', { 'a.example': 'friends' }]);
});

const REFUSED: readonly (readonly [string, Parameters<FakeClient['session']['personal']['change']>[0], RegExp])[] = [
  ['a note that is too long', { note: 'x'.repeat(501) }, /at most 500 characters/],
  ['a zone that is none', { timeZone: 'Mars/Olympus' }, /no time zone.*Europe\/Berlin/],
  ['an end that is over', { outOfOffice: { from: 0, until: 1 } }, /over already/],
  ['an end before the beginning', { outOfOffice: { from: 9e15, until: 8e15 } }, /ends before it begins/],
  ['control characters', { location: 'a\u0007b' }, /control characters/],
];
for (const [what, change, words] of REFUSED)
  test(`${what} is refused, and nothing is changed`, async () => {
    await using world = await coreWorld();
    const desk = await world.client(nora, 'desk');
    const outcome = await desk.session.personal.change(change);
    assert.ok(outcome.kind === 'refused');
    assert.match(outcome.reason.text, words);
    assert.deepEqual((await desk.session.personal.settings()).notes, []);
  });

test('out of the office begins and ends by itself, and is told while nobody is there', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const [colleague, outside] = [await watch(world, desk, omar), await watch(world, desk, li, 'external')];
  const now = world.temp.clock.now();
  await desk.session.personal.change({ outOfOffice: { text: 'Ask Omar', from: now + 10 * MINUTE, until: now + 60 * MINUTE } });
  await world.settle();
  assert.equal(seen(colleague), 'nothing');
  world.temp.clock.advance(10 * MINUTE);
  await world.settle();
  assert.equal(seen(colleague), 'outOfOffice | xa | Out of Office until 2025-06-15 16:23 UTC - Ask Omar');
  assert.equal(seen(outside), 'away | xa');
  desk.session.close();
  await world.settle();
  assert.equal(seen(colleague), 'offline | closed | Ask Omar (until 2025-06-15 16:23 UTC)');
  assert.equal(seen(outside), 'offline | closed');
  // Somebody who comes then reads it too.
  const later = await world.client(omar, 'later');
  await later.session.probe(nora);
  assert.equal(seen(later), 'offline | closed | Ask Omar (until 2025-06-15 16:23 UTC)');
  const again = await world.client(nora, 'desk');
  world.temp.clock.advance(50 * MINUTE);
  await world.settle();
  assert.equal(seen(colleague), 'available | open');
  again.session.close();
  await world.settle();
  assert.equal(seen(colleague), 'offline | closed');
});

test('who signs in reads who is out of the office though nobody is there, and sees it taken back', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const early = await watch(world, desk, omar);
  await desk.session.personal.change({ outOfOffice: { text: 'Ask Omar', from: 0 } });
  desk.session.close();
  await world.settle();
  const late = await world.client(omar, 'late');
  assert.equal(seen(late), 'offline | closed | Ask Omar');
  await desk.session.personal.change({ outOfOffice: null });
  await world.settle();
  assert.deepEqual([seen(early), seen(late)], ['offline | closed', 'offline | closed']);
  assert.equal(seen(await world.client(omar, 'later')), 'nothing');
});

test('where the photo is stands in what is shown, also to who is treated as outside, and changes with it', async () => {
  let photo: string | undefined = 'https://chat.people.example/photo/1';
  await using world = await coreWorld({ picture: async ({ local }) => (local === 'nora' ? photo : undefined) });
  const desk = await world.client(nora, 'desk');
  const [colleague, outside, hidden] = [
    await watch(world, desk, omar),
    await watch(world, desk, li, 'external'),
    await watch(world, desk, at('uma'), 'blocked'),
  ];
  const pictures = (): (string | undefined)[] =>
    [colleague, outside, hidden].map((client) => {
      const item = client.items.filter((one) => one.kind === 'presence').at(-1);
      return item?.kind === 'presence' ? item.composed?.document.person?.picture : undefined;
    });
  desk.session.present(open());
  await world.settle();
  assert.deepEqual(pictures(), [photo, photo, undefined]);
  photo = 'https://chat.people.example/photo/2';
  world.core.pictureChanged(nora);
  await world.settle();
  assert.deepEqual(pictures(), [photo, photo, undefined]);
  photo = undefined;
  world.core.pictureChanged(nora);
  await world.settle();
  assert.deepEqual(pictures(), [undefined, undefined, undefined]);
});

test('who appears offline cannot be told from who is', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const colleague = await watch(world, desk, omar);
  await desk.session.personal.change({ note: 'secret', location: 'Hamburg', outOfOffice: { text: 'Away', from: 0 } });
  await desk.session.choose({ state: 'appearOffline' });
  await world.settle();
  const hidden = seen(colleague);
  await desk.session.choose(undefined);
  desk.session.close();
  await world.settle();
  assert.equal(seen(colleague), hidden);
  assert.equal(hidden, 'offline | closed | Away');
});

test('where the organisation does not want it nobody appears offline, whoever chose it before', async () => {
  let appearOffline = true;
  await using world = await coreWorld({ presencePolicy: () => ({ ...PRESENCE_POLICY, appearOffline }) });
  const desk = await world.client(nora, 'desk');
  const colleague = await watch(world, desk, omar);
  await desk.session.choose({ state: 'appearOffline' });
  await world.settle();
  assert.equal(seen(colleague), 'offline | closed');
  appearOffline = false;
  world.core.presenceChanged();
  await world.settle();
  assert.equal(seen(colleague), 'available | open');
  assert.equal((await desk.session.choose({ state: 'appearOffline' })).kind, 'refused');
  assert.ok(!desk.session.personal.states().some(({ state }) => state === 'appearOffline'));
});

test('a meeting: state, show and activity for all inside, subject and place for the workgroup, a class for outside', async () => {
  let says: CalendarNow = { kind: 'free' };
  await using world = await coreWorld({
    calendars: { at: (user) => (user === 'nora@people.example' ? says : undefined), blocks: () => ['meeting', 'free'] },
  });
  const desk = await world.client(nora, 'desk');
  const [colleague, workgroup] = [await watch(world, desk, omar), await watch(world, desk, li, 'workgroup')];
  says = { kind: 'meeting', subject: 'Review', place: 'Room 3', until: world.temp.clock.now() + 30 * MINUTE };
  world.core.calendarChanged('nora@people.example');
  await world.settle();
  assert.equal(seen(colleague), 'inAMeeting | dnd | In a meeting');
  assert.equal(seen(workgroup), 'inAMeeting | dnd | In a meeting: Review (Room 3) | Review');
  const about = await workgroup.session.personal.about(nora);
  assert.deepEqual([about?.composed.state, about?.blocks?.kinds], ['inAMeeting', ['meeting', 'free']]);
  assert.equal(await colleague.session.personal.about(li), undefined);
  await desk.session.putContact({ address: li, groups: [], level: 'external' });
  await world.settle();
  assert.equal(seen(workgroup), 'busy | dnd');
  assert.equal((await workgroup.session.personal.about(nora))?.blocks, undefined);
  // Available means it.
  await desk.session.choose({ state: 'available' });
  await world.settle();
  assert.equal(seen(colleague), 'available | open');
  await desk.session.choose(undefined);
  says = { kind: 'free' };
  world.temp.clock.advance(30 * MINUTE);
  await world.settle();
  assert.equal(seen(colleague), 'available | open');
});

test('a partner is shown endpoints alone: by default their availability, as a colleague the words too', async () => {
  await using world = await coreWorld({ federated: (domain) => domain === 'partner.example' });
  const desk = await world.client(nora, 'desk');
  await desk.session.subscription('subscribe', bob);
  await world.arrives({
    kind: 'presence.requested',
    from: bob,
    to: nora,
    id: 'r',
    at: 1,
    origin: { network: 'xmpp', side: 'edge', peer: 'partner.example', connection: 'c', proof: 'certificate' },
  });
  await desk.session.subscription('subscribed', bob);
  await desk.session.personal.change({ note: 'back at three', location: 'Hamburg' });
  await world.settle();
  const shown = () => {
    const event = world.sent.findLast((one) => one.kind === 'presence.notified');
    return event?.kind === 'presence.notified' ? event.document : undefined;
  };
  assert.deepEqual(Object.keys(shown() ?? {}), ['endpoints']);
  assert.deepEqual(shown()?.endpoints[0]?.notes, []);
  await desk.session.personal.change({ domain: { name: 'partner.example', level: 'colleagues' } });
  await world.settle();
  assert.deepEqual(shown()?.endpoints[0]?.notes, [{ text: 'back at three' }]);
  assert.deepEqual(Object.keys(shown() ?? {}), ['endpoints']);
  // Their own word about one person counts before the one about the domain.
  await desk.session.putContact({ address: bob, groups: [], level: 'blocked' });
  await world.settle();
  assert.deepEqual(shown()?.endpoints, []);
  const refused = await world.arrives({
    ...{ kind: 'im.sent', id: 'm', at: 1, from: bob, to: nora, body: 'hello', style: 'chat', ids: {} },
    wants: { delivered: false, displayed: false },
    origin: { network: 'xmpp', side: 'edge', peer: 'partner.example', connection: 'c', proof: 'certificate' },
  });
  assert.ok(refused.kind === 'refused' && refused.reason.code === 'PEER_UNKNOWN_USER');
});

test('in privacy mode only own contacts see; a word about somebody counts all the same', async () => {
  let contactsOnly = false;
  await using world = await coreWorld({ presencePolicy: () => ({ ...PRESENCE_POLICY, contactsOnly }) });
  const desk = await world.client(nora, 'desk');
  const [let_in, named] = [await watch(world, desk, omar), await watch(world, desk, li, 'colleagues')];
  await desk.session.personal.change({ contactsOnly: true });
  await world.settle();
  assert.equal(seen(let_in), 'offline | closed');
  desk.session.present(open({ show: 'away' }));
  await world.settle();
  assert.equal(seen(named), 'away | away');
  assert.equal(seen(let_in), 'offline | closed');
  await desk.session.putContact({ address: omar, name: 'Omar', groups: [] });
  await world.settle();
  assert.equal(seen(let_in), 'away | away');
  desk.session.present(open({ show: 'xa' }));
  await world.settle();
  assert.equal(seen(let_in), 'away | xa');
  // The organisation may be stricter than its users, never the other way.
  await desk.session.personal.change({ contactsOnly: false });
  await desk.session.putContact({ address: omar, groups: [] });
  await world.settle();
  contactsOnly = true;
  world.core.presenceChanged();
  await world.settle();
  assert.equal(seen(let_in), 'offline | closed');
});

test("the times after which somebody is inactive and away are the organisation's", async () => {
  await using world = await coreWorld({ presencePolicy: () => ({ ...PRESENCE_POLICY, inactiveAfterMs: MINUTE, awayAfterMs: 2 * MINUTE }) });
  const desk = await world.client(nora, 'desk');
  const colleague = await watch(world, desk, omar);
  desk.session.present(open({ idleSince: world.temp.clock.now() }));
  const states: string[] = [];
  for (let minute = 0; minute < 3; minute += 1) {
    await world.settle();
    states.push(seen(colleague).split(' ')[0] ?? '');
    world.temp.clock.advance(MINUTE);
  }
  assert.deepEqual(states, ['available', 'inactive', 'away']);
});

test('an operator sees and sets the state of somebody, and they may change it again', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const colleague = await watch(world, desk, omar);
  assert.equal((await world.core.states.choose(nora, { state: 'offWork' })).kind, 'delivered');
  await world.settle();
  assert.equal(seen(colleague), 'offWork | xa | Off Work');
  const { chosen, composed } = await world.core.states.of(nora);
  assert.deepEqual([chosen?.state, composed.state], ['offWork', 'offWork']);
  assert.equal((await world.core.states.choose(nora, { state: 'asleep' })).kind, 'refused');
  await desk.session.choose(undefined);
  assert.equal((await world.core.states.of(nora)).chosen, undefined);
});

test('whoever gets an address next begins with nothing', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  await desk.session.personal.change({ note: 'mine', location: 'Hamburg' });
  await desk.session.choose({ state: 'busy' });
  await world.temp.store.people.remove('nora@people.example');
  await world.core.look();
  await world.settle();
  await world.temp.store.people.put({ address: nora, name: 'Another Nora', disabled: false, groups: [], createdAt: 1 });
  const again = await world.client(nora, 'desk');
  assert.deepEqual([(await again.session.personal.settings()).note, await again.session.chosen()], [undefined, undefined]);
});
