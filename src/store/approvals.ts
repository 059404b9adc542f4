// Acts that wait for a second person, on table `approval`, and how far the archive has been journaled, on table
// `journal_position` (migration 009).

import type { Approval, ApprovalStore, JournalStore } from '../model/archive.ts';
import { integer, maybeInteger, maybeText, type Row, text } from './column.ts';
import type { Database } from './database.ts';

/** Whoever decides, decides once; each condition stands in the statement that writes, so that two who come at once cannot both. */
export function approvalTable(db: Database): ApprovalStore {
  const changes = (sql: string, ...values: readonly (string | number | null)[]): Promise<boolean> =>
    db.write(() => Number(db.prepare(sql).run(...values).changes) === 1);
  return {
    ask({ id, act, input, askedBy, askedAt, why, until }) {
      return db.write(() => {
        db.prepare('INSERT INTO approval (id, act, input, asked_by, asked_at, why, until) VALUES (?,?,?,?,?,?,?)').run(
          id,
          act,
          input,
          askedBy,
          Math.round(askedAt),
          why,
          Math.round(until),
        );
      });
    },
    async get(id) {
      const row = db.prepare('SELECT * FROM approval WHERE id = ?').get(id);
      return row && toApproval(row);
    },
    async list(limit) {
      return db.prepare('SELECT * FROM approval ORDER BY yes IS NOT NULL, asked_at DESC, id LIMIT ?').all(limit).map(toApproval);
    },
    decide(id, by, yes, at, why) {
      return changes(
        `UPDATE approval SET decided_by = ?, decided_at = ?, yes = ?, decided_why = ?
         WHERE id = ? AND yes IS NULL AND until > ? AND asked_by <> ? COLLATE NOCASE`,
        ...[by, Math.round(at), yes ? 1 : 0, why ?? null, id, Math.round(at), by],
      );
    },
    use(id, at) {
      return changes(
        'UPDATE approval SET used_at = ? WHERE id = ? AND yes = 1 AND used_at IS NULL AND until > ?',
        Math.round(at),
        id,
        Math.round(at),
      );
    },
    async giveBack(id) {
      await changes('UPDATE approval SET used_at = NULL WHERE id = ?', id);
    },
  };
}

/** One number. */
export function journalTable(db: Database): JournalStore {
  return {
    async position() {
      const row = db.prepare('SELECT number FROM journal_position').get();
      return row && integer(row, 'number');
    },
    put(number) {
      return db.write(() => {
        db.prepare('INSERT OR REPLACE INTO journal_position (one, number) VALUES (1, ?)').run(number);
      });
    },
  };
}

function toApproval(row: Row): Approval {
  const [by, at, yes, why] = [
    maybeText(row, 'decided_by'),
    maybeInteger(row, 'decided_at'),
    maybeInteger(row, 'yes'),
    maybeText(row, 'decided_why'),
  ];
  const usedAt = maybeInteger(row, 'used_at');
  return {
    id: text(row, 'id'),
    act: text(row, 'act'),
    input: text(row, 'input'),
    askedBy: text(row, 'asked_by'),
    askedAt: integer(row, 'asked_at'),
    why: text(row, 'why'),
    until: integer(row, 'until'),
    ...(by !== undefined && at !== undefined && { decided: { by, at, yes: yes === 1, ...(why !== undefined && { why }) } }),
    ...(usedAt !== undefined && { usedAt }),
  };
}
