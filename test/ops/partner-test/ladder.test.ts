import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import { ConnectError } from '../../../src/model/ports.ts';
import type { ReasonCode } from '../../../src/model/reason.ts';
import { findingsOf, type Looked } from '../../../src/ops/partner-test/findings.ts';
import { climb, LADDER_TIMES, type Ladder } from '../../../src/ops/partner-test/ladder.ts';
import type { ClimbedRung, Climber, PolicyWord, Probe, ProbeTarget } from '../../../src/ops/partner-test/ports.ts';
import { showReport } from '../../../src/ops/partner-test/report.ts';

const now = () => 0;
const never = new AbortController().signal;
const target = (host: string): ProbeTarget => ({ host, port: 5061, tls: 'direct', found: 'SRV', byFile: false });
const ok = (name: ClimbedRung['name']): ClimbedRung => ({ name, ok: true, says: 'good', ms: 1 });
const fell = (name: ClimbedRung['name'], code: ReasonCode): ClimbedRung => ({
  name,
  ok: false,
  says: 'bad',
  ms: 1,
  reason: reason(code, 'bad'),
});

function climber(parts: Partial<Climber>): Climber {
  return {
    protocol: 'sip',
    locate: async () => ({ kind: 'targets', targets: [target('a.example')], warnings: [] }),
    tcp: async () => '192.0.2.1 answers',
    above: async () => [ok('tls'), ok('identity'), ok('options')],
    ...parts,
  };
}
const refused = async () => {
  throw new ConnectError(reason('NET_CONNECT_REFUSED', 'nobody listens'));
};

test('reaches the top over the first target that lets it', async () => {
  const tried: string[] = [];
  const ladder = await climb(
    climber({
      locate: async () => ({ kind: 'targets', targets: [target('a.example'), target('b.example'), target('c.example')], warnings: [] }),
      tcp: async ({ host }) => {
        tried.push(host);
        return host === 'a.example' ? refused() : 'answers';
      },
    }),
    now,
    never,
  );
  assert.equal(ladder.top, true);
  assert.equal(ladder.fell, undefined);
  assert.deepEqual(tried, ['a.example', 'b.example']);
});

const FALLS: readonly [string, Partial<Climber>, string, ReasonCode][] = [
  ['DNS', { locate: async () => ({ kind: 'failed', reason: reason('NET_DNS_NOT_FOUND', 'no SRV') }) }, 'dns', 'NET_DNS_NOT_FOUND'],
  ['TCP', { tcp: refused }, 'tcp', 'NET_CONNECT_REFUSED'],
  ['TLS', { above: async () => [fell('tls', 'NET_TLS_FAILED')] }, 'tls', 'NET_TLS_FAILED'],
  ['identity', { above: async () => [ok('tls'), fell('identity', 'CERT_PEER_NAME_MISMATCH')] }, 'identity', 'CERT_PEER_NAME_MISMATCH'],
  ['OPTIONS', { above: async () => [ok('tls'), ok('identity'), fell('options', 'PEER_FORBIDDEN')] }, 'options', 'PEER_FORBIDDEN'],
];
for (const [where, parts, rung, code] of FALLS) {
  test(`a fall at ${where} is told with its code, what to do and what to send to the partner`, async () => {
    const ladder = await climb(climber(parts), now, never);
    assert.equal(ladder.top, false);
    assert.equal(ladder.fell?.rung, rung);
    assert.equal(ladder.fell?.reason.code, code);
    const report = reportOf(ladder);
    assert.match(report, new RegExp(`FELL {2}${where}`));
    assert.match(report, new RegExp(`fell at ${where}: ${code}`));
    assert.match(report, /next step for us: /);
    assert.match(
      report,
      /to the partner's administrator:\n {5}At 2026-01-02 10:14 UTC our server edge\.corp\.example \(for corp\.example\)/,
    );
    assert.match(report, /cannot be reached from here/);
  });
}

test('of several targets the one that came highest says why', async () => {
  const ladder = await climb(
    climber({
      locate: async () => ({ kind: 'targets', targets: [target('a.example'), target('b.example')], warnings: [] }),
      tcp: async ({ host }) => (host === 'b.example' ? refused() : 'answers'),
      above: async () => [ok('tls'), fell('identity', 'CERT_PEER_EXPIRED')],
    }),
    now,
    never,
  );
  assert.equal(ladder.fell?.reason.code, 'CERT_PEER_EXPIRED');
});

test('a partner that never answers does not hold the test up', async () => {
  const ladder = await climb(climber({ tcp: () => new Promise(() => {}) }), now, never, { ...LADDER_TIMES, tcpMs: 30 });
  assert.equal(ladder.fell?.rung, 'tcp');
  assert.equal(ladder.fell?.reason.code, 'NET_CONNECT_TIMEOUT');
});

test('only so many targets are tried', async () => {
  let tries = 0;
  const many = Array.from({ length: 50 }, (_, index) => target(`h${index}.example`));
  await climb(
    climber({
      locate: async () => ({ kind: 'targets', targets: many, warnings: [] }),
      tcp: async () => {
        tries += 1;
        return refused();
      },
    }),
    now,
    never,
  );
  assert.equal(tries, 4);
});

const word = (direction: PolicyWord['direction'], what: PolicyWord['what'], allowed = true): PolicyWord =>
  allowed
    ? { direction, what, allowed, because: 'allowed' }
    : {
        direction,
        what,
        allowed,
        because: 'no file',
        code: 'POLICY_PARTNER_UNLISTED',
        file: 'routes/policy.yaml',
        key: '/federation',
        line: 3,
      };
