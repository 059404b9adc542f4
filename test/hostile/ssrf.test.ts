// Partners whose DNS leads us to ourselves and to what stands behind us, through the running edge: a user of ours writes to each,
// over XMPP and over SIP. Nobody is connected to, and the log says why.

import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { type DnsServer, startDns } from '../support/dns.ts';
import type { RawPeer } from '../support/raw-peer.ts';
import { ask } from '../support/sip-exchange.ts';
import { status } from '../support/sip-message.ts';
import { until } from '../support/wait.ts';
import { Door } from './inside.ts';
import { CONTOSO, CORP } from './names.ts';
import { RunningEdge } from './running-edge.ts';

const OWN = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal);

type Lie = { readonly a?: readonly string[]; readonly aaaa?: readonly string[]; readonly target?: string };
const LIES: Readonly<Record<string, Lie>> = {
  loopback: { a: ['127.0.0.1'] },
  'another address of loopback': { a: ['127.8.9.10'] },
  'loopback in IPv6': { aaaa: ['::1'] },
  'loopback mapped into IPv6': { aaaa: ['::ffff:7f00:1'] },
  'loopback behind NAT64': { aaaa: ['64:ff9b::7f00:1'] },
  'every address': { a: ['0.0.0.0'] },
  'every address in IPv6': { aaaa: ['::'] },
  'link-local, where clouds keep their secrets': { a: ['169.254.169.254'] },
  'link-local in IPv6': { aaaa: ['fe80::1'] },
  'private 10/8': { a: ['10.1.2.3'] },
  'private 172.16/12': { a: ['172.31.255.1'] },
  'private 192.168/16': { a: ['192.168.0.1'] },
  'a unique local address': { aaaa: ['fd00::1'] },
  'carrier-grade NAT': { a: ['100.64.0.1'] },
  multicast: { a: ['239.1.1.1'] },
  broadcast: { a: ['255.255.255.255'] },
  'two lies at once': { a: ['127.0.0.1', '10.0.0.1'], aaaa: ['::1'] },
  'an address in place of a host name': { target: '127.0.0.1' },
  localhost: { target: 'localhost' },
  ...(OWN === undefined ? {} : { 'an address of this machine': { a: [OWN.address] } }),
};

describe('partners whose DNS leads us where we must not go', { concurrency: 8 }, () => {
  let dns: DnsServer;
  let edge: RunningEdge;
  let trap: Door;
  let inside: RawPeer;
  const cases = Object.entries(LIES).flatMap(([what, lie], index) =>
    (['xmpp', 'sip'] as const).map((protocol) => ({ what, lie, protocol, domain: `${protocol}${index}.evil.example` })),
  );

  before(async () => {
    dns = await startDns();
    trap = await Door.open(() => {}, '::');
    for (const { lie, protocol, domain } of cases) {
      const target = lie.target ?? `srv.${domain}`;
      const srv = [{ target, port: trap.port }];
      if (protocol === 'xmpp') dns.set(`_xmpp-server._tcp.${domain}`, { srv });
      else for (const name of ['_sips._tcp', '_sipfederationtls._tcp']) dns.set(`${name}.${domain}`, { srv });
      if (lie.target === undefined) dns.set(target, lie);
    }
    dns.set('localhost', { a: ['127.0.0.1'], aaaa: ['::1'] });
    edge = await RunningEdge.open({
      isthmus: { dns: { servers: dns.server } },
      partners: Object.fromEntries(cases.map(({ domain, protocol }) => [domain, { prefer: protocol }])),
    });
    inside = await edge.insideSip();
  });
  after(async () => {
    assert.deepEqual([trap.connections, edge.around.trap.connections], [0, 0], 'nobody was connected to');
    await edge[Symbol.asyncDispose]();
    await trap[Symbol.asyncDispose]();
    await dns[Symbol.asyncDispose]();
  });

  for (const { what, protocol, domain } of cases)
    test(`${protocol}: ${what}`, async () => {
      // Each from the user of ours whose own system speaks the other protocol.
      if (protocol === 'sip')
        edge.around.insideXmpp.send(`<message from='li@${CONTOSO}' to='x@${domain}' id='to-${domain}'><body>hello</body></message>`);
      else {
        const lines = { To: `<sip:x@${domain}>`, From: `<sip:nora@${CORP}>;tag=1`, 'Content-Type': 'text/plain' };
        inside.send(ask('MESSAGE', { uri: `sip:x@${domain}`, ...lines }, 'hello'));
        assert.equal(status(await inside.next()), 202);
      }
      const said = (): boolean =>
        edge
          .log()
          .split('\n')
          .some((line) => line.includes(domain) && line.includes('NET_ADDRESS_REFUSED'));
      await until('the log to say why', said, 3000);
      assert.equal(trap.connections, 0);
    });

  test('there are at least twelve of each', () => assert.ok(Object.keys(LIES).length >= 12));
});
