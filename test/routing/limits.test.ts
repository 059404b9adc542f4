import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImSent } from '../../src/model/event.ts';
import type { Clock } from '../../src/model/ports.ts';
import { LIMITS, Limits } from '../../src/routing/limits.ts';
import { inNetwork } from '../../src/routing/rules.ts';
import { partner } from '../support/table.ts';

let nowMs = 0;
const clock: Clock = { now: () => nowMs, monotonic: () => nowMs, after: () => ({ cancel() {} }) };

function message(from: string, to: string): ImSent {
  const origin = { network: 'xmpp', side: 'edge', peer: 'partner.example', connection: 'c', proof: 'certificate' } as const;
  const at = (local: string, domain: string) => ({ local, domain });
  return {
    kind: 'im.sent',
    id: 'e',
    at: 0,
    origin,
    from: at(from, 'partner.example'),
    to: at(to, 'corp.example'),
    body: 'x',
    style: 'chat',
    wants: { delivered: false, displayed: false },
    ids: {},
  };
}
const flood = (limits: Limits, count: number, make: (n: number) => ImSent, entry = partner('partner.example')): number => {
  let admitted = 0;
  for (let n = 0; n < count; n++) if (limits.admit(make(n), entry) === undefined) admitted += 1;
  return admitted;
};

test('one pair of users gets its burst and then its rate', () => {
  nowMs = 0;
  const limits = new Limits(clock);
  assert.equal(
    flood(limits, 100, () => message('li', 'nora')),
    LIMITS.pairBurst,
  );
  nowMs += 10_000;
  assert.equal(
    flood(limits, 100, () => message('li', 'nora')),
    LIMITS.pairBurst,
    'refilled to the burst, not beyond',
  );
  nowMs += 1000;
  assert.equal(
    flood(limits, 100, () => message('li', 'nora')),
    LIMITS.pairPerSecond,
  );
});

test('one sender to many users gets the sender burst', () => {
  nowMs = 0;
  assert.equal(
    flood(new Limits(clock), 100, (n) => message('li', `user${n}`)),
    LIMITS.senderBurst,
  );
});

test('a partner over its rate is refused with the file and key that say so', () => {
  nowMs = 0;
  const limits = new Limits(clock);
  const sources = new Map([
    ['limits.messagesPerSecond', { file: 'routes/partners/partner.example.yaml', key: '/limits/messagesPerSecond' }],
  ]);
  const entry = partner('partner.example', { limits: { messageBytes: 1, messagesPerSecond: 20 }, sources });
  assert.equal(
    flood(limits, 200, (n) => message(`s${n}`, `u${n}`), entry),
    60,
  );
  const refusal = limits.admit(message('s', 'u'), entry);
  assert.deepEqual([refusal?.code, refusal?.key], ['LIMIT_PARTNER_RATE', '/limits/messagesPerSecond']);
});

test('a discovered partner whose messages mostly fail falls to the suspicious rate', () => {
  nowMs = 0;
  const limits = new Limits(clock);
  const entry = partner('partner.example', { limits: { messageBytes: 1, messagesPerSecond: 20, suspiciousMessagesPerSecond: 1 } });
  for (let n = 0; n < LIMITS.suspiciousAfter; n++) limits.note('partner.example', false);
  assert.equal(
    flood(limits, 50, (n) => message(`s${n}`, `u${n}`), entry),
    1,
  );
});

test('networks are matched by prefix, IPv4-mapped addresses as IPv4', () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['198.51.100.7', '198.51.100.0/24', true],
    ['198.51.101.7', '198.51.100.0/24', false],
    ['::ffff:198.51.100.7', '198.51.100.0/24', true],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '2001:db8::/32', false],
  ];
  for (const [address, network, expected] of rows) assert.equal(inNetwork(address, network), expected, `${address} in ${network}`);
});
