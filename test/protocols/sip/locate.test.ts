// Where a domain is looked for, in which order, and where the search stops.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import type { Hop, NaptrRecord, Resolver, SrvAnswer } from '../../../src/model/ports.ts';
import { locate, type SipTarget } from '../../../src/protocols/sip/locate.ts';
import { TargetHealth } from '../../../src/protocols/sip/target-health.ts';
import { ownDomain, partner } from '../../support/table.ts';

const D = 'fabrikam.example';
const srv = (target: string, port = 5061, priority = 1): SrvAnswer => ({
  kind: 'records',
  records: [{ target, port, priority, weight: 1 }],
});
const NOT_OFFERED: SrvAnswer = { kind: 'notOffered' };
const BROKEN: SrvAnswer = { kind: 'failed', reason: reason('NET_DNS_FAILED', 'SERVFAIL') };
const sips: NaptrRecord = { order: 1, preference: 1, flags: 's', service: 'SIPS+D2T', replacement: `_sips._tcp.elsewhere.${D}` };

function dns(zone: Record<string, SrvAnswer>, naptr: readonly NaptrRecord[] = [], address = false): Resolver & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    srv: async (name) => {
      asked.push(name);
      return zone[name] ?? { kind: 'none' };
    },
    naptr: async () => naptr,
    addresses: async () => (address ? { kind: 'addresses', addresses: ['192.0.2.1'] } : { kind: 'none' }),
  };
}

function edge(more: { hosts?: { host: string; port: number }[]; lync?: boolean; discovered?: boolean } = {}): Hop {
  const entry = partner(D, { discovered: more.discovered === true });
  const sip = { ...entry.sip, hosts: more.hosts ?? [], dialect: more.lync === true ? ('lync' as const) : ('standard' as const) };
  return { network: 'sip', side: 'edge', ourDomain: 'contoso.example', theirDomain: D, partner: { ...entry, sip } };
}

const FED = `_sipfederationtls._tcp.${D}`;
const SIPS = `_sips._tcp.${D}`;
const ROWS: readonly [string, Hop, Resolver, string][] = [
  [
    'hosts of the file, instead of DNS',
    edge({
      hosts: [
        { host: 'a.example', port: 5061 },
        { host: '192.0.2.7', port: 5071 },
      ],
    }),
    dns({ [FED]: srv('x') }),
    `hosts a.example:5061/${D} 192.0.2.7:5071/${D}`,
  ],
  [
    'a Lync partner is asked for by its host name',
    edge({ hosts: [{ host: 'sip.a.example', port: 5061 }], lync: true }),
    dns({}),
    'hosts sip.a.example:5061/sip.a.example',
  ],
  ['_sipfederationtls first', edge(), dns({ [FED]: srv(`sip.${D}`), [SIPS]: srv('b') }), `federationTls sip.${D}:5061/sip.${D}`],
  ['then _sips._tcp', edge(), dns({ [SIPS]: srv(`b.${D}`, 5081) }), `sips b.${D}:5081/${D}`],
  ['NAPTR SIPS+D2T leads there first', edge(), dns({ [sips.replacement]: srv('n'), [SIPS]: srv('b') }, [sips]), `sips n:5061/${D}`],
  [
    'NAPTR for UDP or TCP leads nowhere',
    edge(),
    dns({ '_sip._udp.x': srv('n'), [SIPS]: srv('b') }, [{ ...sips, service: 'SIP+D2U', replacement: '_sip._udp.x' }]),
    `sips b:5061/${D}`,
  ],
  ['a listed partner without SRV: the domain itself', edge(), dns({}, [], true), `address ${D}:5061/${D}`],
  ['a listed partner without anything', edge(), dns({}), 'NET_DNS_NOT_FOUND'],
  ['a discovered partner by SRV only', edge({ discovered: true }), dns({}, [], true), 'NET_DNS_NOT_FOUND'],
  ['a discovered partner by SRV', edge({ discovered: true }), dns({ [FED]: srv(`sip.${D}`) }), `federationTls sip.${D}:5061/sip.${D}`],
  ['`.` says no: nothing else is tried', edge(), dns({ [FED]: NOT_OFFERED, [SIPS]: srv('b') }, [], true), 'NET_DNS_NOT_FOUND'],
  ['`.` for _sips: no fall back to the address', edge(), dns({ [SIPS]: NOT_OFFERED }, [], true), 'NET_DNS_NOT_FOUND'],
  ['DNS that fails is no answer', edge(), dns({ [SIPS]: BROKEN }, [], true), 'NET_DNS_FAILED'],
  ['DNS that fails in one place only', edge(), dns({ [FED]: BROKEN, [SIPS]: srv('b') }), `sips b:5061/${D}`],
];
const shown = (targets: readonly SipTarget[]) =>
  `${targets[0]?.found} ${targets.map((each) => `${each.host}:${each.port}/${each.serverName ?? ''}`).join(' ')}`;
