// data/last-backup.json: when the last backup of this home was made. Its age is what a total loss would cost.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writeOwned } from './owned-file.ts';

const FILE = 'last-backup.json';

const shape = z.object({
  /** ISO: what was acknowledged before stands in it. */
  takenAt: z.iso.datetime(),
  file: z.string(),
  bytes: z.number(),
  generation: z.number(),
});

export type LastBackup = z.output<typeof shape>;

/** @param data absolute path of `data:` @returns undefined when none was made, or nobody can read it */
export function lastBackup(data: string): LastBackup | undefined {
  try {
    return shape.parse(JSON.parse(readFileSync(join(data, FILE), 'utf8')));
  } catch {
    return undefined;
  }
}

/** The same as wall ms. */
export function lastBackupAt(data: string): number | undefined {
  const last = lastBackup(data);
  return last === undefined ? undefined : Date.parse(last.takenAt);
}

export function noteBackup(data: string, made: LastBackup): void {
  writeOwned(join(data, FILE), `${JSON.stringify(made)}\n`);
}
