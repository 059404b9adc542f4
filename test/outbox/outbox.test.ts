import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { delivered, failed, refused } from '../../src/model/outcome.ts';
import { deliverAll, im, receipt, settle, subscription } from './events.ts';
import { outboxWorld, type World } from './outbox-world.ts';

const CLOSED = failed(reason('NET_CLOSED', 'the connection closed'));
const UNKNOWN = refused(reason('PEER_UNKNOWN_USER', 'nobody of that name'));
const HOUR = 3_600_000;

async function stateOf(world: World, id: string): Promise<string | undefined> {
  return (await world.store.ledger.find(id)).find((one) => one.id === id)?.state;
}

test('says yes only when the row is on disk', async () => {
  await using world = await outboxWorld();
  await world.submit(im('a'));
  await world.crash();
  assert.deepEqual(world.gateway.ids, ['a', 'a']);
  const again = world.gateway.last();
  assert.equal(again.event.kind === 'im.sent' && again.event.body, 'body of a');
  assert.equal(again.possibleCopy, true);
  assert.deepEqual(again.wire, world.gateway.taken[0]?.wire);
});

test('a row that was never on its way is no possible copy after an orderly restart', async () => {
  await using world = await outboxWorld();
  world.policy = reason('PARTNER_PAUSED', 'paused');
  await world.submit(im('a'));
  await world.restart();
  world.policy = undefined;
  world.outbox.routesChanged();
  await settle();
  assert.equal(world.gateway.last().possibleCopy, undefined);
});

test('one lane waits for each outcome; another lane does not wait for it', async () => {
  await using world = await outboxWorld();
  const other = ['li@sip.example', 'omar@xmpp.example'] as const;
  await world.submit(im('a'));
  const second = await world.submit(im('b'));
  await world.submit(im('c', { pair: other }));
  assert.equal(second.laneIdle, false);
  assert.deepEqual(world.gateway.ids, ['a', 'c']);
  world.gateway.taken[0]?.answer(delivered('SIP 200'));
  await settle();
  assert.deepEqual(world.gateway.ids, ['a', 'c', 'b']);
});

test('a gateway that keeps write order gets the next row once the one before is written', async () => {
  await using world = await outboxWorld({ keepsWriteOrder: true });
  await world.submit(im('a'));
  await world.submit(im('b'));
  assert.deepEqual(world.gateway.ids, ['a']);
  world.gateway.taken[0]?.written();
  await settle();
  assert.deepEqual(world.gateway.ids, ['a', 'b']);
});

test('when the first of two written rows fails, the rest comes back before it is sent again, in order', async () => {
  await using world = await outboxWorld({ keepsWriteOrder: true });
  for (const id of ['a', 'b', 'c']) await world.submit(im(id));
  world.gateway.taken[0]?.written();
  await settle();
  world.gateway.taken[1]?.written();
  await settle();
  world.gateway.taken[2]?.written();
  world.gateway.taken[0]?.answer(CLOSED);
  await settle();
  world.outbox.partnerConnected('xmpp.example');
  await settle();
  assert.deepEqual(world.gateway.ids, ['a', 'b', 'c'], 'b and c are still on their way');
  world.gateway.auto = deliverAll;
  world.gateway.taken[1]?.answer(CLOSED);
  world.gateway.taken[2]?.answer(CLOSED);
  await settle();
  await world.clock.pass(10_000);
  assert.deepEqual(world.gateway.ids, ['a', 'b', 'c', 'a', 'b', 'c']);
  assert.deepEqual(
    world.gateway.taken.slice(3).map((one) => one.possibleCopy),
    [true, true, true],
  );
});

test('backs off 1 s doubling to 5 min, with one row trying the road', async () => {
  await using world = await outboxWorld();
  world.gateway.auto = () => CLOSED;
  const tries: number[] = [];
  const began = world.clock.monotonic();
  const count = (): number => world.gateway.taken.length;
  for (const pair of ['a', 'b', 'c']) await world.submit(im(pair, { pair: [`${pair}@sip.example`, 'nora@xmpp.example'] }));
  const atOnce = count();
  assert.equal(atOnce, 1, 'the others wait for the partner');
  for (let seconds = 0, seen = atOnce; seconds < 1500; seconds += 1) {
    await world.clock.pass(1000);
    for (; seen < count(); seen += 1) tries.push(Math.round((world.clock.monotonic() - began) / 1000));
  }
  assert.deepEqual(tries.slice(0, 9), [1, 3, 7, 15, 31, 63, 127, 255, 511]);
  assert.deepEqual(
    tries.slice(9, 12).map((at, index) => at - (tries[8 + index] ?? 0)),
    [300, 300, 300],
  );
});