const words = (allowed = true): PolicyWord[] => [word('toThem', 'message', allowed), word('fromThem', 'message', allowed)];

function probe(changes: Partial<Probe> = {}): Probe {
  return {
    ourDomain: 'corp.example',
    ourHost: 'edge.corp.example',
    spoken: ['sip'],
    climbers: [],
    policy: words(),
    ourRecords: async (protocol) => ({ kind: 'none', name: protocol }),
    addresses: async () => new Set(),
    deliver: async () => ({ id: 'x', state: 'delivered', says: 'done' }),
    ...changes,
  };
}
function lookedAt(ladders: readonly Ladder[], changes: Partial<Looked> = {}): Looked {
  return { domain: 'partner.example', probe: probe(), ladders, inbound: [], at: Date.UTC(2026, 0, 2, 10, 14), ...changes };
}
function reportOf(ladder: Ladder): string {
  const looked = lookedAt([ladder]);
  return showReport(looked, findingsOf(looked), 'commandLine');
}
const codesOf = (looked: Looked) => findingsOf(looked).map((one) => one.code);

test('nothing is found when a protocol that is spoken with the partner is climbed and policy lets something pass', async () => {
  const sip = await climb(climber({}), now, never);
  assert.deepEqual(codesOf(lookedAt([sip])), []);
  const closed = lookedAt([sip], { probe: probe({ policy: words(false) }) });
  assert.deepEqual(codesOf(closed), ['POLICY_PARTNER_UNLISTED']);
  assert.match(showReport(closed, findingsOf(closed), 'process'), /no file \(routes\/policy\.yaml:3 \/federation\)/);
});

test('a protocol that the partner does not offer is no fault while the other one is climbed; a broken one is', async () => {
  const sip = await climb(climber({}), now, never);
  const without = reason('NET_DNS_NOT_FOUND', 'no SRV', { finer: 'DNS_SRV_NONE' });
  const none = await climb(climber({ protocol: 'xmpp', locate: async () => ({ kind: 'failed', reason: without }) }), now, never);
  const broken = await climb(climber({ protocol: 'xmpp', above: async () => [fell('tls', 'NET_TLS_FAILED')] }), now, never);
  const both = { probe: probe({ spoken: ['sip', 'xmpp'] }) };
  assert.deepEqual(codesOf(lookedAt([sip, none], both)), []);
  assert.deepEqual(codesOf(lookedAt([sip, broken], both)), ['NET_TLS_FAILED']);
  assert.deepEqual(codesOf(lookedAt([sip, broken])), [], 'not spoken');
  assert.deepEqual(codesOf(lookedAt([sip, broken], { only: 'xmpp' })), ['NET_TLS_FAILED'], 'asked for by name');
  assert.deepEqual(codesOf(lookedAt([none], both)), ['DNS_SRV_NONE']);
});

test('a target that fails while another one holds is a warning', async () => {
  const targets = [target('a.example'), target('b.example')];
  const ladder = await climb(
    climber({
      locate: async () => ({ kind: 'targets', targets, warnings: [] }),
      tcp: async ({ host }) => (host === 'a.example' ? refused() : 'answers'),
    }),
    now,
    never,
  );
  const [one, ...others] = findingsOf(lookedAt([ladder]));
  assert.deepEqual([one?.code, one?.level, others.length], ['NET_CONNECT_REFUSED', 'warning', 0]);
});

test('who comes in but is not reached, and who is reached but refused, is named a one-way road', async () => {
  const up = await climb(climber({}), now, never);
  const down = await climb(climber({ tcp: refused }), now, never);
  const at = Date.UTC(2026, 0, 2, 10);
  const refusedIn = {
    name: 'refused',
    ok: false,
    says: 'refused',
    reason: reason('CERT_PEER_EXPIRED', 'it expired on 2026-01-01'),
    at,
    target: '192.0.2.7',
  } as const;
  assert.deepEqual(codesOf(lookedAt([up], { inbound: [{ protocol: 'sip', rungs: [refusedIn] }] })), [
    'CERT_PEER_EXPIRED',
    'ONE_WAY_OUT_ONLY',
  ]);
  assert.deepEqual(codesOf(lookedAt([down], { inbound: [{ protocol: 'sip', rungs: [], lastGood: at }] })), [
    'NET_CONNECT_REFUSED',
    'ONE_WAY_IN_ONLY',
  ]);
  const [first] = findingsOf(lookedAt([up], { inbound: [{ protocol: 'sip', rungs: [refusedIn] }] }));
  assert.match(
    first?.them ?? '',
    /^At 2026-01-02 10:00 UTC your server \(for partner\.example\) tried to reach ours, edge\.corp\.example .* from 192\.0\.2\.7\. We saw: It expired/,
  );
});

test("a partner's words cannot move the cursor, begin a line or turn the text round", async () => {
  const words = 'no\n  ok    OPTIONS    200 OK\u001b[2J\u009b1m\u202e';
  const why = reason('PEER_FORBIDDEN', words);
  const ladder = await climb(climber({ above: async () => [{ name: 'options', ok: false, says: words, ms: 1, reason: why }] }), now, never);
  const report = reportOf(ladder);
  assert.doesNotMatch(report, /^ {2}ok {4}OPTIONS/m);
  assert.doesNotMatch(report, /[\u001b\u009b\u202e]/);
});
