// The keys of a home, each a file of its own beside the database, and the seals that they make. A key that is gone while something
// is sealed with it is said at the start.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from './database.ts';
import type { Remark } from './remark.ts';
import { keyFile, lazySeal, type Seal, sealWith } from './seal.ts';

export interface Seals {
  /** What waits, and what is kept of people: store.key. */
  readonly waiting: Seal;
  /** What users of the core said and were told: archive.key. */
  readonly histories: Seal;
  /** The archive of the organisation: records.key, made with its first line. */
  readonly records: () => Seal;
}

/**
 * @param remarks what was found is added
 * @throws StoreError when a file is there and is no key, or one cannot be made
 */
export function sealsOf(db: Database, folder: string, remarks: Remark[]): Seals {
  const holdsRows = (table: 'outbox' | 'history' | 'archive'): boolean => db.prepare(`SELECT 1 AS yes FROM ${table}`).get() !== undefined;
  const say = (text: string | undefined): void => {
    if (text !== undefined) remarks.push({ what: 'key', text });
  };

  const storePath = join(folder, 'store.key');
  const store = keyFile(storePath);
  say(store.remark);
  if (store.made && holdsRows('outbox'))
    say(`${storePath} was gone and is new: what waited cannot be read any more and its senders are told`);

  const archivePath = join(folder, 'archive.key');
  const archive = keyFile(archivePath);
  say(archive.remark);
  if (archive.made && holdsRows('history'))
    say(`${archivePath} was gone and is new: the history so far cannot be read without the old one`);

  const recordsPath = join(folder, 'records.key');
  if (holdsRows('archive') && statSync(recordsPath, { throwIfNoEntry: false }) === undefined)
    say(`${recordsPath} is gone: the archive so far cannot be read without it; what is archived from now on has a new one`);
  const records = lazySeal(recordsPath);
  say(records.remark);

  return { waiting: sealWith(store.key), histories: sealWith(archive.key), records: records.seal };
}
