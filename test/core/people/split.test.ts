// A split domain across the real neck and core, on a real store: nora, omar and li live in the core, inge at the internal SIP
// system of the same domain, bob at a partner's. And people who move.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CorePeople, followMoves } from '../../../src/assembly/people/core-people.ts';
import { movesOf } from '../../../src/core/people/moving.ts';
import { reason } from '../../../src/errors.ts';
import { SILENT } from '../../../src/log.ts';
import { type Address, bareKey, show } from '../../../src/model/address.ts';
import type { Event, Origin } from '../../../src/model/event.ts';
import type { Moves } from '../../../src/model/moves.ts';
import { isDurable } from '../../../src/model/outbox-store.ts';
import { delivered, HANDED_OVER, type Outcome, refused } from '../../../src/model/outcome.ts';
import type { Gateway, Hop } from '../../../src/model/ports.ts';
import { Outbox } from '../../../src/outbox/outbox.ts';
import { Presence } from '../../../src/presence/presence.ts';
import { Discovered } from '../../../src/routing/discovered.ts';
import { Dispatch } from '../../../src/routing/dispatch.ts';
import { Limits } from '../../../src/routing/limits.ts';
import { detailsFor } from '../../../src/routing/way.ts';
import { countingIds } from '../../outbox/events.ts';
import { ownDomain, partner, table } from '../../support/table.ts';
import { at, bob, type CoreWorld, coreWorld, HERE, message, nora, omar } from '../world.ts';

const inge = at('inge');
const FROM_BOB: Origin = { network: 'xmpp', side: 'edge', peer: bob.domain, connection: 'c', proof: 'certificate' };
const FROM_INSIDE: Origin = { network: 'sip', side: 'inside', peer: 'fe1', connection: 'c', proof: 'inside' };
const where = { file: 'routes/domains.yaml', key: `/domains/${HERE}/otherwise` };
const otherwise = { ...ownDomain(HERE, 'sip', { sameProtocol: true, where }), served: 'sip' } as const;
const RULES = table([ownDomain(HERE, 'core', { otherwise })], [partner(bob.domain)]);

interface SplitWorld extends AsyncDisposable {
  readonly core: CoreWorld;
  readonly moves: Moves;
  /** What the internal system was given, and the partner's server. */
  readonly inside: Event[];
  readonly theirs: Event[];
  readonly hops: Hop[];
  answer: (event: Event) => Outcome;
  hears(event: Partial<Event> & Pick<Event, 'kind' | 'from' | 'to' | 'origin'>): Promise<Outcome>;
  /** The process looks for what others have changed. */
  look(): Promise<void>;
  settle(): Promise<void>;
}

async function splitWorld(): Promise<SplitWorld> {
  let submit: (event: Event) => Promise<Outcome> = async () => HANDED_OVER;
  let people: CorePeople | undefined;
  const core = await coreWorld({
    submit: (event) => submit(event),
    serves: (address) => people?.serves(address) ?? false,
    isOurs: (domain) => domain === HERE,
    moved: { has: (key) => core.temp.store.moved.has(key), all: () => core.temp.store.moved.all() },
  });
  const { clock, store } = core.temp;
  const ids = countingIds();
  const residents = new CorePeople({ people: store.people, table: () => RULES, clock, log: SILENT });
  people = residents;
  const [inside, theirs, hops]: [Event[], Event[], Hop[]] = [[], [], []];
  const gatewayOf = (network: 'sip' | 'xmpp', heard: Event[]): Gateway => ({
    network,
    keepsWriteOrder: true,
    async deliver({ written, event, hop }) {
      written();
      heard.push(event);
      hops.push(hop);
      return world.answer(event);
    },
  });
  const dispatch = new Dispatch({
    table: () => RULES,
    ...{ clock, log: SILENT, limits: new Limits(clock), requests: store.requests, decisions: store.decisions, sentIds: store.sentIds },
    hold: async () => {},
    discovered: new Discovered(store.discovered, clock, () => RULES),
    gateways: new Map([
      ['sip', gatewayOf('sip', inside)],
      ['xmpp', gatewayOf('xmpp', theirs)],
      ['core', { network: 'core', keepsWriteOrder: false, deliver: (delivery) => core.core.gateway.deliver(delivery) }],
    ]),
    people: residents,
  });
  const outbox = new Outbox({
    ...{ store: store.outbox, serviceClock: store.serviceClock, clock, ids, log: SILENT },
    random: () => 0.5,
    resolve: (event) => dispatch.resolve(event),
    endedLate: (event, outcome) => dispatch.endedLate(event, outcome),
  });
  const presence = new Presence({
    ...{ store: store.authorizations, clock, ids, log: SILENT },
    deliver: (event, lastWord) => dispatch.deliver(event, lastWord),
    enqueue: (event) => (isDurable(event) ? dispatch.enqueue(event) : dispatch.deliver(event)),
    isOurs: (domain) => RULES.domains.has(domain),
    details: (presentity, watcher) => detailsFor(presentity, watcher, RULES, clock.now()),
    idleWatcherDays: () => 7,
  });
  dispatch.connect(outbox, presence);
  await outbox.start();
  submit = dispatch.submit;
  await residents.begin(
    followMoves({
      core: { moved: (address, here) => core.core.moved(address, here) },
      ...{ presence, moves: movesOf(store, clock), table: () => RULES, log: SILENT },
    }),
  );
  let count = 0;
  const world: SplitWorld = {
    core,
    inside,
    theirs,
    hops,
    moves: movesOf(store, clock),
    answer: () => delivered('200'),
    async hears(event) {
      count += 1;
      const outcome = await dispatch.submit({ id: `heard-${count}`, at: clock.now(), ...event } as Event); // each test names what its kind needs
      await world.settle();
      return outcome;
    },
    async look() {
      await residents.fresh();
      await world.settle();
    },
    async settle() {
      for (let i = 0; i < 6; i += 1) {
        await core.settle();
        await presence.settled();
        await new Promise((turn) => setTimeout(turn, 1));
      }
    },
    async [Symbol.asyncDispose]() {
      residents.stop();
      presence.close();
      await outbox.drain(0);
      await core[Symbol.asyncDispose]();
    },
  };
  return world;
}

