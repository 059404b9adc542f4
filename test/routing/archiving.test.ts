// What is archived of whom, in every crossing, with its acceptance and once; and what happens when it cannot be.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT } from '../../src/log.ts';
import type { ArchiveRule, ArchiveSettings, ArchiveStore } from '../../src/model/archive.ts';
import { ruleFor } from '../../src/model/archive-rule.ts';
import type { ImSent, Network, Side } from '../../src/model/event.ts';
import type { Gateway } from '../../src/model/ports.ts';
import { Outbox } from '../../src/outbox/outbox.ts';
import { CODE_TO_STATUS } from '../../src/protocols/sip/replies.ts';
import { CODE_TO_CONDITION } from '../../src/protocols/xmpp/replies.ts';
import { Archiving } from '../../src/routing/archiving.ts';
import { Discovered } from '../../src/routing/discovered.ts';
import { Dispatch } from '../../src/routing/dispatch.ts';
import { Limits } from '../../src/routing/limits.ts';
import { countingIds, deliverAll, FakeGateway, im, settle } from '../outbox/events.ts';
import { type TempStore, tempStore } from '../store/temp-store.ts';
import { ownDomain, partner, policy, table } from '../support/table.ts';

const rule = (who: ArchiveRule['who'], name: string, more: Pick<ArchiveRule, 'internal' | 'external'>): ArchiveRule => ({
  ...{ who, name, ...more, where: { file: 'records/archive.yaml', key: `/${who}/${name}` } },
});
const settings = (rules: readonly ArchiveRule[], more: Partial<ArchiveSettings> = {}): ArchiveSettings => ({
  ...{ rules, blockOnFailure: false, purgeHour: 2, purgeOnlyExported: false, secondPerson: false, ...more },
});
const ALL = settings([rule('everyone', '', { internal: true, external: true })]);

test('a user beats their group, a group the domain, a domain everyone, for each scope by itself', () => {
  const set = settings([
    rule('user', 'nora@sip.example', { external: false }),
    rule('group', 'traders', { internal: true }),
    rule('group', 'interns', { internal: false, external: true }),
    rule('domain', 'sip.example', { internal: false }),
    rule('everyone', '', { internal: true, external: true }),
  ]);
  const groups = new Map([
    ['traders', new Set(['nora@sip.example', 'omar@sip.example'])],
    ['interns', new Set(['omar@sip.example', 'li@sip.example'])],
  ]);
  const said = (user: string): (boolean | undefined)[] =>
    (['internal', 'external'] as const).map((scope) => ruleFor(user, scope, set, { policy: policy({ groups }) })?.[scope]);
  assert.deepEqual(said('nora@sip.example'), [true, false]);
  assert.deepEqual(said('omar@sip.example'), [true, true]); // of two groups the one written first
  assert.deepEqual(said('li@sip.example'), [false, true]);
  assert.deepEqual(said('zed@sip.example'), [false, true]);
  assert.deepEqual(said('zed@xmpp.example'), [true, true]);
  assert.equal(ruleFor('nora@sip.example', 'internal', settings([]), { policy: policy() }), undefined);
});

