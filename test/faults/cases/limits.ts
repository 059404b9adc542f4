// Too much: a slow partner beside a fast one (F12), a flood at ten times the limit (F13), and files that change under load (F14).

import { setTimeout as pause } from 'node:timers/promises';
import { count, figure, promise, type Row, type Scale, time } from '../row.ts';
import { FaultWorld, PARTNER, SLOW } from '../world.ts';

export async function F12(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [slow, fast, pairs] = scale === 'full' ? [500, 20_000, 100] : [100, 800, 20];
  await using world = await FaultWorld.open({ partners: [PARTNER, SLOW] });
  await world.fromSip(fast / 4, pairs);
  await world.settled();
  const alone = performance.now();
  await world.fromSip(fast / 4, pairs, { from: 2000 });
  const together = performance.now();
  const before = world.memoryMb();
  // About one message a second: everything for the slow partner passes this at 600 bytes a second.
  world.toPartner(SLOW).slow(600);
  const slowLoad = world.fromSip(slow, pairs, { to: SLOW, road: 'slow', bytes: 500 });
  await Promise.all([slowLoad, world.fromSip(fast / 2, pairs, { from: 10_000 })]);
  const done = performance.now();
  const memory = world.memoryMb() - before;
  const waiting = world.ledger.open;
  world.toPartner(SLOW).slow(undefined);
  await world.settled(60_000);
  const tally = world.ledger.tally();
  const p99 = [
    world.ledger.percentile(0.99, alone, together, 'sip-xmpp'),
    world.ledger.percentile(0.99, together, done, 'sip-xmpp'),
  ] as const;
  return {
    ...tally,
    id: 'F12',
    fault: 'a partner that takes about one message a second beside a fast one',
    load: `${slow} to the slow one, ${fast} to the fast one, ${pairs} pairs each`,
    recoveryMs: undefined,
    goals: [
      ...promise(tally),
      count('the slow one was really slow: waiting when the fast one was done', waiting, waiting > slow / 2),
      figure(
        "the fast one's p99, alone and beside the slow one (goal: 10 % more)",
        `${p99.map((ms) => Math.round(ms)).join(' and ')} ms`,
        p99[1] <= p99[0] * 1.1,
      ),
      figure('memory meanwhile', `${Math.round(memory)} MB more`, memory <= 64),
    ],
    tookMs: performance.now() - began,
  };
}

/** The bound of one lane: src/outbox/queue.ts. The inbound side is told. */
export async function bound(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [over, bytes] = scale === 'full' ? [500, 8000] : [50, 120];
  const laneRows = 2000;
  await using world = await FaultWorld.open();
  world.proxies.toPartner.refuse(true);
  const before = world.memoryMb();
  await world.fromSip(laneRows + over, 1, { bytes });
  const memory = world.memoryMb() - before;
  const refused = world.ledger.tally().refused;
  world.proxies.toPartner.refuse(false);
  const back = performance.now();
  await world.settled(60_000);
  const tally = world.ledger.tally();
  const statuses = [...world.sip.statuses].map(([status, often]) => `${status}: ${often}`).join(', ');
  return {
    ...tally,
    id: 'F12 (bound)',
    fault: `one sender writes ${over} messages more than may wait for a partner that is down`,
    load: `${laneRows + over} messages of ${bytes} bytes, 1 pair; answers ${statuses}`,
    recoveryMs: world.ledger.firstArrivalAfter(back),
    goals: [
      ...promise(tally),
      count('refused once the bound is reached', refused, refused === over),
      figure('memory meanwhile', `${Math.round(memory)} MB more`, memory <= 64),
    ],
    tookMs: performance.now() - began,
  };
}

