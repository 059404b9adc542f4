// F1: nothing is broken. The figure that all others are compared with.

import { figure, promise, type Row, type Scale, time } from '../row.ts';
import { FaultWorld } from '../world.ts';

export async function F1(scale: Scale): Promise<Row> {
  const began = performance.now();
  const messages = scale === 'full' ? 20_000 : 600;
  const pairs = scale === 'full' ? 200 : 40;
  await using world = await FaultWorld.open();
  const start = performance.now();
  await world.bothWays(messages, pairs);
  await world.settled();
  const perSecond = messages / ((world.ledger.lastArrivalAt() - start) / 1000);

  // Then at 300 a second for the latency, where there is time for it.
  const steady = performance.now();
  if (scale === 'full') {
    await Promise.all([world.fromSip(1500, 30, { paceMs: 195, from: 1000 }), world.fromPartner(1500, 30, { perSecond: 150, from: 1000 })]);
    await world.settled();
  }
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F1',
    fault: 'none',
    load: `${messages} messages, ${pairs} pairs, both ways${scale === 'full' ? ', then 300 a second' : ''}`,
    recoveryMs: undefined,
    goals: [
      ...promise(tally),
      figure('messages a second, with fsync, load in the same process (goal 1000)', `${Math.round(perSecond)}`, perSecond >= 1000),
      ...(scale === 'full' ? [time('p99 at 300 messages a second', world.ledger.percentile(0.99, steady), 100)] : []),
    ],
    tookMs: performance.now() - began,
  };
}
