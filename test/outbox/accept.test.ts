import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import type { ImSent } from '../../src/model/event.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { delivered } from '../../src/model/outcome.ts';
import type { WireIds } from '../../src/model/ports.ts';
import { failureNotice } from '../../src/outbox/accept.ts';
import { im } from './events.ts';
import { outboxWorld, type World } from './outbox-world.ts';

const XMPP = { network: 'xmpp', side: 'inside', peer: 'xmpp.example', connection: 'c2', proof: 'inside' } as const;
const there = ['nora@xmpp.example', 'li@sip.example'] as const;
const back = ['li@sip.example', 'nora@xmpp.example'] as const;

async function wireOf(world: World, event: ImSent): Promise<WireIds> {
  await world.submit(event);
  const { wire } = world.gateway.last();
  assert.ok(wire);
  return wire;
}

test('a thread that SIP can carry is the Call-ID, both ways', async () => {
  await using world = await outboxWorld({ auto: true });
  const out = await wireOf(world, im('a', { pair: there, origin: XMPP, thread: 't-88' }));
  assert.equal(out.callId, 't-88');
  const answer = await wireOf(world, im('b', { pair: back, thread: 't-88' }));
  assert.equal(answer.thread, 't-88');
});

test('a thread that SIP cannot carry comes back as its sender wrote it, also after a restart', async () => {
  await using world = await outboxWorld({ auto: true });
  const thread = 'a thread with spaces@and an at sign';
  const out = await wireOf(world, im('a', { pair: there, origin: XMPP, thread }));
  assert.match(out.callId, /^[0-9a-f]{32}$/);
  assert.equal((await wireOf(world, im('b', { pair: back, thread: out.callId }))).thread, thread);
  await world.crash();
  assert.equal((await wireOf(world, im('c', { pair: back, thread: out.callId }))).thread, thread);
  assert.equal((await wireOf(world, im('d', { pair: there, origin: XMPP, thread }))).callId, out.callId);
});

test('a Call-ID with a host does not leave the house, and its answers come back to it', async () => {
  await using world = await outboxWorld({ auto: true });
  const out = await wireOf(world, im('a', { thread: '8f3a@10.1.2.3' }));
  assert.match(out.thread ?? '', /^[0-9a-f]{32}$/);
  const answer = await wireOf(world, im('b', { pair: there, origin: XMPP, thread: out.thread ?? '' }));
  assert.equal(answer.callId, '8f3a@10.1.2.3');
});

test('one new thread in two messages of one turn has one Call-ID; another pair has another', async () => {
  await using world = await outboxWorld({ auto: true });
  const thread = 'a b';
  await Promise.all(['a', 'b'].map((id) => world.outbox.submit(im(id, { pair: there, origin: XMPP, thread }))));
  await wireOf(world, im('c', { pair: ['omar@xmpp.example', 'li@sip.example'], origin: XMPP, thread }));
  const [first, second, third] = world.gateway.taken.map((one) => one.wire?.callId);
  assert.equal(first, second);
  assert.notEqual(first, third);
});

test('CSeq counts up within a conversation and the identifiers of a resend are the same', async () => {
  await using world = await outboxWorld();
  const first = await wireOf(world, im('a', { thread: 't' }));
  world.gateway.last().answer({ kind: 'delivered', evidence: 'ok' } satisfies Outcome);
  const second = await wireOf(world, im('b', { thread: 't' }));
  assert.ok(second.cseq > first.cseq);
  assert.notEqual(second.fromTag, first.fromTag);
  world.store.flush();
  await world.crash();
  assert.deepEqual(world.gateway.last().wire, second);
});

test('a receipt finds the sender’s own id by the id that we sent under', async () => {
  await using world = await outboxWorld();
  await world.submit(im('a', { thread: 't' }));
  world.gateway.last().answer(delivered('ok'));
  const { sentIds } = world.store;
  const wire = world.gateway.last().wire;
  const original = { id: 'a', messageId: 'imdn-a', wireId: 'wire-a', thread: 't' };
  assert.deepEqual(await sentIds.originalOf('nora@xmpp.example', 'li@sip.example', wire?.stanzaId ?? ''), original);
  assert.deepEqual(await sentIds.originalOf('nora@xmpp.example', 'li@sip.example', wire?.callId ?? ''), original);
  assert.equal(await sentIds.originalOf('eve@xmpp.example', 'li@sip.example', 'a'), undefined, 'nobody else may answer for it');
  world.clock.advance(25 * 3_600_000);
  assert.equal(await sentIds.originalOf('nora@xmpp.example', 'li@sip.example', 'a'), undefined);
});

test('the error about a message has the stanza id in XMPP, though its client gave it an origin-id too; in SIP the IMDN Message-ID', () => {
  const ids = { event: () => 'n', token: () => 't' };
  const why = reason('PEER_UNKNOWN_USER', 'x');
  for (const [network, about] of [
    ['xmpp', 'wire-a'],
    ['sip', 'imdn-a'],
  ] as const) {
    const sent = im('a');
    assert.equal(failureNotice({ ...sent, origin: { ...sent.origin, network } }, why, ids, 1).about, about);
  }
});
