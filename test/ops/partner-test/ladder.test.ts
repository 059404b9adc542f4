import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import { ConnectError } from '../../../src/model/ports.ts';
import type { ReasonCode } from '../../../src/model/reason.ts';
import { climb } from '../../../src/ops/partner-test/ladder.ts';
import type { Climber, Probe, ProbeTarget, Rung } from '../../../src/ops/partner-test/ports.ts';
import { showReport, verdict } from '../../../src/ops/partner-test/report.ts';

const now = () => 0;
const target = (host: string): ProbeTarget => ({ host, port: 5061, tls: 'direct', found: 'SRV' });
const ok = (name: Rung['name']): Rung => ({ name, ok: true, says: 'good', ms: 1 });
const fell = (name: Rung['name'], code: ReasonCode): Rung => ({ name, ok: false, says: 'bad', ms: 1, reason: reason(code, 'bad') });

function climber(parts: Partial<Climber>): Climber {
  return {
    protocol: 'sip',
    locate: async () => ({ kind: 'targets', targets: [target('a.example')] }),
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
      locate: async () => ({ kind: 'targets', targets: [target('a.example'), target('b.example'), target('c.example')] }),
      tcp: async ({ host }) => {
        tried.push(host);
        return host === 'a.example' ? refused() : 'answers';
      },
    }),
    now,
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
    const ladder = await climb(climber(parts), now);
    assert.equal(ladder.top, false);
    assert.equal(ladder.fell?.rung, rung);
    assert.equal(ladder.fell?.reason.code, code);
    const report = showReport('partner.example', probe(), [ladder]);
    assert.match(report, new RegExp(`FELL {2}${where}`));
    assert.match(report, new RegExp(`fell at ${where}: ${code}`));
    assert.match(report, /what to do: /);
    assert.match(report, /to the partner: /);
    assert.match(report, /cannot be reached from here/);
  });
}

test('of several targets the one that came highest says why', async () => {
  const ladder = await climb(
    climber({
      locate: async () => ({ kind: 'targets', targets: [target('a.example'), target('b.example')] }),
      tcp: async ({ host }) => (host === 'b.example' ? refused() : 'answers'),
      above: async () => [ok('tls'), fell('identity', 'CERT_PEER_EXPIRED')],
    }),
    now,
  );
  assert.equal(ladder.fell?.reason.code, 'CERT_PEER_EXPIRED');
});

test('a partner that never answers does not hold the test up', async () => {
  const ladder = await climb(climber({ tcp: () => new Promise(() => {}) }), now, { wholeMs: 30, maxTargets: 4 });
  assert.equal(ladder.fell?.rung, 'tcp');
  assert.equal(ladder.fell?.reason.code, 'PEER_TIMEOUT');
});

test('only so many targets are tried', async () => {
  let tries = 0;
  const many = Array.from({ length: 50 }, (_, index) => target(`h${index}.example`));
  await climb(
    climber({
      locate: async () => ({ kind: 'targets', targets: many }),
      tcp: async () => {
        tries += 1;
        return refused();
      },
    }),
    now,
  );
  assert.equal(tries, 4);
});

function probe(changes: Partial<Probe> = {}): Probe {
  const yes = { allowed: true, because: 'routes/policy.yaml' };
  return { ourDomain: 'corp.example', spoken: ['sip'], climbers: [], policy: { toThem: yes, fromThem: yes }, ...changes };
}

test('good is a protocol that is spoken with the partner and a policy that lets something pass', async () => {
  const sip = await climb(climber({}), now);
  const no = { allowed: false, because: 'POLICY_PARTNER_UNLISTED' };
  assert.equal(verdict(probe(), [sip]), true);
  assert.equal(verdict(probe({ spoken: ['xmpp'] }), [sip]), false);
  assert.equal(verdict(probe({ policy: { toThem: no, fromThem: no } }), [sip]), false);
  assert.match(showReport('partner.example', probe({ spoken: ['xmpp'] }), [sip]), /not spoken with this partner/);
});
