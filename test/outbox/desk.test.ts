// What an operator sees of the queue and does with it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import { failed } from '../../src/model/outcome.ts';
import { deliverAll, im, settle } from './events.ts';
import { outboxWorld, type World } from './outbox-world.ts';

const DOWN = failed(reason('NET_CONNECT_REFUSED', 'nobody listens there'));
const THERE = new Set(['xmpp.example']);

/** A partner that is down; the first message has been tried once, and its sender told that it waits. */
async function down(...ids: string[]): Promise<World> {
  const world = await outboxWorld();
  world.gateway.auto = (delivery) => (delivery.event.kind === 'im.sent' ? DOWN : deliverAll(delivery));
  for (const id of ids) {
    await world.submit(im(id));
    world.outbox.toldQueued(id);
  }
  return world;
}

test('a row says why it waits, what it waits behind, and when it is tried next', async () => {
  await using world = await down('a', 'b');
  const [a, b] = world.outbox.desk.rows('all');
  assert.deepEqual([a?.id, a?.from, a?.to, a?.domain, a?.attempts], ['a', 'li@sip.example', 'nora@xmpp.example', 'xmpp.example', 1]);
  assert.deepEqual([a?.state, a?.why?.code, a?.behind], ['waiting', 'NET_CONNECT_REFUSED', undefined]);
  assert.equal(a?.nextTryAt, world.clock.now() + 1000);
  assert.deepEqual([b?.attempts, b?.behind, b?.why?.code], [0, 'a', 'NET_CONNECT_REFUSED']);
  assert.doesNotMatch(JSON.stringify([a, b]), /body of/);
  assert.deepEqual(
    world.outbox.desk.rows('all', 1).map(({ id }) => id),
    ['a'],
  );
  assert.deepEqual(
    world.outbox.desk.sums().map(({ domain, rows }) => [domain, rows]),
    [['xmpp.example', 2]],
  );
  assert.equal(world.outbox.desk.rows({ domains: new Set(['other.example']) }).length, 0);
  assert.deepEqual(
    world.outbox.desk.rows({ id: 'b' }).map(({ id }) => id),
    ['b'],
  );
});

test('retry ends the back-off at once', async () => {
  await using world = await down('a');
  world.gateway.auto = undefined;
  assert.equal(world.gateway.taken.length, 1);
  assert.equal(world.outbox.desk.retry({ id: 'a' }), 1);
  await settle();
  assert.equal(world.gateway.taken.length, 2);
  assert.equal(world.outbox.desk.rows('all')[0]?.state, 'onItsWay');
  assert.equal(world.outbox.desk.retry({ id: 'nobody' }), 0);
  assert.equal(world.outbox.desk.retry({ domains: THERE }), 1);
});

test('a dropped row ends, and its sender gets one failure notice that says so', async () => {
  await using world = await down('a', 'b');
  assert.deepEqual(await world.outbox.desk.drop({ domains: THERE }), { dropped: 2, unconfirmed: 0, onTheirWay: 0 });
  await settle();
  assert.equal(world.outbox.desk.rows({ domains: THERE }).length, 0);
  for (const id of ['a', 'b']) {
    const [line] = await world.store.ledger.find(id);
    assert.deepEqual([line?.state, line?.reason?.code], ['refused', 'QUEUE_DROPPED']);
    assert.ok(line?.noticeId !== undefined);
  }
  const notices = world.gateway.taken.filter(({ event }) => event.kind === 'im.receipt');
  assert.deepEqual(notices.map(({ event }) => event.kind === 'im.receipt' && [event.about, event.status, event.reason?.code]).sort(), [
    ['imdn-a', 'failed', 'QUEUE_DROPPED'],
    ['imdn-b', 'failed', 'QUEUE_DROPPED'],
  ]);
  assert.deepEqual(await world.outbox.desk.drop({ id: 'a' }), { dropped: 0, unconfirmed: 0, onTheirWay: 0 });
});

test('what is on a connection already cannot be taken back; what was never confirmed ends without a notice', async () => {
  await using world = await outboxWorld();
  await world.submit(im('a'));
  world.gateway.last().written();
  assert.deepEqual(await world.outbox.desk.drop('all'), { dropped: 0, unconfirmed: 0, onTheirWay: 1 });
  world.gateway.last().answer(failed(reason('XMPP_NO_RETURN_PATH', 'nothing came back')));
  await settle();
  assert.equal(world.outbox.desk.rows('all')[0]?.state, 'unconfirmed');
  assert.deepEqual(await world.outbox.desk.drop('all'), { dropped: 0, unconfirmed: 1, onTheirWay: 0 });
  const [line] = await world.store.ledger.find('a');
  assert.deepEqual([line?.state, line?.noticeId], ['handedOver', undefined]);
});

test('a row that is being handed over is called back and dropped', async () => {
  await using world = await outboxWorld();
  await world.submit(im('a'));
  const dropping = world.outbox.desk.drop({ id: 'a' });
  await settle();
  assert.equal(world.gateway.last().signal.aborted, true);
  world.gateway.last().answer(failed(reason('SHUTTING_DOWN', 'called back')));
  assert.deepEqual(await dropping, { dropped: 1, unconfirmed: 0, onTheirWay: 0 });
  assert.equal(world.gateway.taken.length, 1);
});
