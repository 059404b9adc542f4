// One home, one running Isthmus: two would send every waiting message twice. The lock is SQLite's own on a file beside
// the database, so the operating system lets go of it however the process ends.

import { DatabaseSync } from 'node:sqlite';
import { reason } from '../errors.ts';
import { StoreError } from '../model/outbox-store.ts';
import { isBusy, storeError } from './database.ts';

export interface Owner {
  release(): void;
}

/** @throws StoreError when another process owns the home */
export function own(path: string): Owner {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 0 });
    db.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    const held = db;
    return {
      release() {
        if (held.isOpen) held.close();
      },
    };
  } catch (error) {
    try {
      db?.close();
    } catch {
      // it was never open
    }
    if (!isBusy(error)) throw storeError(error);
    const text = `another Isthmus runs with this home (${path} is held): stop it first, or give this one its own data:`;
    throw new StoreError(reason('US_BUG', text), { cause: error });
  }
}
