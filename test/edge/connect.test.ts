// Connections out: where a peer's DNS may not lead us, which address wins, and failures in words.

import assert from 'node:assert/strict';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { machineAddresses, makeConnector } from '../../src/edge/connect.ts';
import { systemClock } from '../../src/edge/system-clock.ts';
import { tlsFailure } from '../../src/edge/tls-failure.ts';
import { type Clock, ConnectError, type ConnectTarget } from '../../src/model/ports.ts';
import { makeCa } from '../support/ca.ts';
import { EdgeWorld } from '../support/edge-world.ts';
import { until } from '../support/wait.ts';

const ca = makeCa('Public');
const target = (more: Partial<ConnectTarget>): ConnectTarget => ({
  side: 'edge',
  protocol: 'sip',
  host: 'edge.partner.example',
  port: 5061,
  tls: 'none',
  identity: 'corp.example',
  allowPrivateAddresses: true,
  ...more,
});
const soon = () => AbortSignal.timeout(5000);
async function refusal(connecting: Promise<unknown>): Promise<ConnectError> {
  try {
    await connecting;
  } catch (error) {
    assert.ok(error instanceof ConnectError, String(error));
    return error;
  }
  assert.fail('it connected');
}
// A server that a failed test leaves behind does not keep the process.
const listening = (server: Server): Promise<number> => {
  server.unref().on('connection', (socket) => socket.unref());
  return new Promise((resolve) => void server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))); // a TCP server has one
};

describe('addresses that DNS may not lead to', () => {
  const hostile: readonly (readonly [string, readonly string[]])[] = [
    ['loopback', ['127.0.0.1']],
    ['all of loopback', ['127.8.8.8']],
    ['private 10', ['10.0.0.5']],
    ['private 172.16', ['172.31.255.1']],
    ['private 192.168', ['192.168.1.1']],
    ['link-local, where clouds keep metadata', ['169.254.169.254']],
    ['carrier-grade NAT', ['100.64.0.1']],
    ['unspecified', ['0.0.0.0', '::']],
    ['multicast and broadcast', ['224.0.0.251', '255.255.255.255', 'ff02::1']],
    ['IPv6 loopback', ['::1']],
    ['IPv4 mapped into IPv6', ['::ffff:127.0.0.1', '::ffff:a00:5']],
    ['IPv4 inside NAT64 and 6to4', ['64:ff9b::7f00:1', '2002:7f00:1::1']],
    ['unique local and IPv6 link-local', ['fd00::1', 'fe80::1', 'fe80::1%lo']],
    ['an address of this machine', [...machineAddresses()].slice(0, 1)],
    ['an address we listen on', ['203.0.113.5']],
  ];
  for (const [title, addresses] of hostile) {
    it(`${title}: ${addresses.join(', ')}`, async () => {
      await using world = new EdgeWorld();
      let connections = 0;
      const server = createTcp((socket) => {
        connections++;
        socket.destroy();
      });
      const port = await listening(server);
      world.resolver.hosts.set('edge.partner.example', addresses);
      const connector = makeConnector({ edge: world.edge, ownAddresses: () => new Set(['203.0.113.5']), connectTimeoutMs: 300 });
      const error = await refusal(connector.connect(target({ port, allowPrivateAddresses: false }), soon()));
      assert.equal(error.reason.code, 'NET_ADDRESS_REFUSED');
      assert.equal(connections, 0);
      server.close();
    });
  }

  it('a literal address in place of a host is judged the same', async () => {
    await using world = new EdgeWorld();
    const error = await refusal(
      makeConnector({ edge: world.edge }).connect(target({ host: '127.0.0.1', allowPrivateAddresses: false }), soon()),
    );
    assert.equal(error.reason.code, 'NET_ADDRESS_REFUSED');
  });

  it("are fine when the partner's file allows them, and on the inside", async () => {
    await using world = new EdgeWorld();
    const server = createTcp((socket) => socket.resume());
    const port = await listening(server);
    world.resolver.hosts.set('edge.partner.example', ['127.0.0.1']);
    const connector = makeConnector({ edge: world.edge });
    for (const more of [{ allowPrivateAddresses: true }, { side: 'inside', allowPrivateAddresses: false }] as const) {
      const link = await connector.connect(target({ port, ...more }), soon());
      assert.equal(link.peer.address, '127.0.0.1');
      assert.equal(link.peer.port, port);
      link.socket.destroy();
    }
    server.close();
  });
});

