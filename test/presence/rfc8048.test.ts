// The examples of RFC 8048 as facts, from stanza to SIP request and back, through both shores' presence rooms and the neck.
// Where an example contradicts RFC 6665 or itself (sip-xmpp.md section 11), the fact that holds is tested.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT } from '../../src/log.ts';
import type { PresenceEvent } from '../../src/model/event.ts';
import { HANDED_OVER, type Outcome } from '../../src/model/outcome.ts';
import type { Delivery, Hop } from '../../src/model/ports.ts';
import { PRESENCE_DETAILS } from '../../src/model/presence.ts';
import { Presence } from '../../src/presence/presence.ts';
import type { StanzaContext } from '../../src/protocols/xmpp/context.ts';
import type { Element } from '../../src/protocols/xmpp/element.ts';
import { toAddress } from '../../src/protocols/xmpp/jid.ts';
import { parseElement } from '../../src/protocols/xmpp/parse.ts';
import { XmppPresence } from '../../src/protocols/xmpp/presence.ts';
import { printElement } from '../../src/protocols/xmpp/print.ts';
import { type Outgoing, PresenceWorld } from '../protocols/sip/presence-world.ts';
import { memoryAuthorizations } from './neck.ts';

/** li@contoso.example is on XMPP, nora@fabrikam.example on SIP. */
class Bridge {
  readonly sip = new PresenceWorld();
  /** What the XMPP side was sent. */
  readonly stanzas: string[] = [];
  readonly #xmpp: XmppPresence;
  readonly #presence: Presence;
  #ids = 0;

  constructor() {
    const ids = { event: () => `x${++this.#ids}`, token: () => `y${++this.#ids}` };
    const deliver = (event: PresenceEvent): Promise<Outcome> =>
      event.to.domain === 'fabrikam.example' ? this.sip.deliver(event) : this.#toXmpp(event);
    this.#presence = new Presence({
      store: memoryAuthorizations(),
      clock: this.sip.clock,
      ids,
      log: SILENT,
      deliver,
      enqueue: async (event) => {
        void deliver(event);
        return { kind: 'queued', answer: 202 };
      },
      isOurs: (domain) => domain === 'contoso.example',
      details: () => PRESENCE_DETAILS,
      idleWatcherDays: () => 7,
    });
    this.sip.neck = (event) => this.#presence.handle(event);
    this.#xmpp = new XmppPresence({
      shore: {
        send: async (_ours, _theirs, _partner, element: Element) => {
          this.stanzas.push(printElement(element).replace(/ id='[^']*'/, ''));
          return { kind: 'failed', reason: { code: 'NET_CLOSED', blame: 'network', retry: 0, text: 'nothing is confirmed in this test' } };
        },
        barrier: () => Promise.reject(new Error('not used')),
      },
      submit: (event) => this.#presence.handle(event as PresenceEvent), // presence rooms submit presence
      ids,
      log: SILENT,
    });
  }

  /** A stanza of the XMPP side. */
  async stanza(xml: string): Promise<void> {
    const element = parseElement(xml);
    assert.ok(element);
    const from = toAddress(element.attrs.from ?? '');
    const to = toAddress(element.attrs.to ?? '');
    assert.ok(!('code' in from) && !('code' in to));
    const origin = { network: 'xmpp', side: 'inside', peer: 'contoso.example', connection: 'c', proof: 'inside' } as const;
    const context = { side: 'inside', reply: (reply: Element) => this.stanzas.push(printElement(reply)) } as unknown as StanzaContext; // what presence uses
    await this.#xmpp.receive(element, { id: `s${++this.#ids}`, at: this.sip.clock.now(), origin, from, to }, context);
    await this.settled();
  }

  async settled(): Promise<void> {
    await this.#presence.settled();
    await this.sip.pass(1);
    await this.#presence.settled();
  }

  /** The stanzas since the last look. */
  async news(): Promise<string[]> {
    await this.settled();
    return this.stanzas.splice(0);
  }

  #toXmpp(event: PresenceEvent): Promise<Outcome> {
    const hop: Hop = { network: 'xmpp', side: 'inside', ourDomain: 'contoso.example', theirDomain: 'contoso.example' };
    const delivery: Delivery = { event, hop, attempt: 1, deadlineMs: 32_000, signal: new AbortController().signal, written() {} };
    return this.#xmpp.deliver(delivery, event).then(() => HANDED_OVER);
  }
}

