import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import type { Passport } from '../../../src/model/passport.ts';
import type { PeerTry } from '../../../src/model/peer-try.ts';
import type { Records } from '../../../src/ops/operations.ts';
import { type InboundParts, lookInbound } from '../../../src/ops/partner-test/inbound.ts';
import type { OurRecord, PartnerRoom, Probe } from '../../../src/ops/partner-test/ports.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const clock = new ManualClock();
const NOW = clock.now();
const HOUR = 3_600_000;
const OURS: OurRecord = { kind: 'published', name: '_xmpp-server._tcp.corp.example', targets: ['edge.corp.example:5269'], ours: true };

function passport(lastSeen: number): Passport {
  const leaf = {
    subject: 'CN=partner.example',
    issuer: 'CN=Some CA',
    serial: '1',
    fingerprint: 'ab',
    keyFingerprint: 'cd',
    keyType: 'ec',
    notBefore: 0,
    notAfter: NOW + HOUR,
  };
  return {
    domain: 'partner.example',
    protocol: 'xmpp',
    direction: 'in',
    chain: [leaf],
    names: ['partner.example'],
    eku: [],
    tlsVersion: 'TLSv1.3',
    cipher: 'x',
    acceptedAuthorities: [],
    firstSeen: 0,
    lastSeen,
  };
}
const refusal = (at: number, code: NonNullable<PeerTry['code']> = 'CERT_PEER_EXPIRED'): PeerTry => ({
  at,
  protocol: 'xmpp',
  domain: 'partner.example',
  address: '192.0.2.7',
  ok: false,
  code,
  text: 'it expired',
});
const success = (at: number): PeerTry => ({
  at,
  protocol: 'xmpp',
  domain: 'partner.example',
  address: '192.0.2.7',
  ok: true,
  text: 'a stream',
});

/** Only these two tables are asked. */
function known(tries: readonly PeerTry[], seen?: Passport): Records {
  return {
    passports: { get: async () => seen },
    peerTries: { of: async () => [...tries].sort((a, b) => b.at - a.at) },
  } as unknown as Records;
}

async function look(parts: Omit<Partial<InboundParts>, 'record'> & { readonly record?: OurRecord }) {
  const { record = OURS, ...more } = parts;
  const probe: Probe = {
    ourDomain: 'corp.example',
    ourHost: 'edge.corp.example',
    spoken: ['xmpp'],
    climbers: [],
    policy: [],
    ourRecords: async () => record,
    addresses: async () => new Set(['192.0.2.7']),
    deliver: async () => ({ id: 'x', state: 'delivered', says: 'done' }),
  };
  const found = await lookInbound({
    domain: 'partner.example',
    protocol: 'xmpp',
    probe,
    targets: [],
    clock,
    reached: true,
    record: Promise.resolve(record),
    roadMs: 100,
    ...more,
  });
  return { ...found, told: Object.fromEntries(found.rungs.map((rung) => [rung.name, rung])) };
}

test('a home that has never been started says so, and alarms nobody', async () => {
  const { told, rungs, lastGood } = await look({});
  assert.match(told.seen?.says ?? '', /never been started/);
  assert.deepEqual(
    rungs.flatMap((rung) => rung.reason ?? []),
    [],
  );
  assert.equal(lastGood, undefined);
});

test('the last visit is told with the certificate that was shown', async () => {
  const { told, lastGood } = await look({ records: known([], passport(NOW - HOUR)) });
  assert.equal(lastGood, NOW - HOUR);
  assert.match(
    told.seen?.says ?? '',
    /last came in at .* UTC, with a certificate for partner\.example by CN=Some CA, valid until .*, over TLSv1\.3/,
  );
});

test('a refusal after the last visit is the reason they do not get in; one before it is history', async () => {
  const after = await look({ records: known([refusal(NOW - HOUR), success(NOW - 2 * HOUR)]) });
  assert.equal(after.told.refused?.reason?.code, 'CERT_PEER_EXPIRED');
  assert.match(after.told.refused?.says ?? '', /their try from 192\.0\.2\.7 at .* UTC was refused: it expired/);
  const before = await look({ records: known([refusal(NOW - 2 * HOUR), success(NOW - HOUR)]) });
  assert.equal(before.told.refused, undefined);
  const old = await look({ records: known([refusal(NOW - 8 * 24 * HOUR)]) });
  assert.equal(old.told.refused, undefined, 'a week is long');
});