describe('connecting', () => {
  it('takes the next address when one refuses, and at once', async () => {
    await using world = new EdgeWorld();
    const server = createTcp((socket) => socket.resume());
    const port = await listening(server);
    world.resolver.hosts.set('edge.partner.example', ['::1', '127.0.0.1']);
    const started = performance.now();
    const link = await makeConnector({ edge: world.edge, staggerMs: 3000 }).connect(target({ port }), soon());
    assert.equal(link.peer.address, '127.0.0.1');
    assert.ok(performance.now() - started < 2000, 'a refusal does not wait for the stagger');
    link.socket.destroy();
    server.close();
  });

  it('races the next address when the head start is over, keeps one connection and closes the other', async () => {
    await using world = new EdgeWorld();
    const open: Socket[] = [];
    const accept = (socket: Socket): void => void open.push(socket.resume());
    const server = createTcp(accept);
    const port = await listening(server);
    const second = createTcp(accept).unref();
    await new Promise<void>((resolve) => void second.listen(port, '127.0.0.2', resolve));
    world.resolver.hosts.set('edge.partner.example', ['127.0.0.1', '127.0.0.2']);
    // A clock on which every head start is over at once.
    const clock: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms === 250 ? 0 : ms, run) };
    const connector = makeConnector({ edge: { ...world.edge, clock } });
    const links = await Promise.all(Array.from({ length: 5 }, () => connector.connect(target({ port }), soon())));
    for (const link of links) {
      assert.equal(link.socket.destroyed, false);
      link.socket.destroy();
    }
    await until('every connection to be closed', () => open.every((socket) => socket.destroyed));
    server.close();
    second.close();
  });

  it('names each failure', async () => {
    await using world = new EdgeWorld();
    const server = createTcp((socket) => socket.resume());
    const port = await listening(server);
    server.close();
    const connector = makeConnector({ edge: world.edge, connectTimeoutMs: 100, handshakeTimeoutMs: 100 });
    world.resolver.hosts.set('edge.partner.example', ['127.0.0.1']);
    const refused = await refusal(connector.connect(target({ port }), soon()));
    assert.equal(refused.reason.code, 'NET_CONNECT_REFUSED');
    assert.match(refused.reason.text, /127\.0\.0\.1: ECONNREFUSED/);
    assert.equal((await refusal(connector.connect(target({ host: 'absent.example' }), soon()))).reason.code, 'NET_DNS_NOT_FOUND');
    const late = new AbortController();
    const connecting = connector.connect(target({ port, host: '127.0.0.1' }), late.signal);
    late.abort();
    assert.equal((await refusal(connecting)).reason.code, 'NET_CLOSED');
  });

  const deaf: readonly (readonly [string, () => Server, RegExp])[] = [
    ['a server that is silent', () => createTcp((socket) => socket.on('error', () => {}).resume()), /not finished within 100 ms/],
    ['a server that hangs up', () => createTcp((socket) => socket.destroy()), /closed the connection in the middle/],
    [
      'a server that speaks something else',
      () =>
        createTcp((socket) =>
          socket
            .on('error', () => {})
            .resume()
            .end('SIP/2.0 400 Bad\r\n\r\n'),
        ),
      /TLS/,
    ],
    [
      'a server that knows only TLS 1.1',
      () => tlsServer({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
      /TLS 1\.2 or 1\.3 is needed/,
    ],
    ['a server of another application', () => tlsServer({ ALPNProtocols: ['http/1.1'] }), /ALPN/],
  ];
  for (const [title, make, pattern] of deaf) {
    it(`${title}: said in words`, async () => {
      await using world = new EdgeWorld();
      const server = make();
      const port = await listening(server);
      const connector = makeConnector({ edge: world.edge, handshakeTimeoutMs: 100 });
      const error = await refusal(connector.connect(target({ host: '127.0.0.1', port, tls: 'direct', alpn: ['xmpp-server'] }), soon()));
      assert.equal(error.reason.code, 'NET_TLS_FAILED');
      assert.match(error.reason.text, pattern);
      server.close();
    });
  }

  it('shows the certificate of the identity, asks for the name, agrees on ALPN', async () => {
    await using world = new EdgeWorld();
    const chat = world.ourCa.issue({ names: ['chat.example'] });
    world.writePair('chat', chat);
    world.own.reload();
    const seen = Promise.withResolvers<{ fingerprint: string; serverName: unknown; chain: number }>();
    const server = tlsServer({ requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['xmpp-server'] });
    server.on('secureConnection', (socket: tls.TLSSocket) => {
      const leaf = socket.getPeerX509Certificate()!;
      seen.resolve({
        fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
        serverName: socket.servername,
        chain: leaf.issuerCertificate ? 2 : 1,
      });
    });
    const port = await listening(server);
    const link = await makeConnector({ edge: world.edge }).connect(
      target({
        host: '127.0.0.1',
        port,
        tls: 'direct',
        protocol: 'xmpp',
        identity: 'chat.example',
        serverName: 'partner.example',
        alpn: ['xmpp-server'],
      }),
      soon(),
    );
    assert.deepEqual(await seen.promise, { fingerprint: chat.fingerprint, serverName: 'partner.example', chain: 2 });
    assert.equal(link.alpn, 'xmpp-server');
    assert.equal(link.tls?.version, 'TLSv1.3');
    assert.deepEqual(link.peer.names, ['partner.example']);
    assert.equal(link.showsOurs('chat.example', 'xmpp'), true);
    assert.equal(link.showsOurs('corp.example', 'xmpp'), false);
    link.socket.destroy();
    server.close();
  });
});