test('a partner that refuses one domain of ours does not hold up what another domain of ours sends it', async () => {
  await using world = await outboxWorld();
  world.gateway.auto = (delivery) => (delivery.event.from.domain === 'old.example' ? CLOSED : deliverAll(delivery));
  await world.submit(im('a', { pair: ['pat@old.example', 'nora@xmpp.example'] }));
  const { laneIdle, outcome } = await world.submit(im('b'));
  assert.equal(laneIdle, true);
  assert.equal((await outcome).kind, 'delivered');
  assert.deepEqual(
    world.outbox.stats().partners.map(({ from, domain, failures }) => [from, domain, failures]),
    [['old.example', 'xmpp.example', 1]],
  );
  world.gateway.auto = deliverAll;
  world.outbox.partnerConnected('xmpp.example');
  await settle();
  assert.equal(await stateOf(world, 'a'), 'delivered', 'the partner is there: every road to it is tried');
});

test('what waits goes at once when the partner connects to us', async () => {
  await using world = await outboxWorld();
  world.gateway.auto = () => CLOSED;
  const { firstWord } = await world.submit(im('a'));
  assert.equal((await firstWord).kind, 'failed');
  await world.clock.pass(200_000);
  world.gateway.auto = deliverAll;
  const before = world.gateway.taken.length;
  world.outbox.partnerConnected('xmpp.example');
  await settle();
  assert.equal(world.gateway.taken.length, before + 1);
  assert.equal(await stateOf(world, 'a'), 'delivered');
});

test('a busy user holds up that user alone, and Retry-After is kept', async () => {
  await using world = await outboxWorld();
  const busy = failed(reason('PEER_BUSY', 'try later', { retry: 60_000 }));
  world.gateway.auto = ({ event }) => (event.to.local === 'nora' ? busy : delivered('ok'));
  await world.submit(im('a'));
  await world.submit(im('b', { pair: ['li@sip.example', 'omar@xmpp.example'] }));
  await world.clock.pass(59_000);
  assert.deepEqual(world.gateway.ids, ['a', 'b']);
  await world.clock.pass(2000);
  assert.deepEqual(world.gateway.ids, ['a', 'b', 'a']);
});

test('a refusal is on disk before it is known, and is no news when the sender still waited for the answer', async () => {
  await using world = await outboxWorld();
  world.gateway.auto = () => UNKNOWN;
  const { outcome } = await world.submit(im('a'));
  assert.equal((await outcome).kind, 'refused');
  const [line] = await world.store.ledger.find('wire-a');
  assert.equal(line?.state, 'refused');
  assert.equal(line?.noticeId, undefined);
  assert.deepEqual(world.gateway.ids, ['a']);
});

test('a late refusal is told to the sender exactly once, under the id they know', async () => {
  await using world = await outboxWorld();
  const { outcome, id } = await world.submit(im('a', { thread: 't1' }));
  assert.equal(world.outbox.toldQueued(id), true);
  world.gateway.last().answer(UNKNOWN);
  assert.equal((await outcome).kind, 'refused');
  await settle();
  const notice = world.gateway.last();
  assert.equal(notice.event.kind, 'im.receipt');
  assert.deepEqual(
    notice.event.kind === 'im.receipt' && [notice.event.about, notice.event.status, notice.event.reason?.code, notice.event.thread],
    ['imdn-a', 'failed', 'PEER_UNKNOWN_USER', 't1'],
  );
  assert.deepEqual([notice.event.from.local, notice.event.to.local], ['nora', 'li']);
  notice.answer(UNKNOWN);
  await settle();
  assert.equal(world.gateway.taken.length, 2, 'never one about a receipt');
  assert.equal((await world.store.ledger.find('a'))[0]?.noticeId, notice.event.id);
  assert.equal(world.outbox.toldQueued(id), false, 'too late to ask');
});

test('the notice survives a crash between the refusal and its sending', async () => {
  await using world = await outboxWorld();
  const { id } = await world.submit(im('a'));
  world.outbox.toldQueued(id);
  world.gateway.last().answer(UNKNOWN);
  await settle();
  const sent = world.gateway.ids;
  assert.equal(sent.length, 2);
  await world.crash();
  assert.deepEqual(world.gateway.ids, [...sent, sent[1]]);
});

