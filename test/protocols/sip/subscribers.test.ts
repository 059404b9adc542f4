import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import { event, li, nora, type Outgoing, PresenceWorld, pidf } from './presence-world.ts';

const requested = event(li, nora, { kind: 'presence.requested' });
const online = event(li, nora, { kind: 'presence.watcherOnline' });
const offline = event(li, nora, { kind: 'presence.watcherOffline', quiet: true });
const ended = event(li, nora, { kind: 'presence.ended', by: 'watcher', reason: 'unsubscribed', retry: 'never' });

/** A subscription that stands and shows one endpoint. */
async function watching(): Promise<{ world: PresenceWorld; subscribe: Outgoing }> {
  const world = new PresenceWorld();
  await world.deliver(requested);
  const subscribe = world.last;
  await subscribe.answer(200, { Expires: '3600' });
  await world.notify(subscribe, 1, 'active;expires=3600', pidf(['pad', 'open']));
  world.news();
  return { world, subscribe };
}

test('a request becomes a SUBSCRIBE for PIDF in the name of the watcher', async () => {
  const world = new PresenceWorld();
  assert.equal((await world.deliver(requested)).kind, 'delivered');
  const { last } = world;
  assert.deepEqual([last.method, last.uri], ['SUBSCRIBE', 'sip:nora@fabrikam.example']);
  assert.match(last.header('From') ?? '', /^<sip:li@contoso\.example>;tag=\w+$/);
  assert.equal(last.header('To'), '<sip:nora@fabrikam.example>');
  assert.equal(last.header('Contact'), '<sip:li@edge.contoso.example;transport=tls>');
  assert.deepEqual(
    ['Event', 'Accept', 'Expires', 'CSeq'].map((name) => last.header(name)),
    ['presence', 'application/pidf+xml', '3600', '1 SUBSCRIBE'],
  );
});

test('200 says nothing, NOTIFY pending says nothing, the first NOTIFY active grants and shows', async () => {
  const world = new PresenceWorld();
  await world.deliver(requested);
  const subscribe = world.last;
  await subscribe.answer(200, { Expires: '3600' });
  assert.deepEqual(world.news(), []);
  assert.equal((await world.notify(subscribe, 1, 'pending;expires=3600', pidf(['pad', 'open']))).status, 200);
  assert.deepEqual(world.news(), []);
  assert.equal((await world.notify(subscribe, 2, 'active;expires=3600', pidf(['pad', 'open'], ['desk', 'closed']))).status, 200);
  assert.deepEqual(world.news(), ['granted', 'notified pad:open desk:closed']);
});

test('a NOTIFY may overtake the 200', async () => {
  const world = new PresenceWorld();
  await world.deliver(requested);
  const subscribe = world.last;
  assert.equal((await world.notify(subscribe, 1, 'active;expires=3600', pidf(['pad', 'open']))).status, 200);
  assert.deepEqual(world.news(), ['granted', 'notified pad:open']);
  await subscribe.answer(200, { Expires: '3600' });
  assert.deepEqual(world.news(), []);
  assert.equal((await world.notify(subscribe, 2, 'active', pidf(['pad', 'closed']))).status, 200);
  assert.deepEqual(world.news(), ['notified pad:closed']);
  await world.pass(3_420_000);
  assert.equal(world.last.header('CSeq'), '2 SUBSCRIBE');
  assert.equal(world.last.header('To'), '<sip:nora@fabrikam.example>;tag=theirs');
});

test('an empty NOTIFY active: granted, and nothing is known', async () => {
  const world = new PresenceWorld();
  await world.deliver(requested);
  await world.last.answer(200);
  await world.notify(world.last, 1, 'active');
  assert.deepEqual(world.news(), ['granted', 'notified -']);
});

test('active, then pending: everything is taken back', async () => {
  const { world, subscribe } = await watching();
  await world.notify(subscribe, 2, 'pending');
  assert.deepEqual(world.news(), ['notified -']);
});