for (const [what, hop, resolver, expected] of ROWS) {
  test(what, async () => {
    const found = await locate(hop, resolver, () => 0);
    assert.equal(found.kind === 'failed' ? found.reason.code : shown(found.targets), expected);
  });
}

test('who writes to a domain that does not exist is told at once, and a listed partner is waited for', async () => {
  for (const [hop, retry] of [
    [edge({ discovered: true }), 'never'],
    [edge(), 0],
  ] as const) {
    const found = await locate(hop, dns({}), () => 0);
    assert.ok(found.kind === 'failed');
    assert.equal(found.reason.retry, retry);
  }
});

test('inside: the next hops in order, over TLS or TCP as the file says', async () => {
  const own = ownDomain('contoso.example', 'sip', {
    nextHop: [
      { host: 'fe1', port: 5061, transport: 'tls' },
      { host: '10.0.0.9', port: 5060, transport: 'tcp' },
    ],
  });
  const hop: Hop = { network: 'sip', side: 'inside', ourDomain: own.domain, theirDomain: own.domain, own };
  assert.deepEqual(await locate(hop, dns({}), () => 0), {
    kind: 'targets',
    targets: [
      { host: 'fe1', port: 5061, tls: 'direct', serverName: 'fe1', found: 'nextHop' },
      { host: '10.0.0.9', port: 5060, tls: 'none', found: 'nextHop' },
    ],
  });
});

const target = (host: string): SipTarget => ({ host, port: 5061, tls: 'direct', found: 'sips' });
const [a, b, c] = [target('a'), target('b'), target('c')] as const;
const order = (health: TargetHealth, nowMs: number) =>
  health
    .order([a, b, c], nowMs)
    .map((each) => each.host)
    .join('');

test('a target that fails rests for twice as long each time, at most half a minute, and is never forbidden', () => {
  const health = new TargetHealth();
  health.failed(a, 0, false);
  assert.equal(order(health, 999), 'bca');
  assert.equal(order(health, 1000), 'abc');
  health.failed(a, 1000, false);
  assert.equal(order(health, 2999), 'bca');
  assert.equal(order(health, 3000), 'abc');
  for (let time = 0; time < 20; time += 1) health.failed(a, 10_000, false);
  assert.equal(order(health, 39_999), 'bca');
  assert.equal(order(health, 40_000), 'abc');
  health.failed(b, 40_000, false);
  health.failed(c, 40_000, false, 5_000);
  health.failed(a, 40_000, false);
  assert.equal(order(health, 40_001), 'bca', 'all rest: the one that is ready first');
  health.succeeded(a);
  assert.equal(order(health, 40_001), 'abc');
});

test('where probes decide, three good ones in a row bring a target back, and time or luck do not', () => {
  const health = new TargetHealth();
  health.failed(a, 0, true);
  health.succeeded(a);
  assert.equal(order(health, 1_000_000), 'bca');
  assert.deepEqual([health.probed(a, true), health.probed(a, true), health.probed(a, false)], [false, false, false]);
  assert.deepEqual([health.probed(a, true), health.probed(a, true), health.probed(a, true)], [false, false, true]);
  assert.equal(order(health, 1_000_000), 'abc');
});