test('an open connection outweighs every refusal', async () => {
  const room = {
    open: () => [{ protocol: 'xmpp', direction: 'in', how: 'certificate', since: NOW - HOUR }],
    roadBack: async () => ({ kind: 'answered', ms: 5 }),
  } as unknown as PartnerRoom;
  const { told } = await look({ records: known([refusal(NOW - 1)]), room });
  assert.equal(told.refused, undefined);
  assert.match(told.seen?.says ?? '', /connected to us since/);
  assert.match(told['road back']?.says ?? '', /answered our ping after 5 ms/);
});

test('a refusal of nobody in particular counts by the address, when it tells something and nobody came in before', async () => {
  const { domain: _nobody, ...stranger } = { ...refusal(NOW - HOUR, 'NET_TLS_FAILED'), finer: 'OUR_CERT_UNTRUSTED' as const };
  const { told } = await look({ records: known([stranger]) });
  assert.match(told.refused?.says ?? '', /somebody from 192\.0\.2\.7, an address of partner\.example/);
  assert.equal(
    (await look({ records: known([{ ...stranger, finer: 'TLS_CLOSED' }]) })).told.refused,
    undefined,
    'a health check knocks and leaves',
  );
  assert.equal((await look({ records: known([stranger, success(NOW - 2 * HOUR)]) })).told.refused, undefined);
});

test('somebody else who claims their name and is refused is told, and alarms nobody', async () => {
  const liar = { ...refusal(NOW - HOUR, 'CERT_PEER_SELF_SIGNED'), address: '203.0.113.66' };
  const { told } = await look({ records: known([liar, success(NOW - 2 * HOUR)]) });
  assert.deepEqual([told.refused?.ok, told.refused?.reason], [undefined, undefined]);
  assert.match(told.refused?.says ?? '', /203\.0\.113\.66, which is none of theirs, claimed to be them/);
  const theirs = { ...liar, address: '198.51.100.4' };
  const moved = known([theirs, { ...success(NOW - 2 * HOUR), address: '198.51.100.4' }]);
  assert.equal((await look({ records: moved })).told.refused?.ok, false, 'they came from there before');
});

test('a limit that was hit is told with its end, and closes no door', async () => {
  const { told } = await look({ records: known([refusal(NOW - 60_000, 'LIMIT_PARTNER_RATE')]) });
  assert.equal(told.refused, undefined);
  assert.match(told.limits?.says ?? '', /their messages were refused, each time until about a second/);
});

test('our own records: missing is a finding for who has never come, and none for who knows us by another way', async () => {
  const none: OurRecord = { kind: 'none', name: '_xmpp-server._tcp.corp.example' };
  const elsewhere: OurRecord = { ...OURS, ours: false, targets: ['old.corp.example:5269'] };
  assert.equal((await look({ record: none, records: known([]) })).told.records?.reason?.finer, 'OUR_SRV_NONE');
  assert.equal((await look({ record: elsewhere, records: known([]) })).told.records?.reason?.finer, 'OUR_SRV_ELSEWHERE');
  assert.equal((await look({ record: none, records: known([success(NOW - HOUR)]) })).told.records?.reason, undefined);
  const byFile = { host: 'x.partner.example', port: 5269, tls: 'starttls', found: "the partner's file", byFile: true } as const;
  assert.equal((await look({ record: none, records: known([]), targets: [byFile] })).told.records?.reason, undefined);
});

test('without a running process the road back is what was seen last', async () => {
  const silent = await look({ records: known([refusal(NOW - HOUR, 'XMPP_NO_RETURN_PATH')]) });
  assert.equal(silent.told['road back']?.reason?.code, 'XMPP_NO_RETURN_PATH');
  assert.equal(silent.told.refused, undefined);
  const answeredSince = await look({ records: known([refusal(NOW - 2 * HOUR, 'XMPP_NO_RETURN_PATH'), success(NOW - HOUR)]) });
  assert.equal(answeredSince.told['road back'], undefined);
  const room = {
    open: () => [],
    roadBack: async () => ({ kind: 'failed', reason: reason('XMPP_NO_RETURN_PATH', 'no answer') }),
  } as unknown as PartnerRoom;
  assert.equal((await look({ records: known([]), room })).told['road back']?.ok, false);
  assert.equal((await look({ records: known([]), room, reached: false })).told['road back'], undefined, 'who is not reached is not asked');
});
