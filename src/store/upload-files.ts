// The octets of files that users share: <data>/uploads/<two characters of the id>/<id>. A file is written under another name and
// renamed when it is whole and on disk, so that what stands under its own name is never half.

import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { UploadFiles, Written } from '../model/uploads.ts';

/** What no file of a user takes: the database and the log are on the same disk, as a rule. */
const KEEP_FREE_BYTES = 512 * 1024 * 1024;
const ID = /^[A-Za-z0-9_-]{16,64}$/;

/** @param folder made when the first file comes @param keepFree bytes */
export function uploadFiles(folder: string, keepFree = KEEP_FREE_BYTES): UploadFiles {
  const arriving = join(folder, 'arriving');
  const place = (id: string): string => {
    // Ids are our own; nothing of a client's is ever a path.
    if (!ID.test(id)) throw new Error('no id of a file');
    return join(folder, id.slice(0, 2), id);
  };
  return {
    async write(id, octets, size) {
      const final = place(id);
      const partial = join(arriving, id);
      await mkdir(arriving, { recursive: true, mode: 0o700 });
      await mkdir(join(final, '..'), { recursive: true, mode: 0o700 });
      let outcome: Written;
      try {
        outcome = await save(partial, octets, size);
        if (outcome === 'whole') {
          await rename(partial, final);
          return outcome;
        }
      } catch (error) {
        await rm(partial, { force: true });
        if (isFull(error)) return 'diskFull';
        throw error;
      }
      await rm(partial, { force: true });
      return outcome;
    },
    async has(id, size) {
      const is = await stat(place(id)).catch(() => undefined);
      return is?.isFile() === true && is.size === size;
    },
    async *read(id, first, last) {
      for await (const chunk of createReadStream(place(id), { start: first, end: last })) yield chunk;
    },
    remove: (id) => rm(place(id), { force: true }),
    async room() {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const { bavail, bsize } = await statfs(folder);
      return Math.max(0, bavail * bsize - keepFree);
    },
    restart: () => rm(arriving, { recursive: true, force: true }),
    async tidy(known) {
      for (const shelf of await namesIn(folder))
        for (const id of await namesIn(join(folder, shelf))) {
          if (ID.test(id) && id.startsWith(shelf) && !(await known(id))) await rm(place(id), { force: true });
        }
    },
  };
}

async function save(path: string, octets: AsyncIterable<Uint8Array>, size: number): Promise<Written> {
  const file = await open(path, 'w', 0o600);
  try {
    let written = 0;
    for await (const piece of octets) {
      written += piece.length;
      if (written > size) return 'long';
      await file.writeFile(piece);
    }
    if (written < size) return 'short';
    await file.sync();
    return 'whole';
  } finally {
    await file.close();
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT' || error.code === 'EFBIG');
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
