// What the file system refuses, in words: a command under the wrong user, a disk without room. It is the operator's to mend.

import { statSync } from 'node:fs';

const FORBIDDEN: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const AS_WHOM = 'run it as root, or as the user of the process';

/** @returns what is wrong and what to do, in two lines; undefined: the error is something else, a defect for one */
export function refusedByFiles(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('path' in error)) return undefined;
  const [code, path] = [String(error.code), String(error.path)];
  if (FORBIDDEN.has(code)) return `${path} may not be opened (${code})\n  ${AS_WHOM}`;
  if (code === 'EROFS') return `${path} cannot be written (${code})\n  its disk is mounted read-only`;
  return FULL.has(code) ? `${path} cannot be written (${code})\n  no room is left on its disk` : undefined;
}

/** What to do when the database at `path` could not be used; undefined: its own sentence is all there is to say. */
export function databaseAdvice(path: string, start: string): string | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined ? start : undefined;
  } catch {
    return AS_WHOM; // its folder may not be entered
  }
}
