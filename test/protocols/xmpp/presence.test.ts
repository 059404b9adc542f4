import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import { SILENT } from '../../../src/log.ts';
import type { Address } from '../../../src/model/address.ts';
import type { Origin, PresenceEvent } from '../../../src/model/event.ts';
import { HANDED_OVER, type Outcome } from '../../../src/model/outcome.ts';
import type { Delivery, Hop } from '../../../src/model/ports.ts';
import type { Endpoint } from '../../../src/model/presence.ts';
import type { ReasonCode } from '../../../src/model/reason.ts';
import type { StanzaContext } from '../../../src/protocols/xmpp/context.ts';
import type { Element } from '../../../src/protocols/xmpp/element.ts';
import { writePresence } from '../../../src/protocols/xmpp/from-model/presence.ts';
import { parseElement } from '../../../src/protocols/xmpp/parse.ts';
import { XmppPresence } from '../../../src/protocols/xmpp/presence.ts';
import { printElement } from '../../../src/protocols/xmpp/print.ts';
import { readPresence, readPresenceError } from '../../../src/protocols/xmpp/to-model/presence.ts';

const AT = Date.parse('2026-02-03T12:00:00Z');
const li: Address = { local: 'li', domain: 'contoso.example' };
const nora: Address = { local: 'nora', domain: 'fabrikam.example' };
const ORIGIN: Origin = { network: 'xmpp', side: 'edge', peer: 'contoso.example', connection: 'c1', proof: 'certificate' };
const facts = (resource?: string) => ({
  id: 'e1',
  at: AT,
  origin: ORIGIN,
  from: resource === undefined ? li : { ...li, resource },
  to: nora,
});

function stanza(xml: string): Element {
  const element = parseElement(xml);
  assert.ok(element);
  return element;
}
const presence = (inner = '', type = '', lang = ''): Element =>
  stanza(
    `<presence from='li@contoso.example/pad' to='nora@fabrikam.example'${type === '' ? '' : ` type='${type}'`}${lang === '' ? '' : ` xml:lang='${lang}'`}>${inner}</presence>`,
  );
function read(element: Element, resource?: string): PresenceEvent {
  const reading = readPresence(element, facts(resource));
  assert.equal(reading.kind, 'event');
  return (reading as Extract<typeof reading, { kind: 'event' }>).event;
}
function endpoint(inner: string, lang = ''): Endpoint {
  const event = read(presence(inner, '', lang), 'pad');
  assert.ok(event.kind === 'presence.notified');
  assert.equal(event.scope, 'partial');
  assert.equal(event.document.endpoints.length, 1);
  return event.document.endpoints[0] as Endpoint; // its length has just been looked at
}

const VERBS = [
  ['subscribe', 'presence.requested'],
  ['subscribed', 'presence.granted'],
  ['unsubscribed', 'presence.denied'],
  ['unsubscribe', 'presence.ended'],
  ['probe', 'presence.probed'],
] as const;
for (const [type, kind] of VERBS) {
  test(`${type} is ${kind}, between bare addresses, and back`, () => {
    const event = read(presence('', type), 'pad');
    assert.equal(event.kind, kind);
    assert.deepEqual([event.from, event.to], [li, nora]);
    const written = writePresence(event, { id: 'x', partner: false });
    assert.ok(!('code' in written));
    const [back] = written;
    assert.deepEqual([back?.attrs.type, back?.attrs.from, back?.attrs.to], [type, 'li@contoso.example', 'nora@fabrikam.example']);
  });
}

test('the words of a subscription request travel along', () => {
  const event = read(presence('<status>It is me, Li</status>', 'subscribe'));
  assert.equal(event.kind === 'presence.requested' && event.message, 'It is me, Li');
  const written = writePresence(event, { id: '7', partner: false });
  assert.ok(!('code' in written));
  assert.equal(
    printElement(written[0]!),
    "<presence from='li@contoso.example' to='nora@fabrikam.example' type='subscribe' id='sub-7'><status>It is me, Li</status></presence>",
  );
});

