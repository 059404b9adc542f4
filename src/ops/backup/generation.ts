// data/generation.json: who runs this home, counted. One home may run once; where two could not see each other - a copy on
// another machine, a backup that was restored - the second start is refused until a person says that it takes over.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { writeOwned } from './owned-file.ts';

const FILE = 'generation.json';

const shape = z.object({
  /** Counted up by each takeover. */
  generation: z.int().min(1),
  /** The machine that ran it last, as a hash of its machine-id; absent where it has none, as in containers. */
  machine: z.string().optional(),
  host: z.string(),
  /** ISO: when it was run last, or restored. */
  at: z.iso.datetime(),
  /** Set by `restore`, removed by a takeover. */
  restored: z.object({ from: z.string(), takenAt: z.iso.datetime() }).optional(),
});

export type Generation = z.output<typeof shape>;

/** This machine, as it stands in the file. */
export interface Machine {
  readonly id: string | undefined;
  readonly host: string;
}

/** machine-id(5): not to be shown as it is, so a hash of it with a word of our own stands in the file. */
export function thisMachine(path = '/etc/machine-id'): Machine {
  let id: string | undefined;
  try {
    const text = readFileSync(path, 'utf8').trim();
    if (/^[0-9a-f]{32}$/.test(text)) id = createHash('sha256').update(`isthmus ${text}`).digest('hex').slice(0, 32);
  } catch {
    // a container, or another system: the machine cannot be told from another
  }
  return { id, host: hostname() };
}

/** @returns undefined for a home that has never been started @throws with a sentence when the file is damaged */
export function generationOf(data: string): Generation | undefined {
  const path = join(data, FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    throw new Error(`${path} cannot be read; when no other Isthmus runs with a copy of this home, remove it`);
  }
}

export function writeGeneration(data: string, value: Generation): void {
  writeOwned(join(data, FILE), `${JSON.stringify(value)}\n`);
}

/** What a start may do. */
export type Fence =
  | { readonly may: true; readonly next: Generation; readonly takeover?: string }
  | { readonly may: false; readonly why: string };

/**
 * Judges a start. Pure.
 * @param takeover the operator has said that nobody else runs @param now wall ms
 */
export function judgeStart(before: Generation | undefined, machine: Machine, takeover: boolean, now: number): Fence {
  const at = new Date(now).toISOString();
  const here = { host: machine.host, at, ...(machine.id !== undefined && { machine: machine.id }) };
  if (before === undefined) return { may: true, next: { generation: 1, ...here } };
  const doubt = doubtOf(before, machine, now);
  if (doubt === undefined) return { may: true, next: { generation: before.generation, ...here } };
  if (!takeover) {
    const why = `${doubt}\n  Two that run with copies of one home send every waiting message twice and answer for the same people.\n  Make sure that the other one is stopped and stays stopped, then: isthmus start --takeover`;
    return { may: false, why };
  }
  return { may: true, next: { generation: before.generation + 1, ...here }, takeover: doubt };
}

function doubtOf({ restored, machine, host, at }: Generation, here: Machine, now: number): string | undefined {
  if (restored !== undefined) {
    const lost = ageText(Math.max(0, Date.parse(at) - Date.parse(restored.takenAt)));
    return `this home was restored at ${at} from a backup that ${restored.from} made at ${restored.takenAt}, ${lost} before; what came later is not in it`;
  }
  if (machine === undefined || here.id === undefined || machine === here.id) return undefined;
  return `this home was last run by another machine: ${host}, ${ageText(Math.max(0, now - Date.parse(at)))} ago (${at})`;
}

/** `90 s`, `12 min`, `3 h`, `4 d`. @param ms not negative */
export function ageText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}
