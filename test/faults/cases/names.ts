// DNS that fails in five ways while a partner found by SRV is written to (F8).

import { setTimeout as pause } from 'node:timers/promises';
import { startDns } from '../../support/dns.ts';
import { FaultProxy } from '../proxy.ts';
import { count, figure, promise, type Row, type Scale } from '../row.ts';
import { FaultWorld, PARTNER } from '../world.ts';

const SERVICE = `_xmpp-server._tcp.${PARTNER}`;
const TARGET = `xmpp.${PARTNER}`;

export async function F8(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, pairs] = scale === 'full' ? [2000, 40] : [200, 10];
  const each = Math.floor(messages / 5);
  await using dns = await startDns();
  await using world = await FaultWorld.open({ dns: dns.server });
  const named = (port: number): void => {
    dns.set(SERVICE, { srv: [{ target: TARGET, port }], ttl: 5 });
    dns.set(TARGET, { a: ['127.0.0.1'], ttl: 5 });
  };
  named(world.proxies.toPartner.port);
  const reached: string[] = [];
  let number = 0;
  const send = async (what: string, quietMs = 30_000): Promise<void> => {
    await world.fromSip(each, pairs, { from: number });
    number += each;
    const ok = await world.settled(quietMs);
    reached.push(`${what}: ${ok ? 'yes' : 'not yet'}`);
  };
  // 1. Nothing was ever known of the partner, and DNS is broken: the queue holds until it is not.
  dns.fail('*', 'SERVFAIL');
  await world.fromSip(each, pairs, { from: number });
  number += each;
  const held = world.ledger.open;
  dns.fail('*', undefined);
  const back = performance.now();
  await world.settled(60_000);
  reached.push(`SERVFAIL from the start, then whole: ${world.ledger.open === 0 ? 'yes' : 'no'}`);
  const recoveryMs = world.ledger.firstArrivalAfter(back);
  const streams = world.partner.streams;
  // 2. to 4. Broken while a stream is open: it is not torn. Then the stream breaks too, and an older answer is used.
  for (const how of ['SERVFAIL', 'silent', 'REFUSED'] as const) {
    dns.fail('*', how);
    if (scale === 'full') await pause(6000); // past the TTL of the address
    await send(`${how} with a stream open`);
    world.proxies.toPartner.reset();
    await world.fromSip(pairs, pairs, { from: number });
    number += 1;
    const ok = await world.settled(30_000);
    reached.push(`${how} and a new stream, by the older answer: ${ok ? 'yes' : 'not yet'}`);
    dns.fail('*', undefined);
  }
  const torn = world.partner.streams - streams - 3;
  // 5. The name is gone, comes back, and leads elsewhere.
  dns.remove(SERVICE);
  dns.remove(TARGET);
  await send('NXDOMAIN with a stream open');
  await using elsewhere = await FaultProxy.open(world.partner.port);
  named(elsewhere.port);
  world.proxies.toPartner.refuse(true);
  const changed = performance.now();
  await world.fromSip(pairs, pairs, { from: number });
  // The goal is ten seconds; then the old target comes back, so that nothing stays behind.
  if (scale === 'full') await world.settled(12_000);
  const usedMs = elsewhere.connections > 0 ? (world.ledger.firstArrivalAfter(changed) ?? Number.NaN) : Number.NaN;
  world.proxies.toPartner.refuse(false);
  await world.settled(60_000);
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F8',
    fault: 'DNS: SERVFAIL from the start, SERVFAIL, silence and REFUSED later, NXDOMAIN and back, changed SRV',
    load: `${tally.sent} messages offered in six parts, ${pairs} pairs; ${reached.join('; ')}`,
    recoveryMs,
    goals: [
      ...promise(tally),
      count('the queue holds while nothing is known', held, held > 0),
      count('streams torn by DNS', torn, torn === 0),
      ...(scale === 'full'
        ? [
            figure(
              'the new target is used (goal: TTL 5 s + 5 s; node gives no TTL of SRV, ours is 300 s)',
              Number.isFinite(usedMs) ? `${Math.round(usedMs / 1000)} s` : 'not within 12 s',
              usedMs <= 10_000,
            ),
          ]
        : []),
    ],
    tookMs: performance.now() - began,
  };
}
