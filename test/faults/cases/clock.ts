// The wall clock jumps by 40 days and back by an hour while messages wait and flow (F11). faketime stands in front of node and
// reads the offset from a file; the monotonic clock is left alone, as a real jump leaves it.

import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { count, NotHere, promise, type Row, type Scale } from '../row.ts';
import { FaultWorld } from '../world.ts';

export async function F11(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1');
  if (library === undefined) throw new NotHere('faketime is not installed; apt-get install faketime helps');
  const [messages, pairs] = scale === 'full' ? [2000, 50] : [200, 20];
  const part = Math.floor(messages / 4);
  let file = '';
  const jump = (offset: string): void => writeFileSync(file, `${offset}\n`);
  const wrap = (command: readonly string[], home: string): readonly string[] => {
    file = join(home, '../faketime');
    jump('+0');
    return [
      '/usr/bin/env',
      `LD_PRELOAD=${library}`,
      `FAKETIME_TIMESTAMP_FILE=${file}`,
      'FAKETIME_NO_CACHE=1',
      'FAKETIME_DONT_FAKE_MONOTONIC=1',
      ...command,
    ];
  };
  // Certificates are about wall time: those of the peers hold through the jump, so that only the clock is judged.
  await using world = await FaultWorld.open({
    wrap,
    partnerCertificate: (ca) => ca.issue({ names: ['partner.example'], notAfter: new Date(Date.now() + 300 * 86_400_000) }),
  });
  const clockOf = (): number => Date.parse(String(world.logged('message.ended').at(-1)?.time));
  await world.bothWays(part, pairs);
  await world.settled();
  const before = clockOf();
  // 40 days ahead while messages wait: nothing expires.
  world.proxies.toPartner.refuse(true);
  await world.fromSip(part, pairs, { from: 1000 });
  jump('+40d');
  await pause(12_000); // expiry is looked at every 10 s
  await world.fromSip(pairs, pairs, { from: 3000 });
  const waited = world.ledger.open;
  world.proxies.toPartner.refuse(false);
  const back = performance.now();
  await world.settled(60_000);
  const jumped = clockOf() - before;
  // An hour back, under traffic; then a restart, and copies are still recognised.
  const load = world.bothWays(part, pairs, { from: 5000 });
  jump('-1h');
  await load;
  await world.settled();
  const more = world.bothWays(part, pairs, { from: 7000 });
  jump('+40d');
  await pause(50);
  await world.crash();
  await more;
  await world.settled();
  const expired = world.logged('message.ended').filter((line) => line.state === 'expired').length;
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F11',
    fault: 'the wall clock jumps 40 days ahead, to an hour back, and ahead again with kill -9',
    load: `${tally.sent} messages, ${pairs} pairs, both ways and waiting`,
    recoveryMs: world.ledger.firstArrivalAfter(back),
    goals: [
      ...promise(tally),
      count('the clock really jumped, days', Math.round(jumped / 86_400_000), Math.round(jumped / 86_400_000) === 40),
      count('what waited was still there', waited, waited > 0),
      count('expired by the jump', expired, expired === 0),
    ],
    tookMs: performance.now() - began,
  };
}
