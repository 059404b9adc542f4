// Brings the database to the newest shape: migrations/NNN.sql, each in its own transaction, counted in user_version.

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
  for (const [index, file] of files.entries()) {
    if (index < have) continue;
    db.exec(`BEGIN IMMEDIATE; ${readFileSync(new URL(file, FOLDER), 'utf8')}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}

function migrations(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => /^\d{3}\.sql$/.test(name))
    .sort();
}
