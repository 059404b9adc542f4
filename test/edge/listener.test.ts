// Listening: who is shown which certificate, what slow, many and broken connections cost, and STARTTLS.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { Admission } from '../../src/edge/admission.ts';
import { type Bind, showBind } from '../../src/edge/bind.ts';
import { makeTlsUpgrade } from '../../src/edge/tls-upgrade.ts';
import { ConnectError, type Link } from '../../src/model/ports.ts';
import { makeCa } from '../support/ca.ts';
import { dial, EdgeWorld } from '../support/edge-world.ts';
import { ownDomain, table } from '../support/table.ts';
import { until } from '../support/wait.ts';

const ca = makeCa('Public');
const them = ca.issue({ names: ['partner.example'], eku: 'server' });
const plain = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket: Socket = connectTcp({ host: '127.0.0.1', port }, () => resolve(socket));
    socket.on('error', reject);
  });
const fingerprint = (socket: tls.TLSSocket): string => socket.getPeerX509Certificate()!.fingerprint256.replaceAll(':', '').toLowerCase();

describe('a place to listen', () => {
  const rows: readonly (readonly [Bind, string])[] = [
    [{ transport: 'tls', address: '203.0.113.5', port: 5061 }, 'tls://203.0.113.5:5061'],
    [{ transport: 'starttls', address: '2001:db8::5', port: 5269 }, 'starttls://[2001:db8::5]:5269'],
    [{ transport: 'plain', address: '*', port: 5060 }, 'plain://*:5060'],
  ];
  for (const [bind, shown] of rows) it(`is shown as ${shown}`, () => assert.equal(showBind(bind), shown));
});

describe('listening with TLS', () => {
  it('hands out a link with the names of the peer, its address and what was agreed', async () => {
    await using world = new EdgeWorld({ systemRoots: [ca.rootPem] });
    const { port, next } = await world.listen('tls://127.0.0.1:0', { alpn: ['xmpp-server'], protocol: 'xmpp' });
    const socket = await dial(port, them, { servername: 'corp.example', ALPNProtocols: ['xmpp-server'] });
    const link = await next();
    assert.equal(link.direction, 'in');
    assert.equal(link.secure, true);
    assert.equal(link.alpn, 'xmpp-server');
    assert.equal(link.serverName, 'corp.example');
    assert.equal(link.tls?.version, 'TLSv1.3');
    assert.equal(link.peer.address, '127.0.0.1');
    assert.equal(link.peer.port, socket.localPort);
    assert.deepEqual(link.local, { address: '127.0.0.1', port });
    assert.equal(link.peer.fingerprint, them.fingerprint);
    assert.deepEqual(link.peer.names, ['partner.example']);
    assert.equal(link.showsOurs('corp.example', 'xmpp'), true);
    link.socket.write('hello');
    assert.equal(String((await once(socket, 'data'))[0]), 'hello');
    socket.destroy();
  });

  it('lets a peer without a certificate in, and proves nothing of it', async () => {
    await using world = new EdgeWorld();
    const { port, next } = await world.listen();
    const socket = await dial(port, undefined);
    const result = await (await next()).peer.proves('partner.example', 'sip');
    assert.equal(!result.proven && result.reason.code, 'CERT_MISSING');
    socket.destroy();
  });

  it('chooses the certificate by SNI; without one the identity of the listener', async () => {
    await using world = new EdgeWorld({ table: table([ownDomain('corp.example', 'sip'), ownDomain('chat.example', 'xmpp')], []) });
    const chat = world.ourCa.issue({ names: ['chat.example'] });
    world.writePair('chat', chat);
    world.own.reload();
    const { port, next } = await world.listen('tls://127.0.0.1:0', { identity: 'corp' });
    for (const [servername, expected, shows] of [
      ['chat.example', chat.fingerprint, [false, true]],
      ['corp.example', world.ours.fingerprint, [true, false]],
      ['else.example', world.ours.fingerprint, [true, false]],
      ['', world.ours.fingerprint, [true, false]],
    ] as const) {
      const socket = await dial(port, them, { servername });
      assert.equal(fingerprint(socket), expected, servername);
      const link = await next();
      assert.deepEqual(
        ['corp.example', 'chat.example'].map((domain) => link.showsOurs(domain, 'sip')),
        [...shows],
      );
      socket.destroy();
    }
  });

  it('a renewed certificate is shown to the next connection, the old connection stays', async () => {
    await using world = new EdgeWorld();
    const { port, next } = await world.listen();
    const before = await dial(port, them);
    const link = await next();
    const renewed = world.ourCa.issue({ names: ['corp.example'] });
    world.writePair('corp', renewed);
    world.own.reload();
    const after = await dial(port, them);
    assert.equal(fingerprint(before), world.ours.fingerprint);
    assert.equal(fingerprint(after), renewed.fingerprint);
    link.socket.write('still here');
    assert.equal(String((await once(before, 'data'))[0]), 'still here');
    before.destroy();
    after.destroy();
  });

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`a session is not resumed (${maxVersion}), so that the whole chain is always seen`, async () => {
      await using world = new EdgeWorld({ systemRoots: [ca.rootPem] });
      const { port, next } = await world.listen();
      let session: Buffer | undefined;
      const first = await dial(port, them, { maxVersion });
      first.on('session', (data: Buffer) => (session = data));
      const link = await next();
      link.socket.write('x');
      await once(first, 'data');
      session ??= first.getSession();
      first.destroy();
      const second = await dial(port, them, { maxVersion, ...(session ? { session } : {}) });
      assert.equal(second.isSessionReused(), false);
      assert.equal((await (await next()).peer.proves('partner.example', 'sip')).proven, true);
      second.destroy();
    });
  }

  it('speaks nothing below TLS 1.2', async () => {
    await using world = new EdgeWorld();
    const { port } = await world.listen();
    await assert.rejects(dial(port, them, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  });
});

