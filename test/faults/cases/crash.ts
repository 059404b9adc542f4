// Processes that die: the edge at random points of a burst (F3), the partner between taking and acknowledging (F4), an orderly
// change to a new process under load (F15), and an edge that stands still (F16).

import { setTimeout as pause } from 'node:timers/promises';
import { count, figure, promise, type Row, type Scale, time } from '../row.ts';
import { FaultWorld } from '../world.ts';

/** Rows on their way to one partner at once: src/outbox/queue.ts. */
const WINDOW = 64;

export async function F3(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, kills, pairs] = scale === 'full' ? [20_000, 20, 200] : [1200, 4, 40];
  await using world = await FaultWorld.open();
  const load = world.bothWays(messages, pairs);
  const restarts: number[] = [];
  const recoveries: number[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    // Until another share of the burst is through, and a random moment more.
    const goal = ((kill + 0.5) * messages) / (kills + 1);
    while (world.ledger.delivered < goal) await pause(2);
    await pause(Math.random() * 40);
    restarts.push(await world.crash());
    const ready = performance.now();
    const before = world.ledger.delivered;
    while (world.ledger.delivered === before) await pause(2);
    recoveries.push(performance.now() - ready);
  }
  await load;
  await world.settled();
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F3',
    fault: `kill -9 of the edge, ${kills} times in a burst`,
    load: `${messages} messages, ${pairs} pairs, both ways; ${world.sip.repeats} asked again by their sender`,
    recoveryMs: Math.max(...recoveries),
    goals: [
      ...promise(tally),
      // How many also depends on the rate: marks of delivery are lazy, and those of the last 50 ms die with the process.
      figure(`copies under the same id, at most the windows of ${kills} kills`, String(tally.copies), tally.copies <= kills * WINDOW * 2),
      time('start to ready, the longest', Math.max(...restarts), 2000),
    ],
    tookMs: performance.now() - began,
  };
}

export async function F4(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, kills, pairs] = scale === 'full' ? [5000, 5, 100] : [400, 2, 20];
  await using world = await FaultWorld.open();
  const load = world.fromSip(messages, pairs);
  let recovery = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    const goal = ((kill + 0.5) * messages) / (kills + 1);
    while (world.ledger.delivered < goal) await pause(2);
    world.partner.manner = 'mute'; // takes, and does not say so
    const taken = world.ledger.delivered;
    const until = performance.now() + 500;
    while (world.ledger.delivered < taken + 20 && performance.now() < until) await pause(2);
    await world.partner.die();
    await pause(300);
    world.partner.manner = 'answer';
    await world.partner.listen();
    const back = performance.now();
    const before = world.ledger.delivered;
    while (world.ledger.delivered === before && world.ledger.open > 0) await pause(5);
    recovery = Math.max(recovery, performance.now() - back);
  }
  await load;
  await world.settled();
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F4',
    fault: `kill -9 of the partner between taking and acknowledging, ${kills} times`,
    load: `${messages} messages, ${pairs} pairs, SIP to XMPP`,
    recoveryMs: recovery,
    goals: [...promise(tally), count('copies were made, all under the id of the first', tally.copies, tally.copies > 0)],
    tookMs: performance.now() - began,
  };
}

export async function F15(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, changes, pairs] = scale === 'full' ? [10_000, 3, 100] : [800, 2, 40];
  await using world = await FaultWorld.open();
  const load = world.bothWays(messages, pairs);
  const stops: number[] = [];
  const gaps: number[] = [];
  const codes: (number | null)[] = [];
  for (let change = 0; change < changes; change += 1) {
    const goal = ((change + 0.5) * messages) / (changes + 1);
    while (world.ledger.delivered + world.ledger.tally().refused < goal) await pause(2);
    const asked = performance.now();
    await world.isthmus.stop('SIGTERM', 30_000);
    const stopped = performance.now();
    codes.push(world.isthmus.exitCode);
    await world.isthmus.start();
    stops.push(stopped - asked);
    gaps.push(performance.now() - asked);
  }
  await load;
  await world.settled();
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F15',
    fault: `SIGTERM and a new process under load, ${changes} times`,
    load: `${messages} messages, ${pairs} pairs, both ways`,
    recoveryMs: Math.max(...gaps),
    goals: [
      ...promise(tally),
      count(
        'every stop ended with exit code 0',
        codes.join(', '),
        codes.every((code) => code === 0),
      ),
      count('no copies: a drain leaves nothing on its way', tally.copies, tally.copies === 0),
      time('SIGTERM to the end of the process, the longest', Math.max(...stops), 10_000),
      time('without anybody who accepts, the longest (stop and start one after the other)', Math.max(...gaps), 1000),
    ],
    tookMs: performance.now() - began,
  };
}

export async function F16(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, stalls, pairs] = scale === 'full' ? [5000, 3, 50] : [400, 1, 20];
  await using world = await FaultWorld.open();
  const load = world.bothWays(messages, pairs);
  let recovery = 0;
  for (let stall = 0; stall < stalls; stall += 1) {
    const goal = ((stall + 0.5) * messages) / (stalls + 1);
    while (world.ledger.delivered < goal) await pause(2);
    process.kill(world.isthmus.pid ?? 0, 'SIGSTOP');
    await pause(2000);
    process.kill(world.isthmus.pid ?? 0, 'SIGCONT');
    const back = performance.now();
    const before = world.ledger.delivered;
    while (world.ledger.delivered === before) await pause(2);
    recovery = Math.max(recovery, performance.now() - back);
  }
  await load;
  await world.settled();
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F16',
    fault: `the process stands still for 2 s, ${stalls} times (SIGSTOP)`,
    load: `${messages} messages, ${pairs} pairs, both ways`,
    recoveryMs: recovery,
    goals: [...promise(tally), figure('a worker crash', 'not played: this version has no workers', true)],
    tookMs: performance.now() - began,
  };
}