const FIELDS: readonly (readonly [title: string, inner: string, expected: Partial<Endpoint>])[] = [
  ['nothing inside', '', {}],
  ['chat', '<show>chat</show>', { show: 'chat' }],
  ['away', '<show>away</show>', { show: 'away' }],
  ['xa', '<show>xa</show>', { show: 'xa' }],
  ['dnd', '<show> dnd </show>', { show: 'dnd' }],
  ['a show that does not exist', '<show>party</show>', {}],
  ['a status', '<status>release call</status>', { notes: [{ text: 'release call' }] }],
  [
    'a status in two languages',
    "<status>call</status><status xml:lang='de'>Besprechung</status>",
    { notes: [{ text: 'call' }, { text: 'Besprechung', lang: 'de' }] },
  ],
  ['an empty status', '<status/>', {}],
  ['a priority', '<priority>5</priority>', { priority: 5 }],
  ['a negative priority', '<priority>-1</priority>', { priority: -1 }],
  ['a priority that is none', '<priority>high</priority>', {}],
  ['a priority out of range', '<priority>128</priority>', {}],
  ['idle since', "<idle xmlns='urn:xmpp:idle:1' since='2026-02-03T11:00:00Z'/>", { idleSince: Date.parse('2026-02-03T11:00:00Z') }],
  ['idle since that is none', "<idle xmlns='urn:xmpp:idle:1' since='long'/>", {}],
  ['a delay', "<delay xmlns='urn:xmpp:delay' stamp='2026-02-03T11:30:00.5+00:00'/>", { at: Date.parse('2026-02-03T11:30:00.500Z') }],
  ['a delay of the future', "<delay xmlns='urn:xmpp:delay' stamp='2030-01-01T00:00:00Z'/>", {}],
  ['caps and avatars are left', "<c xmlns='http://jabber.org/protocol/caps' node='n' ver='v'/><x xmlns='vcard-temp:x:update'/>", {}],
];
for (const [title, inner, expected] of FIELDS) {
  test(`read: ${title}`, () => {
    assert.deepEqual(endpoint(inner), { id: 'pad', availability: 'open', notes: [], at: AT, ...expected });
  });
}

test('the language of the stanza is that of its status', () => {
  assert.deepEqual(endpoint('<status>ano</status>', 'cs').notes, [{ text: 'ano', lang: 'cs' }]);
});

test('unavailable from a resource is about that resource, and no show survives it', () => {
  const event = read(presence('<show>away</show><status>bye</status>', 'unavailable'), 'pad');
  assert.ok(event.kind === 'presence.notified' && event.scope === 'partial');
  assert.deepEqual(event.document.endpoints, [{ id: 'pad', availability: 'closed', notes: [{ text: 'bye' }], at: AT }]);
});

test('unavailable from a bare address is about all of them', () => {
  const event = read(presence('', 'unavailable'));
  assert.ok(event.kind === 'presence.notified');
  assert.deepEqual([event.scope, event.document.endpoints], ['full', []]);
});

test('a type that does not exist', () => {
  assert.equal(readPresence(presence('', 'invisible'), facts()).kind, 'unknownType');
});

