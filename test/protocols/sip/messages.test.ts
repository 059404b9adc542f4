import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import { SILENT } from '../../../src/log.ts';
import type { Event, ImComposing, ImReceipt, ImSent } from '../../../src/model/event.ts';
import { delivered, type Outcome, refused } from '../../../src/model/outcome.ts';
import type { Delivery, Hop } from '../../../src/model/ports.ts';
import type { Partner } from '../../../src/model/table.ts';
import type { InboundRequest } from '../../../src/protocols/sip/exchange.ts';
import type { SipRequest, SipResponse } from '../../../src/protocols/sip/message.ts';
import { Messages } from '../../../src/protocols/sip/messages.ts';
import { parseMessage } from '../../../src/protocols/sip/parse.ts';
import { parseSipUri } from '../../../src/protocols/sip/uri.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { partner, table } from '../../support/table.ts';

const nora = { local: 'nora', domain: 'fabrikam.example' };
const li = { local: 'li', domain: 'contoso.example', resource: 'pad' };
const hop: Hop = {
  network: 'sip',
  side: 'edge',
  ourDomain: 'contoso.example',
  theirDomain: 'fabrikam.example',
  partner: partner('fabrikam.example'),
};

function response(status: number, more = ''): SipResponse {
  const parsed = parseMessage(
    Buffer.from(
      `SIP/2.0 ${status} Said\r\nVia: SIP/2.0/TLS x;branch=z9hG4bK1\r\nFrom: <sip:a@b.example>;tag=1\r\nTo: <sip:a@b.example>;tag=2\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\n${more}\r\n`,
    ),
    Buffer.alloc(0),
  );
  assert.ok(parsed.kind === 'response');
  return parsed;
}
function inbound(body: string, headers: string, side: 'edge' | 'inside' = 'edge'): InboundRequest {
  const head = `MESSAGE sip:li@contoso.example SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bK1\r\nFrom: <sip:Nora@fabrikam.example>;tag=t\r\nTo: <sip:li@contoso.example>\r\nCall-ID: c1\r\nCSeq: 1 MESSAGE\r\n${headers}\r\n`;
  const message = parseMessage(Buffer.from(head), Buffer.from(body)) as SipRequest; // it is one, just above
  const fromUri = parseSipUri('sip:Nora@fabrikam.example');
  const uri = parseSipUri('sip:li@contoso.example');
  assert.ok(fromUri && uri);
  const params = new Map<string, string>();
  const peer = {
    side,
    address: '192.0.2.1',
    port: 5061,
    names: ['fabrikam.example'],
    proves: async () => ({ proven: true, how: 'certificate' }) as const,
    provenAlready: () => undefined,
  };
  const named = { from: { uri: 'sip:Nora@fabrikam.example', params }, to: { uri: 'sip:li@contoso.example', params } };
  const ids = { callId: 'c1', cseq: 1, fromTag: 't', branch: 'z9hG4bK1', maxForwards: 70 };
  return {
    message,
    connection: 'conn',
    side,
    peer,
    ...named,
    fromUri,
    uri,
    fromDomain: 'fabrikam.example',
    toDomain: 'contoso.example',
    proof: 'certificate',
    ...ids,
  };
}

class Bench {
  readonly partners: readonly Partner[];
  readonly clock = new ManualClock();
  readonly sent: { uri: string; type: string; body: string; cseq: string }[] = [];
  readonly submitted: Event[] = [];
  readonly noted: string[] = [];
  readonly spellings = new Map<string, string>();
  outcome: Outcome = delivered('x');
  answers: SipResponse[] = [];
  readonly messages = new Messages({
    request: async (_hop, build) => {
      const made = build({ side: 'edge', connection: 'c', transport: 'TLS', contactUri: () => 'sip:x' });
      const header = (name: string): string => made.headers.find(([found]) => found === name)?.[1] ?? '';
      this.sent.push({ uri: made.uri, type: header('Content-Type'), body: String(made.body), cseq: header('CSeq') });
      return { kind: 'response', response: this.answers.shift() ?? response(200), connection: 'c', tries: 1 };
    },
    submit: async (event) => {
      this.submitted.push(event);
      return this.outcome;
    },
    noteRefusal: (_about, why) => void this.noted.push(why.code),
    table: () => table([], this.partners),
    spellings: { get: async (key) => this.spellings.get(key), put: async (key, local) => void this.spellings.set(key, local) },
    clock: this.clock,
    ids: { event: () => `id-${this.sent.length}-${this.submitted.length}`, token: () => 'tag' },
    log: SILENT,
  });

  constructor(partners: readonly Partner[] = [partner('fabrikam.example')]) {
    this.partners = partners;
  }

