// Users of ours and a partner's people across the real neck: decisions, outbox, presence records, on a real store.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import { show } from '../../src/model/address.ts';
import type { Event, Origin } from '../../src/model/event.ts';
import { isDurable } from '../../src/model/outbox-store.ts';
import { delivered, HANDED_OVER, type Outcome } from '../../src/model/outcome.ts';
import type { Gateway } from '../../src/model/ports.ts';
import type { PresenceDocument } from '../../src/model/presence.ts';
import { Outbox } from '../../src/outbox/outbox.ts';
import { Presence } from '../../src/presence/presence.ts';
import { Discovered } from '../../src/routing/discovered.ts';
import { Dispatch } from '../../src/routing/dispatch.ts';
import { Limits } from '../../src/routing/limits.ts';
import { detailsFor } from '../../src/routing/way.ts';
import { countingIds } from '../outbox/events.ts';
import { ALLOW, ownDomain, partner, table } from '../support/table.ts';
import { bob, type CoreWorld, coreWorld, HERE, message, nora, omar, open } from './world.ts';

const FROM_BOB: Origin = { network: 'xmpp', side: 'edge', peer: bob.domain, connection: 'c', proof: 'certificate' };
const RULES = table([ownDomain(HERE, 'core')], [partner(bob.domain, { allow: { ...ALLOW, theySee: ['availability', 'note'] } })]);

interface NeckWorld extends AsyncDisposable {
  readonly core: CoreWorld;
  /** What the partner's server was given. */
  readonly theirs: Event[];
  answer: (event: Event) => Outcome;
  /** The partner's server says something. */
  hears(event: Partial<Event> & Pick<Event, 'kind'>): Promise<Outcome>;
  settle(): Promise<void>;
}

async function neckWorld(): Promise<NeckWorld> {
  let submit: (event: Event) => Promise<Outcome> = async () => HANDED_OVER;
  const core = await coreWorld({ submit: (event) => submit(event) });
  const { clock, store } = core.temp;
  const ids = countingIds();
  const theirs: Event[] = [];
  const gateway: Gateway = {
    network: 'xmpp',
    keepsWriteOrder: true,
    async deliver(delivery) {
      delivery.written();
      theirs.push(delivery.event);
      return world.answer(delivery.event);
    },
  };
  const dispatch = new Dispatch({
    table: () => RULES,
    clock,
    log: SILENT,
    limits: new Limits(clock),
    requests: store.requests,
    hold: async () => {},
    discovered: new Discovered(store.discovered, clock, () => RULES),
    decisions: store.decisions,
    sentIds: store.sentIds,
    gateways: new Map([
      ['xmpp', gateway],
      ['core', { network: 'core', keepsWriteOrder: false, deliver: (delivery) => core.core.gateway.deliver(delivery) }],
    ]),
  });
  const outbox = new Outbox({
    store: store.outbox,
    serviceClock: store.serviceClock,
    clock,
    ids,
    log: SILENT,
    random: () => 0.5,
    resolve: (event) => dispatch.resolve(event),
    endedLate: (event, outcome) => dispatch.endedLate(event, outcome),
  });
  const presence = new Presence({
    store: store.authorizations,
    clock,
    ids,
    log: SILENT,
    deliver: (event, lastWord) => dispatch.deliver(event, lastWord),
    enqueue: (event) => (isDurable(event) ? dispatch.enqueue(event) : dispatch.deliver(event)),
    isOurs: (domain) => RULES.domains.has(domain),
    details: (presentity, watcher) => detailsFor(presentity, watcher, RULES, clock.now()),
    idleWatcherDays: () => 7,
  });
  dispatch.connect(outbox, presence);
  await outbox.start();
  submit = dispatch.submit;
  let count = 0;
  const world: NeckWorld = {
    core,
    theirs,
    answer: () => delivered('XMPP ping answered after it'),
    async hears(event) {
      count += 1;
      const base = { id: `theirs-${count}`, at: clock.now(), origin: FROM_BOB, from: bob, to: nora };
      const outcome = await dispatch.submit({ ...base, ...event } as Event); // the tests below name what each kind needs
      await world.settle();
      return outcome;
    },
    async settle() {
      for (let i = 0; i < 6; i += 1) {
        await core.settle();
        await presence.settled();
        await new Promise((turn) => setTimeout(turn, 1));
      }
    },
    async [Symbol.asyncDispose]() {
      presence.close();
      await outbox.drain(0);
      await core[Symbol.asyncDispose]();
    },
  };
  return world;
}

