// One renewal of a home at a time, across processes: the running edge and a command beside it would answer each other's
// challenges. A file with the number of the process; one that has died holds nothing.

import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AcmeError } from '../acme/fault.ts';
import { makeFolder } from '../pairs.ts';

/** No renewal takes so long; a file that is older was left behind, and its number may be another process' by now. */
const LONGEST_MS = 2 * 3_600_000;

/** @param folder var/acme @returns how to let go @throws AcmeError ACME_BUSY */
export function holdRenewals(folder: string): () => void {
  makeFolder(folder, 0o700);
  const file = join(folder, 'lock');
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const handle = openSync(file, 'wx', 0o644);
      writeFileSync(handle, String(process.pid));
      closeSync(handle);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      const holder = holderOf(file);
      if (holder !== undefined) throw new AcmeError('ACME_BUSY', `process ${holder} renews certificates of this home now`);
      rmSync(file, { force: true });
    }
  }
  throw new AcmeError('ACME_BUSY', 'another process renews certificates of this home now');
}

/** The living process in the file, if it is not this one: this one waits for itself elsewhere. */
function holderOf(file: string): number | undefined {
  try {
    if (Date.now() - statSync(file).mtimeMs > LONGEST_MS) return undefined;
    const holder = Number(readFileSync(file, 'utf8'));
    if (!Number.isInteger(holder) || holder <= 0 || holder === process.pid) return undefined;
    process.kill(holder, 0);
    return holder;
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM' ? Number(readFileSync(file, 'utf8')) : undefined;
  }
}
