import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import type { Outcome } from '../../../src/model/outcome.ts';
import { delivered, failed, HANDED_OVER, refused } from '../../../src/model/outcome.ts';
import { type ExplainDeps, explainId, explainPair, explainPresence, type RuleNow } from '../../../src/ops/explain/explain.ts';
import type { Report } from '../../../src/ops/verb.ts';
import { im, settle, subscription } from '../../outbox/events.ts';
import { outboxWorld, type World } from '../../outbox/outbox-world.ts';

const YES: RuleNow = { allowed: true, because: '', file: 'routes/partners/xmpp.example.yaml', key: '/allow' };

function depsOf(world: World, more: Partial<ExplainDeps> = {}): ExplainDeps {
  const { ledger, decisions, authorizations, requests, dialogs } = world.store;
  return {
    ledger,
    decisions,
    authorizations,
    requests,
    dialogs,
    place: (file, key) => `${file}:7 (${key})`,
    rule: () => ({ message: YES, presence: YES }),
    isOurs: (domain) => domain === 'sip.example',
    now: world.clock.now(),
    ...more,
  };
}

function ask(world: World, ...words: string[]): Promise<Report> {
  const [first = '', second] = words;
  return second === undefined ? explainId(first, depsOf(world)) : explainPair(first, second, 0, depsOf(world));
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
  assert.match(text, /the sender has been told: failure notice event-\S+, with the words "404 Not Found"/);
  assert.equal(exit, 1);
});

test('what waits says how often it was tried and what happened last', async () => {
  await using world = await sent(failed(reason('NET_CONNECT_REFUSED', 'connect to 192.0.2.1:5269: refused')));
  await world.clock.pass(1500);
  const { text, exit } = await ask(world, 'a');
  assert.match(text, /try 1 failed: NET_CONNECT_REFUSED, connect to 192\.0\.2\.1:5269: refused\n.*try 2 failed/);
  assert.match(text, /it waits: .* 2 tries so far\n {2}the last one failed: NET_CONNECT_REFUSED/);
  assert.equal(exit, 0);
});