const says = (from: Address, to: Address, body: string, origin: Origin) => ({ ...message(from, to, body), id: `say-${body}`, origin });
const kinds = (events: readonly Event[]): string[] => events.map(({ kind, from, to }) => `${kind} ${from.local}>${to.local}`);
const heard = (events: readonly Event[]): string[] =>
  events.flatMap((event) => (event.kind === 'im.sent' ? [`${show(event.from)}: ${event.body}`] : []));

test('messages: core to inside and back, a partner to both, and nothing for nobody', async () => {
  await using world = await splitWorld();
  const desk = await world.core.client(nora, 'desk');
  assert.notEqual((await world.core.say(desk, inge, 'hello inge')).kind, 'refused');
  await world.settle();
  assert.deepEqual(heard(world.inside), ['nora@people.example/desk: hello inge']);
  assert.deepEqual([world.hops.at(-1)?.network, world.hops.at(-1)?.side, world.hops.at(-1)?.own?.served], ['sip', 'inside', 'sip']);

  await world.hears(says(inge, nora, 'hello nora', FROM_INSIDE));
  await world.hears(says(bob, nora, 'from outside', FROM_BOB));
  assert.deepEqual(desk.heard, ['inge@people.example: hello nora', 'bob@partner.example: from outside']);
  await world.hears(says(bob, inge, 'from outside too', FROM_BOB));
  assert.equal(heard(world.inside).at(-1), 'bob@partner.example: from outside too');
  await world.hears(says(inge, bob, 'out', FROM_INSIDE));
  assert.deepEqual(heard(world.theirs), ['inge@people.example: out']);

  const asOmar = await world.hears(says(omar, nora, 'it is me', FROM_INSIDE));
  assert.equal(asOmar.kind === 'refused' && asOmar.reason.code, 'AUTH_NOT_AN_INSIDE_SERVER');
  const nobody = await world.hears(says(inge, at('emil'), 'who?', FROM_INSIDE));
  assert.equal(nobody.kind === 'refused' && nobody.reason.code, 'PEER_UNKNOWN_USER');
  assert.equal(world.inside.length, 2);
  assert.equal(desk.heard.length, 2);
});

test('presence: asked, granted and shown both ways', async () => {
  await using world = await splitWorld();
  const desk = await world.core.client(nora, 'desk');
  await desk.session.subscription('subscribe', inge);
  await world.settle();
  assert.ok(kinds(world.inside).includes('presence.requested nora>inge'));
  await world.hears({ kind: 'presence.granted', from: inge, to: nora, origin: FROM_INSIDE });
  const endpoint = { id: 'phone', availability: 'open', show: 'dnd', notes: [], at: 1 } as const;
  await world.hears({
    kind: 'presence.notified',
    from: inge,
    to: nora,
    origin: FROM_INSIDE,
    scope: 'full',
    document: { endpoints: [endpoint] },
  });
  assert.deepEqual(desk.saw, ['inge@people.example/phone open dnd']);

  await world.hears({ kind: 'presence.requested', from: inge, to: nora, origin: FROM_INSIDE });
  assert.deepEqual(desk.asked.at(-1), 'subscribe from inge@people.example');
  world.inside.length = 0;
  await desk.session.subscription('subscribed', inge);
  await world.settle();
  assert.ok(kinds(world.inside).includes('presence.granted nora>inge'));
  assert.ok(kinds(world.inside).includes('presence.notified nora>inge'), kinds(world.inside).join());
});