const LI_TO_NORA = "from='li@contoso.example/balcony' to='nora@fabrikam.example'";
const pidf = (basic: string, show = ''): string =>
  `<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:nora@fabrikam.example'><tuple id='ID-orchard'><status><basic>${basic}</basic>` +
  `${show === '' ? '' : `<show xmlns='jabber:client'>${show}</show>`}</status></tuple></presence>`;

async function liSeesNora(): Promise<{ bridge: Bridge; subscribe: Outgoing }> {
  const bridge = new Bridge();
  await bridge.stanza(`<presence ${LI_TO_NORA} type='subscribe'/>`);
  const subscribe = bridge.sip.last;
  await subscribe.answer(200, { Expires: '3600' });
  await bridge.sip.notify(subscribe, 1, 'active;expires=3600', pidf('open', 'away'));
  return { bridge, subscribe };
}

test('examples 1 to 6: an XMPP user subscribes; authorization and the first document come with the NOTIFY', async () => {
  const { bridge, subscribe } = await liSeesNora();
  assert.equal(`${subscribe.method} ${subscribe.uri}`, 'SUBSCRIBE sip:nora@fabrikam.example');
  assert.match(subscribe.header('From') ?? '', /^<sip:li@contoso\.example>;tag=/);
  assert.equal(subscribe.header('To'), '<sip:nora@fabrikam.example>');
  assert.deepEqual(await bridge.news(), [
    "<presence from='nora@fabrikam.example' to='li@contoso.example' type='subscribed'/>",
    "<presence from='nora@fabrikam.example/orchard' to='li@contoso.example'><show>away</show></presence>",
  ]);
});

test('examples 7 to 10: unsubscribe is Expires 0; the notifier, not the subscriber, sends the last NOTIFY', async () => {
  const { bridge, subscribe } = await liSeesNora();
  await bridge.news();
  await bridge.stanza(`<presence ${LI_TO_NORA} type='unsubscribe'/>`);
  const last = bridge.sip.last;
  assert.deepEqual([last.method, last.header('Expires'), last.header('Call-ID')], ['SUBSCRIBE', '0', subscribe.header('Call-ID')]);
  assert.deepEqual(await bridge.news(), ["<presence from='nora@fabrikam.example/orchard' to='li@contoso.example' type='unavailable'/>"]);
  await last.answer(200);
  assert.deepEqual(await bridge.news(), ["<presence from='nora@fabrikam.example' to='li@contoso.example' type='unsubscribed'/>"]);
  assert.equal((await bridge.sip.notify(subscribe, 2, 'terminated;reason=timeout')).status, 200);
  assert.ok(!bridge.sip.out.some((sent) => sent.method === 'NOTIFY'));
});

async function noraAsks(): Promise<{ bridge: Bridge; tag: string }> {
  const bridge = new Bridge();
  const reply = await bridge.sip.receive('SUBSCRIBE', {});
  assert.equal(reply.headers?.find(([name]) => name === 'Expires')?.[1], '3600');
  await bridge.sip.last.answer(200);
  return { bridge, tag: reply.toTag ?? '' };
}
async function noraSeesLi(): Promise<{ bridge: Bridge; tag: string }> {
  const { bridge, tag } = await noraAsks();
  await bridge.stanza(`<presence from='li@contoso.example' to='nora@fabrikam.example' type='subscribed'/>`);
  await bridge.sip.last.answer(200);
  await bridge.news();
  return { bridge, tag };
}

test('examples 11 to 14: a SIP user subscribes, without Expires for an hour; `subscribed` is NOTIFY active with nothing in it', async () => {
  const { bridge } = await noraAsks();
  assert.deepEqual(await bridge.news(), ["<presence from='nora@fabrikam.example' to='li@contoso.example' type='subscribe'/>"]);
  assert.match(bridge.sip.last.header('Subscription-State') ?? '', /^pending;expires=\d+$/);
  await bridge.stanza(`<presence from='li@contoso.example' to='nora@fabrikam.example' type='subscribed'/>`);
  assert.match(bridge.sip.last.header('Subscription-State') ?? '', /^active;expires=\d+$/);
  assert.equal(bridge.sip.last.body, '');
});

