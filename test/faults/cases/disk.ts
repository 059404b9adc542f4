// The disk: full (F7), slow, and damaged (F20). Full is a real file system of 3 MB in a mount namespace of its own; slow is strace
// holding every sync call back for 20 ms. Neither asks anything of the edge itself.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { count, figure, NotHere, promise, type Row, type Scale, time } from '../row.ts';
import { FaultWorld } from '../world.ts';

export async function F7(scale: Scale): Promise<Row> {
  const began = performance.now();
  if (process.getuid?.() !== 0) throw new NotHere('a file system of 3 MB needs root');
  if (spawnSync('unshare', ['-m', 'true']).status !== 0) throw new NotHere('this machine does not permit mount namespaces');
  const [after, pairs] = scale === 'full' ? [500, 25] : [100, 10];
  // The shell becomes node, so its process id is the edge's.
  const wrap = (command: readonly string[], home: string): readonly string[] => {
    const mount = `mount -t tmpfs -o size=3m,mode=0700 tmpfs '${home}/var'`;
    return ['unshare', '-m', 'sh', '-c', `${mount} && exec "$@"`, 'sh', ...command];
  };
  await using world = await FaultWorld.open({ wrap });
  const pid = world.isthmus.pid ?? 0;
  await world.fromSip(pairs, pairs);
  await world.settled();
  world.proxies.toPartner.refuse(true);
  // Bodies of 5 kB until the disk says no.
  let number = 1;
  const refusedSoFar = (): number => world.ledger.tally().refused;
  while (refusedSoFar() === 0 && number < 500) {
    await world.fromSip(pairs, pairs, { from: number, bytes: 5000 });
    number += 1;
  }
  const accepted = world.ledger.open;
  world.sip.longestMs = 0;
  await world.fromSip(after, pairs, { from: number, bytes: 5000 });
  const refused = refusedSoFar();
  const slowest = world.sip.longestMs;
  const alive = world.isthmus.running;
  const statuses = [...world.sip.statuses.keys()].filter((status) => status >= 300);

  const remounted = spawnSync('nsenter', ['-t', String(pid), '-m', 'mount', '-o', 'remount,size=64m', join(world.home.folder, 'var')]);
  const space = performance.now();
  let resumed = Number.NaN;
  for (let probe = 0; probe < 200 && Number.isNaN(resumed); probe += 1) {
    const before = refusedSoFar();
    await world.fromSip(1, 1, { from: 10_000 + probe });
    if (refusedSoFar() === before) resumed = performance.now() - space;
    else await pause(50);
  }
  world.proxies.toPartner.refuse(false);
  const back = performance.now();
  await world.settled(90_000);
  const tally = world.ledger.tally();
  return {
    ...tally,
    id: 'F7',
    fault: 'disk full: a file system of 3 MB',
    load: `${accepted} accepted until it was full, then ${after} more; refused with ${statuses.join(', ')}`,
    recoveryMs: world.ledger.firstArrivalAfter(back),
    goals: [
      ...promise(tally),
      count('the disk was really full', refused, refused > 0),
      count('space was given back', remounted.status ?? 'no', remounted.status === 0),
      count('the process lived through it', alive, alive),
      count('accepts again by itself', !Number.isNaN(resumed), !Number.isNaN(resumed)),
      time('refused within', slowest, 1000),
      time('accepts again after there is space', resumed, 5000),
      figure(
        'refused with 503',
        `${statuses.join(', ')}: RFC 7247 §7.1 asks gateways never to say 503`,
        statuses.every((one) => one === 500),
      ),
    ],
    tookMs: performance.now() - began,
  };
}

