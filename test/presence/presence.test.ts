import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import { event, li, Neck, nora, notified, open, shut } from './neck.ts';

const DAY = 24 * 60 * 60 * 1000;
const requested = event(li, nora, { kind: 'presence.requested' });
const granted = event(nora, li, { kind: 'presence.granted' });

async function grantedNeck(limits = {}): Promise<Neck> {
  const neck = new Neck(limits);
  await neck.take(requested);
  await neck.take(granted);
  neck.sent.length = 0;
  return neck;
}

test('a subscription goes through the outbox and back, and only then presence is shown', async () => {
  const neck = new Neck();
  assert.deepEqual(await neck.take(requested), ['durable requested li>nora']);
  assert.deepEqual(await neck.take(notified(nora, li, [open('phone')])), []);
  assert.deepEqual(await neck.take(granted), ['durable granted nora>li']);
  assert.deepEqual(await neck.take(notified(nora, li, [open('phone', { show: 'dnd' })])), ['notified nora>li phone:open/dnd']);
});

test('the event that goes on keeps its id, so that one id is in every log line', async () => {
  const neck = new Neck();
  await neck.take(requested);
  assert.equal(neck.sent[0]?.event.id, requested.id);
});

test('a document nobody granted is refused, so that the dialog behind it can be dropped', async () => {
  const neck = new Neck();
  assert.equal((await neck.presence.handle(notified(nora, li, [open('phone')]))).kind, 'refused');
});

test('a watcher who asks again is answered from the record and the cache', async () => {
  const neck = await grantedNeck();
  await neck.take(notified(nora, li, [open('phone')]));
  assert.deepEqual((await neck.take(event(li, nora, { kind: 'presence.requested' }))).sort(), [
    'granted nora>li',
    'notified nora>li phone:open',
    'watcherOnline li>nora',
  ]);
});

test('partial documents are put together, a closed endpoint is shown once', async () => {
  const neck = await grantedNeck({ coalesceMs: 0 });
  await neck.take(notified(nora, li, [open('desk')], 'partial'));
  assert.deepEqual(await neck.take(notified(nora, li, [open('pad', { show: 'away' })], 'partial')), [
    'notified nora>li desk:open pad:open/away',
  ]);
  assert.deepEqual(await neck.take(notified(nora, li, [shut('desk')], 'partial')), ['notified nora>li pad:open/away desk:closed']);
  assert.deepEqual(await neck.take(notified(nora, li, [shut('desk')], 'partial')), []);
  assert.deepEqual(await neck.take(event(li, nora, { kind: 'presence.probed' })), [
    'notified nora>li pad:open/away',
    'watcherOnline li>nora',
  ]);
});

test('an endpoint that vanishes from a full document is closed, and only what changed is named', async () => {
  const neck = await grantedNeck({ coalesceMs: 0 });
  await neck.take(notified(nora, li, [open('desk'), open('pad')]));
  assert.deepEqual(await neck.take(notified(nora, li, [open('pad')])), ['notified nora>li pad:open desk:closed']);
  const last = neck.sent.at(-1)?.event;
  assert.deepEqual(last?.kind === 'presence.notified' && last.changed, ['desk']);
});

test('an empty document closes what was shown, and is nothing when nothing was', async () => {
  const neck = await grantedNeck({ coalesceMs: 0 });
  assert.deepEqual(await neck.take(notified(nora, li, [])), []);
  await neck.take(notified(nora, li, [open('desk')]));
  assert.deepEqual(await neck.take(notified(nora, li, [])), ['notified nora>li desk:closed']);
});

test('the best endpoint comes first: chat, open, away, xa, dnd, then priority, then the latest', async () => {
  const neck = await grantedNeck();
  const at = 1_750_000_000_000;
  const all = [
    open('dnd', { show: 'dnd' }),
    open('xa', { show: 'xa' }),
    open('away', { show: 'away' }),
    open('old'),
    open('new', { at: at + 5 }),
    open('high', { priority: 5 }),
    open('chat', { show: 'chat' }),
  ];
  assert.deepEqual(await neck.take(notified(nora, li, all)), [
    'notified nora>li chat:open/chat high:open new:open old:open away:open/away xa:open/xa dnd:open/dnd',
  ]);
});

