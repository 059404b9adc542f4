import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import { SILENT } from '../../../src/log.ts';
import type { Event } from '../../../src/model/event.ts';
import { delivered, type Outcome, refused } from '../../../src/model/outcome.ts';
import type { StanzaContext } from '../../../src/protocols/xmpp/context.ts';
import { child, type Element, element, elements } from '../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import { parseStanza } from '../../../src/protocols/xmpp/parse.ts';
import { stanzaError } from '../../../src/protocols/xmpp/replies.ts';
import { Stanzas } from '../../../src/protocols/xmpp/stanzas.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const LI = 'li@contoso.example/pad';
const NORA = 'nora@fabrikam.example';

class Bench {
  readonly clock = new ManualClock();
  readonly submitted: Event[] = [];
  readonly noted: string[] = [];
  readonly replies: Element[] = [];
  readonly waiting = new Set<string>();
  outcome: Outcome = delivered('x');
  visible = true;
  readonly stanzas = new Stanzas({
    submit: async (event) => {
      this.submitted.push(event);
      return this.outcome;
    },
    noteRefusal: (_about, why) => void this.noted.push(why.code),
    clock: this.clock,
    ids: { event: () => `id-${this.submitted.length}`, token: () => 't' },
    log: SILENT,
    visible: async () => this.visible,
    presence: async () => {},
    answered: (id) => this.waiting.has(id),
    iqAnswered: () => false,
    chatting: () => {},
  });

  async receive(stanza: Element, side: 'edge' | 'inside' = 'edge'): Promise<void> {
    const parsed = parseStanza(stanza);
    assert.ok(!('fault' in parsed));
    const domains = {
      fromDomain: 'contoso.example',
      toDomain: 'fabrikam.example',
      ourDomain: 'fabrikam.example',
      theirDomain: 'contoso.example',
    };
    const context: StanzaContext = {
      side,
      ...domains,
      peer: 'contoso.example',
      proof: 'certificate',
      connection: 'c',
      address: '192.0.2.9',
      stanza: parsed,
      reply: (made) => void this.replies.push(made),
    };
    await this.stanzas.receive(stanza, context);
  }
  get lastError(): string | undefined {
    const error = this.replies.at(-1)?.children.find((node): node is Element => typeof node !== 'string' && node.name === 'error');
    return error === undefined ? undefined : elements(error)[0]?.name;
  }
}
const message = (children: readonly Element[], attrs: Record<string, string> = {}): Element =>
  element('message', NS.server, { from: LI, to: NORA, id: 'm1', type: 'chat', ...attrs }, children);
const text = (words: string): Element => element('body', NS.server, {}, [words]);
const iq = (payload: Element, to: string, type = 'get'): Element => element('iq', NS.server, { from: LI, to, id: 'q1', type }, [payload]);

