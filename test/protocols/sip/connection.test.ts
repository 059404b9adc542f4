// One connection and time: keep-alives both ways, peers that are slow, silent, or do not read, idle ones.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECTION_LIMITS, SlowPeer, WriteStall } from '../../../src/protocols/sip/connection-limits.ts';
import { KeepAlive } from '../../../src/protocols/sip/keep-alive.ts';
import { ask, ExchangeWorld, outgoing } from '../../support/sip-exchange.ts';
import { header } from '../../support/sip-message.ts';

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

test('a double CRLF is answered with one', async () => {
  await using world = await ExchangeWorld.open();
  const peer = await world.arrive();
  peer.send('\r\n\r\n');
  peer.send(ask('OPTIONS'));
  await peer.next();
  assert.ok(peer.bytes.startsWith('\r\nSIP/2.0 200'));
});

test('answers to what came in one piece leave in one piece', async () => {
  await using world = await ExchangeWorld.open();
  world.shore.handle('MESSAGE', async () => ({ status: 200 }));
  const peer = await world.arrive();
  peer.send(ask('MESSAGE'));
  await peer.next();
  let chunks = 0;
  peer.socket.on('data', () => (chunks += 1));
  peer.send(Array.from({ length: 10 }, () => ask('MESSAGE')).join(''));
  for (let index = 0; index < 10; index += 1) await peer.next();
  assert.equal(chunks, 1);
});

test('we ping the connections we opened; one that has answered before and does not any more is closed', async () => {
  await using world = await ExchangeWorld.open();
  const { peer } = await world.metFarServer();
  const pings = () => peer.bytes.split('\r\n\r\n\r\n').length - 1 + Number(peer.bytes.endsWith('hello\r\n\r\n'));
  await world.clock.pass(6_000);
  await settle();
  assert.equal(pings(), 1, 'the first ping comes early');
  peer.send('\r\n');
  await settle();
  await world.clock.pass(96_000, 8_000);
  await settle();
  assert.ok(peer.bytes.endsWith('hello\r\n\r\n\r\n\r\n'), 'another one after 95 s');
  await world.clock.pass(10_000);
  await peer.closed;
});

test('a peer that never answered pings is left alone', async () => {
  await using world = await ExchangeWorld.open();
  await world.metFarServer();
  await world.clock.pass(300_000, 10_000);
  assert.equal(world.shore.sessions().length, 1);
});

test('a half-open connection with a request on it is noticed within 20 s when the peer is known to answer pings', async () => {
  await using world = await ExchangeWorld.open();
  const { far, hop, peer } = await world.metFarServer('1');
  await world.clock.pass(6_000);
  await settle();
  peer.send('\r\n');
  await settle();
  const second = world.shore.request(hop, outgoing('2'));
  await peer.next();
  await world.clock.pass(18_000);
  const again = await far.next();
  const request = await again.next();
  assert.equal(header(request, 'Call-ID'), '2', 're-routed');
  again.answer(request, '200 OK');
  assert.equal((await second).kind, 'response');
});

const SLOW: readonly [string, (send: (text: string) => void) => void, number][] = [
  ['a head that does not end', (send) => send('MESSAGE sip:li@contoso.example SIP/2.0\r\nVia: SIP/2.0/TLS x'), 10_000],
  ['a body that does not come', (send) => send(ask('MESSAGE').replace('Content-Length: 0', 'Content-Length: 50000')), 6_000],
  ['nothing at all', () => {}, 25_000],
];
for (const [what, begin, ms] of SLOW) {
  test(`${what} is waited for ${ms / 1000} s`, async () => {
    await using world = await ExchangeWorld.open();
    const peer = await world.arrive();
    begin((text) => peer.send(text));
    await settle();
    await world.clock.pass(ms - 2_000);
    assert.equal(world.shore.sessions().length, 1);
    await world.clock.pass(3_000);
    await peer.closed;
  });
}

test('a body may be slow, but not slower than 1 KiB a second', () => {
  const slow = new SlowPeer(CONNECTION_LIMITS);
  slow.received('body', 300, true, 0);
  for (let second = 1; second <= 20; second += 1) {
    slow.received('body', 1100, false, second * 1000);
    assert.equal(slow.tooSlow(second * 1000), false);
  }
  slow.received('body', 0, true, 20_000);
  for (let second = 21; second <= 25; second += 1) slow.received('body', 100, false, second * 1000);
  assert.equal(slow.tooSlow(24_900), false);
  assert.equal(slow.tooSlow(25_000), true);
  slow.forget();
  assert.equal(slow.tooSlow(90_000), false, 'we stopped reading ourselves');
});

test('a peer that does not read is dropped at the cap', async () => {
  await using world = await ExchangeWorld.open({ connection: { maxWriteBytes: 300_000 } });
  world.shore.handle('MESSAGE', async () => ({ status: 200, body: 'x'.repeat(60_000) }));
  const peer = await world.arrive();
  peer.socket.pause();
  for (let index = 0; index < 200; index += 1) peer.send(ask('MESSAGE'));
  for (let waited = 0; waited < 100 && world.shore.sessions().length > 0; waited += 1) await settle();
  assert.equal(world.shore.sessions().length, 0);
});

test('a peer that reads nothing for 20 s is dropped; one that reads slowly is not', () => {
  const stall = new WriteStall(CONNECTION_LIMITS);
  stall.queued(10_000);
  assert.equal(stall.stalled(10_000, 0), false);
  for (let second = 1; second < 60; second += 1) assert.equal(stall.stalled(10_000 - second, second * 1000), false, 'a byte a second');
  assert.equal(stall.stalled(9_941, 70_000), false);
  stall.queued(500);
  assert.equal(stall.stalled(10_441, 80_000), true, 'more to read is not more read');
  assert.equal(stall.stalled(0, 81_000), false);
});

test('idle connections are closed, busy ones are not', async () => {
  await using world = await ExchangeWorld.open({ connection: { idleMs: { in: 60_000, out: 60_000 } } });
  world.shore.handle('MESSAGE', () => new Promise(() => {}));
  const idle = await world.arrive();
  idle.send(ask('OPTIONS'));
  await idle.next();
  await world.clock.pass(50_000, 10_000);
  const busy = await world.arrive();
  busy.send(ask('MESSAGE'));
  busy.send(ask('OPTIONS'));
  await busy.next();
  await world.clock.pass(20_000, 10_000);
  await idle.closed;
  assert.equal(world.shore.sessions().length, 1);
});

test('keep-alive: any byte after the ping is a sign of life', () => {
  const alive = new KeepAlive(CONNECTION_LIMITS, 0, true);
  assert.equal(alive.beat(1_000, 0, undefined), undefined);
  assert.equal(alive.beat(5_000, 0, undefined), 'ping');
  alive.pong();
  assert.equal(alive.beat(100_000, 5_100, undefined), 'ping');
  assert.equal(alive.beat(107_000, 5_100, undefined), undefined);
  assert.equal(alive.beat(108_000, 101_000, undefined), undefined);
  assert.equal(alive.beat(195_000, 101_000, undefined), 'ping');
  assert.equal(alive.beat(203_000, 101_000, undefined), 'dead');
});

test('keep-alive: the side that was connected to asks only in doubt', () => {
  const alive = new KeepAlive(CONNECTION_LIMITS, 0, false);
  assert.equal(alive.beat(500_000, 0, undefined), undefined);
  assert.equal(alive.beat(500_000, 0, 495_000), undefined);
  assert.equal(alive.beat(503_000, 0, 495_000), 'ping');
});
