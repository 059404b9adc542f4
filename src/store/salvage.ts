// A damaged database file is set aside and what can still be read is carried over, table by table and row by row.
// Nothing doubtful comes along: events must open their seal, and what does not fit the table is left out.

import { renameSync, rmSync } from 'node:fs';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { reason } from '../errors.ts';
import { text } from './column.ts';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';

export interface Salvaged {
  /** Where the damaged file is now. */
  readonly aside: string;
  /** Rows carried over, and tables that could not be read to their end. */
  readonly rows: number;
  readonly incomplete: readonly string[];
  /** Ledger lines of events that waited and whose row is gone. */
  readonly gone: number;
}

/**
 * Moves `path` aside and makes a new database of what it still holds.
 * @param now wall ms
 */
export function salvage(path: string, now: number): Salvaged {
  const aside = `${path}.damaged-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`;
  renameSync(path, aside);
  for (const tail of ['-wal', '-shm']) moveIfThere(path + tail, aside + tail);
  rmSync(path, { force: true });
  const fresh = new Database(path);
  migrate(fresh);
  const tables = fresh
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
    .all()
    .map((row) => text(row, 'name'));
  const incomplete: string[] = [];
  let rows = 0;
  let old: DatabaseSync | undefined;
  try {
    old = new DatabaseSync(aside);
    old.exec('PRAGMA cell_size_check = ON');
    for (const table of tables) {
      const result = carry(old, fresh, table);
      rows += result.rows;
      if (!result.whole) incomplete.push(table);
    }
  } catch {
    incomplete.push(...tables.filter((table) => !incomplete.includes(table)));
  }
  try {
    old?.close();
  } catch {
    // A file that is no database may not even close; it stays aside as it is.
  }
  const why = JSON.stringify(reason('US_BUG', 'the database was damaged and this event is gone'));
  const gone = fresh
    .prepare(`UPDATE ledger SET state = 'refused', reason = ?, ended_at = ? WHERE ended_at IS NULL AND row NOT IN (SELECT row FROM outbox)`)
    .run(why, now).changes;
  fresh.close();
  return { aside, rows, incomplete, gone: Number(gone) };
}

function carry(old: DatabaseSync, fresh: Database, table: string): { rows: number; whole: boolean } {
  const columns = fresh
    .prepare(`SELECT name FROM pragma_table_info('${table}')`)
    .all()
    .map((row) => text(row, 'name'));
  const insert = fresh.prepare(`INSERT OR IGNORE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`);
  let rows = 0;
  let whole = true;
  fresh.exec('BEGIN IMMEDIATE');
  // From the front to the damage, then from the end back to it: every table begins with its key.
  for (const direction of ['ASC', 'DESC']) {
    if (direction === 'DESC' && whole) break;
    try {
      for (const row of old.prepare(`SELECT ${columns.join(', ')} FROM ${table} ORDER BY ${columns[0]} ${direction}`).iterate()) {
        try {
          rows += Number(insert.run(...columns.map((column): SQLOutputValue => row[column] ?? null)).changes);
        } catch {
          whole = false; // of the wrong type for a STRICT table: damaged
        }
      }
    } catch {
      whole = false;
    }
  }
  fresh.exec('COMMIT');
  return { rows, whole };
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // not there
  }
}
