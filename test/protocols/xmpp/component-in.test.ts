// An internal server that dials us, played by hand: the handshake, stanzas both ways, and who is not let in.

import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { makeConnector } from '../../../src/edge/connect.ts';
import { plainLink } from '../../../src/edge/link.ts';
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
const header = (to: string): string =>
  `<?xml version='1.0'?><stream:stream xmlns='${NS.component}' xmlns:stream='${NS.streams}' to='${to}'>`;
const message = element('message', NS.server, { from: 'li@partner.example', to: 'nora@chat.example', id: 'm1' }, [
  element('body', NS.server, {}, ['hi']),
]);

describe('an internal server that dials us', () => {
  const edge = new EdgeWorld({ ours: ['chat.example'] });
  const arrived = new Inbox<{ readonly element: Element; readonly context: StanzaContext }>('the shore');
  const streams: RawStream[] = [];
  let taken = 0;
  let server: Server;
  let shore: XmppShore;

  before(async () => {
    const component = { name: COMPONENT, secret: 'chat' };
    edge.table = table([ownDomain('chat.example', 'xmpp', { component })], [partner('partner.example')]);
    shore = new XmppShore({
      clock: new ManualClock(),
      ids: edge.edge.ids,
      log: SILENT,
      connector: makeConnector({ edge: edge.edge }),
      tlsUpgrade: makeTlsUpgrade(edge.edge),
      resolver: edge.resolver,
      table: () => edge.table,
      dialbackSecret: 'x',
      secret: (name) => `password of ${name}`,
      random: () => 0.5,
    });
    shore.handle({
      onStanza: (received, context) => {
        taken += 1;
        arrived.push({ element: received, context });
      },
    });
    shore.syncComponents();
    server = createServer((socket) =>
      shore.acceptComponent(plainLink(socket, { side: 'inside', direction: 'in', protocol: 'xmpp' }, edge.edge)),
    );
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
  });
  afterEach(() => {
    for (const stream of streams.splice(0)) stream.socket.destroy();
  });
  after(async () => {
    shore.drain();
    server.close();
    await edge[Symbol.asyncDispose]();
  });

  async function dial(to: string): Promise<{ stream: RawStream; id: string }> {
    const { port } = server.address() as AddressInfo; // a TCP server has one
    const stream = new RawStream(connect(port, '127.0.0.1'), 'the internal server');
    streams.push(stream);
    stream.send(header(to));
    const attrs = await stream.opened();
    assert.equal(attrs.from, to);
    return { stream, id: attrs.id ?? '' };
  }
  async function welcome(): Promise<RawStream> {
    const { stream, id } = await dial(COMPONENT);
    stream.send(`<handshake>${componentHandshake(id, 'password of chat')}</handshake>`);
    await stream.element('the handshake', ({ name }) => name === 'handshake');
    await until('it to be open', () => shore.streams()[0]?.state === 'open');
    return stream;
  }

  test('before it has dialled, what is for its users waits in the outbox, with words', async () => {
    const result = await shore.send('partner.example', 'chat.example', undefined, message);
    assert.equal(result.kind, 'failed');
    assert.match(result.kind === 'failed' ? result.reason.text : '', /has not connected yet/);
  });

  test('with the right secret stanzas go both ways, for the domains that it serves only', async () => {
    const stream = await welcome();
    stream.send(
      `<message xmlns='${NS.component}' from='nora@chat.example/desk' to='li@partner.example' id='x1'><body>hello</body></message>`,
    );
    const { element: came, context } = await arrived.next('the message');
    assert.deepEqual([came.attrs.id, came.ns, context.proof], ['x1', NS.server, 'inside']);
    stream.send(`<message xmlns='${NS.component}' from='eve@other.example' to='li@partner.example' id='x2'><body>false</body></message>`);
    stream.send(`<message xmlns='${NS.component}' from='nora@chat.example' to='li@partner.example' id='x3'><body>next</body></message>`);
    assert.equal((await arrived.next('the next message')).element.attrs.id, 'x3');
    const sent = await shore.send('partner.example', 'chat.example', undefined, message);
    assert.equal(sent.kind, 'written');
    assert.equal((await stream.element('our message', ({ name }) => name === 'message')).attrs.id, 'm1');
  });

  test('a server that dials again after its connection broke unseen takes the place of the old one', async () => {
    const old = await welcome();
    const fresh = await welcome();
    await old.element('the conflict', ({ name }) => name === 'error');
    const sent = await shore.send('partner.example', 'chat.example', undefined, message);
    assert.equal(sent.kind, 'written');
    assert.equal((await fresh.element('our message', ({ name }) => name === 'message')).attrs.id, 'm1');
    assert.equal(shore.streams()[0]?.state, 'open');
  });

  for (const [what, to, digest] of [
    ['a wrong secret', COMPONENT, (id: string) => componentHandshake(id, 'guess')],
    ['an empty handshake', COMPONENT, () => ''],
  ] as const) {
    test(`${what} is refused, and nothing is taken`, async () => {
      const before = taken;
      const { stream, id } = await dial(to);
      stream.send(
        `<handshake>${digest(id)}</handshake><message from='nora@chat.example' to='li@partner.example'><body>no</body></message>`,
      );
      const error = await stream.element('the refusal', ({ name }) => name === 'error');
      assert.equal(error.children[0]?.name, 'not-authorized');
      assert.equal(taken, before);
    });
  }

  test('a name that no domain of ours has as its component is unknown', async () => {
    const { stream } = await dial('other.example');
    const error = await stream.element('the refusal', ({ name }) => name === 'error');
    assert.equal(error.children[0]?.name, 'host-unknown');
  });

  test('a stanza before the handshake ends it', async () => {
    const before = taken;
    const { stream } = await dial(COMPONENT);
    stream.send(`<message from='nora@chat.example' to='li@partner.example'><body>no</body></message>`);
    await stream.element('the refusal', ({ name }) => name === 'error');
    assert.equal(taken, before);
  });
});
