// Messages that wait for users of the core who are away, on table `kept_item`; sealed. A row whose seal does not open is passed over.

import type { Said } from '../model/core.ts';
import type { KeepResult, KeptItem, KeptStore } from '../model/core-stores.ts';
import { blob, integer, type Row, text } from './column.ts';
import type { Database } from './database.ts';
import type { Seal } from './seal.ts';

const DAY_MS = 24 * 3600 * 1000;
const STEP = 1000;

/** Opens nothing of its own; the table is of migration 006. */
export function keptTable(db: Database, seal: Seal): KeptStore {
  const count = (owner: string): number => {
    const row = db.prepare('SELECT count(*) AS n FROM kept_item WHERE owner = ? AND sealed IS NOT NULL').get(owner);
    return row === undefined ? 0 : integer(row, 'n');
  };
  return {
    keep(owner, said, at, most, alongside) {
      const { id } = said.event;
      const sealed = seal.close(JSON.stringify(said), label(owner, id));
      return db.write((): KeepResult => {
        const known = db.prepare('SELECT number, sealed IS NOT NULL AS waits FROM kept_item WHERE owner = ? AND id = ?').get(owner, id);
        if (known !== undefined) return { kind: 'copy', number: integer(known, 'number'), waits: integer(known, 'waits') === 1 };
        const have = db
          .prepare('SELECT count(*) AS n, coalesce(sum(length(sealed)), 0) AS bytes FROM kept_item WHERE owner = ? AND sealed IS NOT NULL')
          .get(owner);
        if (have !== undefined && (integer(have, 'n') >= most.items || integer(have, 'bytes') + sealed.length > most.bytes))
          return { kind: 'full' };
        const { lastInsertRowid } = db
          .prepare('INSERT INTO kept_item (owner, id, at, sealed) VALUES (?,?,?,?)')
          .run(owner, id, Math.round(at), sealed);
        alongside?.();
        return { kind: 'kept', number: Number(lastInsertRowid) };
      });
    },
    async of(owner, after, limit) {
      return db
        .prepare('SELECT * FROM kept_item WHERE owner = ? AND number > ? AND sealed IS NOT NULL ORDER BY number LIMIT ?')
        .all(owner, after, limit)
        .flatMap((row) => toItem(row, owner, seal) ?? []);
    },
    async count(owner) {
      return count(owner);
    },
    taken(number, at, remember) {
      db.lazy(() => {
        if (remember) db.prepare('UPDATE kept_item SET sealed = NULL, taken_at = ? WHERE number = ?').run(Math.round(at), number);
        else db.prepare('DELETE FROM kept_item WHERE number = ?').run(number);
      });
    },
    async expire(before, now) {
      let gone = 0;
      for (let step = STEP; step === STEP; ) {
        step = await db.write(() =>
          Number(
            db
              .prepare('DELETE FROM kept_item WHERE number IN (SELECT number FROM kept_item WHERE sealed IS NOT NULL AND at < ? LIMIT ?)')
              .run(Math.round(before), STEP).changes,
          ),
        );
        gone += step;
      }
      for (let step = STEP; step === STEP; ) {
        step = await db.write(() =>
          Number(
            db
              .prepare('DELETE FROM kept_item WHERE number IN (SELECT number FROM kept_item WHERE taken_at < ? LIMIT ?)')
              .run(Math.round(now - DAY_MS), STEP).changes,
          ),
        );
      }
      return gone;
    },
    forget(owner) {
      return db.write(() => {
        db.prepare('DELETE FROM kept_item WHERE owner = ?').run(owner);
      });
    },
  };
}

/** Bound to its place: a message that was moved to another user does not open. */
function label(owner: string, id: string): string {
  return `kept ${owner} ${id}`;
}

function toItem(row: Row, owner: string, seal: Seal): KeptItem | undefined {
  const opened = seal.open(blob(row, 'sealed'), label(owner, text(row, 'id')));
  if (opened === undefined) return undefined;
  const said: Said = JSON.parse(opened.toString('utf8')); // written by keep, and sealed since
  return { number: integer(row, 'number'), at: integer(row, 'at'), said };
}