test('a user comes to the core: whom partners and colleagues saw they see there', async () => {
  await using world = await splitWorld();
  const desk = await world.core.client(nora, 'desk');
  await desk.session.subscription('subscribe', inge);
  await world.settle();
  await world.hears({ kind: 'presence.granted', from: inge, to: nora, origin: FROM_INSIDE });
  await world.hears({ kind: 'presence.requested', from: bob, to: inge, origin: FROM_BOB });
  await world.hears({ kind: 'presence.granted', from: inge, to: bob, origin: FROM_INSIDE });

  const person = { address: inge, name: 'Inge Moe', disabled: false, groups: [], createdAt: 0 };
  const found = await world.moves.toCore(person, RULES);
  assert.deepEqual(found.watchers, [bareKey(bob)]);
  assert.deepEqual(
    found.contacts.map(({ address, seen, sees }) => [address, seen, sees]),
    [
      [bareKey(bob), true, false],
      [bareKey(nora), true, false],
    ],
  );
  await world.look();
  const [inside, theirs] = [world.inside.length, world.theirs.length];
  const phone = await world.core.client(inge, 'phone', { presence: { show: 'away' } });
  await world.settle();
  assert.equal(desk.saw.at(-1), 'inge@people.example/phone open away');
  assert.ok(kinds(world.theirs.slice(theirs)).includes('presence.notified inge>bob'), kinds(world.theirs).join());
  await world.core.say(desk, inge, 'welcome');
  assert.deepEqual(phone.heard, ['nora@people.example/desk: welcome']);
  assert.equal(world.inside.length, inside);
  const old = await world.hears(says(inge, nora, 'still here', FROM_INSIDE));
  assert.equal(old.kind === 'refused' && old.reason.code, 'AUTH_NOT_AN_INSIDE_SERVER');
});

test('who is added by a table or a directory is seen by whom they showed themselves to before', async () => {
  await using world = await splitWorld();
  await world.hears({ kind: 'presence.requested', from: bob, to: inge, origin: FROM_BOB });
  await world.hears({ kind: 'presence.granted', from: inge, to: bob, origin: FROM_INSIDE });
  await world.core.temp.store.people.put({ address: inge, name: 'Inge Moe', disabled: false, groups: [], createdAt: 0 });
  await world.look();
  const theirs = world.theirs.length;
  await world.core.client(inge, 'phone');
  await world.settle();
  const news = kinds(world.theirs.slice(theirs));
  assert.ok(news.includes('presence.notified inge>bob'), news.join());
  assert.ok(!kinds(world.theirs).includes('presence.denied inge>bob'), kinds(world.theirs).join());
});

test('a user goes inside: sessions end, what waited is delivered there, and who saw them asks there', async () => {
  await using world = await splitWorld();
  const desk = await world.core.client(nora, 'desk');
  const tablet = await world.core.client(omar, 'tablet');
  await desk.session.subscription('subscribe', omar);
  await tablet.session.subscription('subscribed', nora);
  await world.hears({ kind: 'presence.requested', from: bob, to: omar, origin: FROM_BOB });
  await tablet.session.subscription('subscribed', bob);
  await tablet.session.putContact({ address: at('li'), name: 'Li', groups: ['Work'] });
  await world.settle();
  tablet.answers = () => false;
  await world.core.say(desk, omar, 'are you there?');
  assert.equal((await world.moves.sight(bareKey(omar), 'inside', RULES)).waiting, 1);

  await world.moves.toInside(bareKey(omar), RULES);
  await world.look();
  assert.equal(tablet.ended?.code, 'AUTH_SIGN_IN_FAILED');
  assert.deepEqual(heard(world.inside), ['nora@people.example/desk: are you there?']);
  world.core.temp.store.flush();
  assert.equal(await world.core.temp.store.kept.count(bareKey(omar)), 0);
  assert.ok(desk.saw.includes('omar@people.example/tablet closed'), desk.saw.join('; '));
  // Nora sees him and the partner sees him, now by the neck.
  const granted = await world.core.temp.store.authorizations.ofPresentity(bareKey(omar));
  assert.deepEqual(
    granted.map(({ watcher, state }) => [watcher, state]),
    [
      [bareKey(bob), 'granted'],
      [bareKey(nora), 'granted'],
    ],
  );
  assert.ok(kinds(world.inside).includes('presence.watcherOnline nora>omar'), kinds(world.inside).join());
  assert.ok(kinds(world.inside).includes('presence.watcherOnline bob>omar'), kinds(world.inside).join());
  const endpoint = { id: 'desk phone', availability: 'open', notes: [], at: 1 } as const;
  await world.hears({
    kind: 'presence.notified',
    from: omar,
    to: nora,
    origin: FROM_INSIDE,
    scope: 'full',
    document: { endpoints: [endpoint] },
  });
  assert.equal(desk.saw.at(-1), 'omar@people.example/desk phone open');
  // The list is his own: whoever gets the address in the core later begins with what the neck knows, and no more.
  assert.equal((await world.core.temp.store.contacts.of(bareKey(omar))).entries.length, 0);
});

test('what waited and is refused at the new place ends there: the outbox tells its sender', async () => {
  await using world = await splitWorld();
  const desk = await world.core.client(nora, 'desk');
  await world.core.say(desk, omar, 'one');
  world.answer = (event) => (event.kind === 'im.sent' ? refused(reason('PEER_UNKNOWN_USER', 'no such user')) : delivered('200'));
  await world.moves.toInside(bareKey(omar), RULES);
  await world.look();
  assert.deepEqual(heard(world.inside), ['nora@people.example/desk: one']);
  world.core.temp.store.flush();
  assert.equal(await world.core.temp.store.kept.count(bareKey(omar)), 0);
});