/** F1 with every sync held back for 20 ms. */
export async function slowSync(scale: Scale): Promise<Row> {
  const began = performance.now();
  if (spawnSync('strace', ['-V']).status !== 0) throw new NotHere('strace is not installed; apt-get install strace helps');
  const [messages, kills, pairs] = scale === 'full' ? [4000, 3, 100] : [200, 0, 20];
  const wrap = (command: readonly string[], home: string): readonly string[] => {
    const hold = 'inject=fdatasync,fsync:delay_exit=20000';
    return [
      'strace',
      '-f',
      '-qq',
      '--seccomp-bpf',
      '-e',
      'trace=fdatasync,fsync',
      '-e',
      hold,
      '-o',
      join(home, '../strace.log'),
      ...command,
    ];
  };
  const world = await FaultWorld.open({ wrap }).catch((error: unknown) => {
    throw new NotHere(`strace cannot hold calls back here: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
  });
  await using _ = world;
  const start = performance.now();
  const load = world.bothWays(messages, pairs);
  for (let kill = 0; kill < kills; kill += 1) {
    while (world.ledger.delivered < ((kill + 0.5) * messages) / (kills + 1)) await pause(5);
    await world.crash();
  }
  await load;
  await world.settled(60_000);
  const tally = world.ledger.tally();
  const took = (world.ledger.lastArrivalAt() - start) / 1000;
  const syncs = readFileSync(join(world.folder, 'strace.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('DELAYED') || line.includes('INJECTED')).length;
  return {
    ...tally,
    id: 'F1 (slow disk)',
    fault: `every sync takes 20 ms longer${kills > 0 ? `; kill -9, ${kills} times` : ''}`,
    load: `${messages} messages, ${pairs} pairs, both ways`,
    recoveryMs: undefined,
    goals: [
      ...promise(tally),
      count('syncs held back', syncs, syncs > 0),
      figure('messages a second under strace', `${Math.round(messages / took)}`, true),
      figure('median from sent to arrived', `${Math.round(world.ledger.percentile(0.5, start))} ms`, true),
    ],
    tookMs: performance.now() - began,
  };
}

export async function F20(scale: Scale): Promise<Row> {
  const began = performance.now();
  const [messages, pairs] = scale === 'full' ? [1000, 25] : [120, 10];
  await using world = await FaultWorld.open();
  await world.fromSip(pairs, pairs);
  await world.settled();
  world.proxies.toPartner.refuse(true);
  await world.fromSip(messages, pairs, { from: 1 });
  await world.isthmus.kill(); // at once: the last page is an acceptance's
  const folder = join(world.home.folder, 'var');
  const wal = readdirSync(folder).find((name) => name === 'isthmus.db-wal');
  const size = wal === undefined ? 0 : statSync(join(folder, wal)).size;
  if (wal === undefined || size < 20_000)
    throw new Error(`there is no write-ahead log to damage in ${folder}: ${readdirSync(folder).join(' ')}`);
  const file = join(folder, wal);
  const bytes = readFileSync(file);
  // The last page is rubbish, and its frame is cut short.
  for (let at = size - 4096; at < size; at += 1) bytes[at] = (bytes[at] ?? 0) ^ 0xa5;
  writeFileSync(file, bytes.subarray(0, size - 100));
  const mark = world.isthmus.logSize();
  await world.isthmus.start();
  const said = world.logged('store.remark', mark);
  world.proxies.toPartner.refuse(false);
  const back = performance.now();
  await world.settled(20_000);
  const tally = world.ledger.tally();
  // The group that the damaged page belonged to is gone; everything before it must be there, in order, as it was.
  const goals = promise(tally).filter(({ what }) => what !== 'lost' && !what.startsWith('sent ='));
  return {
    ...tally,
    id: 'F20',
    fault: 'the last page of the write-ahead log is rubbish and cut short, after kill -9',
    load: `${messages} waiting, ${pairs} pairs`,
    recoveryMs: world.ledger.firstArrivalAfter(back),
    goals: [
      ...goals,
      count(`gone with the damaged group (at most ${pairs * 2})`, tally.lost, tally.lost <= pairs * 2),
      count('nothing doubtful was sent', tally.garbled, tally.garbled === 0),
      count('it says so when it opens', said.map((line) => line.what).join(', ') || 'nothing was said', said.length > 0),
    ],
    tookMs: performance.now() - began,
  };
}
