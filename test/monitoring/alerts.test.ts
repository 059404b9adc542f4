import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import { observed, SILENT } from '../../src/log.ts';
import type { PartnerHealth } from '../../src/model/health.ts';
import { Alerts, type Notice } from '../../src/monitoring/alerts.ts';
import { InsideWatch } from '../../src/monitoring/inside.ts';
import type { WatchedCertificate } from '../../src/monitoring/metrics.ts';
import { ManualClock } from '../support/manual-clock.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

function world() {
  const clock = new ManualClock();
  const told: Notice[] = [];
  const state = { roads: [] as PartnerHealth[], certificates: [] as WatchedCertificate[], broken: false };
  const inside = new InsideWatch(() => clock.now());
  const log = observed(SILENT, [(line) => inside.watch(line)]);
  const alerts = new Alerts({
    clock,
    log: SILENT,
    rules: { partnerDownMs: 5 * MINUTE, queueAgeMs: 15 * MINUTE, certificateDays: [30, 14, 3] },
    health: { roads: () => state.roads },
    inside: () => inside.away(),
    certificates: async () => state.certificates,
    notifiers: [
      {
        name: 'test',
        async tell(notices) {
          if (state.broken) throw new Error('no way out');
          told.push(...notices);
        },
      },
    ],
  });
  const down = (sinceMs: number): PartnerHealth => ({
    domain: 'partner.example',
    protocol: 'xmpp',
    direction: 'out',
    state: 'down',
    sinceMs,
    lastFailure: reason('NET_CONNECT_REFUSED', 'refused'),
    waiting: 12,
    oldestMs: 2 * MINUTE,
  });
  const lines = (): string[] => told.splice(0).map(({ state: word, alert }) => `${word} ${alert.text}`);
  return { clock, alerts, state, down, lines, log };
}

test('a partner that is down is told after five minutes, once, then daily, and when it is over', async () => {
  const { clock, alerts, state, down, lines } = world();
  state.roads = [down(clock.now())];
  await alerts.look();
  assert.deepEqual(lines(), []);
  clock.advance(5 * MINUTE);
  await alerts.look();
  await alerts.look();
  assert.match(
    lines().join('|'),
    /^begins partner\.example has been unreachable over xmpp since 20.* UTC, 12 waiting: NET_CONNECT_REFUSED, refused$/,
  );
  clock.advance(DAY);
  await alerts.look();
  assert.match(lines().join('|'), /^lasts /);
  state.roads = [];
  await alerts.look();
  assert.match(lines().join('|'), /^over /);
  await alerts.look();
  assert.deepEqual(lines(), []);
});

test('a road in that is refused wakes nobody', async () => {
  const { clock, alerts, state, down, lines } = world();
  state.roads = [{ ...down(clock.now() - DAY), direction: 'in' }];
  await alerts.look();
  assert.deepEqual(lines(), []);
});

test('our own server that cannot be reached is told, and when it is back', async () => {
  const { clock, alerts, lines, log } = world();
  const failed = { event: 'sip.connect.failed', side: 'inside', domain: 'corp.example', code: 'NET_CONNECT_REFUSED', reason: 'refused' };
  const component = log.child({ component: 'isthmus.chat.example' });
  log.warn(failed);
  component.warn({ event: 'component.closed', reason: 'no component stream' });
  log.warn({ ...failed, side: 'edge', domain: 'partner.example' });
  clock.advance(5 * MINUTE);
  log.warn(failed);
  await alerts.look();
  assert.deepEqual(
    lines().map((line) => line.split(' has been')[0]),
    ['begins our own SIP server for corp.example', 'begins our own XMPP server behind isthmus.chat.example'],
  );
  log.child({ direction: 'out' }).info({ event: 'sip.peer.proven', side: 'inside', domain: 'corp.example' });
  component.info({ event: 'component.opened' });
  await alerts.look();
  assert.deepEqual(
    lines().map((line) => line.split(' ')[0]),
    ['over', 'over'],
  );
});

test('a queue that grows old is told, with the command that shows it', async () => {
  const { clock, alerts, state, down, lines } = world();
  state.roads = [{ ...down(clock.now()), state: 'up', oldestMs: 20 * MINUTE }];
  await alerts.look();
  assert.equal(alerts.standing[0]?.advice, 'isthmus queue list --partner partner.example');
  assert.deepEqual(lines(), ['begins 12 waiting for partner.example, the oldest for 20 min']);
});

test('each certificate threshold is told once: 30, 14, 3 days, and the end', async () => {
  const { clock, alerts, state, lines } = world();
  state.certificates = [{ role: 'partner', name: 'partner.example xmpp in', notAfter: clock.now() + 40 * DAY }];
  const heard: string[] = [];
  for (let day = 0; day < 42; day += 1) {
    await alerts.look();
    heard.push(...lines().filter((line) => line.startsWith('begins')));
    clock.advance(DAY);
  }
  assert.equal(heard.length, 4);
  assert.match(heard[0] ?? '', /the certificate of partner\.example xmpp in expires on .*, in 29 days/);
  assert.match(heard[3] ?? '', /expired on/);
});

test('what could not be told is told with the next look, also when it is over by then', async () => {
  const { clock, alerts, state, down, lines } = world();
  state.broken = true;
  state.roads = [down(clock.now() - DAY)];
  await alerts.look();
  state.broken = false;
  state.roads = [];
  await alerts.look();
  assert.deepEqual(
    lines().map((line) => line.split(' ')[0]),
    ['begins', 'over'],
  );
});