const kinds = (events: readonly Event[]): string[] => events.map((event) => event.kind);
const documents = (events: readonly Event[]): PresenceDocument[] =>
  events.flatMap((event) => (event.kind === 'presence.notified' ? [event.document] : []));

test('a user of ours asks a partner: granted, seen, and not looked at any more when the last client goes', async () => {
  await using world = await neckWorld();
  const desk = await world.core.client(nora, 'desk');
  assert.equal((await desk.session.subscription('subscribe', bob, 'hello')).kind, 'queued');
  await world.settle();
  assert.deepEqual(kinds(world.theirs), ['presence.requested']);
  assert.deepEqual(desk.pushed, ['bob@partner.example none ask']);
  await world.hears({ kind: 'presence.granted' });
  assert.deepEqual(desk.asked, ['subscribed from bob@partner.example']);
  assert.equal(desk.pushed.at(-1), 'bob@partner.example to');
  const endpoint = { id: 'laptop', availability: 'open', show: 'away', notes: [], at: 1 } as const;
  await world.hears({ kind: 'presence.notified', scope: 'partial', document: { endpoints: [endpoint] } });
  assert.deepEqual(desk.saw, ['bob@partner.example/laptop open away']);
  const tablet = await world.core.client(nora, 'tablet');
  assert.ok(tablet.saw.includes('bob@partner.example/laptop open away'));
  world.theirs.length = 0;
  desk.session.close();
  await world.settle();
  assert.deepEqual(kinds(world.theirs), []);
  tablet.session.close();
  await world.settle();
  assert.ok(kinds(world.theirs).includes('presence.watcherOffline'));
});

test('a partner asks: the prompt, the grant, and what the ceiling lets through', async () => {
  await using world = await neckWorld();
  await world.hears({ kind: 'presence.requested', message: 'it is bob' });
  const desk = await world.core.client(nora, 'desk', { presence: { notes: [{ text: 'at work' }] } });
  assert.deepEqual(desk.asked, ['subscribe from bob@partner.example']);
  await desk.session.subscription('subscribed', bob);
  await world.settle();
  assert.ok(kinds(world.theirs).includes('presence.granted'));
  assert.deepEqual(
    documents(world.theirs)
      .at(-1)
      ?.endpoints.map(({ id, availability, notes }) => [id, availability, notes]),
    [
      ['desk', 'open', []], // external contacts see availability alone (lync-features.md A2)
    ],
  );
  world.core.temp.clock.advance(10_000);
  desk.session.present(open({ show: 'dnd' }));
  await world.settle();
  assert.equal(documents(world.theirs).at(-1)?.endpoints[0]?.show, 'dnd');
  world.core.temp.clock.advance(10_000);
  desk.session.close();
  await world.settle();
  assert.equal(documents(world.theirs).at(-1)?.endpoints[0]?.availability, 'closed');
  // Their client comes and asks how it is.
  world.theirs.length = 0;
  const tablet = await world.core.client(nora, 'tablet');
  world.core.temp.clock.advance(10_000);
  await world.hears({ kind: 'presence.probed' });
  assert.ok(documents(world.theirs).some(({ endpoints }) => endpoints.some(({ id }) => id === 'tablet')));
  await tablet.session.subscription('unsubscribed', bob);
  await world.settle();
  assert.ok(kinds(world.theirs).includes('presence.denied'));
});

test('a partner refuses, or ends it: the list follows the record', async () => {
  await using world = await neckWorld();
  const desk = await world.core.client(nora, 'desk');
  await desk.session.subscription('subscribe', bob);
  await world.settle();
  await world.hears({ kind: 'presence.denied' });
  assert.deepEqual(desk.asked, ['unsubscribed from bob@partner.example']);
  assert.equal(desk.pushed.at(-1), 'bob@partner.example none');
  await world.hears({ kind: 'presence.requested' });
  await desk.session.subscription('subscribed', bob);
  await world.settle();
  assert.equal(desk.pushed.at(-1), 'bob@partner.example from');
  await world.hears({ kind: 'presence.ended', by: 'watcher', reason: 'unsubscribed', retry: 'never' });
  assert.equal(desk.asked.at(-1), 'unsubscribe from bob@partner.example');
  assert.equal(desk.pushed.at(-1), 'bob@partner.example none');
});

test('who asks again on the day of a refusal is refused at once, and nothing waits behind that', async () => {
  await using world = await neckWorld();
  const desk = await world.core.client(nora, 'desk');
  await desk.session.subscription('subscribe', bob);
  await world.hears({ kind: 'presence.denied' });
  desk.forget();
  const again = desk.session.subscription('subscribe', bob);
  await world.settle();
  assert.deepEqual(desk.asked, ['unsubscribed from bob@partner.example']);
  await again;
  assert.equal(world.theirs.filter(({ kind }) => kind === 'presence.requested').length, 1, 'they are not asked twice');
  await world.hears({ kind: 'presence.requested' });
  assert.deepEqual(desk.asked.slice(-1), ['subscribe from bob@partner.example']);
});

