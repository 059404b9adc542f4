// Push services as clients name them, and what the face tells of clients that come and go; on real sockets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PushStore, PushTarget } from '../../../../src/model/push.ts';
import { pushPublisher, pushServices } from '../../../../src/protocols/xmpp/clients/push.ts';
import { type Element, element } from '../../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../../src/protocols/xmpp/names.ts';
import { printElement } from '../../../../src/protocols/xmpp/print.ts';
import { stanzaError } from '../../../../src/protocols/xmpp/replies.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { Inbox } from '../../../support/wait.ts';
import type { Stanza } from '../../../support/xml-stream.ts';
import { ClientWorld } from './client-world.ts';

function memoryStore(): PushStore & { readonly rows: Map<string, PushTarget> } {
  const rows = new Map<string, PushTarget>();
  return {
    rows,
    of: async () => [...rows.values()],
    put: async (_user, target) => void rows.set(`${target.service} ${target.node}`, target),
    async remove(_user, service, node) {
      const gone = [...rows].filter(([, one]) => one.service === service && (node ?? one.node) === one.node);
      for (const [key] of gone) rows.delete(key);
      return gone.length;
    },
  };
}

const field = (name: string, value: string): string => `<field var='${name}'><value>${value}</value></field>`;
const form = (inner: string): string => `<x xmlns='jabber:x:data' type='submit'>${inner}</x>`;
const OPTIONS = field('FORM_TYPE', 'http://jabber.org/protocol/pubsub#publish-options');
const conditionOf = (answer: Stanza): string | undefined => answer.children.find(({ name }) => name === 'error')?.children[0]?.name;

async function world() {
  const store = memoryStore();
  const row = pushServices({ store, clock: new ManualClock(), allowed: (service) => service.endsWith('push.example'), offered: true });
  const made = await ClientWorld.open({}, { handlers: [row] });
  const nora = await made.client('nora', 'pencil', 'phone');
  const ask = (payload: string): Promise<Stanza> => nora.ask('set', payload);
  return {
    store,
    ask,
    async [Symbol.asyncDispose]() {
      nora.stream.close();
      await made[Symbol.asyncDispose]();
    },
  };
}

test('a service is enabled with its options, the last request counts, and it is disabled by node or as a whole', async () => {
  await using one = await world();
  const enable = (node: string, secret: string): string =>
    `<enable xmlns='urn:xmpp:push:0' jid='push.example' node='${node}'>${form(OPTIONS + field('secret', secret))}</enable>`;
  for (const [node, secret] of [
    ['n1', 'old'],
    ['n1', 'new'],
    ['n2', 'x'],
  ] as const)
    assert.equal((await one.ask(enable(node, secret))).attrs.type, 'result');
  assert.deepEqual(
    [...one.store.rows.values()].map(({ node, resource, options }) => [node, resource, options]),
    [
      ['n1', 'phone', [{ name: 'secret', values: ['new'] }]],
      ['n2', 'phone', [{ name: 'secret', values: ['x'] }]],
    ],
  );
  await one.ask("<disable xmlns='urn:xmpp:push:0' jid='push.example' node='n2'/>");
  assert.equal(one.store.rows.size, 1);
  await one.ask("<disable xmlns='urn:xmpp:push:0' jid='push.example'/>");
  assert.equal(one.store.rows.size, 0);
});

test('refuses what cannot be a push service, and any that nobody has named', async () => {
  await using one = await world();
  for (const [what, payload, condition] of [
    ['a service that nobody has named', "<enable xmlns='urn:xmpp:push:0' jid='spy.example' node='n'/>", 'not-allowed'],
    ['no address', "<enable xmlns='urn:xmpp:push:0' node='n'/>", 'jid-malformed'],
    [
      'a form of another kind',
      `<enable xmlns='urn:xmpp:push:0' jid='push.example'>${form(field('FORM_TYPE', 'x'))}</enable>`,
      'bad-request',
    ],
    [
      'a form that is too large',
      `<enable xmlns='urn:xmpp:push:0' jid='push.example'>${form(OPTIONS + field('a', 'x'.repeat(5000)))}</enable>`,
      'bad-request',
    ],
    ['a node that is too long', `<enable xmlns='urn:xmpp:push:0' jid='push.example' node='${'n'.repeat(1025)}'/>`, 'bad-request'],
    ['another word', "<publish xmlns='urn:xmpp:push:0' jid='push.example'/>", 'bad-request'],
  ] as const)
    assert.equal(conditionOf(await one.ask(payload)), condition, what);
  assert.equal(one.store.rows.size, 0);
});