describe('bad connections', () => {
  it('closes who does not finish TLS in time, and serves others meanwhile', async () => {
    await using world = new EdgeWorld();
    const { port, next, admission } = await world.listen('tls://127.0.0.1:0', { handshakeTimeoutMs: 60 });
    const slow = await Promise.all(Array.from({ length: 5 }, () => plain(port)));
    slow[0]!.write(Buffer.from([0x16, 3, 1]));
    const good = await dial(port, them);
    await next();
    await Promise.all(slow.map((socket) => once(socket.resume(), 'close')));
    await until('the bad connections to be counted out', () => admission.total === 1);
    assert.equal(good.destroyed, false);
    good.destroy();
  });

  it('survives resets at every moment, and nonsense in place of TLS', async () => {
    await using world = new EdgeWorld();
    const { port, next, admission } = await world.listen();
    for (const bytes of ['', '\x16', 'GET / HTTP/1.0\r\n\r\n', '\x16\x03\x01\xff\xff'.repeat(100)]) {
      const socket = await plain(port);
      if (bytes !== '') socket.write(Buffer.from(bytes, 'latin1'));
      await new Promise((resolve) => setImmediate(resolve));
      socket.resetAndDestroy();
    }
    const raw = await plain(port);
    const socket = await dial(port, them, { socket: raw });
    const link = await next();
    const closed = once(link.socket, 'close').catch(() => {});
    socket.on('error', () => {});
    raw.on('error', () => {}).resetAndDestroy();
    await closed;
    const good = await dial(port, them);
    await next();
    await until('the bad connections to be counted out', () => admission.total === 1);
    good.destroy();
  });

  it('takes so many from one address and no more, until one leaves', async () => {
    await using world = new EdgeWorld();
    const { port, next, admission } = await world.listen('plain://127.0.0.1:0', { limits: { perAddress: 2, total: 10 } });
    const kept = await Promise.all([plain(port), plain(port)]);
    const links = [await next(), await next()];
    const third = await plain(port);
    await once(third.resume(), 'close');
    assert.equal(admission.total, 2);
    links[0]!.socket.destroy();
    await once(links[0]!.socket, 'close');
    const fourth = await plain(port);
    await next();
    for (const socket of [...kept, fourth]) socket.destroy();
  });

  it('counts addresses apart and a total over all', () => {
    const admission = new Admission({ perAddress: 2, total: 3 });
    const [a, b] = [admission.enter('a'), admission.enter('a')];
    assert.equal(admission.enter('a'), undefined);
    assert.ok(admission.enter('b'));
    assert.equal(admission.enter('c'), undefined);
    a?.();
    a?.();
    assert.equal(admission.total, 2);
    assert.ok(b && admission.enter('c'));
  });

  it('closes a blocked address without a word', async () => {
    await using world = new EdgeWorld();
    const { port } = await world.listen('tls://127.0.0.1:0', { refuses: (address) => address === '127.0.0.1' });
    await assert.rejects(dial(port, them));
  });

  it('listens on every address, and shows IPv4 peers as IPv4', async () => {
    await using world = new EdgeWorld();
    const { port, next } = await world.listen('plain://*:0');
    const socket = await plain(port);
    assert.equal((await next()).peer.address, '127.0.0.1');
    socket.destroy();
  });

  it('says which address cannot be bound', async () => {
    await using world = new EdgeWorld();
    const { port } = await world.listen('plain://127.0.0.1:0');
    await assert.rejects(world.listen(`plain://127.0.0.1:${port}`), new RegExp(`plain://127.0.0.1:${port} .*another program .*EADDRINUSE`));
  });
});

