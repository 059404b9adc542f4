import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { delivered, failed, HANDED_OVER, refused } from '../../src/model/outcome.ts';
import { explain } from '../../src/ops/explain.ts';
import type { Report } from '../../src/ops/verb.ts';
import { im, settle, subscription } from '../outbox/events.ts';
import { outboxWorld, type World } from '../outbox/outbox-world.ts';

function ask(world: World, ...words: string[]): Promise<Report> {
  const { ledger, decisions } = world.store;
  return explain({ words, presence: false }, { ledger, decisions, now: world.clock.now() });
}

/** One message whose far end answers so, its sender having been told that it waits. */
async function sent(outcome: Outcome): Promise<World> {
  const world = await outboxWorld();
  world.gateway.auto = (delivery) => {
    if (delivery.event.kind !== 'im.sent') return undefined;
    delivery.written();
    return outcome;
  };
  const result = await world.outbox.submit(im('a'));
  if (result.kind === 'accepted') world.outbox.toldQueued('a');
  await settle();
  return world;
}

test('delivered and handed over are two words', async () => {
  await using good = await sent(delivered('SIP 200'));
  const confirmed = await ask(good, 'a');
  assert.match(confirmed.text, /delivered: the far end confirmed it \(SIP 200\)/);
  assert.doesNotMatch(confirmed.text, /handed over/);
  assert.equal(confirmed.exit, 0);
  await using open = await sent(HANDED_OVER);
  const unconfirmed = await ask(open, 'a');
  assert.match(unconfirmed.text, /handed over: it was written and the far end never confirmed it/);
  assert.doesNotMatch(unconfirmed.text, /delivered/);
});

test('any of the identifiers finds the line, and the answer names them all', async () => {
  await using world = await sent(delivered('ok'));
  const answers = await Promise.all(['a', 'wire-a', 'call-a', 'imdn-a'].map((id) => ask(world, id)));
  for (const { text } of answers) {
    assert.equal(text, answers[0]?.text);
    for (const id of ['wire-a', 'call-a', 'imdn-a']) assert.ok(text.includes(id), id);
  }
});

test('a refusal says why, what it means, what to do, and that the sender knows', async () => {
  await using world = await sent(refused(reason('PEER_UNKNOWN_USER', '404 Not Found')));
  const { text, exit } = await ask(world, 'call-a');
  assert.match(text, /refused\n {2}because: PEER_UNKNOWN_USER, 404 Not Found/);
  assert.match(text, /means: The far end does not know the user/);
  assert.match(text, /what to do: Check the address/);
  assert.match(text, /the sender has been told: failure notice event-/);
  assert.equal(exit, 1);
});

test('what waits says how often it was tried and what happened last', async () => {
  await using world = await sent(failed(reason('NET_CONNECT_REFUSED', 'connect to 192.0.2.1:5269: refused')));
  await world.clock.pass(1500);
  const { text, exit } = await ask(world, 'a');
  assert.match(text, /it waits: .* 2 tries so far\n {2}the last one failed: NET_CONNECT_REFUSED, connect to 192\.0\.2\.1:5269/);
  assert.equal(exit, 0);
});

test('no body is ever shown, in words or as JSON', async () => {
  await using world = await sent(delivered('ok'));
  const { text, json } = await ask(world, 'a');
  assert.ok(!text.includes('body of a') && !JSON.stringify(json).includes('body of a'));
  assert.match(JSON.stringify(json), /"state":"delivered"/);
});

test('a refusal by policy is found by the sender’s Call-ID though it never reached the outbox', async () => {
  await using world = await outboxWorld();
  world.store.decisions.note({
    at: world.clock.now(),
    eventId: 'e9',
    kind: 'im.sent',
    from: 'eve@spam.example',
    to: 'nora@xmpp.example',
    network: 'sip',
    proof: 'certificate',
    allowed: false,
    code: 'POLICY_BLOCKED',
    file: 'routes/policy.yaml',
    key: '/blocked/0',
    ids: ['blocked@call'],
  });
  for (const words of [['blocked@call'], ['Eve@spam.example', 'nora@xmpp.example']]) {
    const { text, exit } = await ask(world, ...words);
    assert.match(text, /Message from eve@spam\.example to nora@xmpp\.example/);
    assert.match(text, /refused by routes\/policy\.yaml \/blocked\/0/);
    assert.match(text, /POLICY_BLOCKED\n {4}means: The domain, user or address is on the block list/);
    assert.equal(exit, 1);
  }
});

test('the help desk asks by two people, a time, and messages or presence', async () => {
  await using world = await outboxWorld({ auto: true });
  await world.submit(im('a'));
  await world.submit(subscription('s'));
  const { ledger, decisions } = world.store;
  const query = (presence: boolean, since?: string) =>
    explain(
      { words: ['li@sip.example', 'nora@xmpp.example'], presence, ...(since !== undefined && { since }) },
      { ledger, decisions, now: world.clock.now() },
    );
  assert.match((await query(false)).text, /^Message from li@sip\.example/);
  assert.match((await query(true)).text, /^Subscription request from li@sip\.example/);
  const later = new Date(world.clock.now() + 60_000).toISOString();
  assert.match((await query(false, later)).text, /^No message from li@sip\.example to nora@xmpp\.example has reached us since/);
  assert.equal((await query(false, later)).exit, 1);
  assert.equal((await query(false, 'yesterday')).exit, 2);
  assert.equal((await query(false, '00:00')).exit, 0, 'a time of today');
});

test('what is not known says so and what to try; no words at all is wrong usage', async () => {
  await using world = await outboxWorld();
  const unknown = await ask(world, 'nobody');
  assert.match(unknown.text, /Nothing here is called nobody/);
  assert.equal(unknown.exit, 1);
  assert.equal((await ask(world)).exit, 2);
});