test('changes within five seconds become one document, the last', async () => {
  const neck = await grantedNeck();
  assert.equal((await neck.take(notified(nora, li, [open('pad')]))).length, 1);
  assert.deepEqual(await neck.take(notified(nora, li, [open('pad', { show: 'away' })])), []);
  assert.deepEqual(await neck.take(notified(nora, li, [open('pad', { show: 'dnd' })])), []);
  assert.deepEqual(await neck.pass(4999), []);
  assert.deepEqual(await neck.pass(1), ['notified nora>li pad:open/dnd']);
  assert.deepEqual(await neck.pass(60_000), []);
});

test('a change that is taken back within five seconds is no news', async () => {
  const neck = await grantedNeck();
  await neck.take(notified(nora, li, [open('pad')]));
  await neck.take(notified(nora, li, [open('pad', { show: 'away' })]));
  await neck.take(notified(nora, li, [open('pad')]));
  assert.deepEqual(await neck.pass(60_000), []);
});

test('what waits for its turn is not shown once the grant is gone', async () => {
  const neck = await grantedNeck();
  await neck.take(notified(nora, li, [open('pad')]));
  await neck.take(notified(nora, li, [open('pad', { show: 'away' })]));
  assert.deepEqual(await neck.take(event(nora, li, { kind: 'presence.denied' })), [
    'notified nora>li pad:closed',
    'durable denied nora>li',
  ]);
  assert.deepEqual(await neck.pass(60_000), []);
});

test('the ceiling cuts note, activity and idleness and counts what it cut', async () => {
  const neck = await grantedNeck();
  neck.details = () => ['availability'];
  await neck.take(
    notified(nora, li, [open('pad', { show: 'dnd', notes: [{ text: 'at the dentist' }], activity: 'meeting', idleSince: 5, priority: 7 })]),
  );
  const shown = neck.sent.at(-1)?.event;
  assert.ok(shown?.kind === 'presence.notified');
  assert.deepEqual(shown.document.endpoints, [open('pad', { show: 'dnd', priority: 7 })]);
  assert.deepEqual(neck.presence.suppressed, { availability: 0, note: 1, activity: 1, idle: 1, device: 0 });
});

test('an empty ceiling shows nothing at all', async () => {
  const neck = await grantedNeck();
  neck.details = () => [];
  assert.deepEqual(await neck.take(notified(nora, li, [open('pad')])), []);
  assert.equal(neck.presence.suppressed.availability, 1);
});

test('a policy that changes takes the view back in the same moment, and a refresh does not bring it back', async () => {
  const neck = await grantedNeck();
  await neck.take(notified(nora, li, [open('pad')]));
  const from = neck.sent.length;
  neck.details = () => [];
  assert.equal(await neck.presence.policyChanged(), 1);
  await neck.presence.settled();
  assert.deepEqual(neck.since(from), ['notified nora>li pad:closed', 'watcherOffline li>nora', 'denied nora>li']);
  assert.ok(neck.sent.slice(from).every((one) => one.lastWord));
  assert.equal(neck.state(li, nora), 'denied');
  assert.deepEqual(await neck.take(event(li, nora, { kind: 'presence.watcherOnline' })), ['denied nora>li']);
  assert.deepEqual(await neck.take(notified(nora, li, [open('pad')])), []);
});

