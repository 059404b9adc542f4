// PROXY v2: whose connection a load balancer brings; and that nobody else may say such a thing.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import * as fc from 'fast-check';
import { readProxyHeader } from '../../src/edge/proxy-protocol.ts';
import { makeTlsUpgrade } from '../../src/edge/tls-upgrade.ts';
import { type Log, SILENT } from '../../src/log.ts';
import { makeCa } from '../support/ca.ts';
import { EdgeWorld } from '../support/edge-world.ts';
import { until } from '../support/wait.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
function header(command: number, family: number, body: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  return Buffer.concat([SIGNATURE, Buffer.from([command, family]), length, body]);
}
const v4 = (address: string, more: Uint8Array = Buffer.alloc(0)): Buffer =>
  header(0x21, 0x11, Buffer.concat([Buffer.from([...address.split('.').map(Number), 203, 0, 113, 5, 0xc3, 0x50, 0x13, 0xc5]), more]));
const v6 = header(
  0x21,
  0x21,
  Buffer.concat([Buffer.from('20010db8000000000000000000000007', 'hex'), Buffer.alloc(16), Buffer.from([0x13, 0xc5, 0x13, 0xc5])]),
);

describe('a PROXY v2 header', () => {
  const rows: readonly (readonly [string, Buffer, object])[] = [
    ['IPv4', v4('198.51.100.7'), { is: 'header', bytes: 28, from: { address: '198.51.100.7', port: 50000 } }],
    [
      'IPv4 with TLVs',
      v4('198.51.100.7', Buffer.from('040003abcdef', 'hex')),
      { is: 'header', bytes: 34, from: { address: '198.51.100.7', port: 50000 } },
    ],
    ['IPv6', v6, { is: 'header', bytes: 52, from: { address: '2001:db8::7', port: 5061 } }],
    ['LOCAL', header(0x20, 0, Buffer.alloc(0)), { is: 'header', bytes: 16 }],
    ['LOCAL with addresses, which do not count', header(0x20, 0x11, Buffer.alloc(12, 1)), { is: 'header', bytes: 28 }],
    ['UNSPEC', header(0x21, 0, Buffer.alloc(7)), { is: 'header', bytes: 23 }],
    ['an unknown command', header(0x22, 0x11, Buffer.alloc(12)), { is: 'fault', text: 'the PROXY command 2 is unknown' }],
    ['version 1 in binary', header(0x11, 0x11, Buffer.alloc(12)), { is: 'fault', text: 'PROXY version 1 was sent; only v2 is read' }],
  ];
  for (const [title, bytes, expected] of rows) {
    it(`is read: ${title}`, () => {
      assert.deepEqual(readProxyHeader(bytes), expected);
      assert.deepEqual(readProxyHeader(Buffer.concat([bytes, Buffer.from('next')])), expected);
    });
  }
  for (const [title, bytes, words] of [
    ['version 1', Buffer.from('PROXY TCP4 198.51.100.7 203.0.113.5 50000 5061\r\n'), /PROXY v1 was sent/],
    ['TLS at once', Buffer.from('1603010200', 'hex'), /no PROXY v2 header/],
    ['UDP', header(0x21, 0x12, Buffer.alloc(12)), /family 0x12/],
    ['addresses cut short', header(0x21, 0x11, Buffer.alloc(11)), /family 0x11 with 11 bytes/],
    ['longer than is read', header(0x21, 0x11, Buffer.alloc(60_000)), /60016 bytes long/],
  ] as const) {
    it(`is refused: ${title}`, () => {
      const found = readProxyHeader(bytes);
      assert.match(found.is === 'fault' ? found.text : found.is, words);
    });
  }

  it('waits for more as long as it could be one, whatever the pieces', () => {
    fc.assert(
      fc.property(fc.constantFrom(...rows.map(([, bytes]) => bytes)), fc.nat(27), (bytes, cut) => {
        if (cut < Math.min(bytes.length, 12)) assert.equal(readProxyHeader(bytes.subarray(0, cut)).is, 'more');
      }),
    );
  });

  it('is total: any bytes give an answer that is inside them', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.uint8Array({ maxLength: 80 }).map((rest) => Buffer.concat([SIGNATURE, rest])),
      fc.uint8Array({ minLength: 12, maxLength: 12 }).map((rest) => header(0x21, 0x11, rest)),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        const found = readProxyHeader(Buffer.from(bytes));
        if (found.is === 'header') assert.ok(found.bytes >= 16 && found.bytes <= bytes.length);
      }),
      { numRuns: 3000 },
    );
  });
});