test('expiry after 24 h of service time gives exactly one notice', async () => {
  await using world = await outboxWorld();
  world.gateway.auto = ({ event }) => (event.kind === 'im.sent' ? CLOSED : delivered('ok'));
  const { id, outcome } = await world.submit(im('a'));
  world.outbox.toldQueued(id);
  await world.clock.pass(23.9 * HOUR, 60_000);
  assert.equal(world.outbox.stats().rows, 1);
  await world.clock.pass(HOUR, 60_000);
  const end = await outcome;
  assert.equal(end.kind === 'failed' && end.reason.code, 'QUEUE_EXPIRED');
  const notices = world.gateway.taken.filter((one) => one.event.kind === 'im.receipt');
  assert.equal(notices.length, 1);
  assert.equal(world.outbox.stats().rows, 0);
  assert.equal(await stateOf(world, 'a'), 'expired');
});

test('a receipt that expires makes no noise', async () => {
  await using world = await outboxWorld();
  world.gateway.auto = () => CLOSED;
  const { id } = await world.submit(receipt('r', 'x'));
  world.outbox.toldQueued(id);
  await world.clock.pass(25 * HOUR, 60_000);
  assert.ok(world.gateway.taken.every((one) => one.event.id === 'r'));
  assert.equal(world.outbox.stats().rows, 0);
});

test('a subscription verb that is refused after a restart is reported to presence', async () => {
  await using world = await outboxWorld();
  await world.submit(subscription('s'));
  await world.crash();
  world.gateway.last().answer(UNKNOWN);
  await settle();
  assert.deepEqual(
    world.late.map(({ event, outcome }) => [event.id, outcome.kind]),
    [['s', 'refused']],
  );
});

test('a jump of the wall clock ends nothing; a downtime counts for an hour at most', async () => {
  await using world = await outboxWorld();
  world.gateway.auto = () => CLOSED;
  await world.submit(im('a'));
  const wall = world.clock.now.bind(world.clock);
  await world.restart(() => {
    world.clock.now = () => wall() + 40 * 24 * HOUR;
  });
  await world.clock.pass(60_000);
  assert.equal(world.outbox.stats().rows, 1, 'forty days away count for one hour');
  await world.clock.pass(22.5 * HOUR, 60_000);
  assert.equal(world.outbox.stats().rows, 1);
  await world.clock.pass(HOUR, 60_000);
  assert.equal(await stateOf(world, 'a'), 'expired');
});

test('the same message again is not accepted, and answers as the first time', async () => {
  await using world = await outboxWorld();
  const first = await world.submit(im('a'));
  const copy = { ...im('b'), ids: im('a').ids };
  const waiting = await world.outbox.submit(copy);
  assert.deepEqual(waiting, { kind: 'duplicate', of: 'a', outcome: undefined });
  world.gateway.last().answer(delivered('SIP 200'));
  await first.outcome;
  const answers: Outcome[] = [];
  for (let i = 0; i < 2; i += 1) {
    const again = await world.outbox.submit(copy);
    if (again.kind === 'duplicate' && again.outcome) answers.push(again.outcome);
    await world.crash();
  }
  assert.deepEqual(answers, [delivered('SIP 200'), delivered('SIP 200')]);
  assert.deepEqual(world.gateway.ids, ['a']);
});

test('two copies in one turn of the loop are one message', async () => {
  await using world = await outboxWorld({ auto: true });
  const results = await Promise.all([im('a'), { ...im('b'), ids: im('a').ids }].map((event) => world.outbox.submit(event)));
  assert.deepEqual(
    results.map((one) => one.kind),
    ['accepted', 'duplicate'],
  );
});

test('the same key of another sender, or after 24 h of service time, is another message', async () => {
  await using world = await outboxWorld({ auto: true });
  const { ids } = im('a');
  await world.submit(im('a'));
  await world.submit(im('b', { ids, pair: ['eve@sip.example', 'nora@xmpp.example'] }));
  await world.clock.pass(24.1 * HOUR, 60_000);
  await world.submit(im('c', { ids }));
  assert.deepEqual(world.gateway.ids, ['a', 'b', 'c']);
});

