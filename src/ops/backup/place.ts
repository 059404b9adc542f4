// Moving whole folders when a backup becomes a home: what is there goes aside, what was unpacked takes its place, and both
// keep their user.

import { existsSync, lchownSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';

/** @returns where it is now; nothing for an empty or missing folder */
export function moveAside(folder: string, stamp: string): string | undefined {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return undefined;
  const to = `${folder}.before-${stamp}`;
  renameSync(folder, to);
  return to;
}

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Whose folder it was, when root restores for another user. */
export function userOf(folder: string): User | undefined {
  const found = statSync(folder, { throwIfNoEntry: false });
  return process.getuid?.() === 0 && found !== undefined && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : undefined;
}

export function giveTo(folder: string, { uid, gid }: User): void {
  lchownSync(folder, uid, gid);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) lchownSync(join(folder, name), uid, gid);
}

/** Into a folder that is missing or empty; across file systems it is copied. */
export async function place(from: string, to: string): Promise<void> {
  if (!existsSync(from)) return;
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(from)) {
    try {
      renameSync(join(from, name), join(to, name));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error;
      await cp(join(from, name), join(to, name), { recursive: true, preserveTimestamps: true });
    }
  }
}
