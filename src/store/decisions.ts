// What policy decided, for `explain` and reports. Noted lazily: a crash may cost the last second, a full disk may cost more.

import type { DecisionRecord, DecisionStore } from '../model/stores.ts';
import { integer, maybeInteger, maybeText, type Row, text, word } from './column.ts';
import type { Database } from './database.ts';
import { PROOFS } from './ledger.ts';
import { nameHash, pairHash } from './names.ts';

/** Marks that wait for the disk before decisions are dropped instead of kept. */
const BACKLOG = 20_000;
const EXPIRE_STEP = 1000;
const READ_STEP = 500;
/** Lines of one name that are looked at, and given. */
const NAMED = 1000;
const FOUND = 100;

/** The store of what policy decided, on table `decision`. */
export function decisionTable(db: Database): DecisionStore {
  let waiting: DecisionRecord[] = [];
  return {
    note(record) {
      if (waiting.length > BACKLOG) return;
      waiting.push(record);
      if (waiting.length > 1) return;
      const batch = waiting; // for good: after a rollback the same records are written again
      db.idle(() => {
        if (waiting === batch) waiting = [];
        insert(db, batch);
      });
    },
    async ofEvent(id) {
      return hashed(db, nameHash(id))
        .filter((one) => one.eventId === id || one.ids?.includes(id))
        .slice(-FOUND);
    },
    async between(from, to, sinceMs) {
      return hashed(db, pairHash(from, to)).filter((one) => one.from === from && one.to === to && one.at >= sinceMs);
    },
    async *since(sinceMs) {
      if (db.backlog > 0) db.flush();
      let number = firstSince(db, sinceMs) - 1;
      for (;;) {
        const rows = db.prepare(`SELECT * FROM decision WHERE number > ? ORDER BY number LIMIT ${READ_STEP}`).all(number);
        for (const row of rows) if (integer(row, 'at') >= sinceMs) yield toRecord(row);
        const last = rows.at(-1);
        if (last === undefined) return;
        number = integer(last, 'number');
      }
    },
    async lastOfDomains(newest) {
      if (db.backlog > 0) db.flush();
      const last = new Map<string, number>();
      for (const side of ['sender', 'recipient'] as const) {
        const rows = db
          .prepare(
            `SELECT substr(${side}, instr(${side}, '@') + 1) AS domain, max(at) AS at
             FROM (SELECT ${side}, at FROM decision ORDER BY number DESC LIMIT ?) GROUP BY domain`,
          )
          .all(newest);
        for (const row of rows) last.set(text(row, 'domain'), Math.max(integer(row, 'at'), last.get(text(row, 'domain')) ?? 0));
      }
      return last;
    },
    expire(before) {
      return db.write(() => {
        const old = db.prepare(`SELECT * FROM (SELECT * FROM decision ORDER BY number LIMIT ${EXPIRE_STEP}) WHERE at < ?`).all(before);
        for (const row of old) {
          const number = integer(row, 'number');
          for (const hash of hashesOf(toRecord(row))) {
            db.prepare('DELETE FROM decision_name WHERE hash = ? AND number = ?').run(hash, number);
          }
          db.prepare('DELETE FROM decision WHERE number = ?').run(number);
        }
        return old.length;
      });
    },
  };
}

/** The first number whose time is not before `sinceMs`: numbers rise with time, but for a clock that was set back. */
function firstSince(db: Database, sinceMs: number): number {
  const ends = db.prepare('SELECT min(number) AS low, max(number) AS high FROM decision').get();
  let low = (ends && maybeInteger(ends, 'low')) ?? 1;
  let high = ((ends && maybeInteger(ends, 'high')) ?? 0) + 1;
  const look = db.prepare('SELECT number, at FROM decision WHERE number >= ? ORDER BY number LIMIT 1');
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = look.get(middle);
    if (row === undefined || integer(row, 'at') >= sinceMs) high = middle;
    else low = integer(row, 'number') + 1;
  }
  return low;
}

function insert(db: Database, records: readonly DecisionRecord[]): void {
  const names: (readonly [hash: number, number: number])[] = [];
  const line = db.prepare(
    `INSERT INTO decision (at, event_id, kind, sender, recipient, network, proof, allowed, code, file, key, ids)
     VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
  );
  for (const one of records) {
    const number = Number(
      line.run(
        Math.round(one.at),
        one.eventId,
        one.kind,
        one.from,
        one.to,
        one.network,
        one.proof,
        one.allowed ? 1 : 0,
        one.code ?? null,
        one.file ?? null,
        one.key ?? null,
        one.ids === undefined || one.ids.length === 0 ? null : JSON.stringify(one.ids),
      ).lastInsertRowid,
    );
    for (const hash of hashesOf(one)) names.push([hash, number]);
  }
  // In the order of the index: neighbours share a page.
  names.sort(([a], [b]) => a - b);
  const name = db.prepare('INSERT OR IGNORE INTO decision_name (hash, number) VALUES (?, ?)');
  for (const [hash, number] of names) name.run(hash, number);
}

function hashesOf(one: DecisionRecord): Set<number> {
  return new Set([pairHash(one.from, one.to), ...[one.eventId, ...(one.ids ?? [])].map(nameHash)]);
}

/** Oldest first. */
function hashed(db: Database, hash: number): DecisionRecord[] {
  if (db.backlog > 0) db.flush();
  return db
    .prepare('SELECT decision.* FROM decision_name JOIN decision USING (number) WHERE hash = ? ORDER BY number DESC LIMIT ?')
    .all(hash, NAMED)
    .reverse()
    .map(toRecord);
}

function toRecord(row: Row): DecisionRecord {
  const code = maybeText(row, 'code');
  const file = maybeText(row, 'file');
  const key = maybeText(row, 'key');
  const ids = maybeText(row, 'ids');
  return {
    at: integer(row, 'at'),
    eventId: text(row, 'event_id'),
    kind: text(row, 'kind'),
    from: text(row, 'sender'),
    to: text(row, 'recipient'),
    network: text(row, 'network'),
    proof: word(row, 'proof', PROOFS),
    allowed: row.allowed === 1,
    ...(code !== undefined && { code }),
    ...(file !== undefined && { file }),
    ...(key !== undefined && { key }),
    // Written by this file only.
    ...(ids !== undefined && { ids: JSON.parse(ids) as string[] }),
  };
}