test('the refresh goes out in its time, in the dialog', async () => {
  const { world, subscribe } = await watching();
  const before = world.out.length;
  await world.pass(3_059_000);
  assert.equal(world.out.length, before);
  await world.pass(2000);
  assert.equal(world.out.length, before + 1);
  assert.equal(world.last.uri, 'sip:nora@pc.fabrikam.example');
  assert.equal(world.last.header('Call-ID'), subscribe.header('Call-ID'));
});

test('a wall clock that jumps makes no refresh', async () => {
  const { world } = await watching();
  const before = world.out.length;
  const wall = world.clock.now();
  world.clock.now = () => wall + 30 * 86_400_000;
  await world.pass(1000);
  assert.equal(world.out.length, before);
});

test('481 on a refresh: a new dialog with a new Call-ID, and the watcher sees no gap', async () => {
  const { world, subscribe } = await watching();
  await world.pass(3_100_000);
  await world.last.answer(481);
  const again = world.last;
  assert.notEqual(again.header('Call-ID'), subscribe.header('Call-ID'));
  assert.equal(again.header('To'), '<sip:nora@fabrikam.example>');
  await again.answer(200);
  await world.notify(again, 1, 'active;expires=3600', pidf(['pad', 'open']));
  assert.deepEqual(world.news(), ['granted', 'notified pad:open']);
  assert.equal((await world.notify(subscribe, 3, 'active', pidf(['old', 'open']))).status, 481);
});

test('423: again at once with what the peer asks for', async () => {
  const world = new PresenceWorld();
  await world.deliver(requested);
  await world.last.answer(423, { 'Min-Expires': '7200' });
  assert.equal(world.last.header('Expires'), '7200');
  assert.deepEqual(world.news(), []);
});

const REFUSALS: readonly (readonly [status: number, told: readonly string[]])[] = [
  [403, ['denied (PEER_FORBIDDEN)']],
  [489, ['denied (PEER_NOT_ACCEPTABLE)']],
  [603, ['denied']],
  [607, ['denied']],
  [405, ['ended:noresource']],
  [404, ['ended:noresource']],
  [410, ['ended:noresource']],
  [604, ['ended:noresource']],
  [480, []],
  [500, []],
  [401, []],
];
for (const [status, told] of REFUSALS) {
  test(`${status} on the first try: ${told.join() === '' ? 'nothing yet' : told.join()}`, async () => {
    const world = new PresenceWorld();
    await world.deliver(requested);
    await world.last.answer(status);
    assert.deepEqual(world.news(), told);
    assert.equal(world.presence.size.subscribers, told.length === 0 ? 1 : 0);
  });
}

test('a refusal carries the status, so that the error tables can translate it', async () => {
  const world = new PresenceWorld();
  await world.deliver(requested);
  await world.last.answer(410);
  const [told] = world.told;
  assert.ok(told?.kind === 'presence.ended');
  assert.equal(told.cause?.code, 'PEER_GONE');
  assert.equal(told.cause?.peer?.network === 'sip' && told.cause.peer.status, 410);
});

const ENDS: readonly (readonly [state: string, told: readonly string[], next: string])[] = [
  ['terminated;reason=rejected', ['denied'], 'nothing'],
  ['terminated;reason=noresource', ['ended:noresource'], 'nothing'],
  ['terminated;reason=invariant', [], 'nothing'],
  ['terminated;reason=deactivated', [], 'at once'],
  ['terminated;reason=timeout', [], 'at once'],
  ['terminated', [], 'at once'],
  ['terminated;reason=probation;retry-after=100', [], 'after 100 s'],
  ['terminated;reason=giveup', [], 'after 3600 s'],
];
for (const [state, told, next] of ENDS) {
  test(`NOTIFY ${state}: ${told.join() || 'nothing is told'}, SUBSCRIBE ${next}`, async () => {
    const { world, subscribe } = await watching();
    await world.pass(60_000);
    const before = world.out.length;
    assert.equal((await world.notify(subscribe, 2, state)).status, 200);
    assert.deepEqual(world.news(), told);
    const seconds = /after (\d+)/.exec(next)?.[1];
    if (seconds !== undefined) {
      assert.equal(world.out.length, before);
      await world.pass(Number(seconds) * 1000 + 10);
    }
    if (next === 'nothing') await world.pass(7_200_000);
    assert.equal(world.out.length - before, next === 'nothing' ? 0 : 1);
  });
}

