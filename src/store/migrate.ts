// Brings the database to the newest shape: migrations/NNN.sql, counted in user_version. All that is missing is one
// transaction: an update that fails leaves the shape that the version before can read.

import { readdirSync, readFileSync } from 'node:fs';
import { reason } from '../errors.ts';
import { StoreError } from '../model/outbox-store.ts';
import { integer } from './column.ts';
import type { Database } from './database.ts';

const FOLDER = new URL('./migrations/', import.meta.url);

/** The number of the newest migration. */
export function newestVersion(): number {
  return migrations().length;
}

/** The shape a database has. */
export function versionOf(db: Database): number {
  const row = db.prepare('PRAGMA user_version').get();
  return row ? integer(row, 'user_version') : 0;
}

/**
 * Applies what is missing.
 * @throws StoreError when the file was written by a newer Isthmus
 */
export function migrate(db: Database): void {
  const files = migrations();
  const have = versionOf(db);
  if (have > files.length) {
    const found = `the database has shape ${have}, this version knows up to ${files.length}`;
    throw new StoreError(reason('US_BUG', `${found}: start the newer Isthmus again, or restore a backup made by this one`));
  }
  if (have === files.length) return;
  const missing = files.slice(have).map((file) => readFileSync(new URL(file, FOLDER), 'utf8'));
  db.exec(`BEGIN IMMEDIATE; ${missing.join('\n;\n')}; PRAGMA user_version = ${files.length}; COMMIT`);
}

function migrations(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => /^\d{3}\.sql$/.test(name))
    .sort();
}
