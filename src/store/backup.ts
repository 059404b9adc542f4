// Copies of the databases of a home, taken while a process writes them: one read transaction holds the moment, and SQLite
// copies its pages in steps on another thread, so that nobody waits for it (sqlite.org/backup.html, sqlite.org/wal.html §2.2).

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { reason } from '../errors.ts';
import { StoreError } from '../model/outbox-store.ts';
import type { Inspection, Snapshots } from '../model/snapshot.ts';
import { openAudit } from './audit.ts';
import { blob, integer, text } from './column.ts';
import { storeError } from './database.ts';
import { newestVersion } from './migrate.ts';
import { label } from './outbox.ts';
import { own } from './owner.ts';
import { sealWith } from './seal.ts';

/** Pages of 4 KiB copied in one step. */
const STEP_PAGES = 500;
/** How long a busy database is waited for, ms. */
const BUSY_MS = 5000;
/** Findings of integrity_check that are shown. */
const MAX_DAMAGE = 10;

export const snapshots: Snapshots = {
  async copy(data, to, progress, signal) {
    const shape = await copyOne(join(data, 'isthmus.db'), join(to, 'isthmus.db'), progress, signal, (db) =>
      integer(row(db, 'PRAGMA user_version'), 'user_version'),
    );
    const last = await copyOne(
      join(data, 'audit.db'),
      join(to, 'audit.db'),
      () => {},
      signal,
      (db) => {
        const found = db.prepare('SELECT hash FROM audit ORDER BY number DESC LIMIT 1').get();
        return found === undefined ? undefined : text(found, 'hash');
      },
    );
    return { shape: shape ?? 0, ...(last !== undefined && { auditLast: last }) };
  },
  inspect: async (folder) => inspect(folder),
  held(data) {
    if (statSync(join(data, 'isthmus.owner'), { throwIfNoEntry: false }) === undefined) return false;
    try {
      own(join(data, 'isthmus.owner')).release();
      return false;
    } catch (error) {
      if (error instanceof StoreError) return true;
      throw error;
    }
  },
  async continuesAudit(data, hash) {
    if (!isThere(join(data, 'audit.db'))) return false;
    const audit = openAudit(data);
    try {
      return (await audit.verify(hash)).whole;
    } finally {
      audit.close();
    }
  },
};

/** @returns what `look` saw in the moment that was copied; undefined when there is no such file */
async function copyOne<T>(
  from: string,
  to: string,
  progress: (done: number, all: number) => void,
  signal: AbortSignal,
  look: (db: DatabaseSync) => T,
): Promise<T | undefined> {
  if (!isThere(from)) return undefined;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(from, { timeout: BUSY_MS });
    // The transaction must be open before the copy begins: otherwise each write of another process makes it start again.
    db.exec('PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; BEGIN');
    const seen = look(db);
    await backup(db, to, {
      rate: STEP_PAGES,
      progress({ totalPages, remainingPages }) {
        signal.throwIfAborted();
        progress(totalPages - remainingPages, totalPages);
      },
    });
    db.exec('COMMIT');
    return seen;
  } catch (error) {
    if (signal.aborted) throw error;
    throw storeError(error);
  } finally {
    if (db?.isOpen) db.close();
  }
}

async function inspect(folder: string): Promise<Inspection> {
  const path = join(folder, 'isthmus.db');
  const newestShape = newestVersion();
  const audit = await auditOf(folder);
  if (!isThere(path)) return { shape: 0, newestShape, damage: [], rows: {}, waiting: 0, readable: 0, audit };
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: BUSY_MS });
    db.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
    const damage = db
      .prepare(`PRAGMA integrity_check(${MAX_DAMAGE})`)
      .all()
      .map((one) => text(one, 'integrity_check'))
      .filter((one) => one !== 'ok');
    const shape = integer(row(db, 'PRAGMA user_version'), 'user_version');
    const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`).all();
    const rows: Record<string, number> = {};
    for (const table of tables) {
      const name = text(table, 'name');
      const count = integer(row(db, `SELECT count(*) AS count FROM "${name.replaceAll('"', '""')}"`), 'count');
      if (count > 0) rows[name] = count;
    }
    const { waiting, readable } = waitingIn(db, join(folder, 'store.key'));
    return { shape, newestShape, damage, rows, waiting, readable, audit };
  } catch (error) {
    return {
      shape: 0,
      newestShape,
      damage: [error instanceof Error ? error.message : String(error)],
      rows: {},
      waiting: 0,
      readable: 0,
      audit,
    };
  } finally {
    if (db?.isOpen) db.close();
  }
}

/** How many messages wait, and how many of them open with the key. */
function waitingIn(db: DatabaseSync, keyPath: string): { waiting: number; readable: number } {
  const seal = isThere(keyPath) ? sealWith(readFileSync(keyPath)) : undefined;
  let waiting = 0;
  let readable = 0;
  for (const one of db.prepare('SELECT id, sender, recipient, sealed FROM outbox').iterate()) {
    waiting += 1;
    if (seal?.open(blob(one, 'sealed'), label(text(one, 'id'), text(one, 'sender'), text(one, 'recipient'))) !== undefined) readable += 1;
  }
  return { waiting, readable };
}

async function auditOf(folder: string): Promise<Inspection['audit']> {
  if (!isThere(join(folder, 'audit.db'))) return { lines: 0 };
  try {
    const audit = openAudit(folder);
    try {
      const verdict = await audit.verify();
      return { lines: verdict.lines, ...(!verdict.whole && { broken: verdict.what }) };
    } finally {
      audit.close();
    }
  } catch (error) {
    return { lines: 0, broken: error instanceof Error ? error.message : String(error) };
  }
}

function row(db: DatabaseSync, sql: string) {
  const found = db.prepare(sql).get();
  if (found === undefined) throw new StoreError(reason('US_BUG', `no answer to ${sql}`));
  return found;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