test('a request that policy refuses leaves no trace in the list', async () => {
  await using world = await neckWorld();
  const desk = await world.core.client(nora, 'desk');
  const nobody = { local: 'x', domain: 'unlisted.example' };
  const outcome = await desk.session.subscription('subscribe', nobody);
  assert.ok(outcome.kind === 'refused' && outcome.reason.code === 'POLICY_PARTNER_UNLISTED');
  assert.deepEqual((await desk.session.contacts()).contacts, []);
});

test('messages both ways, with receipts in the words of each sender', async () => {
  await using world = await neckWorld();
  const desk = await world.core.client(nora, 'desk');
  const outcome = await world.core.say(desk, bob, 'hi', {
    ids: { wireId: 'stanza-1', messageId: 'origin-1' },
    wants: { delivered: true, displayed: false },
  });
  assert.equal(outcome.kind, 'queued');
  await world.settle();
  const sent = world.theirs.find((event) => event.kind === 'im.sent');
  assert.ok(sent?.kind === 'im.sent');
  assert.equal(show(sent.from), 'nora@people.example/desk');
  await world.hears({ kind: 'im.receipt', status: 'delivered', about: sent.id, to: { ...nora, resource: 'desk' } });
  assert.deepEqual(desk.heard, ['bob@partner.example: delivered stanza-1']);

  await world.hears(message(bob, nora, 'hello back', { ids: { wireId: 'bobs-stanza' }, wants: { delivered: true, displayed: false } }));
  assert.equal(desk.heard.at(-1), 'bob@partner.example: hello back');
  const given = desk.items.findLast((item) => item.kind === 'said');
  assert.ok(given?.kind === 'said' && given.event.kind === 'im.sent');
  const about = given.event.ids.messageId ?? '';
  const receipt = { kind: 'im.receipt', status: 'delivered', about, id: 'r', at: 1, origin: FROM_BOB, from: nora, to: bob } as const;
  await desk.session.say({ event: receipt });
  await world.settle();
  const back = world.theirs.find((event) => event.kind === 'im.receipt');
  assert.ok(back?.kind === 'im.receipt');
  assert.equal(back.about, 'bobs-stanza');
});

test('a message that fails late: its sender is told, even when they are away by then', async () => {
  await using world = await neckWorld();
  world.answer = (event) =>
    event.kind === 'im.sent' ? { kind: 'refused', reason: reason('PEER_UNKNOWN_USER', 'no such user') } : delivered('written');
  const desk = await world.core.client(nora, 'desk');
  await desk.session.say({ event: message(nora, bob, 'anybody there', { ids: { wireId: 'stanza-9' } }) });
  desk.session.close();
  await world.settle();
  const tablet = await world.core.client(nora, 'tablet');
  assert.deepEqual(tablet.heard, ['bob@partner.example: failed stanza-9 (late)']);
});

test('a stranger to an unknown user, a blocked one to a user: refused with the same words', async () => {
  await using world = await neckWorld();
  const desk = await world.core.client(nora, 'desk');
  await desk.session.block([bob.domain]);
  const outcomes = [];
  for (const to of [nora, { local: 'nobody', domain: HERE }]) {
    const outcome = await world.hears(message(bob, to, `to ${to.local}`));
    outcomes.push(outcome.kind);
  }
  assert.equal(outcomes[0], outcomes[1]);
  assert.deepEqual(desk.heard, []);
  await world.hears({ kind: 'presence.requested' });
  assert.deepEqual(desk.asked, []);
  assert.equal((await world.core.say(desk, omar, 'still here')).kind, 'delivered');
});

test('after a start nobody is shown as gone before they could come back; then the truth', async () => {
  await using world = await neckWorld();
  const desk = await world.core.client(nora, 'desk');
  await world.hears({ kind: 'presence.requested' });
  await desk.session.subscription('subscribed', bob);
  await world.settle();
  await world.core.restart();
  world.theirs.length = 0;
  world.core.temp.clock.advance(10_000);
  await world.hears({ kind: 'presence.watcherOnline' });
  assert.deepEqual(documents(world.theirs), []);
  world.core.temp.clock.advance(90_000);
  await world.settle();
  assert.deepEqual(
    documents(world.theirs)
      .at(-1)
      ?.endpoints.map(({ id, availability }) => [id, availability]),
    [['desk', 'closed']],
  );
});