test('a refused copy gets the refusal again', async () => {
  await using world = await outboxWorld();
  world.gateway.auto = () => UNKNOWN;
  await (await world.submit(im('a'))).outcome;
  const again = await world.outbox.submit({ ...im('b'), ids: im('a').ids });
  assert.equal(again.kind === 'duplicate' && again.outcome?.kind === 'refused' && again.outcome.reason.code, 'PEER_UNKNOWN_USER');
});

test('a row that waits can be taken back, and its message be sent again', async () => {
  await using world = await outboxWorld();
  world.gateway.auto = () => CLOSED;
  const row = await world.submit(im('a'));
  assert.equal(await row.withdraw(), true);
  assert.equal((await row.outcome).kind, 'refused');
  await world.crash();
  assert.equal(world.outbox.stats().rows, 0);
  assert.equal(await stateOf(world, 'a'), 'withdrawn');
  world.gateway.auto = deliverAll;
  await world.submit({ ...im('b'), ids: im('a').ids });
  assert.equal(await stateOf(world, 'b'), 'delivered');
});

test('a row that a gateway holds is called back; one that is written stays', async () => {
  await using world = await outboxWorld();
  const row = await world.submit(im('a'));
  const { signal, answer } = world.gateway.last();
  const held = row.withdraw();
  assert.equal(signal.aborted, true);
  answer(CLOSED);
  assert.equal(await held, true);
  assert.equal(world.outbox.stats().partners.length, 0, 'a try that was called back is no failure of the partner');

  const second = await world.submit(im('b'));
  world.gateway.last().written();
  assert.equal(await second.withdraw(), false);
  world.gateway.last().answer(delivered('late'));
  assert.deepEqual(await second.outcome, delivered('late'));
});

test('a gateway that does not let go keeps the row, and it is tried on', async () => {
  await using world = await outboxWorld();
  const row = await world.submit(im('a'));
  const back = row.withdraw();
  await world.clock.pass(1000);
  assert.equal(await back, false);
  world.gateway.last().answer(CLOSED);
  await world.clock.pass(3000);
  assert.equal(world.gateway.taken.length, 2);
});

test('policy is asked again at every try: a pause holds, a block refuses', async () => {
  await using world = await outboxWorld({ auto: true });
  world.policy = reason('PARTNER_PAUSED', 'paused until Monday', { retry: 60_000 });
  const { outcome } = await world.submit(im('a'));
  await world.clock.pass(120_000);
  assert.deepEqual(world.gateway.ids, []);
  world.policy = reason('POLICY_BLOCKED', 'blocked', { file: 'routes/policy.yaml', key: '/blocked/0' });
  world.outbox.routesChanged();
  const end = await outcome;
  assert.equal(end.kind === 'refused' && end.reason.key, '/blocked/0');
});

test('rows that nothing can confirm stay written, are not sent again, and are handed over in the end', async () => {
  await using world = await outboxWorld({ keepsWriteOrder: true });
  world.gateway.auto = (delivery) => {
    delivery.written();
    return failed(reason('XMPP_NO_RETURN_PATH', 'nothing comes back'));
  };
  const first = await world.submit(im('a'));
  await world.submit(im('b'));
  world.outbox.toldQueued('a');
  world.outbox.toldQueued('b');
  assert.equal((await first.firstWord).kind, 'failed');
  await world.clock.pass(HOUR, 60_000);
  assert.deepEqual(world.gateway.ids, ['a', 'b'], 'neither holds up the lane');
  assert.equal(await stateOf(world, 'a'), 'written');
  await world.clock.pass(24 * HOUR, 60_000);
  assert.equal(await stateOf(world, 'a'), 'handedOver');
  assert.deepEqual(world.gateway.ids, ['a', 'b'], 'never a failure notice for what may have arrived');
});

test('a road back sends unconfirmed rows again, as possible copies', async () => {
  await using world = await outboxWorld();
  world.gateway.auto = (delivery) => {
    delivery.written();
    return failed(reason('XMPP_NO_RETURN_PATH', 'nothing comes back'));
  };
  await world.submit(im('a'));
  world.gateway.auto = deliverAll;
  world.outbox.partnerConnected('xmpp.example');
  await settle();
  assert.equal(world.gateway.last().possibleCopy, true);
  assert.equal(await stateOf(world, 'a'), 'delivered');
});

