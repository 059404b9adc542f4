// Where a partner's server is: file, merged SRV, fall-back.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import type { Resolver, SrvAnswer } from '../../../src/model/ports.ts';
import { locate, type PartnerRoute } from '../../../src/protocols/xmpp/locate.ts';
import { partner } from '../../support/table.ts';

const NONE: SrvAnswer = { kind: 'none' };
const NOT_OFFERED: SrvAnswer = { kind: 'notOffered' };
const FAILED: SrvAnswer = { kind: 'failed', reason: reason('NET_DNS_FAILED', 'SERVFAIL') };
const records = (...rows: [target: string, port: number, priority: number, weight: number][]): SrvAnswer => ({
  kind: 'records',
  records: rows.map(([target, port, priority, weight]) => ({ target, port, priority, weight })),
});
const dns = (starttls: SrvAnswer, direct: SrvAnswer): Resolver => ({
  srv: async (name) => (name === '_xmpp-server._tcp.p.example' ? starttls : name === '_xmpps-server._tcp.p.example' ? direct : FAILED),
  naptr: async () => [],
  addresses: async () => ({ kind: 'none' }),
});
const LISTED: PartnerRoute = partner('p.example');
const DISCOVERED: PartnerRoute = { ...LISTED, discovered: true };

async function look(starttls: SrvAnswer, direct: SrvAnswer, who = LISTED): Promise<string> {
  const located = await locate('p.example', who, dns(starttls, direct), () => 0);
  if (located.kind === 'failed') return `${located.reason.code} ${located.reason.text}`;
  return located.targets.map(({ host, port, tls }) => `${host}:${port}/${tls}`).join(' ');
}

describe('locating a partner', () => {
  test('the hosts of its file come before DNS, in their order', async () => {
    const hosts = [
      { host: 'x2.p.example', port: 5269 },
      { host: 'x1.p.example', port: 5270 },
    ];
    const listed = { ...LISTED, xmpp: { ...LISTED.xmpp, hosts } };
    assert.equal(await look(FAILED, FAILED, listed), 'x2.p.example:5269/starttls x1.p.example:5270/direct');
  });

  test('both services make one list, ordered by priority across them', async () => {
    const starttls = records(['a', 5269, 10, 0], ['c', 5269, 30, 0]);
    const direct = records(['b', 5270, 20, 0], ['z', 443, 5, 0]);
    assert.equal(await look(starttls, direct), 'z:443/direct a:5269/starttls b:5270/direct c:5269/starttls');
  });

  test('weights of both services compare', async () => {
    const counts = { direct: 0, starttls: 0 };
    let n = 0;
    for (let round = 0; round < 400; round++) {
      const located = await locate('p.example', LISTED, dns(records(['a', 1, 0, 30]), records(['b', 2, 0, 10])), () => (n++ % 97) / 97);
      assert(located.kind === 'targets');
      counts[located.targets[0]?.tls ?? 'direct']++;
    }
    assert(counts.starttls > 2 * counts.direct && counts.direct > 40, JSON.stringify(counts));
  });

  test('the domain itself is tried only for a listed partner without SRV', async () => {
    assert.equal(await look(NONE, NONE), 'p.example:5269/starttls');
    assert.match(await look(NONE, NONE, DISCOVERED), /^NET_DNS_NOT_FOUND .*no SRV record/);
  });

  test('who writes to a domain that does not exist is told at once, and a listed partner is waited for', async () => {
    const located = await locate('p.example', DISCOVERED, dns(NONE, NONE), () => 0);
    assert(located.kind === 'failed');
    assert.equal(located.reason.retry, 'never');
    const listed = await locate('p.example', LISTED, dns(NOT_OFFERED, NONE), () => 0);
    assert(listed.kind === 'failed');
    assert.notEqual(listed.reason.retry, 'never');
  });

  test('a dot says that the service is not there', async () => {
    assert.match(await look(NOT_OFFERED, NONE), /^NET_DNS_NOT_FOUND .*offers no XMPP/);
    assert.match(await look(NOT_OFFERED, NOT_OFFERED), /^NET_DNS_NOT_FOUND/);
    assert.equal(await look(NONE, NOT_OFFERED), 'p.example:5269/starttls');
    assert.equal(await look(NOT_OFFERED, records(['b', 5270, 0, 0])), 'b:5270/direct');
  });

  test('a failed lookup is no absence', async () => {
    assert.equal(await look(FAILED, NONE), 'NET_DNS_FAILED SERVFAIL');
    assert.equal(await look(FAILED, records(['b', 5270, 0, 0])), 'b:5270/direct');
  });
});