describe('message stanzas', () => {
  test('an event says from which address it came, so that blocking one works on streams that are open', async () => {
    const bench = new Bench();
    await bench.receive(message([text('hello')]));
    assert.equal(bench.submitted[0]?.origin.address, '192.0.2.9');
  });

  test('a refusal is an error stanza with the id and the addresses turned round, without the text', async () => {
    const bench = new Bench();
    bench.outcome = refused(reason('CONTENT_TOO_LARGE', 'too large'));
    await bench.receive(message([text('secret')]));
    const [reply] = bench.replies;
    assert.deepEqual([reply?.attrs.type, reply?.attrs.id, reply?.attrs.to, reply?.attrs.from], ['error', 'm1', LI, NORA]);
    assert.doesNotMatch(JSON.stringify(reply), /secret/);
  });

  test('an error stanza is never answered', async () => {
    const bench = new Bench();
    bench.outcome = refused(reason('POLICY_BLOCKED', 'x'));
    await bench.receive(message([stanzaError('item-not-found', 'cancel')], { type: 'error' }));
    assert.deepEqual(bench.replies, []);
  });

  test('an error about a message on its way is its answer; one that comes late is told to the sender once', async () => {
    const bench = new Bench();
    bench.waiting.add('m1');
    await bench.receive(message([stanzaError('item-not-found', 'cancel')], { type: 'error' }));
    assert.deepEqual(bench.submitted, []);
    bench.waiting.clear();
    for (let n = 0; n < 3; n++) await bench.receive(message([stanzaError('item-not-found', 'cancel')], { type: 'error' }));
    assert.equal(bench.submitted.length, 1);
    const told = bench.submitted.at(-1) as Event | undefined; // narrowed to nothing by the assertion above
    assert.ok(told?.kind === 'im.receipt' && told.status === 'failed' && told.about === 'm1' && told.reason?.code === 'PEER_UNKNOWN_USER');
  });

  test('an encrypted message is refused with words each time, and our user is told once in ten minutes', async () => {
    const bench = new Bench();
    const encrypted = message([element('encrypted', NS.omemo), text('fallback')]);
    for (let n = 0; n < 3; n++) await bench.receive(encrypted);
    assert.equal(bench.lastError, 'policy-violation');
    assert.deepEqual(new Set(bench.noted), new Set(['CONTENT_ENCRYPTED']), 'explain knows of it');
    assert.equal(bench.replies.length, 3);
    assert.equal(bench.submitted.length, 1);
    bench.clock.advance(11 * 60_000);
    await bench.receive(encrypted);
    assert.equal(bench.submitted.length, 2);
  });

  test("typing that may not pass is nobody's error", async () => {
    const bench = new Bench();
    bench.outcome = refused(reason('POLICY_MESSAGES_OFF', 'x'));
    await bench.receive(message([element('composing', NS.chatStates)]));
    assert.deepEqual(bench.replies, []);
  });
});

describe('iq requests', () => {
  const info = element('query', NS.discoInfo);
  const features = (reply: Element | undefined): string[] =>
    elements(elements(reply as Element)[0] as Element).flatMap((part) => part.attrs.var ?? []);

  test('our domain is a server and a gateway, and says what it answers', async () => {
    const bench = new Bench();
    await bench.receive(iq(info, 'fabrikam.example'));
    const query = elements(bench.replies[0] as Element)[0] as Element;
    assert.deepEqual(
      elements(query)
        .filter((part) => part.name === 'identity')
        .map((part) => `${part.attrs.category}/${part.attrs.type}`),
      ['server/im', 'gateway/sip'],
    );
    assert.ok(features(bench.replies[0]).includes(NS.ping));
  });

  test('a user the asker knows takes receipts and chat states', async () => {
    const bench = new Bench();
    await bench.receive(iq(info, NORA));
    assert.deepEqual(
      [NS.receipts, NS.chatStates].every((feature) => features(bench.replies[0]).includes(feature)),
      true,
    );
  });

  test('a user the asker does not know answers the same bytes to every question', async () => {
    const bench = new Bench();
    bench.visible = false;
    for (const payload of [info, element('vCard', NS.vcardTemp), element('query', 'jabber:iq:version'), element('ping', NS.ping)])
      await bench.receive(iq(payload, NORA));
    assert.equal(new Set(bench.replies.map((reply) => JSON.stringify(reply))).size, 1);
    assert.equal(bench.lastError, 'service-unavailable');
  });

  test('a vCard holds the address', async () => {
    const bench = new Bench();
    await bench.receive(iq(element('vCard', NS.vcardTemp), NORA));
    const card = elements(bench.replies[0] as Element)[0] as Element;
    assert.deepEqual(child(card, 'JABBERID', NS.vcardTemp)?.children, [NORA]);
  });

  test('a call is refused with words, and our user is told', async () => {
    const bench = new Bench();
    await bench.receive(iq(element('jingle', NS.jingle, { action: 'session-initiate', sid: 'x' }), NORA, 'set'));
    assert.equal(bench.lastError, 'feature-not-implemented');
    assert.ok(bench.submitted[0]?.kind === 'im.sent' && /tried to call/.test(bench.submitted[0].body));
  });

  test('results that nobody waits for are dropped', async () => {
    const bench = new Bench();
    await bench.receive(element('iq', NS.server, { from: LI, to: NORA, id: 'x', type: 'result' }));
    assert.deepEqual(bench.replies, []);
  });
});