  deliver(event: ImSent | ImComposing | ImReceipt, attempt = 1): Promise<Outcome> {
    const wire = { callId: 'call', fromTag: 'ft', cseq: 41, stanzaId: 'sid' };
    const delivery: Delivery = { event, hop, attempt, wire, deadlineMs: 32_000, signal: new AbortController().signal, written() {} };
    return this.messages.deliver(delivery, event);
  }
}
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const origin = { network: 'xmpp', side: 'inside', peer: 'p', connection: 'c', proof: 'inside' } as const;
const im = (more: Partial<ImSent> = {}): ImSent => ({
  kind: 'im.sent',
  id: 'e',
  at: 0,
  origin,
  from: li,
  to: nora,
  body: 'hi',
  style: 'chat',
  wants: { delivered: true, displayed: false },
  ids: {},
  ...more,
});
const composing: ImComposing = { kind: 'im.composing', id: 'e', at: 0, origin, from: li, to: nora, state: 'composing' };
const typing = (state: string): string =>
  `<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>${state}</state></isComposing>`;

describe('MESSAGE in', () => {
  test('a sender who writes Nora is answered as Nora although everybody calls her nora', async () => {
    const bench = new Bench();
    await bench.messages.receive(inbound('hello', 'Content-Type: text/plain\r\n'));
    assert.deepEqual(bench.submitted[0]?.from, nora);
    await bench.deliver(im());
    assert.equal(bench.sent[0]?.uri, 'sip:Nora@fabrikam.example');
  });

  test('what cannot be carried is 415 with what could be', async () => {
    const bench = new Bench();
    const reply = await bench.messages.receive(inbound('x', 'Content-Type: image/png\r\n'));
    assert.equal(reply.status, 415);
    assert.match(reply.headers?.find(([name]) => name === 'Accept')?.[1] ?? '', /text\/plain.*message\/cpim/);
    assert.deepEqual([bench.submitted, bench.noted], [[], ['CONTENT_TYPE_UNSUPPORTED']]);
  });

  test('whom somebody called reads of it, once in ten minutes', async () => {
    const bench = new Bench();
    for (let n = 0; n < 2; n++) await bench.messages.called(inbound('', ''));
    assert.equal(bench.submitted.length, 1);
    const [told] = bench.submitted;
    assert.ok(told?.kind === 'im.sent' && /tried to call/.test(told.body));
  });

  test('a body that is too large is 413 and nothing else happens', async () => {
    const bench = new Bench();
    assert.equal((await bench.messages.receive(inbound('x'.repeat(80_000), 'Content-Type: text/plain\r\n'))).status, 413);
    assert.deepEqual(bench.submitted, []);
  });

  test('a packed body is 415 with the encodings that are taken, and is not shown as noise', async () => {
    const bench = new Bench();
    const reply = await bench.messages.receive(inbound('x', 'Content-Type: text/plain\r\nContent-Encoding: gzip\r\n'));
    assert.equal(reply.status, 415);
    assert.equal(reply.headers?.find(([name]) => name === 'Accept-Encoding')?.[1], 'identity');
    assert.deepEqual(bench.submitted, []);
    const plain = await bench.messages.receive(inbound('x', 'Content-Type: text/plain\r\nContent-Encoding: identity\r\n'));
    assert.equal(plain.status, 200);
  });

  test('an answer to the device that wrote goes to that device, one to another endpoint goes to all', async () => {
    const bench = new Bench();
    const request = inbound('hello', 'Content-Type: text/plain\r\n');
    const fromUri = parseSipUri('sip:nora@fabrikam.example;gr=desk%201');
    assert.ok(fromUri);
    await bench.messages.receive({ ...request, fromUri });
    await bench.deliver(im({ to: { ...nora, resource: 'desk 1' } }));
    await bench.deliver(im({ to: { ...nora, resource: 'elsewhere' } }));
    await bench.deliver(im());
    assert.deepEqual(
      bench.sent.map(({ uri }) => uri),
      ['sip:nora@fabrikam.example;gr=desk%201', 'sip:nora@fabrikam.example', 'sip:nora@fabrikam.example'],
    );
  });

  test('a stranger whose message is refused leaves nothing behind', async () => {
    const bench = new Bench([]);
    bench.outcome = refused(reason('POLICY_PARTNER_UNLISTED', 'no'));
    await bench.messages.receive(inbound('hello', 'Content-Type: text/plain\r\n'));
    assert.equal(bench.spellings.size, 0);
    bench.outcome = delivered('x');
    await bench.messages.receive(inbound('hello', 'Content-Type: text/plain\r\n'));
    assert.equal(bench.spellings.get('nora@fabrikam.example'), 'Nora');
  });

  test('typing that is not refreshed becomes paused, once', async () => {
    const bench = new Bench();
    await bench.messages.receive(inbound(typing('active'), 'Content-Type: application/im-iscomposing+xml\r\n'));
    bench.clock.advance(119_000);
    assert.equal(bench.submitted.length, 1);
    bench.clock.advance(300_000);
    assert.deepEqual(
      bench.submitted.map((event) => event.kind === 'im.composing' && event.state),
      ['composing', 'paused'],
    );
  });
});

