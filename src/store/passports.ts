// What partners have shown of themselves, on tables `passport` and `passport_change`.

import type { Passport, PassportChange, PassportStore } from '../model/passport.ts';
import { type Row, text } from './column.ts';
import type { Database } from './database.ts';

/** Changes kept of all partners together; the oldest go first. */
const CHANGES_KEPT = 20_000;

/** Passports by domain, protocol and direction. */
export function passportTable(db: Database): PassportStore {
  // What is in `data` was written by `put` below.
  const passport = (row: Row): Passport => JSON.parse(text(row, 'data'));
  const change = (row: Row): PassportChange => JSON.parse(text(row, 'data'));
  return {
    async get(domain, protocol, direction) {
      const row = db
        .prepare('SELECT data FROM passport WHERE domain = ? AND protocol = ? AND direction = ?')
        .get(domain, protocol, direction);
      return row && passport(row);
    },
    put(one, changes) {
      return db.write(() => {
        db.prepare('INSERT OR REPLACE INTO passport (domain, protocol, direction, data, last_seen_at) VALUES (?,?,?,?,?)').run(
          one.domain,
          one.protocol,
          one.direction,
          JSON.stringify(one),
          Math.round(one.lastSeen),
        );
        for (const each of changes) {
          db.prepare('INSERT INTO passport_change (at, domain, data) VALUES (?,?,?)').run(
            Math.round(each.at),
            each.domain,
            JSON.stringify(each),
          );
        }
        if (changes.length > 0) {
          db.prepare('DELETE FROM passport_change WHERE number <= (SELECT max(number) FROM passport_change) - ?').run(CHANGES_KEPT);
        }
      });
    },
    async all() {
      return db.prepare('SELECT data FROM passport ORDER BY domain, protocol, direction').all().map(passport);
    },
    async changes(domain, sinceMs) {
      const rows =
        domain === undefined
          ? db.prepare('SELECT data FROM passport_change WHERE at >= ? ORDER BY number').all(sinceMs)
          : db.prepare('SELECT data FROM passport_change WHERE domain = ? AND at >= ? ORDER BY number').all(domain, sinceMs);
      return rows.map(change);
    },
  };
}