test('two refreshes fail: the watcher is told once, the third attempt is a new dialog', async () => {
  const { world, subscribe } = await watching();
  await world.pass(3_100_000);
  await world.last.lose();
  assert.deepEqual(world.news(), []);
  await world.pass(40_000);
  await world.last.lose();
  assert.deepEqual(world.news(), ['ended:unreachable']);
  await world.pass(80_000);
  assert.notEqual(world.last.header('Call-ID'), subscribe.header('Call-ID'));
  await world.last.lose();
  assert.deepEqual(world.news(), []);
});

test('unsubscribe: Expires 0 in the dialog, told after the 200, gone with the last NOTIFY', async () => {
  const { world, subscribe } = await watching();
  assert.equal((await world.deliver(ended)).kind, 'delivered');
  const last = world.last;
  assert.deepEqual([last.header('Expires'), last.header('Call-ID')], ['0', subscribe.header('Call-ID')]);
  assert.deepEqual(world.news(), []);
  await last.answer(200);
  assert.deepEqual(world.news(), ['ended:unsubscribed']);
  assert.equal((await world.notify(subscribe, 2, 'terminated;reason=timeout', pidf(['pad', 'open']))).status, 200);
  assert.deepEqual(world.news(), []);
  assert.deepEqual([world.presence.size.subscribers, world.store.rows.size], [0, 0]);
});

test('unsubscribe without a last NOTIFY: Timer N', async () => {
  const { world } = await watching();
  await world.deliver(ended);
  await world.last.answer(200);
  await world.pass(32_000);
  assert.equal(world.presence.size.subscribers, 0);
});

test('unsubscribe of what was never subscribed is confirmed at once', async () => {
  const world = new PresenceWorld();
  await world.deliver(ended);
  assert.deepEqual(world.news(), ['ended:unsubscribed']);
  assert.equal(world.out.length, 0);
});

test('subscribe again while the unsubscribe is still on its way: a new dialog, untouched by the end of the old', async () => {
  const { world, subscribe } = await watching();
  await world.deliver(ended);
  const bye = world.last;
  await world.deliver(requested);
  const again = world.last;
  assert.notEqual(again.header('Call-ID'), subscribe.header('Call-ID'));
  await bye.answer(200);
  await again.answer(200);
  await world.notify(subscribe, 2, 'terminated;reason=timeout');
  await world.notify(again, 1, 'active;expires=3600', pidf(['pad', 'open']));
  assert.deepEqual(world.news(), ['ended:unsubscribed', 'granted', 'notified pad:open']);
  assert.equal(world.presence.size.subscribers, 1);
});

test('a watcher who comes online makes sure of the dialog, but not more than once a minute', async () => {
  const { world } = await watching();
  const before = world.out.length;
  await world.deliver(online);
  assert.equal(world.out.length, before);
  await world.pass(60_000);
  await world.deliver(online);
  await world.deliver(online);
  assert.equal(world.out.length, before + 1);
  assert.equal(world.last.header('Expires'), '3600');
});

test('a watcher who is offline is not refreshed for; back again, they are', async () => {
  const { world } = await watching();
  await world.deliver(offline);
  const before = world.out.length;
  await world.pass(3_700_000);
  assert.equal(world.out.length, before);
  await world.pass(1_000_000);
  assert.equal(world.presence.size.subscribers, 0);
  await world.deliver(online);
  assert.equal(world.last.header('CSeq'), '1 SUBSCRIBE');
});

test('a neck that shows it to nobody: the dialog is left to lapse', async () => {
  const { world, subscribe } = await watching();
  world.neck = () => ({ kind: 'refused', reason: reason('POLICY_PRESENCE_OFF', 'no grant') });
  await world.notify(subscribe, 2, 'active', pidf(['pad', 'closed']));
  const before = world.out.length;
  await world.pass(3_700_000);
  assert.equal(world.out.length, before);
});

