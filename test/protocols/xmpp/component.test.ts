// The component toward an internal server that is played by hand: handshake, stanzas both ways, barrier, coming back.

import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { makeConnector } from '../../../src/edge/connect.ts';
import { makeTlsUpgrade } from '../../../src/edge/tls-upgrade.ts';
import { SILENT } from '../../../src/log.ts';
import { componentHandshake } from '../../../src/protocols/xmpp/component-plan.ts';
import type { StanzaContext } from '../../../src/protocols/xmpp/context.ts';
import { type Element, element } from '../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import { XmppShore } from '../../../src/protocols/xmpp/shore.ts';
import { EdgeWorld } from '../../support/edge-world.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RawStream } from '../../support/raw-stream.ts';
import { ownDomain, partner, table } from '../../support/table.ts';
import { Inbox, until } from '../../support/wait.ts';

const COMPONENT = 'isthmus.chat.example';
const HEADER = `<?xml version='1.0'?><stream:stream xmlns='${NS.component}' xmlns:stream='${NS.streams}' from='${COMPONENT}' id='s7'>`;
const message = (to: string): Element =>
  element('message', NS.server, { from: 'li@partner.example', to, id: 'm1' }, [
    element('body', NS.server, {}, ['hi']),
    element('x', 'urn:x'),
  ]);