/** Dispatch, outbox and archive on a real store; the far ends take everything. */
async function border(archive: ArchiveSettings | undefined, broken?: (store: ArchiveStore) => ArchiveStore) {
  const temp = tempStore();
  const { store, clock } = temp;
  const rules = table(
    [ownDomain('sip.example', 'sip', { aliases: ['old.example'] }), ownDomain('xmpp.example', 'xmpp'), ownDomain('core.example', 'core')],
    [partner('theirs.example')],
  );
  const gateway = new FakeGateway();
  gateway.auto = deliverAll;
  const gateways = new Map((['sip', 'xmpp', 'core'] as const).map((network): [Network, Gateway] => [network, gateway]));
  const state = { archive };
  const archiving = new Archiving({
    store: broken?.(store.archive) ?? store.archive,
    holds: store.holds,
    settings: () => state.archive,
    table: () => rules,
    clock,
    log: SILENT,
  });
  const dispatch = new Dispatch({
    table: () => rules,
    clock,
    log: SILENT,
    gateways,
    limits: new Limits(clock),
    requests: { knows: async () => true, learn: async () => {} },
    discovered: new Discovered(store.discovered, clock, () => rules),
    decisions: store.decisions,
    sentIds: store.sentIds,
    hold: async () => {},
    capture: archiving.capture,
  });
  const outbox = new Outbox({
    store: store.outbox,
    serviceClock: store.serviceClock,
    clock,
    ids: countingIds(),
    log: SILENT,
    resolve: (event) => dispatch.resolve(event),
  });
  await outbox.start();
  dispatch.connect(outbox, { handle: async () => ({ kind: 'handedOver' }), undeliverable: async () => {} });
  return {
    ...{ temp, store, state, archiving, gateway },
    say: async (event: ImSent) => {
      const outcome = await dispatch.submit(event);
      await settle();
      return outcome;
    },
    lines: async (of: TempStore = temp) =>
      (await of.store.archive.page({}, 0, 100)).map(({ id, scope, from, to, event }) => [id, scope, from, to, event?.body]),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

const CROSSINGS: readonly (readonly [title: string, from: string, to: string, network: Network, side: Side, scope: string])[] = [
  ['from our SIP server to an XMPP partner', 'nora@sip.example', 'ann@theirs.example', 'sip', 'inside', 'external'],
  ['from an XMPP partner to our SIP server', 'ann@theirs.example', 'nora@sip.example', 'xmpp', 'edge', 'external'],
  ['from our XMPP server to a partner', 'nora@xmpp.example', 'ann@theirs.example', 'xmpp', 'inside', 'external'],
  ['from a SIP partner to our XMPP server', 'ann@theirs.example', 'nora@xmpp.example', 'sip', 'edge', 'external'],
  ['from a user of the core to a partner', 'nora@core.example', 'ann@theirs.example', 'core', 'local', 'external'],
  ['from a partner to a user of the core', 'ann@theirs.example', 'nora@core.example', 'xmpp', 'edge', 'external'],
  ['between our SIP server and the core', 'nora@sip.example', 'omar@core.example', 'sip', 'inside', 'internal'],
  ['between our two servers', 'nora@xmpp.example', 'omar@sip.example', 'xmpp', 'inside', 'internal'],
];
const origin = (network: Network, side: Side, from: string) => {
  const peer = from.slice(from.indexOf('@') + 1);
  return {
    network,
    side,
    peer,
    connection: 'c',
    proof: side === 'edge' ? 'certificate' : side === 'local' ? 'account' : 'inside',
  } as const;
};

for (const [title, from, to, network, side, scope] of CROSSINGS)
  test(`${title}: archived once as ${scope}`, async () => {
    await using world = await border(ALL);
    const event = im('m', { pair: [from, to], origin: origin(network, side, from) });
    const first = await world.say(event);
    assert.ok(['delivered', 'queued'].includes(first.kind), JSON.stringify(first));
    await world.say({ ...event, id: 'again' }); // the same message, sent again by its server
    assert.deepEqual(await world.lines(), [['m', scope, from, to, 'body of m']]);
    // What says neither scope has no line.
    world.state.archive = settings([rule('everyone', '', scope === 'internal' ? { external: true } : { internal: true })]);
    await world.say(im('n', { pair: [from, to], origin: origin(network, side, from) }));
    assert.equal((await world.lines()).length, 1);
  });

test('it is archived when either of its people who is ours has it so, by the own name of their domain', async () => {
  await using world = await border(settings([rule('user', 'omar@xmpp.example', { internal: true })]));
  await world.say(im('a', { pair: ['nora@sip.example', 'omar@xmpp.example'], origin: origin('sip', 'inside', 'nora@sip.example') }));
  await world.say(im('b', { pair: ['nora@sip.example', 'li@xmpp.example'], origin: origin('sip', 'inside', 'nora@sip.example') }));
  world.state.archive = settings([rule('domain', 'sip.example', { external: true })]);
  await world.say(im('c', { pair: ['ann@theirs.example', 'nora@old.example'], origin: origin('xmpp', 'edge', 'ann@theirs.example') }));
  assert.deepEqual(
    (await world.lines()).map(([id, , from, to]) => [id, from, to]),
    [
      ['a', 'nora@sip.example', 'omar@xmpp.example'],
      ['c', 'ann@theirs.example', 'nora@sip.example'],
    ],
  );
});

test('what policy refuses is not archived; what was accepted is, also when the far end refuses it later', async () => {
  await using world = await border(ALL);
  const stranger = im('a', { pair: ['nora@sip.example', 'eve@unlisted.example'], origin: origin('sip', 'inside', 'nora@sip.example') });
  assert.equal((await world.say(stranger)).kind, 'refused');
  world.gateway.auto = (delivery) => {
    delivery.written();
    return { kind: 'refused', reason: { code: 'PEER_UNKNOWN_USER', blame: 'peer', retry: 'never', text: 'unknown' } };
  };
  const unknown = im('b', { pair: ['nora@sip.example', 'nobody@theirs.example'], origin: origin('sip', 'inside', 'nora@sip.example') });
  assert.equal((await world.say(unknown)).kind, 'refused');
  assert.deepEqual(
    (await world.lines()).map(([id]) => id),
    ['b'],
  );
});

test('a hold archives from now on, whatever the file says, and only in its time', async () => {
  await using world = await border(undefined);
  const { holds } = world.store;
  const event = (id: string) =>
    im(id, { pair: ['nora@sip.example', 'ann@theirs.example'], origin: origin('sip', 'inside', 'nora@sip.example') });
  await world.say(event('before'));
  await holds.add({ matter: 'past', who: ['nora@sip.example'], until: 1, why: 'x', by: 'kim', at: 1 });
  await world.say(event('past'));
  await holds.add({ matter: '4711', who: ['nora@sip.example'], why: 'x', by: 'kim', at: 1 });
  await world.say(event('held'));
  await holds.release('4711', 'kim', 'over', 2);
  await world.say(event('after'));
  assert.deepEqual(
    (await world.lines()).map(([id]) => id),
    ['held'],
  );
});

/** Every line is refused by the database, which takes everything else. */
const unwritable = (store: ArchiveStore): ArchiveStore => ({
  ...store,
  line: (_, spare) => () => {
    const error = new Error('CHECK constraint failed');
    if (spare === undefined) throw error;
    spare(error);
  },
});

test('without blockOnFailure what cannot be archived passes, and is counted', async () => {
  await using world = await border(ALL, unwritable);
  const outcome = await world.say(
    im('a', { pair: ['nora@sip.example', 'ann@theirs.example'], origin: origin('sip', 'inside', 'nora@sip.example') }),
  );
  assert.equal(outcome.kind, 'delivered');
  assert.deepEqual([world.gateway.ids, await world.lines()], [['a'], []]);
  const { written, missed, refused, failing } = world.archiving.sight();
  assert.deepEqual([written, missed, refused, failing?.why], [0, 1, 0, 'CHECK constraint failed']);
});

test('with blockOnFailure nothing passes that cannot be archived, its sender is told in their protocol, and others pass', async () => {
  await using world = await border({ ...ALL, blockOnFailure: true }, unwritable);
  const event = (id: string) =>
    im(id, { pair: ['nora@sip.example', 'ann@theirs.example'], origin: origin('sip', 'inside', 'nora@sip.example') });
  const [outcome] = await Promise.all([world.say(event('a')), world.store.spellings.put('nora@sip.example', 'Nora')]);
  assert.ok(outcome.kind === 'refused' && outcome.reason.code === 'STORE_NOT_ARCHIVED', JSON.stringify(outcome));
  assert.notEqual(outcome.reason.retry, 'never');
  assert.equal(CODE_TO_STATUS.STORE_NOT_ARCHIVED, 480);
  assert.deepEqual(CODE_TO_CONDITION.STORE_NOT_ARCHIVED, ['resource-constraint', 'wait']);
  // Neither on its way nor in the queue, and what shared the commit is on disk.
  assert.deepEqual([world.gateway.ids, await world.store.outbox.waiting()], [[], []]);
  assert.equal(await world.store.spellings.get('nora@sip.example'), 'Nora');
  assert.equal(world.archiving.sight().refused > 0, true);
  const noted = await world.store.decisions.ofEvent('a');
  assert.deepEqual(
    noted.map(({ allowed, code }) => [allowed, code]),
    [
      [true, undefined],
      [false, 'STORE_NOT_ARCHIVED'],
    ],
  );
  // The same message again is no copy of something accepted: once archiving works it passes.
  world.state.archive = undefined;
  assert.equal((await world.say({ ...event('a'), id: 'a2' })).kind, 'delivered');
});

test('after kill -9 every message that was accepted has its line, and no other has', async () => {
  await using world = await border(ALL);
  world.gateway.auto = undefined; // nobody confirms
  const saying = Array.from({ length: 40 }, (_, i) =>
    world.say(im(`m${i}`, { pair: [`u${i}@core.example`, 'ann@theirs.example'], origin: origin('core', 'local', `u${i}@core.example`) })),
  );
  await new Promise((turn) => setImmediate(turn));
  world.temp.crash();
  const kept = (await world.temp.store.outbox.waiting()).map(({ id }) => id);
  assert.deepEqual((await world.lines()).map(([id]) => id).sort(), kept.sort());
  void saying;
});