test('one user has at most twenty services', async () => {
  await using one = await world();
  for (let i = 0; i < 20; i++) await one.ask(`<enable xmlns='urn:xmpp:push:0' jid='push.example' node='n${i}'/>`);
  assert.equal(conditionOf(await one.ask("<enable xmlns='urn:xmpp:push:0' jid='push.example' node='one more'/>")), 'resource-constraint');
  assert.equal((await one.ask("<enable xmlns='urn:xmpp:push:0' jid='push.example' node='n1'/>")).attrs.type, 'result');
});

test('a publication is the one of XEP-0357 §7 with a count alone, and an error says whether it lasts', async () => {
  const sent: Element[] = [];
  let reply: Element = element('iq', NS.server, { type: 'result' });
  const publish = pushPublisher(async (_ours, _to, iq) => {
    sent.push(iq);
    return { kind: 'answer', stanza: reply };
  });
  const target: PushTarget = {
    service: 'push.example',
    node: 'n1',
    resource: 'phone',
    options: [{ name: 'secret', values: ['s'] }],
    failures: 0,
    enabledAt: 0,
  };
  const user = { local: 'nora', domain: 'people.example' };
  assert.deepEqual(await publish(user, target, 3), { kind: 'taken' });
  const text = printElement(sent[0] ?? reply);
  assert.match(text, /^<iq type='set' from='nora@people\.example' to='push\.example'>/);
  assert.match(text, /<publish node='n1'><item><notification xmlns='urn:xmpp:push:0'>/);
  assert.match(text, /<field var='message-count'><value>3<\/value>/);
  assert(!/last-message/.test(text));
  assert.match(text, /<publish-options>.*<field var='secret'><value>s<\/value>/);
  for (const [type, lasting] of [
    ['cancel', true],
    ['wait', false],
  ] as const) {
    reply = element('iq', NS.server, { type: 'error' }, [stanzaError('internal-server-error', type)]);
    const result = await publish(user, target, 1);
    assert(result.kind === 'refused' && result.lasting === lasting, type);
  }
});

test('the face tells that a client is there, that it is away with what it may not have got, and that it is back', async () => {
  const news = new Inbox<string>('the news');
  await using one = await ClientWorld.open(
    {},
    {
      push: {
        arrived: () => undefined,
        asleep: ({ local }, resource, messages) => void news.push(`${local}/${resource} asleep with ${messages}`),
        awake: ({ local }, resource) => void news.push(`${local}/${resource} awake`),
      },
    },
  );
  const phone = await one.client('nora', 'pencil', 'phone');
  await news.next('it is there', (said) => said === 'nora/phone awake');
  phone.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/><presence/>");
  const previd = (await phone.get('enabled', ({ name }) => name === 'enabled')).attrs.id ?? '';
  const omar = await one.client('omar', 'paper', 'desk');
  await news.next('Omar too', (said) => said === 'omar/desk awake');
  omar.send("<message to='nora@people.example' type='chat' id='m1'><body>x</body></message>");
  await phone.get('the message', ({ name }) => name === 'message');
  assert.equal(one.face.awake('nora@people.example', 'phone'), true);
  phone.socket.destroy(); // without an acknowledgement
  await news.next('it is away', (said) => said === 'nora/phone asleep with 1');
  assert.equal(one.face.awake('nora@people.example', 'phone'), false);
  const back = await one.secured();
  await back.signIn('nora', 'pencil');
  back.send(`<resume xmlns='urn:xmpp:sm:3' previd='${previd}' h='0'/>`);
  await news.next('it is back', (said) => said === 'nora/phone awake');
  back.stream.close();
  omar.stream.close();
});
