// The audit log: var/audit.db, a file of its own, so that a restored database does not take back what was done since.
// Each line carries the SHA-256 of the line before and of itself; a changed, missing or inserted line breaks the chain.
// The running process and commands beside it append under SQLite's own lock.

import { createHash } from 'node:crypto';
import { chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { AuditEntry, AuditLine, AuditLog, AuditVerdict } from '../model/audit.ts';
import { ROLES } from '../model/audit.ts';
import { integer, maybeText, type Row, text, word } from './column.ts';
import { storeError } from './database.ts';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS audit (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  role TEXT NOT NULL,
  via TEXT NOT NULL,
  address TEXT,
  act TEXT NOT NULL,
  input TEXT NOT NULL,
  exit INTEGER NOT NULL,
  changes TEXT,
  why TEXT,
  hash TEXT NOT NULL
) STRICT`;

const BUSY_MS = 5000;
/** Lines checked between two turns of the event loop. */
const VERIFY_PAGE = 2000;
/** What the first line is bound to. */
const GENESIS = '0'.repeat(64);

/** Opens it, and makes it when it is not there. @param folder the home's `data:` @throws StoreError */
export function openAudit(folder: string): AuditLog {
  const path = join(folder, 'audit.db');
  let db: DatabaseSync;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    db = new DatabaseSync(path, { timeout: BUSY_MS });
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; ${SCHEMA}`);
    belongsToFolder(path, folder);
  } catch (error) {
    throw storeError(error);
  }
  const last = (): { number: number; hash: string } => {
    const row = db.prepare('SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1').get();
    return row === undefined ? { number: 0, hash: GENESIS } : { number: integer(row, 'number'), hash: text(row, 'hash') };
  };
  return {
    async append(entry) {
      try {
        db.exec('BEGIN IMMEDIATE');
        try {
          const before = last();
          const number = before.number + 1;
          const hash = hashOf(before.hash, number, entry);
          const { actor } = entry;
          db.prepare(
            'INSERT INTO audit (number, at, actor, role, via, address, act, input, exit, changes, why, hash) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)',
          ).run(
            number,
            Math.round(entry.at),
            actor.name,
            actor.role,
            actor.via,
            actor.address ?? null,
            entry.act,
            entry.input,
            entry.exit,
            entry.changes ?? null,
            entry.why ?? null,
            hash,
          );
          db.exec('COMMIT');
          return { ...entry, number, hash };
        } catch (error) {
          db.exec('ROLLBACK');
          throw error;
        }
      } catch (error) {
        throw storeError(error);
      }
    },
    async list({ sinceMs = 0, act, from, limit }) {
      const [where, order] = from === undefined ? ['at >= ?', 'DESC'] : ['at >= ? AND number >= ?', 'ASC'];
      const values = [sinceMs, ...(from === undefined ? [] : [from]), ...(act === undefined ? [] : [act])];
      const sql = `SELECT * FROM audit WHERE ${where}${act === undefined ? '' : ' AND act = ?'} ORDER BY number ${order} LIMIT ?`;
      try {
        return db
          .prepare(sql)
          .all(...values, limit)
          .map(lineOf);
      } catch (error) {
        throw storeError(error);
      }
    },
    async verify(expected) {
      let before = { number: 0, hash: GENESIS };
      let newest: AuditLine | undefined;
      let found = expected === undefined;
      const broken = (brokenAt: number, what: string): AuditVerdict => ({ whole: false, lines: before.number, brokenAt, what });
      let checked = 0;
      const rows = db.prepare('SELECT * FROM audit WHERE number > ? ORDER BY number LIMIT ?');
      for (;;) {
        const page = rows.all(checked, VERIFY_PAGE);
        for (const row of page) {
          let line: AuditLine;
          try {
            line = lineOf(row);
          } catch {
            return broken(before.number + 1, `line ${before.number + 1} holds what no Isthmus writes`);
          }
          if (line.number !== before.number + 1) {
            return broken(before.number + 1, `line ${before.number + 1} is missing; the next one is ${line.number}`);
          }
          if (line.hash !== hashOf(before.hash, line.number, line)) {
            return broken(line.number, `line ${line.number} or the one before it was changed`);
          }
          found ||= line.hash === expected;
          before = line;
          newest = line;
        }
        if (page.length < VERIFY_PAGE) break;
        checked = before.number;
        await new Promise(setImmediate); // the process that asks carries messages meanwhile
      }
      if (!found) return broken(before.number + 1, 'the expected line is not in it; lines were cut off, or the log was written anew');
      return { whole: true, lines: before.number, ...(newest !== undefined && { last: newest }) };
    },
    close() {
      if (db.isOpen) db.close();
    },
  };
}

function hashOf(before: string, number: number, entry: AuditEntry): string {
  const { at, actor, act, input, exit, changes, why } = entry;
  const fields = [
    before,
    number,
    Math.round(at),
    actor.name,
    actor.role,
    actor.via,
    actor.address ?? null,
    act,
    input,
    exit,
    changes ?? null,
    why ?? null,
  ];
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

function lineOf(row: Row): AuditLine {
  const [address, changes, why] = [maybeText(row, 'address'), maybeText(row, 'changes'), maybeText(row, 'why')];
  return {
    number: integer(row, 'number'),
    at: integer(row, 'at'),
    actor: {
      name: text(row, 'actor'),
      role: word(row, 'role', ROLES),
      via: word(row, 'via', ['commandLine', 'api', 'process'] as const),
      ...(address !== undefined && { address }),
    },
    act: text(row, 'act'),
    input: text(row, 'input'),
    exit: integer(row, 'exit'),
    ...(changes !== undefined && { changes }),
    ...(why !== undefined && { why }),
    hash: text(row, 'hash'),
  };
}

/** A command of root beside a process of another user must not leave a file that the process cannot write. */
function belongsToFolder(path: string, folder: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  if (uid === 0) return;
  for (const file of [path, `${path}-wal`, `${path}-shm`])
    if (statSync(file, { throwIfNoEntry: false }) !== undefined) chownSync(file, uid, gid);
}