const partner = makeCa('Partner').issue({ names: ['partner.example'] });
async function open(port: number, first: readonly Uint8Array[]): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  for (const part of first) socket.write(part);
  return socket;
}
function secure(socket: Socket): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = tls.connect({ socket, rejectUnauthorized: false, cert: partner.chainPem, key: partner.keyPem });
    secured
      .on('error', reject)
      .once('close', () => reject(new Error('closed')))
      .once('secureConnect', () => resolve(secured));
  });
}
const watched = (): { log: Log; found: Record<string, unknown>[] } => {
  const found: Record<string, unknown>[] = [];
  const note = (fields: Record<string, unknown>): void => void found.push(fields);
  return { found, log: { ...SILENT, warn: note, info: note, debug: note } };
};

describe('a listener behind a load balancer', () => {
  const proxyFrom = ['127.0.0.0/8'];

  it('knows the real address, and TLS follows the header, even in one packet or in single bytes', async () => {
    await using world = new EdgeWorld();
    const { port, next, admission } = await world.listen('tls://127.0.0.1:0', { proxyFrom });
    const pieces = [...v4('198.51.100.7')].map((byte) => Buffer.from([byte]));
    for (const first of [[v4('198.51.100.7')], pieces]) {
      const socket = await open(port, first);
      const secured = await secure(socket);
      const { peer } = await next();
      assert.equal(peer.address, '198.51.100.7');
      assert.equal(peer.port, 50000);
      secured.destroy();
    }
    await until('places given back', () => admission.total === 0);
  });

  it('keeps the real address through STARTTLS', async () => {
    await using world = new EdgeWorld();
    const { port, next } = await world.listen('starttls://127.0.0.1:0', { proxyFrom, protocol: 'xmpp' });
    const socket = await open(port, [Buffer.concat([v6, Buffer.from('<stream>')])]);
    const plain = await next();
    assert.equal(plain.peer.address, '2001:db8::7');
    const first = await new Promise<Buffer>((resolve) => plain.socket.once('data', resolve));
    assert.equal(first.toString(), '<stream>', 'what followed the header in the same packet');
    const upgrading = makeTlsUpgrade(world.edge).asServer(plain, { domain: 'corp.example', protocol: 'xmpp' });
    const [link] = await Promise.all([upgrading, secure(socket)]);
    assert.equal(link.peer.address, '2001:db8::7');
    socket.destroy();
  });

  it('counts and blocks by the real address', async () => {
    await using world = new EdgeWorld();
    const limits = { perAddress: 1, total: 10 };
    const { port, next } = await world.listen('plain://127.0.0.1:0', {
      proxyFrom,
      limits,
      refuses: (address) => address === '203.0.113.66',
    });
    const one = await open(port, [v4('198.51.100.7')]);
    await next();
    const two = await open(port, [v4('198.51.100.8')]);
    await next();
    for (const address of ['198.51.100.7', '203.0.113.66']) {
      const refused = await open(port, [v4(address)]);
      await new Promise((resolve) => refused.once('close', resolve));
    }
    one.destroy();
    two.destroy();
  });

  it('takes a health check as the balancer’s own', async () => {
    await using world = new EdgeWorld();
    const { port, next } = await world.listen('plain://127.0.0.1:0', { proxyFrom });
    const socket = await open(port, [header(0x20, 0, Buffer.alloc(0))]);
    assert.equal((await next()).peer.address, '127.0.0.1');
    socket.destroy();
  });

  it('refuses a listed balancer that says nothing, says it too late, or in version 1, and tells the operator', async () => {
    await using world = new EdgeWorld();
    const { log, found } = watched();
    const { port } = await world.listen('tls://127.0.0.1:0', { proxyFrom, handshakeTimeoutMs: 40, log });
    for (const first of [['1603010200'], ['0d0a0d0a'], ['50524f58592054435034']]) {
      const socket = await open(
        port,
        first.map((hex) => Buffer.from(hex, 'hex')),
      );
      await new Promise((resolve) => socket.once('close', resolve));
    }
    assert.deepEqual(
      found.map((line) => [line.event, line.address, /^(\w+ ){2}\w+/.exec(String(line.found))?.[0]]),
      [
        ['proxy.refused', '127.0.0.1', 'no PROXY v2'],
        ['proxy.refused', '127.0.0.1', 'no whole PROXY'],
        ['proxy.refused', '127.0.0.1', 'PROXY v1 was'],
      ],
    );
  });

  it('does not listen to a header from anybody else: it is no TLS', async () => {
    await using world = new EdgeWorld();
    const { log, found } = watched();
    const { port } = await world.listen('tls://127.0.0.1:0', { proxyFrom: ['10.0.0.4/32'], log });
    const socket = await open(port, [v4('198.51.100.7')]);
    await new Promise((resolve) => socket.once('close', resolve));
    await until('the log', () => found.length > 0);
    assert.deepEqual([found[0]?.event, found[0]?.address], ['tls.failed', '127.0.0.1']);
  });
});