describe('STARTTLS', () => {
  async function plainPair(world: EdgeWorld): Promise<{ client: Socket; link: Link; port: number }> {
    const { port, next } = await world.listen('starttls://127.0.0.1:0', { protocol: 'xmpp' });
    const client = await plain(port);
    return { client, link: await next(), port };
  }
  const startTls = (socket: Socket): Promise<tls.TLSSocket> =>
    new Promise((resolve, reject) => {
      const secure = tls.connect({ socket, cert: them.chainPem, key: them.keyPem, rejectUnauthorized: false });
      secure.on('error', reject).once('secureConnect', () => resolve(secure));
    });

  it('as server shows the certificate of the domain and learns who the peer is', async () => {
    await using world = new EdgeWorld({ systemRoots: [ca.rootPem] });
    const chat = world.ourCa.issue({ names: ['chat.example'] });
    world.writePair('chat', chat);
    world.own.reload();
    const { client, link } = await plainPair(world);
    assert.equal(link.secure, false);
    assert.equal((await link.peer.proves('partner.example', 'xmpp')).proven, false);
    const upgrading = makeTlsUpgrade(world.edge).asServer(link, { domain: 'chat.example', protocol: 'xmpp' });
    const secure = await startTls(client);
    const upgraded = await upgrading;
    assert.equal(fingerprint(secure), chat.fingerprint);
    assert.equal(upgraded.id, link.id);
    assert.equal(upgraded.secure, true);
    assert.equal((await upgraded.peer.proves('partner.example', 'xmpp')).proven, true);
    assert.equal(upgraded.peer.address, '127.0.0.1');
    client.destroy();
  });

  it('throws away what was sent in plain before TLS', async () => {
    await using world = new EdgeWorld();
    const { client, link } = await plainPair(world);
    const heard: string[] = [];
    link.socket.on('data', (data: Buffer) => heard.push(String(data)));
    client.write('<starttls/>');
    await once(link.socket, 'data');
    // The shell has seen <starttls/> and stops listening; the attacker's words arrive before TLS begins.
    link.socket.pause();
    client.write("<message from='victim.example'>smuggled</message>");
    await new Promise((resolve) => setTimeout(resolve, 20));
    const upgrading = makeTlsUpgrade(world.edge).asServer(link, { domain: 'corp.example', protocol: 'xmpp' });
    const secure = await startTls(client);
    const upgraded = await upgrading;
    upgraded.socket.on('data', (data: Buffer) => heard.push(`inside: ${data}`));
    secure.write('hello');
    await once(upgraded.socket, 'data');
    assert.deepEqual(heard, ['<starttls/>', 'inside: hello']);
    client.destroy();
  });

  it('plain words in the middle of the handshake end it', async () => {
    await using world = new EdgeWorld();
    const { client, link } = await plainPair(world);
    const upgrading = makeTlsUpgrade(world.edge).asServer(link, { domain: 'corp.example', protocol: 'xmpp' });
    client.on('error', () => {}).write("<message from='victim.example'>smuggled</message>");
    await assert.rejects(upgrading, (error) => error instanceof ConnectError && error.reason.code === 'NET_TLS_FAILED');
    client.destroy();
  });

  it('a peer that never begins TLS is closed in time', async () => {
    await using world = new EdgeWorld();
    const { client, link } = await plainPair(world);
    await assert.rejects(
      makeTlsUpgrade(world.edge, 50).asServer(link, { domain: 'corp.example', protocol: 'xmpp' }),
      /not finished within 50 ms/,
    );
    await once(client.resume(), 'close');
  });

  it('as client, on a link that was dialled plain', async () => {
    await using world = new EdgeWorld({ systemRoots: [ca.rootPem] });
    const { client, link } = await plainPair(world);
    // Our client end dials the world's own listener; the far end is played by a bare TLS server on that socket.
    const server = new tls.TLSSocket(client, {
      isServer: true,
      cert: them.chainPem,
      key: them.keyPem,
      requestCert: true,
      rejectUnauthorized: false,
    });
    server.on('error', () => {});
    const done = once(server, 'secure'); // in TLS 1.3 the client is done first
    const upgraded = await makeTlsUpgrade(world.edge).asClient(link, {
      side: 'edge',
      protocol: 'xmpp',
      host: 'xmpp.partner.example',
      port: 5269,
      tls: 'none',
      serverName: 'partner.example',
      identity: 'corp.example',
      allowPrivateAddresses: true,
    });
    assert.equal((await upgraded.peer.proves('partner.example', 'xmpp')).proven, true);
    await done;
    assert.equal(fingerprint(server), world.ours.fingerprint);
    upgraded.socket.destroy();
    client.destroy();
  });

  it('a link that is encrypted or closed already is refused', async () => {
    await using world = new EdgeWorld();
    const { client, link } = await plainPair(world);
    link.socket.destroy();
    await assert.rejects(makeTlsUpgrade(world.edge).asServer(link, { domain: 'corp.example', protocol: 'xmpp' }), ConnectError);
    client.destroy();
  });
});
