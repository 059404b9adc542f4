import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observed, SILENT } from '../../src/log.ts';
import { RoadWatch } from '../../src/monitoring/health.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ownDomain, partner, table } from '../support/table.ts';

function world(waiting: { domain: string; rows: number; oldestAt: number }[] = []) {
  const clock = new ManualClock();
  const rules = table([ownDomain('corp.example', 'sip')], [partner('partner.example')]);
  const health = new RoadWatch({ now: () => clock.now(), table: () => rules, waiting: () => waiting });
  const log = observed(SILENT, [(line) => health.watch(line)]);
  const road = (protocol: 'sip' | 'xmpp', direction: 'in' | 'out', domain = 'partner.example') =>
    health.roads().find((one) => one.domain === domain && one.protocol === protocol && one.direction === direction);
  return { clock, health, log, road };
}

test('before anybody has tried, the roads of a listed partner are idle', () => {
  const { road } = world();
  assert.equal(road('xmpp', 'out')?.state, 'idle');
  assert.equal(road('xmpp', 'in')?.state, 'idle');
});

test('a stream that cannot be opened makes the road down, since the first failure, with its reason', () => {
  const { clock, log, road } = world();
  const failed = { event: 'stream.failed', from: 'corp.example', to: 'partner.example', code: 'NET_CONNECT_REFUSED', reason: 'refused' };
  log.warn(failed);
  const since = clock.now();
  clock.advance(60_000);
  log.warn(failed);
  assert.deepEqual([road('xmpp', 'out')?.state, road('xmpp', 'out')?.sinceMs], ['down', since]);
  assert.equal(road('xmpp', 'out')?.lastFailure?.code, 'NET_CONNECT_REFUSED');
  log
    .child({ connection: 'c1', direction: 'out', to: 'partner.example' })
    .info({ event: 'stream.opened', from: 'corp.example', proof: 'external' });
  assert.equal(road('xmpp', 'out')?.state, 'up');
});

test('a partner who is written to on the stream it opened (XEP-0288) is not shown as unreachable', () => {
  const { log, road } = world();
  log.warn({ event: 'stream.failed', to: 'partner.example', code: 'NET_ADDRESS_REFUSED', reason: 'refused' });
  log
    .child({ connection: 'c1', direction: 'in', network: 'xmpp' })
    .info({ event: 'stream.opened', from: 'partner.example', to: 'corp.example', proof: 'external', bidi: true });
  assert.deepEqual([road('xmpp', 'out')?.state, road('xmpp', 'in')?.state], ['up', 'up']);
  log.child({ connection: 'c1' }).info({ event: 'stream.closed' });
  assert.deepEqual([road('xmpp', 'out')?.state, road('xmpp', 'in')?.state], ['idle', 'idle']);
});

test('a message that was delivered shows that the partner is reachable again, however it went', () => {
  const { log, road } = world();
  log.warn({ event: 'stream.failed', to: 'partner.example', code: 'NET_CONNECT_REFUSED', reason: 'refused' });
  log.info({ event: 'message.ended', toDomain: 'partner.example', state: 'refused' });
  assert.equal(road('xmpp', 'out')?.state, 'down');
  log.info({ event: 'message.ended', toDomain: 'partner.example', state: 'delivered' });
  assert.equal(road('xmpp', 'out')?.state, 'up');
});

test('the end of the last connection makes it idle, not down', () => {
  const { log, road } = world();
  for (const connection of ['c1', 'c2'])
    log.child({ connection, direction: 'in' }).info({ event: 'sip.peer.proven', domain: 'partner.example' });
  log.child({ connection: 'c1' }).info({ event: 'sip.connection.closed' });
  assert.equal(road('sip', 'in')?.state, 'up');
  log.child({ connection: 'c2' }).info({ event: 'sip.connection.closed' });
  assert.equal(road('sip', 'in')?.state, 'idle');
});

test('a stranger who claims to be the partner cannot make the partner look down', () => {
  const { log, road } = world();
  log
    .child({ network: 'xmpp', direction: 'in' })
    .warn({ event: 'peer.refused', domain: 'partner.example', code: 'CERT_PEER_EXPIRED', reason: 'expired' });
  assert.equal(road('xmpp', 'in')?.state, 'idle');
  assert.equal(road('xmpp', 'in')?.lastFailure?.code, 'CERT_PEER_EXPIRED');
});

test('strangers do not fill the memory', () => {
  const { health, log } = world();
  for (let i = 0; i < 11_000; i += 1) log.warn({ event: 'stream.failed', to: `d${i}.example`, code: 'NET_DNS_NOT_FOUND' });
  assert.ok(health.roads().length <= 10_004);
  log.warn({ event: 'stream.failed', to: 'partner.example', code: 'NET_DNS_NOT_FOUND' });
  assert.ok(health.roads().some(({ domain, state }) => domain === 'partner.example' && state === 'down'));
});

test('what waits is counted once, on the road that carries messages', () => {
  const clock = new ManualClock();
  const { health } = world([
    { domain: 'partner.example', rows: 5, oldestAt: clock.now() - 60_000 },
    { domain: 'partner.example', rows: 7, oldestAt: clock.now() - 90_000 },
  ]);
  const counted = health.roads().filter(({ waiting }) => waiting > 0);
  assert.equal(counted.length, 1);
  assert.deepEqual([counted[0]?.waiting, counted[0]?.direction], [12, 'out']);
});