describe('the component', () => {
  const clock = new ManualClock();
  const edge = new EdgeWorld({ ours: ['chat.example'] });
  const accepted = new Inbox<RawStream>('the internal server');
  const arrived = new Inbox<{ readonly element: Element; readonly context: StanzaContext }>('the shore');
  let server: Server;
  let shore: XmppShore;
  let secretIsGone = false;

  before(async () => {
    server = createServer((socket) => accepted.push(new RawStream(socket, 'the internal server'))).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo; // a TCP server has one
    const component = { name: COMPONENT, dial: { host: '127.0.0.1', port }, secret: 'chat' };
    edge.table = table(
      [ownDomain('chat.example', 'xmpp', { component, aliases: ['talk.example'] }), ownDomain('corp.example', 'sip')],
      [partner('partner.example')],
    );
    shore = new XmppShore({
      clock,
      ids: edge.edge.ids,
      log: SILENT,
      connector: makeConnector({ edge: edge.edge }),
      tlsUpgrade: makeTlsUpgrade(edge.edge),
      resolver: edge.resolver,
      table: () => edge.table,
      dialbackSecret: 'x',
      secret: (name) => {
        if (secretIsGone) throw new Error('ENOENT: no such file');
        return `password of ${name}`;
      },
      random: () => 0.5,
    });
    shore.handle({ onStanza: (received, context) => arrived.push({ element: received, context }) });
    shore.syncComponents();
  });
  after(async () => {
    shore.drain();
    server.close();
    await edge[Symbol.asyncDispose]();
  });

  let inside: RawStream;
  async function welcome(): Promise<RawStream> {
    const stream = await accepted.next('our connection');
    const attrs = await stream.opened();
    assert.deepEqual([attrs.to, attrs.from, attrs.version], [COMPONENT, undefined, undefined]);
    stream.send(HEADER);
    const handshake = await stream.element('the handshake', ({ name }) => name === 'handshake');
    assert.equal(handshake.ns, NS.component);
    assert.equal(handshake.text, componentHandshake('s7', 'password of chat'));
    stream.send('<handshake/>');
    await until('it to be open', () => shore.streams()[0]?.state === 'open');
    return stream;
  }
  before(async () => {
    inside = await welcome();
  });
  beforeEach(() => arrived.clear());

  test('proves itself with the digest of XEP-0114', () => {
    // XEP-0114 §3: id 3BF96D32 and secret "test" of the document's example.
    assert.equal(componentHandshake('3BF96D32', 'test'), 'aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e');
  });

  test('carries stanzas in as the namespace of servers, proven as inside', async () => {
    inside.send(
      `<message from='nora@chat.example/phone' to='li@partner.example'><body>hello</body><active xmlns='${NS.chatStates}'/></message>`,
    );
    const { element: got, context } = await arrived.next('the message');
    assert.deepEqual([got.ns, (got.children[0] as Element).ns, (got.children[1] as Element).ns], [NS.server, NS.server, NS.chatStates]);
    const { side, ourDomain, theirDomain, fromDomain, toDomain, peer, proof } = context;
    assert.deepEqual(
      [side, ourDomain, theirDomain, fromDomain, toDomain],
      ['inside', 'chat.example', 'partner.example', 'chat.example', 'partner.example'],
    );
    assert.deepEqual([peer, proof], [COMPONENT, 'inside']);
    context.reply(element('message', NS.server, { type: 'error', from: 'li@partner.example', to: 'nora@chat.example/phone' }));
    const answer = await inside.element('the reply', ({ name }) => name === 'message');
    assert.deepEqual([answer.ns, answer.attrs.type], [NS.component, 'error']);
  });

  test('carries stanzas out to every domain that the server serves', async () => {
    for (const domain of ['chat.example', 'talk.example']) {
      const sent = await shore.send('partner.example', domain, undefined, message(`nora@${domain}`), { durable: true });
      assert(sent.kind === 'written');
      const got = await inside.element('the message', ({ name }) => name === 'message');
      assert.deepEqual(
        [got.ns, got.attrs.to, got.children[0]?.ns, got.children[1]?.ns],
        [NS.component, `nora@${domain}`, NS.component, 'urn:x'],
      );
    }
  });

  test('does not take from the server what it does not serve, and stays open', async () => {
    inside.send(`<message from='boss@corp.example' to='li@partner.example'/><message from='x@bank.example' to='li@partner.example'/>`);
    inside.send(`<message from='nora@talk.example' to='li@partner.example'/>`);
    const { element: got } = await arrived.next('the allowed one');
    assert.equal(got.attrs.from, 'nora@talk.example');
    assert.equal(arrived.waiting().length, 0);
  });

  test('pings as its own name to learn what became of stanzas, and answers pings', async () => {
    await shore.send('partner.example', 'chat.example', undefined, message('nora@chat.example'), { durable: true });
    const result = shore.barrier('partner.example', 'chat.example');
    const ping = await inside.element('a ping', ({ name }) => name === 'iq');
    assert.deepEqual([ping.attrs.from, ping.attrs.to, ping.attrs.type], [COMPONENT, 'chat.example', 'get']);
    inside.send(`<iq type='result' id='${ping.attrs.id}' from='chat.example' to='${COMPONENT}'/>`);
    assert.equal((await result).kind, 'covered');
    assert.equal(arrived.waiting().length, 0, 'the answer is nobody else\u2019s');
    inside.send(`<iq type='get' id='p' from='chat.example' to='${COMPONENT}'><ping xmlns='${NS.ping}'/></iq>`);
    inside.send(`<iq type='get' id='q' from='nora@chat.example/x' to='partner.example'><ping xmlns='${NS.ping}'/></iq>`);
    assert.equal((await arrived.next('a ping for the partner, who must answer it')).element.attrs.id, 'q');
    const pong = await inside.element('our answer', ({ name, attrs }) => name === 'iq' && attrs.id === 'p');
    assert.deepEqual([pong.attrs.type, pong.attrs.to, pong.attrs.from], ['result', 'chat.example', COMPONENT]);
  });

  test('has no road to a domain of ours that no XMPP server serves', async () => {
    const sent = await shore.send('partner.example', 'corp.example', undefined, message('x@corp.example'));
    assert(sent.kind === 'failed' && sent.reason.code === 'ROUTE_NOT_SERVED_YET');
  });

  test('comes back by itself when the server went away, and says what failed meanwhile', async () => {
    await shore.send('partner.example', 'chat.example', undefined, message('nora@chat.example'), { durable: true });
    const pending = shore.barrier('partner.example', 'chat.example');
    inside.close();
    assert.equal((await pending).kind, 'closed');
    const meanwhile = await shore.send('partner.example', 'chat.example', undefined, message('nora@chat.example'), { durable: true });
    assert(meanwhile.kind === 'failed' && meanwhile.reason.code === 'NET_CLOSED');
    clock.advance(1000);
    const waiting = shore.send('partner.example', 'chat.example', undefined, message('late@chat.example'), { durable: true });
    inside = await welcome();
    assert.equal((await waiting).kind, 'written');
    assert.equal((await inside.element('what waited', ({ name }) => name === 'message')).attrs.to, 'late@chat.example');
  });

  test('reports a refused handshake in the words of the server, and tries again ever later', async () => {
    inside.close();
    await until('it to notice', () => shore.streams()[0]?.state === 'awaitingConnection');
    for (const waitMs of [1000, 2000]) {
      clock.advance(waitMs);
      const stream = await accepted.next('our connection');
      await stream.opened();
      stream.send(
        `${HEADER}<stream:error><not-authorized xmlns='${NS.streamErrors}'/><text xmlns='${NS.streamErrors}'>wrong secret</text></stream:error></stream:stream>`,
      );
      await stream.ended();
      stream.close();
      await until('it to notice', () => shore.streams()[0]?.state === 'awaitingConnection');
      const sent = await shore.send('partner.example', 'chat.example', undefined, message('nora@chat.example'));
      assert(sent.kind === 'failed');
      assert.match(sent.reason.text, /not-authorized \(wrong secret\)/);
      clock.advance(waitMs === 1000 ? 1000 : 3000);
      assert.equal(accepted.waiting().length, 0, 'not before its time');
    }
  });

  test('a secret that cannot be read is named at once, and found when it is put right', async () => {
    secretIsGone = true;
    clock.advance(5000);
    const stream = await accepted.next('our connection');
    await stream.opened();
    stream.send(HEADER);
    await stream.ended();
    stream.close();
    await until('it to notice', () => shore.streams()[0]?.state === 'awaitingConnection');
    const sent = await shore.send('partner.example', 'chat.example', undefined, message('nora@chat.example'));
    assert(sent.kind === 'failed');
    assert.match(sent.reason.text, /secret chat .* cannot be read .*ENOENT.* secrets\/chat/);
    secretIsGone = false;
    clock.advance(10_000);
    inside = await welcome();
  });

  test('leaves a server that is no longer in the table', async () => {
    edge.table = { ...table([ownDomain('corp.example', 'sip')], []), generation: 2 };
    shore.syncComponents();
    assert.deepEqual(shore.streams(), []);
  });
});
