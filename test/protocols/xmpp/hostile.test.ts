// A peer that does wrong, on a real connection: before TLS, before authentication, after it. Every wrong ends in the right
// stream error, nothing of it is delivered, and the shore answers the next peer.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import { printStreamOpen } from '../../../src/protocols/xmpp/print.ts';
import { type Issued, makeCa } from '../../support/ca.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RawStream } from '../../support/raw-stream.ts';
import { until } from '../../support/wait.ts';
import { child } from '../../support/xml-stream.ts';
import { Organisation } from './two-shores.ts';

const OPEN = printStreamOpen({ from: 'partner.example', to: 'corp.example' });
const MESSAGE = `<message from='li@partner.example' to='nora@corp.example'><body>hello</body></message>`;
const ca = makeCa('Partner CA');
const THEIRS = ca.issue({ names: ['partner.example', 'rooms.partner.example'] });
const OLD = makeCa('Nobody').issue({ names: ['old.example'] });

describe('a hostile XMPP peer', { concurrency: 8 }, () => {
  let corp: Organisation;
  let partners: Organisation;
  before(async () => {
    corp = await new Organisation({ domains: ['corp.example', 'second.example'], names: ['corp.example'] }).listen();
    partners = new Organisation({ domains: ['partner.example', 'rooms.partner.example'] });
    corp.edge.writePair('second', corp.edge.ourCa.issue({ names: ['second.example'] }));
    corp.edge.own.reload();
    corp.knows(partners);
    corp.knows(new Organisation({ domains: ['old.example'] }), { proof: 'dialback' }, false);
    corp.edge.write('trust/edge/partner.pem', ca.rootPem);
    corp.edge.trust.reload();
  });
  after(async () => {
    await corp[Symbol.asyncDispose]();
    await partners[Symbol.asyncDispose]();
  });

  const connect = (name = 'peer'): Promise<RawStream> => RawStream.connect('127.0.0.1', corp.port, name);
  async function secure(shown: Issued | 'none' = THEIRS, header = OPEN, also = ''): Promise<RawStream> {
    const peer = await connect();
    peer.send(header);
    await peer.element('features', ({ name }) => name === 'features');
    peer.send(`<starttls xmlns='${NS.tls}'/>${also}`);
    await peer.element('proceed', ({ name }) => name === 'proceed');
    await peer.tlsAsClient('corp.example', shown === 'none' ? undefined : shown);
    peer.send(header);
    return peer;
  }
  async function authenticated(before = ''): Promise<RawStream> {
    const peer = await secure();
    await peer.element('features', (got) => child(got, 'mechanisms', NS.sasl) !== undefined);
    peer.send(`${before}<auth xmlns='${NS.sasl}' mechanism='EXTERNAL'>=</auth>`);
    await peer.element('success', ({ name }) => name === 'success');
    peer.restart();
    peer.send(OPEN);
    await peer.element('features', ({ name }) => name === 'features');
    return peer;
  }
  /** Waits for the end and gives the stream error, after making sure that a header came before it. */
  async function condition(peer: RawStream): Promise<string | undefined> {
    const error = await peer.element('a stream error', ({ name, ns }) => name === 'error' && ns === NS.streams);
    await peer.ended();
    peer.close();
    return error.children.find((each) => each.ns === NS.streamErrors && each.name !== 'text')?.name;
  }
  const atOnce: readonly [what: string, sent: string | Uint8Array, condition: string][] = [
    ['HTTP', 'GET / HTTP/1.1\r\nHost: corp.example\r\n\r\n', 'bad-format'],
    ['a stanza without a stream', MESSAGE, 'invalid-namespace'],
    ['another version', OPEN.replace(" version='1.0' xml", ' xml'), 'unsupported-version'],
    ['a version below 1.0', OPEN.replace("version='1.0' xml", "version='0.9' xml"), 'unsupported-version'],
    ['a client stream', OPEN.replace('jabber:server', 'jabber:client'), 'invalid-namespace'],
    ['an unknown domain', OPEN.replace('corp.example', 'other.example'), 'host-unknown'],
    ['no domain', OPEN.replace(" to='corp.example'", ''), 'improper-addressing'],
    ['what is no domain', OPEN.replace('corp.example', 'a b'), 'host-unknown'],
    ['our own domain as from', OPEN.replace('partner.example', 'corp.example'), 'invalid-from'],
    ['another domain of ours as from', OPEN.replace('partner.example', 'second.example'), 'invalid-from'],
    ['a from that is no domain', OPEN.replace('partner.example', '@'), 'invalid-from'],
    ['a stanza before TLS', OPEN + MESSAGE, 'not-authorized'],
    ['authentication before TLS', `${OPEN}<auth xmlns='${NS.sasl}' mechanism='EXTERNAL'>=</auth>`, 'policy-violation'],
    ['dialback before TLS', `${OPEN}<db:result from='old.example' to='corp.example'>key</db:result>`, 'policy-violation'],
    ['a document type', `<!DOCTYPE a [<!ENTITY x "y">]>${OPEN}`, 'restricted-xml'],
    ['UTF-16', Buffer.from(OPEN, 'utf16le'), 'unsupported-encoding'],
    ['1 MiB of white space', ' '.repeat(1 << 20), 'policy-violation'],
    ['50,000 attributes', `<stream:stream ${Array.from({ length: 50_000 }, (_, n) => `a${n}=''`).join(' ')}`, 'policy-violation'],
    ['100,000 open elements', OPEN + '<a>'.repeat(100_000), 'policy-violation'],
    ['a stanza of 11 KiB', `${OPEN}<starttls xmlns='${NS.tls}'>${'x'.repeat(11_000)}`, 'policy-violation'],
  ];
  for (const [what, sent, expected] of atOnce) {
    test(`that sends ${what} first gets ${expected}`, async () => {
      const peer = await connect();
      peer.socket.write(sent);
      assert.equal(await condition(peer), expected);
    });
  }

  test('that sends bytes together with STARTTLS has them thrown away', async () => {
    const injected = `<auth xmlns='${NS.sasl}' mechanism='EXTERNAL'>=</auth>${MESSAGE}`;
    const peer = await secure(THEIRS, OPEN, injected);
    const features = await peer.element('features', ({ name }) => name === 'features');
    assert(child(features, 'mechanisms', NS.sasl), 'it must still authenticate');
    peer.close();
  });

  test('without a certificate is told so and goes no further', async () => {
    const peer = await secure('none');
    assert.equal(await condition(peer), 'not-authorized');
  });

  test('with a certificate for another domain is told so', async () => {
    const peer = await secure(ca.issue({ names: ['other.example'] }));
    assert.equal(await condition(peer), 'not-authorized');
    assert.match(peer.transcript, /partner\.example/);
  });

  const beforeAuth: readonly [what: string, sent: string, condition: string][] = [
    ['a stanza', MESSAGE, 'not-authorized'],
    [
      'dialback for a domain without a file',
      `<db:result from='nobody.example' to='corp.example'>key</db:result>${MESSAGE}`,
      'not-authorized',
    ],
    [
      'an answer to a question nobody asked',
      `<db:verify from='partner.example' to='corp.example' id='x' type='valid'/>`,
      'policy-violation',
    ],
    ['a result nobody asked for', `<db:result from='partner.example' to='corp.example' type='valid'/>`, 'policy-violation'],
    ['a comment', '<!-- x -->', 'restricted-xml'],
    [
      'EXTERNAL for another domain',
      `<auth xmlns='${NS.sasl}' mechanism='EXTERNAL'>${Buffer.from('bank.example').toString('base64')}</auth>`,
      'not-authorized',
    ],
  ];
  for (const [what, sent, expected] of beforeAuth) {
    test(`that sends ${what} inside TLS, before it is authenticated, gets ${expected}`, async () => {
      const peer = await secure();
      await peer.element('features', ({ name }) => name === 'features');
      peer.send(sent);
      assert.equal(await condition(peer), expected);
    });
  }

  const stanza = (attrs: string): string => `<message ${attrs}><body>evil</body></message>`;
  const afterAuth: readonly [what: string, sent: string, condition: string][] = [
    ['from another domain', stanza(`from='boss@bank.example' to='nora@corp.example'`), 'invalid-from'],
    [
      'from a domain of its certificate that it has not proven',
      stanza(`from='a@rooms.partner.example' to='nora@corp.example'`),
      'invalid-from',
    ],
    ['from a domain of ours', stanza(`from='omar@corp.example' to='nora@corp.example'`), 'invalid-from'],
    ['without from', stanza(`to='nora@corp.example'`), 'improper-addressing'],
    ['without to', stanza(`from='li@partner.example'`), 'improper-addressing'],
    ['from what is no JID', stanza(`from='li@@partner.example' to='nora@corp.example'`), 'improper-addressing'],
    ['to what is no JID', stanza(`from='li@partner.example' to='no ra@corp.example'`), 'improper-addressing'],
    ['to a domain that is not ours', stanza(`from='li@partner.example' to='x@other.example'`), 'host-unknown'],
    ['to itself', stanza(`from='li@partner.example' to='x@partner.example'`), 'host-unknown'],
    ['to a domain of ours whose certificate is another', stanza(`from='li@partner.example' to='x@second.example'`), 'not-authorized'],
  ];
  for (const [what, sent, expected] of afterAuth) {
    test(`that sends a stanza ${what} gets ${expected}`, async () => {
      const peer = await authenticated();
      peer.send(sent);
      assert.equal(await condition(peer), expected);
    });
  }

  const wrong: readonly [what: string, sent: string, condition: string][] = [
    ['an unknown element', `<x xmlns='urn:x'/>`, 'unsupported-stanza-type'],
    ['a stanza of the client namespace', MESSAGE.replace('<message', `<message xmlns='jabber:client'`), 'unsupported-stanza-type'],
    ['a second header', OPEN, 'not-well-formed'],
    ['a stanza of 65 KiB', `<message from='li@partner.example' to='nora@corp.example'><body>${'x'.repeat(66_000)}`, 'policy-violation'],
    ['malformed XML', '<message></iq>', 'not-well-formed'],
    ['an ampersand', '<message>&', 'not-well-formed'],
    ['a count of stanzas we never sent', `<enable xmlns='${NS.sm}'/><a xmlns='${NS.sm}' h='5'/>`, 'undefined-condition'],
  ];
  for (const [what, sent, expected] of wrong) {
    test(`that sends ${what} after authentication gets ${expected}`, async () => {
      const peer = await authenticated();
      peer.send(what === 'an ampersand' ? `${sent} ` : sent);
      assert.equal(await condition(peer), expected);
    });
  }

  test('that asks by dialback on a proven stream: only what its certificate proves is added', async () => {
    const peer = await authenticated();
    const ask = async (from: string, to: string): Promise<string> => {
      peer.send(`<db:result from='${from}' to='${to}'>key</db:result>`);
      const answer = await peer.element('an answer', ({ name, attrs }) => name === 'result' && attrs.to === from && attrs.from === to);
      return answer.attrs.type === 'error' ? (child(answer, 'error')?.children[0]?.name ?? '') : (answer.attrs.type ?? '');
    };
    assert.equal(await ask('rooms.partner.example', 'corp.example'), 'valid');
    assert.equal(await ask('bank.example', 'corp.example'), 'not-authorized');
    assert.equal(await ask('rooms.partner.example', 'other.example'), 'item-not-found');
    peer.send(stanza(`from='good@rooms.partner.example' to='nora@corp.example'`));
    await corp.inbox.next('the stanza of the second pair', ({ context }) => context.fromDomain === 'rooms.partner.example');
    peer.send(stanza(`from='a@bank.example' to='nora@corp.example'`));
    assert.equal(await condition(peer), 'invalid-from');
  });

  test('that guesses a dialback key is denied by the domain itself, and for another stream id too', async () => {
    // Whoever runs old.example asks us about keys that we never made, or made for another stream.
    const header = printStreamOpen({ from: 'old.example', to: 'corp.example' });
    const peer = await secure(OLD, header);
    await peer.element('features', (got) => child(got, 'dialback', NS.dialbackFeature) !== undefined);
    const ask = async (to: string, id: string): Promise<string | undefined> => {
      peer.send(`<db:verify from='old.example' to='${to}' id='${id}'>${'0'.repeat(64)}</db:verify>`);
      return (await peer.element('the verdict', ({ name, attrs }) => name === 'verify' && attrs.id === id)).attrs.type;
    };
    assert.equal(await ask('corp.example', 's1'), 'invalid');
    assert.equal(await ask('other.example', 's2'), 'error');
    // The verdict about its own key cannot be given on the stream that carries it.
    peer.send(
      `<db:result from='old.example' to='corp.example'>key</db:result><db:verify from='old.example' to='corp.example' id='s3' type='valid'/>`,
    );
    assert.equal(await condition(peer), 'policy-violation');
  });

  test('leaves others alone: a good peer beside it is served, and nothing else is delivered', async () => {
    const good = await authenticated(`<bidi xmlns='${NS.bidi}'/>`);
    const evil = await Promise.all(afterAuth.map(async ([, sent]) => ({ peer: await authenticated(), sent })));
    for (const { peer, sent } of evil) peer.send(sent);
    good.send(MESSAGE);
    good.send(`<iq type='get' id='p1' from='partner.example' to='corp.example'><ping xmlns='${NS.ping}'/></iq>`);
    const answer = await good.element('the answer to a ping', ({ attrs }) => attrs.id === 'p1');
    assert.equal(answer.attrs.type, 'result');
    await Promise.all(evil.map(({ peer }) => condition(peer)));
    const { element } = await corp.inbox.next('the good message', ({ context }) => context.fromDomain === 'partner.example');
    assert.match(JSON.stringify(element.children), /hello/);
    const rest = corp.inbox.waiting().filter(({ element: { attrs } }) => attrs.from !== 'good@rooms.partner.example');
    assert.deepEqual(rest, []);
    good.send('</stream:stream>');
    await good.ended();
    good.close();
  });
});

