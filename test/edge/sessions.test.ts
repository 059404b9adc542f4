// The list of open connections: real sockets on loopback through our own listener.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { SessionBook } from '../../src/edge/sessions.ts';
import { makeTlsUpgrade } from '../../src/edge/tls-upgrade.ts';
import { reason } from '../../src/errors.ts';
import { makeCa } from '../support/ca.ts';
import { dial, EdgeWorld } from '../support/edge-world.ts';
import { until } from '../support/wait.ts';

const WHY = reason('POLICY_BLOCKED', 'blocked');

test('a connection is listed with its address, TLS and certificate, and with whom it proved to be once it was asked', async () => {
  const ca = makeCa('Their CA');
  await using world = new EdgeWorld({ files: { 'trust/edge/their.pem': ca.rootPem } });
  const { port, next } = await world.listen();
  const peer = await dial(port, ca.issue({ names: ['partner.example'] }));
  const link = await next();
  const [before] = world.sessions.list();
  assert.deepEqual([before?.id, before?.protocol, before?.side, before?.direction], [link.id, 'sip', 'edge', 'in']);
  assert.equal(before?.tls?.version, 'TLSv1.3');
  assert.equal(before?.fingerprint, link.peer.fingerprint);
  assert.equal(before?.proven.size, 0);
  await link.peer.proves('partner.example', 'sip');
  await link.peer.proves('other.example', 'sip');
  link.notes.counted('in');
  link.notes.counted('out');
  link.notes.counted('out');
  const [after] = world.sessions.list();
  assert.deepEqual([...(after?.proven ?? [])], [['partner.example', 'certificate']]);
  assert.deepEqual([after?.received, after?.sent], [1, 2]);
  assert.ok(after !== undefined && after.bytesReceived > 500 && after.bytesSent > 500, 'octets of the wire, the handshake too');
  peer.destroy();
  await until('an empty list', () => world.sessions.list().length === 0);
});

test('STARTTLS: the same session afterwards, and one entry in the list', async () => {
  await using world = new EdgeWorld();
  const { port, next } = await world.listen('starttls://127.0.0.1:0', { protocol: 'xmpp' });
  const raw = connect(port, '127.0.0.1');
  const plain = await next();
  assert.equal(world.sessions.list()[0]?.tls, undefined);
  const upgraded = makeTlsUpgrade(world.edge).asServer(plain, { domain: 'corp.example', protocol: 'xmpp' });
  const peer = tls.connect({ socket: raw, rejectUnauthorized: false });
  const secure = await upgraded;
  assert.equal(secure.notes, plain.notes);
  assert.deepEqual(
    world.sessions.list().map(({ id, tls: security }) => [id, security?.version]),
    [[plain.id, 'TLSv1.3']],
  );
  secure.socket.destroy();
  await until('an empty list', () => world.sessions.list().length === 0);
  peer.destroy();
});

test('closing asks the shore to say goodbye; a connection that no shore has taken is destroyed', async () => {
  await using world = new EdgeWorld();
  const { port, next } = await world.listen('plain://127.0.0.1:0');
  const peer = connect(port, '127.0.0.1');
  const link = await next();
  const said: string[] = [];
  link.notes.endsBy((why) => said.push(why.code));
  link.notes.proven('partner.example', 'dialback');
  assert.equal(world.sessions.closeDomains(new Set(['other.example']), WHY), 0);
  assert.equal(world.sessions.closeDomains(new Set(['other.example', 'partner.example']), WHY), 1);
  assert.equal(world.sessions.close(link.id, WHY), true);
  assert.deepEqual(said, ['POLICY_BLOCKED', 'POLICY_BLOCKED']);
  assert.equal(world.sessions.close('nobody', WHY), false);
  const second = connect(port, '127.0.0.1');
  const { id } = await next();
  assert.equal(world.sessions.close(id, WHY), true);
  await once(second, 'close');
  peer.destroy();
});

test('two who listen to one connection both hear it, and nobody does afterwards', async () => {
  await using world = new EdgeWorld();
  const { port, next } = await world.listen('plain://127.0.0.1:0');
  const peer = connect(port, '127.0.0.1');
  const link = await next();
  const heard: string[] = [];
  const first = world.sessions.tap(link.id, (direction, bytes) => heard.push(`1 ${direction} ${String(bytes)}`));
  const second = world.sessions.tap(link.id, (direction, bytes) => heard.push(`2 ${direction} ${String(bytes)}`));
  link.notes.tap?.('in', 'a');
  first?.();
  link.notes.tap?.('out', 'b');
  second?.();
  assert.equal(link.notes.tap, undefined);
  assert.deepEqual(heard, ['1 in a', '2 in a', '2 out b']);
  assert.equal(
    world.sessions.tap('nobody', () => {}),
    undefined,
  );
  peer.destroy();
});

test('who watches is told of each connection, each new proof once, and the end', async () => {
  await using world = new EdgeWorld();
  const { port, next } = await world.listen('plain://127.0.0.1:0');
  const told: string[] = [];
  const stop = world.sessions.watch({
    opened: () => told.push('opened'),
    proven: (_id, domain) => told.push(`proven ${domain}`),
    closed: () => told.push('closed'),
  });
  const peer = connect(port, '127.0.0.1');
  const link = await next();
  link.notes.proven('partner.example', 'dialback');
  link.notes.proven('partner.example', 'certificate');
  link.notes.proven('partner.example', 'dialback');
  assert.deepEqual([...(world.sessions.list()[0]?.proven ?? [])], [['partner.example', 'certificate']], 'the better word stays');
  peer.destroy();
  await until('the end', () => told.includes('closed'));
  stop();
  assert.deepEqual(told, ['opened', 'proven partner.example', 'closed']);
});

test('a connection that was gone before it was listed is not in the list', async () => {
  await using world = new EdgeWorld();
  const { port } = await world.listen('plain://127.0.0.1:0');
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  await once(socket, 'close');
  const book = new SessionBook({ now: () => 0 });
  book.opened({ id: 'x', protocol: 'sip', side: 'edge', direction: 'in', address: '127.0.0.1', port: 1 }, socket);
  assert.deepEqual(book.list(), []);
});
