// One home, one running Isthmus: two would send every waiting message twice. The lock is SQLite's own on a file beside
// the database, so the operating system lets go of it however the process ends.

import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { reason } from '../errors.ts';
import { StoreError } from '../model/outbox-store.ts';
import { isBusy, storeError } from './database.ts';

export interface Owner {
  release(): void;
}

/** A command that only looks holds it for a moment; a start waits for that, ms. */
const LOOK_MS = 250;

/** Does a process run with the home whose owner file this is? A file that may not be opened tells nothing: false. */
export function isOwned(path: string): boolean {
  try {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return false;
    own(path).release();
    return false;
  } catch (error) {
    return error instanceof StoreError && isBusy(error.cause);
  }
}

/** @throws StoreError when another process owns the home */
export function own(path: string): Owner {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: LOOK_MS });
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
