// What Isthmus holds in memory: at rest, for each TLS connection of a SIP peer, each s2s stream, each subscription. A fresh
// process, resident memory before and after; the engine's own growth is in it, so few of anything look dear.

import { setTimeout as pause } from 'node:timers/promises';
import { residentBytes } from './cpu.ts';
import type { Stage } from './stage.ts';
import { columns } from './table.ts';

const SETTLE_MS = 1500;

/** @param count of each kind that is opened */
export async function memory(stage: Stage, count: number): Promise<string> {
  await stage.start('isthmus');
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
  return columns(rows);
}
