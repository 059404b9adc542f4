// Holds, on table `hold`: whose lines nobody purges or erases. Commands write them beside a running process, which must know at
// once: what is in force is kept in memory as long as SQLite says that no other connection has written.

import { type Hold, type HoldStore, names } from '../model/archive.ts';
import { integer, maybeInteger, maybeText, type Row, text } from './column.ts';
import type { Database } from './database.ts';

/** Opens nothing of its own; the table is of migration 011. */
export function holdTable(db: Database): HoldStore {
  let known: { readonly version: number; readonly holds: readonly Hold[] } | undefined;
  const version = (): number => {
    const row = db.prepare('PRAGMA data_version').get();
    return row === undefined ? 0 : integer(row, 'data_version');
  };
  const inForce = (): readonly Hold[] => {
    const now = version();
    if (known?.version !== now)
      known = { version: now, holds: db.prepare('SELECT * FROM hold WHERE released_at IS NULL ORDER BY number DESC').all().map(toHold) };
    return known.holds;
  };
  return {
    async add({ matter, who, since, until, why, by, at }) {
      const values = [matter, JSON.stringify(who), since ?? null, until ?? null, why, by, Math.round(at)] as const;
      const added = await db.write(() => {
        if (db.prepare('SELECT 1 AS yes FROM hold WHERE matter = ? AND released_at IS NULL').get(matter) !== undefined) return false;
        db.prepare('INSERT INTO hold (matter, who, since, until, why, held_by, at) VALUES (?,?,?,?,?,?,?)').run(...values);
        return true;
      });
      known = undefined; // data_version counts the writes of others only
      return added;
    },
    async release(matter, by, why, at) {
      const released = await db.write(
        () =>
          db
            .prepare('UPDATE hold SET released_by = ?, released_why = ?, released_at = ? WHERE matter = ? AND released_at IS NULL')
            .run(by, why, Math.round(at), matter).changes > 0,
      );
      known = undefined;
      return released;
    },
    async list() {
      return db.prepare('SELECT * FROM hold ORDER BY released_at IS NULL DESC, number DESC').all().map(toHold);
    },
    async of(user) {
      return inForce().filter((hold) => names(hold, user));
    },
    inForce,
  };
}

function toHold(row: Row): Hold {
  const [since, until, releasedAt] = [maybeInteger(row, 'since'), maybeInteger(row, 'until'), maybeInteger(row, 'released_at')];
  return {
    matter: text(row, 'matter'),
    who: JSON.parse(text(row, 'who')), // written by add
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    why: text(row, 'why'),
    by: text(row, 'held_by'),
    at: integer(row, 'at'),
    ...(releasedAt !== undefined && {
      released: { by: maybeText(row, 'released_by') ?? '', at: releasedAt, why: maybeText(row, 'released_why') ?? '' },
    }),
  };
}