// Spec 5.3: errors. What they are about is told by the id.
const ERRORS: readonly (readonly [
  id: string | undefined,
  condition: string,
  type: string,
  resource: string | undefined,
  expected: string,
])[] = [
  ['sub-1', 'item-not-found', 'cancel', undefined, 'ended:noresource PEER_UNKNOWN_USER'],
  ['sub-1', 'gone', 'cancel', undefined, 'ended:noresource PEER_GONE'],
  ['sub-1', 'remote-server-not-found', 'cancel', undefined, 'ended:probation PEER_BUSY'],
  ['sub-1', 'remote-server-timeout', 'wait', undefined, 'ended:probation PEER_BUSY'],
  ['sub-1', 'resource-constraint', 'wait', undefined, 'ended:probation PEER_BUSY'],
  ['sub-1', 'undefined-condition', 'wait', undefined, 'ended:probation PEER_BUSY'],
  ['sub-1', 'forbidden', 'auth', undefined, 'denied PEER_FORBIDDEN'],
  ['sub-1', 'service-unavailable', 'cancel', undefined, 'denied PEER_FORBIDDEN'],
  ['probe-1', 'item-not-found', 'cancel', undefined, 'ended:noresource PEER_UNKNOWN_USER'],
  ['probe-1', 'remote-server-timeout', 'wait', undefined, 'ended:probation PEER_BUSY'],
  ['probe-1', 'service-unavailable', 'cancel', undefined, 'nothing'],
  ['shown-1', 'item-not-found', 'cancel', undefined, 'nothing'],
  ['shown-1', 'service-unavailable', 'cancel', undefined, 'nothing'],
  [undefined, 'item-not-found', 'cancel', undefined, 'nothing'],
  ['sub-1', 'item-not-found', 'cancel', 'pad', 'nothing'],
];
for (const [id, condition, type, resource, expected] of ERRORS) {
  test(`error ${condition} (${type}) to ${id ?? 'no id'}${resource === undefined ? '' : ' from a resource'}: ${expected}`, () => {
    const reading = readPresenceError(id, { condition, type }, facts(resource));
    if (reading.kind !== 'event') return assert.equal(reading.kind, expected);
    const { event } = reading;
    assert.ok(event.kind === 'presence.ended' || event.kind === 'presence.denied');
    const word = event.kind === 'presence.ended' ? `ended:${event.reason}` : 'denied';
    assert.equal(`${word} ${event.cause?.code}`, expected);
    if (event.kind === 'presence.ended' && event.reason === 'probation') assert.deepEqual(event.retry, { afterMs: 300_000 });
  });
}

const base = { id: 'e1', at: AT, origin: ORIGIN, from: nora, to: li };
function write(event: PresenceEvent, partner = false): string[] {
  const written = writePresence(event, { id: '7', partner });
  assert.ok(!('code' in written));
  return written.map((element) => printElement(element));
}
const shown = (endpoints: readonly Endpoint[], changed?: readonly string[]): PresenceEvent => ({
  ...base,
  kind: 'presence.notified',
  scope: 'full',
  document: { endpoints },
  ...(changed === undefined ? {} : { changed }),
});
const open = (id: string, more: Partial<Endpoint> = {}): Endpoint => ({ id, availability: 'open', notes: [], at: AT, ...more });

test('one stanza for each endpoint, with show, status in its languages, priority and idleness', () => {
  const full = open('desk', {
    show: 'dnd',
    notes: [{ text: 'a < b', lang: 'en' }, { text: 'nein' }],
    priority: 3,
    idleSince: Date.parse('2026-02-03T11:00:00Z'),
  });
  assert.deepEqual(write(shown([full, open('pad')])), [
    "<presence from='nora@fabrikam.example/desk' to='li@contoso.example' id='shown-7'><show>dnd</show><status xml:lang='en'>a &lt; b</status>" +
      "<status>nein</status><priority>3</priority><idle xmlns='urn:xmpp:idle:1' since='2026-02-03T11:00:00.000Z'/></presence>",
    "<presence from='nora@fabrikam.example/pad' to='li@contoso.example' id='shown-7-1'/>",
  ]);
});

test('only what changed is written', () => {
  assert.deepEqual(write(shown([open('desk'), open('pad', { show: 'away' })], ['pad'])), [
    "<presence from='nora@fabrikam.example/pad' to='li@contoso.example' id='shown-7'><show>away</show></presence>",
  ]);
  assert.deepEqual(write(shown([open('desk')], [])), []);
});

test('a closed endpoint is unavailable and keeps its words only', () => {
  const closed = open('desk', { availability: 'closed', show: 'away', priority: 3, notes: [{ text: 'bye' }] });
  assert.deepEqual(write(shown([closed])), [
    "<presence from='nora@fabrikam.example/desk' to='li@contoso.example' id='shown-7' type='unavailable'><status>bye</status></presence>",
  ]);
});