export async function F13(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [seconds, limit] = scale === 'full' ? [60, 50] : [3, 50];
  const many = { senderMessagesPerSecond: 1_000_000, pairMessagesPerSecond: 1_000_000 };
  await using world = await FaultWorld.open({ partners: [PARTNER, SLOW], limits: { messagesPerSecond: limit, ...many } });
  const other = (forSeconds: number, from: number): Promise<void> =>
    world.fromSip(forSeconds * 20, 5, { to: SLOW, road: 'other', paceMs: 245, from });
  const quiet = performance.now();
  await other(scale === 'full' ? 20 : 2, 0);
  await world.settled();
  const flood = performance.now();
  const flooding = world.fromPartner(seconds * limit * 10, 10, { perSecond: limit * 10 });
  await Promise.all([flooding, other(seconds, 10_000)]);
  const took = (performance.now() - flood) / 1000;
  await world.settled();
  const tally = world.ledger.tally();
  const admitted = world.ledger.arrivals.filter(({ road }) => road.startsWith('xmpp-sip')).length;
  // A bucket gives its burst (three seconds' worth) and then its rate, for as long as somebody asks.
  const arrivals = world.ledger.arrivals.filter(({ road }) => road.startsWith('xmpp-sip')).map(({ at }) => at);
  const lasted = ((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)) / 1000;
  const expected = limit * 3 + limit * lasted;
  const most = limit * 3 + limit * (took + 1);
  const p99 = [world.ledger.percentile(0.99, quiet, flood, 'other'), world.ledger.percentile(0.99, flood, undefined, 'other')] as const;
  const told = [...world.partner.conditions].map(([name, often]) => `${name}: ${often}`).join(', ');
  return {
    ...tally,
    id: 'F13',
    fault: `a partner sends ten times its limit of ${limit} a second for ${seconds} s`,
    load: `${seconds * limit * 10} offered in ${took.toFixed(1)} s, beside 20 a second to another partner; told ${told}`,
    recoveryMs: undefined,
    goals: [
      ...promise(tally),
      // How many exactly is shown with a clock by hand (test/routing/limits.test.ts); here the far end's clock says how long it lasted.
      count('admitted no less than the burst, no more than burst and rate', admitted, admitted >= limit * 3 && admitted <= most),
      figure(
        `admitted within 1 % (or 2) of burst and rate, ${Math.round(expected)}`,
        String(admitted),
        Math.abs(admitted - expected) <= Math.max(2, expected * 0.01),
      ),
      figure(
        "the others' p99, before and during (goal: 10 % more)",
        `${p99.map((ms) => ms.toFixed(1)).join(' and ')} ms`,
        p99[1] <= p99[0] * 1.1,
      ),
    ],
    tookMs: performance.now() - began,
  };
}

export async function F14(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, reloads, broken, pairs] = scale === 'full' ? [10_000, 100, 10, 50] : [300, 10, 2, 15];
  await using world = await FaultWorld.open();
  await world.bothWays(pairs, pairs);
  await world.settled();
  const before = { sip: world.sip.shown.length, streams: world.partner.streams };
  const mark = world.isthmus.logSize();
  const load = world.bothWays(messages, pairs, { from: 10 });
  const took: number[] = [];
  for (let round = 0; round < reloads; round += 1) {
    const bad = round % Math.floor(reloads / broken) === 1;
    const extra = { xmpp: { proof: 'certificate' }, note: `round ${round}`, ...(bad && { alow: { messages: 'both' } }) };
    world.home.partner('another.example', extra);
    const from = world.isthmus.logSize();
    const asked = performance.now();
    process.kill(world.isthmus.pid ?? 0, 'SIGHUP');
    await world.waitForLog(bad ? 'rules.rejected' : 'rules.reloaded', from);
    took.push(performance.now() - asked);
  }
  await load;
  await world.settled();
  await pause(100);
  const taken = world.logged('rules.reloaded', mark).length;
  const refused = world.logged('rules.rejected', mark);
  const withLine = refused.filter((line) => /another\.example\.yaml:\d+:\d+/.test(String(line.fault))).length;
  const torn = world.sip.shown.length - before.sip + (world.partner.streams - before.streams);
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F14',
    fault: `${reloads} reloads under load, ${broken} of them broken (SIGHUP)`,
    load: `${messages} messages, ${pairs} pairs, both ways`,
    recoveryMs: undefined,
    goals: [
      ...promise(tally),
      count('good sets in force', taken, taken === reloads - broken),
      count('broken sets refused with file and line', withLine, withLine === broken && refused.length >= broken),
      count('sessions dropped', torn, torn === 0),
      time('SIGHUP to the new rules in force, the longest', Math.max(...took), 1000),
    ],
    tookMs: performance.now() - began,
  };
}
