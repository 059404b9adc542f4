// What Isthmus holds in memory: at rest, for each TLS connection of a SIP peer, each s2s stream, each subscription. A fresh
// process, resident memory before and after; garbage is collected every half second, so that it is not counted.

import { setTimeout as pause } from 'node:timers/promises';
import { residentBytes } from './cpu.ts';
import { CORE_CROWD, type Stage } from './stage.ts';
import { columns } from './table.ts';

const SETTLE_MS = 1500;
const COLLECT = ['--expose-gc', '--import', 'data:text/javascript,setInterval(()=>globalThis.gc(),500).unref()'];
/** Watchers of each presentity. */
const WATCHERS = 100;

/** @param count of each kind that is opened */
export async function memory(stage: Stage, count: number): Promise<string> {
  await stage.start('isthmus', COLLECT);
  await pause(SETTLE_MS);
  const resident = async (): Promise<number> => {
    await pause(SETTLE_MS);
    return residentBytes(stage.group('isthmus'));
  };
  const base = await resident();
  const rows = [
    ['memory', 'count', 'found', 'goal'],
    ['base', '', `${(base / 1e6).toFixed(0)} MB`, '90 MB'],
  ];
  for (const [what, name, goal] of [
    ['tls', 'TLS connection (SIP)', '70 kB'],
    ['s2s', 's2s stream', '100 kB'],
  ] as const) {
    const before = await resident();
    await stage.order({ do: 'idle', what, count });
    const after = await resident();
    rows.push([name, String(count), `${((after - before) / count / 1000).toFixed(1)} kB`, goal]);
  }
  const before = await resident();
  const presentities = Math.ceil((2 * count) / WATCHERS);
  await stage.order({ do: 'subscribe', feed: 'isthmus notify-out', watchers: WATCHERS, presentities });
  const each = ((await resident()) - before) / (presentities * WATCHERS);
  rows.push(['subscription', String(presentities * WATCHERS), `${(each / 1000).toFixed(1)} kB`, '6 kB']);
  await stage.stop('isthmus');
  rows.push(await ofCore(stage));
  return columns(rows);
}

/** Subscriptions of the core's own SIP clients: few and many of them, by the same clients. */
async function ofCore(stage: Stage): Promise<string[]> {
  const found: number[] = [];
  for (const presentities of [1, CORE_CROWD.presentities]) {
    await stage.start('core', COLLECT);
    await stage.order({ do: 'subscribe', feed: 'core presence', watchers: CORE_CROWD.watchers, presentities });
    await pause(2 * SETTLE_MS);
    found.push(residentBytes(stage.group('core')));
    await stage.stop('core');
  }
  const [few = 0, many = 0] = found;
  const more = CORE_CROWD.watchers * (CORE_CROWD.presentities - 1);
  return ['subscription of a client to a user of the core', String(more), `${((many - few) / more / 1000).toFixed(1)} kB`, '6 kB'];
}
