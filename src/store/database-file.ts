// Opens the file of a database: by the process that owns it, which looks whether it is whole, or by a command beside it.

import { statSync } from 'node:fs';
import { reason } from '../errors.ts';
import { StoreError } from '../model/outbox-store.ts';
import type { Clock } from '../model/ports.ts';
import { text } from './column.ts';
import { Database, isDamage, storeError } from './database.ts';
import { migrate, newestVersion, versionOf } from './migrate.ts';
import type { Remark } from './remark.ts';
import { salvage } from './salvage.ts';
import { inspectWal } from './wal.ts';

/** A larger file is not checked from end to end at every start. */
const CHECKED_BYTES = 2 ** 30;

/** The database for a command beside the process that owns it. @throws StoreError when there is none, or one of another shape */
export function visitFile(path: string): Database {
  const have = statSync(path, { throwIfNoEntry: false });
  if (have === undefined) throw new StoreError(reason('STORE_FULL', `there is no database at ${path}: this home has not been started yet`));
  try {
    const db = new Database(path);
    const [version, newest] = [versionOf(db), newestVersion()];
    if (version === newest) return db;
    db.close();
    throw new StoreError(reason('US_BUG', `the database has shape ${version}, this version knows ${newest}: use the version that runs`));
  } catch (error) {
    throw error instanceof StoreError ? error : storeError(error);
  }
}

/**
 * The database for the process that owns it: checked, brought to the newest shape, carried over into a new file where it is damaged.
 * @param remarks what was found is added
 */
export function openFile(path: string, clock: Clock, remarks: Remark[]): Database {
  const wal = inspectWal(`${path}-wal`);
  if (wal !== undefined && (wal.lost > 0 || wal.cut)) {
    const gone = `${wal.lost} pages after its last good commit (page ${wal.good})${wal.cut ? ' and a piece of one' : ''} are left out`;
    remarks.push({
      what: 'log',
      text: `the write-ahead log ends early: ${gone}. After a kill that is an unfinished write; else rows are gone`,
    });
  }
  let damage: string | undefined;
  let db: Database | undefined;
  try {
    db = new Database(path);
    damage = check(db, path, remarks);
    if (damage === undefined) {
      migrate(db);
      return db;
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    damage = error instanceof Error ? error.message : String(error);
  }
  try {
    db?.close();
  } catch {
    // a damaged file may not close
  }
  const saved = salvage(path, clock.now());
  const missing = saved.incomplete.length === 0 ? 'no table is visibly incomplete' : `not whole: ${saved.incomplete.join(', ')}`;
  remarks.push({
    what: 'damage',
    text: `the database was damaged (${damage.replaceAll(/\s+/g, ' ')}); ${saved.rows} rows were carried over, ${missing}; ${saved.gone} events that waited are gone; the old file is ${saved.aside}`,
  });
  return new Database(path);
}

function check(db: Database, path: string, remarks: Remark[]): string | undefined {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > CHECKED_BYTES) {
    remarks.push({ what: 'unchecked', text: `${path} is over 1 GiB and was not checked from end to end` });
    return undefined;
  }
  const answer = db.prepare('PRAGMA quick_check(1)').get();
  const verdict = answer === undefined ? 'no answer' : text(answer, 'quick_check');
  return verdict === 'ok' ? undefined : verdict;
}