test('a field that policy no longer shows is gone in the same moment, not with the next change', async () => {
  const neck = await grantedNeck();
  neck.details = () => ['availability', 'note'];
  await neck.take(notified(nora, li, [open('pad', { notes: [{ text: 'at the dentist' }] })]));
  neck.details = () => ['availability'];
  const from = neck.sent.length;
  assert.equal(await neck.presence.policyChanged(), 0);
  await neck.presence.settled();
  const shown = neck.sent.slice(from).map((one) => one.event);
  assert.equal(shown.length, 1);
  assert.ok(shown[0]?.kind === 'presence.notified');
  assert.deepEqual(shown[0].document.endpoints, [open('pad')]);
  await neck.presence.policyChanged();
  await neck.presence.settled();
  assert.equal(neck.sent.length, from + 1, 'a reload that changes nothing shows nothing');
});

test('at most 1000 requests of one domain wait', async () => {
  const neck = new Neck({ pendingPerDomain: 2 });
  const ask = (local: string) => neck.presence.handle(event({ ...li, local }, nora, { kind: 'presence.requested' }));
  assert.equal((await ask('a')).kind, 'queued');
  assert.equal((await ask('b')).kind, 'queued');
  const third = await ask('c');
  assert.equal(third.kind === 'refused' && third.reason.code, 'LIMIT_PENDING');
  assert.equal((await ask('a')).kind, 'handedOver');
});

test('a request the outbox does not take was not made', async () => {
  const neck = new Neck();
  neck.enqueueAnswer = { kind: 'refused', reason: reason('LIMIT_QUEUE_FULL', 'full') };
  assert.equal((await neck.presence.handle(requested)).kind, 'refused');
  assert.equal(neck.state(li, nora), 'none');
});

test('a request that the far end refuses late: unknown is told to our watcher, never to a partner', async () => {
  for (const [ours, told, state] of [
    ['contoso.example', ['ended:noresource nora>li'], 'none'],
    ['fabrikam.example', [], 'pending'],
  ] as const) {
    const neck = new Neck();
    neck.ours = new Set([ours]);
    await neck.take(requested);
    const from = neck.sent.length;
    await neck.presence.undeliverable(requested, reason('PEER_UNKNOWN_USER', 'no such user'));
    await neck.presence.settled();
    assert.deepEqual(neck.since(from), told);
    assert.equal(neck.state(li, nora), state);
  }
});

test('a request that expired in the queue can be made again at once', async () => {
  const neck = new Neck();
  await neck.take(requested);
  await neck.presence.undeliverable(requested, reason('QUEUE_EXPIRED', 'too long'));
  await neck.presence.settled();
  assert.deepEqual(await neck.take(event(li, nora, { kind: 'presence.requested' })), ['durable requested li>nora']);
});

test("a watcher's own presence says whether they are there", async () => {
  const neck = await grantedNeck({ coalesceMs: 0 });
  await neck.take(event(nora, li, { kind: 'presence.requested' }));
  await neck.take(event(li, nora, { kind: 'presence.granted' }));
  assert.deepEqual(await neck.take(notified(li, nora, [open('pad')], 'partial')), [
    'notified li>nora pad:open',
    'watcherOnline li>nora',
    'probed li>nora',
  ]);
  assert.deepEqual(await neck.take(notified(li, nora, [open('desk')], 'partial')), ['notified li>nora pad:open desk:open']);
  assert.deepEqual(await neck.take(notified(li, nora, [shut('pad'), shut('desk')], 'partial')), [
    'notified li>nora pad:closed desk:closed',
    'watcherOffline li>nora',
  ]);
  const last = neck.sent.at(-1)?.event;
  assert.equal(last?.kind === 'presence.watcherOffline' && last.quiet, true);
});

test('the view of a watcher who is silent for seven days lapses, and a probe brings it back', async () => {
  const neck = await grantedNeck();
  assert.equal(await neck.presence.upkeep.sweep(), 0);
  assert.deepEqual(await neck.pass(7 * DAY), ['watcherOffline li>nora']);
  assert.deepEqual(await neck.take(event(li, nora, { kind: 'presence.probed' })), ['watcherOnline li>nora', 'probed li>nora']);
  assert.deepEqual(await neck.pass(6 * DAY), []);
});

