// A small file in the data folder, replaced whole, and of the folder's own user: a command of root beside a process of
// another user must not leave what that one cannot write.

import { chownSync, closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export function writeOwned(path: string, text: string): void {
  const fresh = `${path}.new`;
  const file = openSync(fresh, 'w', 0o600);
  try {
    writeFileSync(file, text); // all of it: writeSync may stop half-way on a disk that is nearly full
    fsyncSync(file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  if (process.getuid?.() === 0) {
    const { uid, gid } = statSync(dirname(path));
    chownSync(fresh, uid, gid);
  }
  renameSync(fresh, path);
}