describe('MESSAGE out', () => {
  test('receipts are asked for only from a client that has shown that it knows CPIM', async () => {
    const bench = new Bench();
    await bench.deliver(im());
    assert.equal(bench.sent.at(-1)?.type, 'text/plain;charset=UTF-8');
    await bench.messages.receive(inbound('hello', 'Accept: text/plain, message/cpim\r\nContent-Type: text/plain\r\n'));
    await bench.deliver(im());
    assert.equal(bench.sent.at(-1)?.type, 'message/cpim');
  });

  test('a client that answers 415 to CPIM gets the text, and is not asked again', async () => {
    const bench = new Bench();
    await bench.messages.receive(inbound('hello', 'Accept: message/cpim\r\nContent-Type: text/plain\r\n'));
    bench.answers = [response(415), response(200)];
    assert.equal((await bench.deliver(im())).kind, 'delivered');
    assert.deepEqual(
      bench.sent.map(({ type }) => type),
      ['message/cpim', 'text/plain;charset=UTF-8'],
    );
    assert.notEqual(bench.sent[0]?.cseq, bench.sent[1]?.cseq, 'a new request in the same call has a new CSeq');
    await bench.deliver(im());
    assert.equal(bench.sent.at(-1)?.type, 'text/plain;charset=UTF-8');
  });

  test('typing is repeated before the receiver would take it as idle, for five minutes, and ends with the message', async () => {
    const bench = new Bench();
    await bench.deliver(composing);
    bench.clock.advance(56_000);
    await tick();
    assert.equal(bench.sent.length, 2);
    await bench.deliver(im());
    bench.clock.advance(600_000);
    await tick();
    assert.equal(bench.sent.length, 3, 'the message ended it');
    await bench.deliver(composing);
    bench.clock.advance(3_600_000);
    await tick();
    assert.ok(bench.sent.length > 3 + 1 && bench.sent.length <= 3 + 1 + 6, 'nobody types for an hour');
  });

  test('a client that refuses typing is left alone', async () => {
    const bench = new Bench();
    bench.answers = [response(415)];
    await bench.deliver(composing);
    await bench.deliver(composing);
    assert.equal(bench.sent.length, 1);
  });

  test('a failure that comes late is one line from whom they wrote to, where nobody can read an IMDN', async () => {
    const bench = new Bench();
    await bench.deliver({ kind: 'im.receipt', id: 'r', at: 0, origin, from: li, to: nora, about: 'x', status: 'failed' });
    assert.match(bench.sent[0]?.body ?? '', /^Your message to li@contoso\.example was not delivered/);
  });

  const outcomes: readonly (readonly [status: number, attempt: number, kind: Outcome['kind'], code?: string])[] = [
    [200, 1, 'delivered'],
    [202, 1, 'delivered'],
    [404, 1, 'refused', 'PEER_UNKNOWN_USER'],
    [403, 1, 'refused', 'PEER_FORBIDDEN'],
    [480, 1, 'refused', 'PEER_UNAVAILABLE'],
    [482, 1, 'refused', 'ROUTE_LOOP'],
    [482, 2, 'delivered'],
    [408, 1, 'failed', 'PEER_TIMEOUT'],
    [503, 1, 'failed', 'PEER_BUSY'],
    [500, 1, 'failed', 'PEER_ERROR'],
    [603, 1, 'refused', 'PEER_FORBIDDEN'],
  ];
  for (const [status, attempt, kind, code] of outcomes)
    test(`${status}${attempt > 1 ? ' on a resend' : ''} is ${kind}${code === undefined ? '' : ` (${code})`}`, async () => {
      const bench = new Bench();
      bench.answers = [response(status)];
      const outcome = await bench.deliver(im(), attempt);
      assert.equal(outcome.kind, kind);
      if ('reason' in outcome) assert.equal(outcome.reason.code, code);
    });

  test('503 with Retry-After is tried again when the peer says', async () => {
    const bench = new Bench();
    bench.answers = [response(503, 'Retry-After: 7\r\n')];
    const outcome = await bench.deliver(im());
    assert.ok(outcome.kind === 'failed' && outcome.reason.retry === 7000);
  });
});