test('a forked SUBSCRIBE: the dialogs are merged, the end of one takes only its own away', async () => {
  const { world, subscribe } = await watching();
  const fork = { From: '<sip:nora@fabrikam.example>;tag=fork' };
  assert.equal((await world.notify(subscribe, 1, 'active;expires=3600', pidf(['phone', 'open']), fork)).status, 200);
  assert.deepEqual(world.news(), ['granted', 'notified pad:open phone:open']);
  await world.notify(subscribe, 2, 'terminated;reason=rejected', '', fork);
  assert.deepEqual(world.news(), ['notified pad:open']);
  await world.notify(subscribe, 2, 'active', pidf(['pad', 'closed']));
  assert.deepEqual(world.news(), ['notified pad:closed']);
});

const REFUSED_NOTIFIES: readonly (readonly [title: string, headers: Readonly<Record<string, string>>, body: string, status: number])[] = [
  ['of another domain that knows the tags', { From: '<sip:nora@evil.example>;tag=theirs' }, '', 481],
  ['with an old CSeq', { CSeq: '1 NOTIFY' }, '', 500],
  ['of another package', { Event: 'dialog' }, '', 489],
  ['without Subscription-State', { 'Subscription-State': '' }, '', 400],
  ['with a body we did not ask for', { 'Content-Type': 'application/xpidf+xml' }, '<presence/>', 415],
  ['with a body that cannot be read', {}, '<presence', 400],
  ['with a DTD', {}, '<!DOCTYPE presence><presence xmlns="urn:ietf:params:xml:ns:pidf"/>', 400],
];
for (const [title, headers, body, status] of REFUSED_NOTIFIES) {
  test(`a NOTIFY ${title}: ${status}, and nothing is shown`, async () => {
    const { world, subscribe } = await watching();
    assert.equal((await world.notify(subscribe, 2, 'active', body, headers)).status, status);
    assert.deepEqual(world.news(), []);
    assert.equal((await world.notify(subscribe, 3, 'active', pidf(['pad', 'open']))).status, 200);
  });
}

test('more than nine dialogs of one SUBSCRIBE are not taken', async () => {
  const { world, subscribe } = await watching();
  const statuses: number[] = [];
  for (let n = 0; n < 9; n++) {
    statuses.push((await world.notify(subscribe, 1, 'active', '', { From: `<sip:nora@fabrikam.example>;tag=f${n}` })).status);
  }
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 200, 200, 200, 481]);
});

test('after a restart the dialog is re-confirmed; a 481 leads to a new one; nothing is said until a NOTIFY comes', async () => {
  const { world, subscribe } = await watching();
  world.start();
  assert.deepEqual(await world.presence.restore(), { notifiers: 0, subscribers: 1 });
  await world.pass(10_000);
  assert.equal(world.last.header('Call-ID'), subscribe.header('Call-ID'));
  assert.ok(Number.parseInt(world.last.header('CSeq') ?? '', 10) > 1000);
  assert.deepEqual(world.news(), []);
  await world.last.answer(481);
  const again = world.last;
  await again.answer(200);
  assert.deepEqual(world.news(), []);
  await world.notify(again, 1, 'active;expires=3600', pidf(['pad', 'open']));
  assert.deepEqual(world.news(), ['granted', 'notified pad:open']);
  assert.equal(world.store.rows.size, 1);
});

test('after a restart, an endpoint that has gone meanwhile is shown as closed', async () => {
  const { world, subscribe } = await watching();
  await world.notify(subscribe, 2, 'active', pidf(['pad', 'open'], ['phone', 'open']));
  world.start();
  await world.presence.restore();
  await world.pass(10_000);
  await world.last.answer(200);
  await world.notify(subscribe, 3, 'active', pidf(['pad', 'open']));
  assert.deepEqual(world.news(), ['granted', 'notified pad:open phone:closed']);
  await world.notify(subscribe, 4, 'active', pidf(['pad', 'open']));
  assert.deepEqual(world.news(), ['notified pad:open']);
});

test('after a restart a watcher who is online again causes one SUBSCRIBE, not two', async () => {
  const { world } = await watching();
  world.start();
  await world.presence.restore();
  await world.deliver(online);
  await world.pass(20_000);
  assert.equal(world.out.length, 1);
});