test('no body is ever shown, in words or as JSON', async () => {
  await using world = await sent(delivered('ok'));
  const { text, json } = await ask(world, 'a');
  assert.ok(!text.includes('body of a') && !JSON.stringify(json).includes('body of a'));
  assert.match(JSON.stringify(json), /"state":"delivered"/);
  assert.match(JSON.stringify(json), /"acceptedAt":"\d{4}-\d\d-\d\dT/);
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
  for (const words of [['blocked@call'], ['eve@spam.example', 'nora@xmpp.example']]) {
    const { text, exit } = await ask(world, ...words);
    assert.match(text, /Message from eve@spam\.example to nora@xmpp\.example/);
    assert.match(text, /refused by routes\/policy\.yaml:7 \(\/blocked\/0\)/);
    assert.match(text, /POLICY_BLOCKED\n {4}means: The domain, user or address is on the block list/);
    assert.equal(exit, 1);
  }
});

test('two people and a time: what was sent, and what the rules say now, both ways', async () => {
  await using world = await outboxWorld({ auto: true });
  await world.submit(im('a'));
  await world.submit(subscription('s'));
  const no: RuleNow = {
    allowed: false,
    code: 'POLICY_MESSAGES_OFF',
    because: 'messages is none',
    file: 'routes/policy.yaml',
    key: '/rules/0',
  };
  const rule: ExplainDeps['rule'] = (from) => ({ message: from.startsWith('li@') ? YES : no, presence: YES });
  const pair = (since: number): Promise<Report> => explainPair('li@sip.example', 'nora@xmpp.example', since, depsOf(world, { rule }));
  const { text, exit } = await pair(0);
  assert.match(text, /^Message from li@sip\.example/);
  assert.doesNotMatch(text, /Subscription/);
  assert.match(text, /a message from li@sip\.example to nora@xmpp\.example is allowed by routes\/partners\/xmpp\.example\.yaml:7/);
  assert.match(text, /from nora@xmpp\.example to li@sip\.example is refused by routes\/policy\.yaml:7 \(\/rules\/0\): messages is none/);
  assert.match(text, /In short: the last message was delivered/);
  assert.equal(exit, 0);
  const later = await pair(world.clock.now() + 60_000);
  assert.match(later.text, /^No message from li@sip\.example to nora@xmpp\.example has reached us since/);
  assert.equal(later.exit, 1);
});

test('what waits: the running process says what it waits for and when it is tried next; without one it says so', async () => {
  await using world = await sent(failed(reason('NET_CONNECT_REFUSED', 'nobody listens')));
  const live = { queue: world.outbox.desk, health: { roads: () => [] }, sight: { view: () => undefined } as never, startedAt: 0 };
  const running = await explainPair('li@sip.example', 'nora@xmpp.example', 0, depsOf(world, { live }));
  assert.match(running.text, /now: NET_CONNECT_REFUSED: nobody listens; the next try is at \d\d:\d\d:\d\d/);
  assert.match(
    running.text,
    /In short: the last message waits for xmpp\.example because of this: Nobody listens there.*\(NET_CONNECT_REFUSED\), and is tried again at/,
  );
  assert.match((await ask(world, 'a')).text, /Nothing runs with this home/);
});

test('why somebody appears offline: the first thing that stands between the two, in one sentence', async () => {
  await using world = await outboxWorld({ auto: true });
  const [li, nora] = ['li@sip.example', 'nora@xmpp.example'];
  const view = { open: true, heardAt: world.clock.now() - 5000, shownAt: world.clock.now() - 4000 };
  const live = (more: { roads?: object[]; view?: object | undefined }): NonNullable<ExplainDeps['live']> =>
    ({
      queue: world.outbox.desk,
      startedAt: 0,
      health: { roads: () => more.roads ?? [] },
      sight: { view: () => ('view' in more ? more.view : view) },
    }) as never; // of the process only what is asked
  const short = async (deps: Partial<ExplainDeps>): Promise<string> => {
    const { text, exit } = await explainPresence(li, nora, 0, depsOf(world, deps));
    const found = /In short: (.*)/.exec(text)?.[1] ?? '';
    assert.equal(exit, found.includes('online') ? 0 : 1);
    return found;
  };
  const put = (state: 'pending' | 'granted' | 'denied'): Promise<void> =>
    world.store.authorizations.put({ watcher: li, presentity: nora, state, changedAt: 1000, watcherSeenAt: 1000 });
  const no: RuleNow = {
    allowed: false,
    code: 'POLICY_PRESENCE_OFF',
    because: 'weSee is false',
    file: 'routes/policy.yaml',
    key: '/rules/1',
  };
  assert.match(
    await short({ rule: () => ({ message: YES, presence: no }) }),
    /because a rule does not allow it: POLICY_PRESENCE_OFF, routes\/policy\.yaml:7/,
  );
  assert.match(await short({ live: live({}) }), /there is no permission on record/);
  await put('pending');
  assert.match(await short({ live: live({}) }), /nora@xmpp\.example has not answered the request/);
  await put('denied');
  assert.match(await short({ live: live({}) }), /said no at/);
  await put('granted');
  const down = { domain: 'xmpp.example', protocol: 'xmpp', direction: 'out', state: 'down', sinceMs: 0, waiting: 0, oldestMs: 0 };
  assert.match(await short({ live: live({ roads: [down] }) }), /xmpp\.example cannot be reached since/);
  assert.match(await short({ live: live({ view: undefined }) }), /has sent no presence since the process started/);
  assert.match(await short({ live: live({ view: { ...view, open: false } }) }), /their own side said so/);
  assert.match(await short({ live: live({}) }), /^li@sip\.example sees nora@xmpp\.example online/);
});

test('a SIP subscription is found by its Call-ID', async () => {
  await using world = await outboxWorld();
  const dialog = {
    id: 'sub-call tag1 tag2',
    role: 'notifier',
    watcher: 'li@sip.example',
    presentity: 'nora@xmpp.example',
    data: '{}',
    expiresAt: 5e12,
  } as const;
  await world.store.dialogs.put(dialog);
  const { text, exit, json } = await ask(world, 'sub-call');
  assert.match(text, /li@sip\.example watches nora@xmpp\.example, until/);
  assert.equal(exit, 0);
  assert.doesNotMatch(JSON.stringify(json), /"data"/);
});

test('what is not known says so and what to try', async () => {
  await using world = await outboxWorld();
  const unknown = await ask(world, 'nobody');
  assert.match(unknown.text, /Nothing here is called nobody/);
  assert.equal(unknown.exit, 1);
});

test('of two people who write much the last twenty messages are shown, and how many there are', async () => {
  await using world = await outboxWorld({ auto: true });
  for (let count = 0; count < 25; count += 1) await world.submit(im(`m${count}`));
  const { text, json } = await ask(world, 'li@sip.example', 'nora@xmpp.example');
  assert.match(text, /^5 earlier ones are not shown/);
  assert.ok(!text.includes('call-m4,') && text.includes('call-m5,') && text.includes('call-m24,'));
  assert.match(JSON.stringify(json), /call-m0"/);
});
