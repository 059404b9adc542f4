// Networks and partners at their worst: down for a while (F2), half open (F5), reset in the middle of a message (F6).

import { setTimeout as pause } from 'node:timers/promises';
import { count, figure, promise, type Row, type Scale, time } from '../row.ts';
import { FaultWorld } from '../world.ts';

export async function F2(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, downMs, pairs] = scale === 'full' ? [5000, 60_000, 100] : [300, 2500, 30];
  await using world = await FaultWorld.open();
  await world.fromSip(pairs, pairs); // everything is warm and connected
  await world.settled();
  const before = world.memoryMb();
  world.proxies.toPartner.refuse(true);
  const down = performance.now();
  await world.fromSip(messages, pairs, { from: 1 });
  const queuedMb = world.memoryMb();
  const queued = world.ledger.open;
  await pause(Math.max(0, downMs - (performance.now() - down)));
  world.proxies.toPartner.refuse(false);
  const back = performance.now();
  await world.settled(330_000);
  const drained = world.ledger.lastArrivalAt() - back;
  const tally = world.ledger.tally();
  const answers = [...world.sip.statuses].map(([status, often]) => `${status}: ${often}`).join(', ');
  return {
    ...tally,
    id: 'F2',
    fault: `partner down for ${downMs / 1000} s`,
    load: `${messages} queued meanwhile, ${pairs} pairs; answers ${answers}`,
    recoveryMs: world.ledger.firstArrivalAfter(back),
    goals: [
      ...promise(tally),
      count('all of them waited', queued, queued === messages),
      time('the partner is back and does not call: to the last message', drained, 30_000),
      figure('memory while they wait (goal at most 32 MB more)', `${Math.round(queuedMb - before)} MB more`, queuedMb - before <= 32),
      figure('oldest-age metric', 'not measured: this version has no metrics endpoint', false),
    ],
    tookMs: performance.now() - began,
  };
}

export async function F5(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, pairs] = scale === 'full' ? [1000, 50] : [100, 20];
  await using world = await FaultWorld.open();
  await world.bothWays(pairs, pairs);
  await world.settled();
  world.proxies.toPartner.swallow();
  const fault = performance.now();
  await world.fromSip(messages, pairs, { from: 10 });
  await world.settled(90_000);
  const first = world.ledger.firstArrivalAfter(fault);
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F5',
    fault: 'half-open TCP to the partner: what is sent is swallowed, nobody is told',
    load: `${messages} messages, ${pairs} pairs, SIP to XMPP`,
    recoveryMs: first,
    goals: [
      ...promise(tally),
      count('on another connection', world.partner.streams, world.partner.streams >= 2),
      time('noticed, and sent on another connection', first ?? Number.NaN, 25_000),
    ],
    tookMs: performance.now() - began,
  };
}

/** The same toward the SIP system. */
export async function F5sip(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, pairs] = scale === 'full' ? [1000, 50] : [100, 20];
  await using world = await FaultWorld.open();
  await world.fromPartner(pairs, pairs);
  await world.settled();
  // The edge asks a new connection after 5 s whether it answers pings (RFC 5626); only who did can fall silent.
  await pause(6500);
  world.proxies.toSip.swallow();
  const fault = performance.now();
  await world.fromPartner(messages, pairs, { from: 10 });
  await world.settled(90_000);
  const first = world.ledger.firstArrivalAfter(fault);
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F5 (SIP)',
    fault: 'half-open TCP to the SIP system',
    load: `${messages} messages, ${pairs} pairs, XMPP to SIP`,
    recoveryMs: first,
    goals: [...promise(tally), time('noticed, and sent on another connection', first ?? Number.NaN, 25_000)],
    tookMs: performance.now() - began,
  };
}

export async function F6(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, pairs, everyBytes] = scale === 'full' ? [10_000, 100, 1_000_000] : [500, 25, 200_000];
  await using world = await FaultWorld.open();
  // Bodies longer than a TLS record end in the middle of one; some connections split everything besides.
  const roads = [world.proxies.toPartner, world.proxies.toSip, world.proxies.fromSip, world.proxies.fromPartner];
  for (const proxy of roads) {
    proxy.plan = (index) => ({
      resetAfterBytes: Math.round(everyBytes * (0.3 + Math.random())),
      ...(index % 2 === 1 && { splitBytes: 700 + Math.round(Math.random() * 2000) }),
    });
    proxy.reset(); // the connections from before the plan
  }
  await world.bothWays(messages, pairs, { bytes: 5000 });
  for (const proxy of roads) proxy.plan = () => ({});
  const calm = performance.now();
  await world.settled(60_000);
  const resets = roads.reduce((sum, proxy) => sum + proxy.resets, 0);
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F6',
    fault: `${resets} resets in the middle of stanzas and headers, on all four roads; every second connection split into small pieces`,
    load: `${messages} messages of 5 kB, ${pairs} pairs, both ways`,
    recoveryMs: world.ledger.firstArrivalAfter(calm),
    goals: [...promise(tally), count('resets', resets, resets > 8)],
    tookMs: performance.now() - began,
  };
}
