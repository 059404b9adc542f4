// What policy decided, for `explain` and reports. Noted lazily: a crash may cost the last second, a full disk may cost more.

import type { DecisionRecord, DecisionStore } from '../model/stores.ts';
import { integer, maybeText, type Row, text, word } from './column.ts';
import type { Database } from './database.ts';
import { PROOFS } from './ledger.ts';
import { nameHash, pairHash } from './names.ts';

/** Marks that wait for the disk before decisions are dropped instead of kept. */
const BACKLOG = 20_000;
const EXPIRE_STEP = 1000;
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