describe('alerts in words', () => {
  // node's errors carry OpenSSL's word as `reason`, its own `code`, or only a message.
  const rows: readonly (readonly [object, RegExp])[] = [
    [{ reason: 'tlsv1 alert unknown ca' }, /does not trust the authority of our certificate/],
    [{ reason: 'ssl/tls alert unsupported certificate' }, /insists on clientAuth/],
    [{ reason: 'ssl/tls alert certificate expired' }, /finds our certificate expired/],
    [{ reason: 'ssl/tls alert certificate revoked' }, /finds our certificate revoked/],
    [{ reason: 'ssl/tls alert bad certificate' }, /refuses our certificate/],
    [{ reason: 'tlsv13 alert certificate required' }, /wants a certificate of ours/],
    [{ reason: 'tlsv1 alert protocol version' }, /TLS 1\.2 or 1\.3 is needed/],
    [{ reason: 'ssl/tls alert handshake failure' }, /no common cipher/],
    [{ reason: 'tlsv1 unrecognized name' }, /serves no such name/],
    [{ code: 'ECONNRESET' }, /closed the connection in the middle/],
    [{ message: 'strange\u001b[31m' }, /failed: strange \[31m\./],
  ];
  for (const [facts, pattern] of rows) {
    it(JSON.stringify(facts), () => assert.match(tlsFailure(Object.assign(new Error('m'), facts), 'with x').text, pattern));
  }
});

function tlsServer(options: tls.TlsOptions): tls.Server {
  const theirs = ca.issue({ names: ['partner.example'] });
  const server = tls.createServer({ cert: theirs.chainPem, key: theirs.keyPem, ...options });
  return server.on('secureConnection', (socket) => socket.on('error', () => {}).resume()).on('tlsClientError', () => {});
}