test('nobody there and nobody knows what was shown: unavailable from the bare address', () => {
  assert.deepEqual(write(shown([])), ["<presence from='nora@fabrikam.example' to='li@contoso.example' type='unavailable' id='shown-7'/>"]);
  assert.deepEqual(write(shown([], [])), []);
});

test('an activity says in words what no show can, where there is no note', () => {
  const status = (one: Endpoint): string | undefined => /<status[^>]*>([^<]*)/.exec(write(shown([one]))[0] ?? '')?.[1];
  assert.equal(status(open('a', { activity: 'on-the-phone', show: 'dnd' })), 'On the phone');
  assert.equal(status(open('a', { activity: 'on-the-phone', notes: [{ text: 'in 5 minutes' }] })), 'in 5 minutes');
  assert.equal(status(open('a', { activity: 'vacation' })), undefined);
});

test('a state that is old when it is written carries its time', () => {
  assert.match(
    write(shown([open('a', { at: AT - 61_000 })]))[0] ?? '',
    /<delay xmlns='urn:xmpp:delay' stamp='2026-02-03T11:58:59.000Z'\/>/,
  );
  assert.doesNotMatch(write(shown([open('a', { at: AT - 59_000 })]))[0] ?? '', /delay/);
});

test('a name that no resource can carry is shown under the bare address', () => {
  assert.match(write(shown([open('x'.repeat(2000))]))[0] ?? '', /from='nora@fabrikam\.example' /);
});

const ended = (why: 'noresource' | 'probation' | 'giveup' | 'unreachable', code?: ReasonCode): PresenceEvent => ({
  ...base,
  kind: 'presence.ended',
  by: 'presentity',
  reason: why,
  retry: 'never',
  ...(code === undefined ? {} : { cause: reason(code, 'so it is') }),
});

test('what passes is not told, an unknown user is, and a partner learns the same for everybody', () => {
  for (const why of ['probation', 'giveup', 'unreachable'] as const) assert.deepEqual(write(ended(why, 'PEER_BUSY')), []);
  assert.match(write(ended('noresource', 'PEER_UNKNOWN_USER'))[0] ?? '', /type='error'.*<item-not-found/);
  assert.match(write(ended('noresource', 'PEER_GONE'))[0] ?? '', /<gone/);
  assert.match(write(ended('noresource', 'PEER_UNKNOWN_USER'), true)[0] ?? '', /<service-unavailable/);
  assert.match(write(ended('noresource'))[0] ?? '', /type='unsubscribed'/);
});

test('online is nothing to write; offline is, unless it is known already', () => {
  assert.deepEqual(write({ ...base, kind: 'presence.watcherOnline' }), []);
  assert.deepEqual(write({ ...base, kind: 'presence.watcherOffline', quiet: true }), []);
  assert.match(write({ ...base, kind: 'presence.watcherOffline' })[0] ?? '', /type='unavailable'/);
});

// --- the room -----------------------------------------------------------------------------------------------

interface Room {
  readonly replies: string[];
  readonly submitted: PresenceEvent[];
  receive(element: Element, side?: 'edge' | 'inside'): Promise<void>;
}
function room(outcome: Outcome): Room {
  const replies: string[] = [];
  const submitted: PresenceEvent[] = [];
  const taker = new XmppPresence({
    shore: { send: () => Promise.reject(new Error('not used')), barrier: () => Promise.reject(new Error('not used')) },
    submit: async (event) => {
      submitted.push(event as PresenceEvent); // nothing else is submitted here
      return outcome;
    },
    ids: { event: () => 'e9', token: () => 't9' },
    log: SILENT,
  });
  return {
    replies,
    submitted,
    receive: (element, side = 'edge') => {
      const context = { side, reply: (reply: Element) => replies.push(printElement(reply)) } as unknown as StanzaContext; // what the room uses
      return taker.receive(element, facts('pad'), context);
    },
  };
}
const refusal = (code: ReasonCode): Outcome => ({ kind: 'refused', reason: reason(code, 'no') });