describe('a peer that is slow', () => {
  const clock = new ManualClock();
  let corp: Organisation;
  before(async () => {
    corp = await new Organisation({ domains: ['corp.example'], clock }).listen();
    corp.edge.write('trust/edge/partner.pem', ca.rootPem);
    corp.edge.trust.reload();
  });
  after(() => corp[Symbol.asyncDispose]());

  async function timedOut(peer: RawStream, afterMs: number): Promise<void> {
    await until('the shore to have read it', () => corp.shore.streams().length > 0);
    clock.advance(afterMs - 1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(corp.shore.streams().length, 1, 'not before its time');
    clock.advance(1);
    await peer.ended();
    assert.match(peer.transcript, /<connection-timeout /);
    peer.close();
    clock.advance(5000);
    await until('it to be forgotten', () => corp.shore.streams().length === 0);
  }

  test('to send a header is gone after 10 s', async () => {
    const peer = await RawStream.connect('127.0.0.1', corp.port, 'mute');
    await until('the connection', () => corp.links.length === 1);
    await timedOut(peer, 10_000);
  });

  test('and sends its header byte by byte is gone after 10 s too', async () => {
    const peer = await RawStream.connect('127.0.0.1', corp.port, 'dripping');
    peer.send('<stream:str');
    await until('the connection', () => corp.links.length === 2);
    await timedOut(peer, 10_000);
  });

  test('to authenticate is gone after 25 s', async () => {
    const peer = await RawStream.connect('127.0.0.1', corp.port, 'idle');
    peer.send(OPEN);
    await peer.element('features', ({ name }) => name === 'features');
    await timedOut(peer, 25_000);
  });

  test('to finish TLS is gone after 5 s, without words', async () => {
    const peer = await RawStream.connect('127.0.0.1', corp.port, 'half');
    peer.send(`${OPEN}<starttls xmlns='${NS.tls}'/>`);
    await peer.element('proceed', ({ name }) => name === 'proceed');
    clock.advance(5000);
    await peer.ended();
    peer.close();
    await until('it to be forgotten', () => corp.shore.streams().length === 0);
  });
});