test('whom the presentity sees is not silent, however long they say nothing', async () => {
  const neck = await grantedNeck();
  await neck.take(event(nora, li, { kind: 'presence.requested' }));
  await neck.take(event(li, nora, { kind: 'presence.granted' }));
  neck.sent.length = 0;
  assert.deepEqual(
    (await neck.pass(8 * DAY)).filter((line) => line.endsWith('li>nora')),
    [],
  );
});

test('after a restart live pairs are taken up, denied ones and silent watchers are not', async () => {
  const neck = await grantedNeck();
  await neck.take(event({ ...li, local: 'eve' }, nora, { kind: 'presence.requested' }));
  await neck.take(event(nora, { ...li, local: 'eve' }, { kind: 'presence.denied' }));
  neck.restart();
  assert.equal(await neck.presence.resume(), 1);
  assert.deepEqual(await neck.pass(30_000), ['watcherOnline li>nora']);
});

test('after a restart nobody flaps: 90 s of grace, and not even then if a document came', async () => {
  const neck = await grantedNeck();
  await neck.take(notified(nora, li, [open('pad')]));
  neck.restart();
  const unreachable = event(nora, li, { kind: 'presence.ended', by: 'presentity', reason: 'unreachable', retry: 'now' });
  assert.deepEqual(await neck.take(unreachable), []);
  assert.deepEqual(await neck.pass(60_000), []);
  assert.deepEqual(await neck.take(notified(nora, li, [open('pad')])), ['notified nora>li pad:open']);
  assert.deepEqual(await neck.pass(60_000), []);
});

test('after a restart, what cannot be reached is shown as gone when the grace is over', async () => {
  const neck = await grantedNeck();
  await neck.take(notified(nora, li, [open('pad')]));
  neck.restart();
  await neck.take(event(nora, li, { kind: 'presence.ended', by: 'presentity', reason: 'unreachable', retry: 'now' }));
  assert.deepEqual(await neck.pass(89_999), []);
  assert.deepEqual(await neck.pass(1), ['notified nora>li :closed']);
  assert.equal(neck.state(li, nora), 'granted');
});

test('a wall clock that jumps a week changes nothing', async () => {
  const neck = await grantedNeck();
  const wall = neck.clock.now();
  neck.clock.now = () => wall + 30 * DAY;
  assert.equal(await neck.presence.upkeep.sweep(), 0);
  await neck.take(event(nora, li, { kind: 'presence.denied' }));
  assert.deepEqual(await neck.take(event(li, nora, { kind: 'presence.requested' })), ['denied nora>li']);
});

test('a shore that fails costs one event, not the order of the rest', async () => {
  const neck = await grantedNeck({ coalesceMs: 0 });
  const failing = neck.take(notified(nora, li, [open('pad')]));
  assert.equal((await failing).length, 1);
  neck.details = () => {
    throw new Error('the table is broken');
  };
  await assert.rejects(neck.presence.handle(notified(nora, li, [open('pad', { show: 'dnd' })])));
  neck.details = () => ['availability'];
  assert.deepEqual(await neck.take(notified(nora, li, [open('pad', { show: 'xa' })])), ['notified nora>li pad:open/xa']);
});

test('who may know of each other: only people with a grant between them', async () => {
  const neck = new Neck();
  await neck.take(requested);
  assert.equal(await neck.presence.related(li, nora), false);
  await neck.take(granted);
  assert.equal(await neck.presence.related(li, nora), true);
  assert.equal(await neck.presence.related(nora, li), true);
});

test('ending a pair by hand tells the presentity as if the watcher had', async () => {
  const neck = await grantedNeck();
  await neck.presence.forget(li, nora);
  await neck.presence.settled();
  assert.deepEqual(neck.since(0), ['durable ended:watcher li>nora']);
  assert.equal(neck.state(li, nora), 'none');
});