test('examples 15 and 16: `unsubscribed` is terminated;reason=rejected', async () => {
  const { bridge } = await noraAsks();
  await bridge.stanza(`<presence from='li@contoso.example' to='nora@fabrikam.example' type='unsubscribed'/>`);
  assert.equal(bridge.sip.last.header('Subscription-State'), 'terminated;reason=rejected');
  assert.equal(bridge.sip.last.body, '');
});

test('example 17: Expires 0 in the dialog is presence unavailable to that contact, and not unsubscribe', async () => {
  const { bridge, tag } = await noraSeesLi();
  await bridge.sip.receive('SUBSCRIBE', { To: `<sip:li@contoso.example>;tag=${tag}`, CSeq: '2 SUBSCRIBE', Expires: '0' });
  assert.deepEqual(await bridge.news(), ["<presence from='nora@fabrikam.example' to='li@contoso.example' type='unavailable'/>"]);
  assert.equal(bridge.sip.last.header('Subscription-State'), 'terminated;reason=timeout');
});

test('examples 18 and 19: presence is NOTIFY with PIDF, sent to the Contact of the watcher', async () => {
  const { bridge } = await noraSeesLi();
  await bridge.stanza(`<presence ${LI_TO_NORA} xml:lang='en'><show>dnd</show><status>rehearsal</status><priority>13</priority></presence>`);
  const { last } = bridge.sip;
  assert.deepEqual(
    [last.method, last.uri, last.header('Content-Type')],
    ['NOTIFY', 'sip:nora@pc.fabrikam.example', 'application/pidf+xml'],
  );
  assert.match(last.header('From') ?? '', /^<sip:li@contoso\.example>;tag=/);
  assert.equal(last.header('Content-Language'), 'en');
  assert.match(last.body, /entity="pres:li@contoso\.example"/);
  assert.match(last.body, /<tuple id="ID-balcony"><status><basic>open<\/basic><show xmlns="jabber:client">dnd<\/show><\/status>/);
  assert.match(last.body, /<contact priority="0\.102">sip:li@contoso\.example;gr=balcony<\/contact><note xml:lang="en">rehearsal<\/note>/);
});

test('examples 20 and 21: NOTIFY closed is presence unavailable', async () => {
  const { bridge, subscribe } = await liSeesNora();
  await bridge.news();
  await bridge.sip.pass(5000);
  await bridge.sip.notify(subscribe, 2, 'active;expires=1800', pidf('closed'));
  assert.deepEqual(await bridge.news(), ["<presence from='nora@fabrikam.example/orchard' to='li@contoso.example' type='unavailable'/>"]);
});

test('examples 22 and 23: a probe is answered from what is known, and makes sure of the dialog', async () => {
  const { bridge } = await liSeesNora();
  await bridge.news();
  await bridge.sip.pass(120_000);
  await bridge.stanza(`<presence ${LI_TO_NORA} type='probe'/>`);
  assert.deepEqual(
    (await bridge.news()).map((stanza) => stanza.replace(/<delay[^>]*>/, '')),
    ["<presence from='nora@fabrikam.example/orchard' to='li@contoso.example'><show>away</show></presence>"],
  );
  assert.deepEqual([bridge.sip.last.method, bridge.sip.last.header('Expires')], ['SUBSCRIBE', '3600']);
});

test('a probe by somebody without authorization is `unsubscribed`', async () => {
  const bridge = new Bridge();
  await bridge.stanza(`<presence ${LI_TO_NORA} type='probe'/>`);
  assert.deepEqual(await bridge.news(), ["<presence from='nora@fabrikam.example' to='li@contoso.example' type='unsubscribed'/>"]);
  assert.equal(bridge.sip.out.length, 0);
});

test('examples 24 and 25: a poll is a probe, and its answer the only NOTIFY', async () => {
  const { bridge } = await noraSeesLi();
  const polling = bridge.sip.receive('SUBSCRIBE', { 'Call-ID': 'poll', Expires: '0' });
  assert.equal((await polling).status, 200);
  assert.deepEqual(await bridge.news(), ["<presence from='nora@fabrikam.example' to='li@contoso.example' type='probe'/>"]);
  await bridge.stanza(`<presence ${LI_TO_NORA}/>`);
  await bridge.settled();
  const poll = bridge.sip.out.filter((sent) => sent.header('Call-ID') === 'poll');
  assert.deepEqual(
    poll.map((sent) => [sent.header('Subscription-State'), /ID-balcony/.test(sent.body)]),
    [['terminated;reason=timeout', true]],
  );
});