test("a partner's request that is refused is left waiting, in silence, whatever the reason", async () => {
  for (const code of ['POLICY_BLOCKED', 'POLICY_PRESENCE_OFF', 'POLICY_FIRST_CONTACT', 'PEER_UNKNOWN_USER'] as const) {
    const one = room(refusal(code));
    await one.receive(presence('', 'subscribe'));
    assert.deepEqual(one.replies, []);
  }
});

test('what is no secret is told: too many requests, and our own users hear everything', async () => {
  const full = room(refusal('LIMIT_PENDING'));
  await full.receive(presence('', 'subscribe'));
  assert.match(full.replies[0] ?? '', /type='error'.*<resource-constraint/);
  const own = room(refusal('POLICY_PRESENCE_OFF'));
  await own.receive(presence('', 'subscribe'), 'inside');
  assert.match(own.replies[0] ?? '', /type='error'/);
});

test('an unauthorised probe is answered unsubscribed, blocked or not', async () => {
  const one = room(refusal('POLICY_BLOCKED'));
  await one.receive(presence('', 'probe'));
  const denied = writePresence({ ...facts(), from: nora, to: li, kind: 'presence.denied' }, { id: 'e9', partner: true });
  assert.ok(!('code' in denied));
  // What the neck says of a user who has granted nothing is the same to the last byte but for the id.
  assert.deepEqual(
    one.replies,
    denied.map((element) => printElement(element)),
  );
});

test('presence that nobody may see is not answered with an error', async () => {
  const one = room(refusal('POLICY_PRESENCE_OFF'));
  await one.receive(presence());
  await one.receive(presence('', 'unavailable'));
  await one.receive(presence('', 'unsubscribed'));
  assert.deepEqual(one.replies, []);
});

test('a type that does not exist is a bad request, an error stanza never gets an error', async () => {
  const one = room(HANDED_OVER);
  await one.receive(presence('', 'invisible'));
  assert.match(one.replies[0] ?? '', /<bad-request/);
  await one.receive(stanza("<presence from='li@contoso.example' to='nora@fabrikam.example' type='error'/>"));
  assert.deepEqual([one.replies.length, one.submitted.length], [1, 0]);
});

test('subscription verbs wait for the ping barrier, presence is handed over', async () => {
  const sent: string[] = [];
  const taker = new XmppPresence({
    shore: {
      send: async (_ours, _theirs, _partner, element, options) => {
        sent.push(`${options?.durable} ${element.attrs.type ?? 'available'} ${element.attrs.id}`);
        return { kind: 'written', number: sent.length } as Awaited<
          ReturnType<ConstructorParameters<typeof XmppPresence>[0]['shore']['send']>
        >;
      },
      barrier: async (_ours, _theirs, number) => ({ kind: 'covered', evidence: `ping after ${number}` }),
    },
    submit: async () => HANDED_OVER,
    ids: { event: () => 'e9', token: () => 't9' },
    log: SILENT,
  });
  const hop: Hop = { network: 'xmpp', side: 'edge', ourDomain: 'fabrikam.example', theirDomain: 'contoso.example' };
  let written = 0;
  const delivery = (event: PresenceEvent): Delivery => ({
    event,
    hop,
    attempt: 1,
    deadlineMs: 32_000,
    signal: new AbortController().signal,
    written: () => void written++,
  });
  const wire = { callId: 'c', fromTag: 't', cseq: 1, stanzaId: 's5' };
  const granted: PresenceEvent = { ...base, kind: 'presence.granted' };
  assert.deepEqual(await taker.deliver({ ...delivery(granted), wire }, granted), { kind: 'delivered', evidence: 'ping after 1' });
  const two = shown([open('a'), open('b')]);
  assert.deepEqual(await taker.deliver(delivery(two), two), HANDED_OVER);
  const online: PresenceEvent = { ...base, kind: 'presence.watcherOnline' };
  assert.deepEqual(await taker.deliver(delivery(online), online), HANDED_OVER);
  assert.deepEqual(sent, ['true subscribed s5', 'false available shown-e9', 'false available shown-e9-1']);
  assert.equal(written, 2);
});