test('gives up on a gateway that never answers, and still takes its late word', async () => {
  await using world = await outboxWorld();
  const { outcome } = await world.submit(im('a'));
  world.gateway.last().written();
  await world.clock.pass(41_000);
  assert.equal(world.gateway.taken[0]?.signal.aborted, true);
  assert.equal(world.gateway.taken.length, 2, 'tried again');
  world.gateway.taken[0]?.answer(delivered('after all'));
  assert.deepEqual(await outcome, delivered('after all'));
  assert.equal(world.gateway.taken[1]?.signal.aborted, true, 'the copy is called back');
  await world.clock.pass(60_000);
  assert.equal(world.gateway.taken.length, 2);
});

test('a gateway that throws is a defect of ours: tried on, then told', async () => {
  await using world = await outboxWorld();
  world.gateway.deliver = () => {
    throw new TypeError('oops');
  };
  const { outcome } = await world.submit(im('a'));
  await world.clock.pass(120_000);
  const end = await outcome;
  assert.equal(end.kind === 'refused' && end.reason.code, 'US_BUG');
});

test('the queue is bounded in all, per partner and per lane', async () => {
  for (const bounds of [{ rows: 2 }, { partnerRows: 2 }, { laneRows: 2 }, { bytes: 1 }]) {
    await using world = await outboxWorld({ bounds });
    for (const id of ['a', 'b', 'c']) await world.outbox.submit(im(id));
    const full = await world.outbox.submit(im('d'));
    assert.equal(full.kind === 'refused' && full.outcome.reason.code, 'LIMIT_QUEUE_FULL', JSON.stringify(bounds));
  }
});

/** Pages of a database that holds nothing yet. */
async function emptyPages(): Promise<number> {
  await using world = await outboxWorld();
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(`${world.temp.folder}/isthmus.db`);
  const row = db.prepare('PRAGMA page_count').get();
  db.close();
  return Number(row?.page_count);
}

test('a full disk refuses what comes, keeps what was accepted, and takes up again with the space', async () => {
  await using world = await outboxWorld({ store: { maxPages: (await emptyPages()) + 35 } });
  world.gateway.auto = () => CLOSED;
  let accepted = 0;
  let refusal: Outcome | undefined;
  for (let i = 0; i < 200 && refusal === undefined; i += 1) {
    const result = await world.outbox.submit(im(`m${i}`, { body: 'x'.repeat(2000), pair: [`u${i}@sip.example`, 'nora@xmpp.example'] }));
    if (result.kind === 'accepted') accepted += 1;
    else if (result.kind === 'refused') refusal = result.outcome;
  }
  assert.ok(accepted > 10);
  assert.equal(refusal?.kind === 'refused' && refusal.reason.code, 'STORE_FULL');
  assert.equal(world.outbox.stats().rows, accepted);
  world.gateway.auto = deliverAll;
  world.temp.reopen({ maxPages: 10_000 });
  assert.equal((await world.store.outbox.waiting()).length, accepted);
});

test('rows whose seal is broken are never sent, and their senders are told', async () => {
  await using world = await outboxWorld();
  world.gateway.auto = () => CLOSED;
  await world.submit(im('a'));
  await world.restart();
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(`${world.temp.folder}/isthmus.db`);
  db.exec('UPDATE outbox SET sealed = randomblob(length(sealed))');
  db.close();
  world.gateway.auto = deliverAll;
  const before = world.gateway.taken.length;
  world.outbox.partnerConnected('xmpp.example');
  await world.clock.pass(2000);
  assert.equal(world.gateway.taken.length, before);
  assert.equal(await stateOf(world, 'a'), 'refused');
});

test('what comes while the process drains is kept for the next start, in order, and not turned away', async () => {
  await using world = await outboxWorld();
  const { outcome } = await world.submit(im('a'));
  let closed = false;
  const drained = world.outbox.drain(5000, async () => {
    closed = true;
  });
  const kept = await world.outbox.submit(im('b'));
  assert(kept.kind === 'accepted' && !kept.laneIdle);
  assert.equal(closed, false);
  world.gateway.last().answer(delivered('just in time'));
  assert.equal((await outcome).kind, 'delivered');
  await world.clock.pass(100, 20);
  await drained;
  assert.equal(closed, true);
  const no = await world.outbox.submit(im('c'));
  assert.equal(no.kind === 'refused' && no.outcome.reason.code, 'SHUTTING_DOWN');
  assert.equal((await world.store.serviceClock.load())?.clean, true);
});
