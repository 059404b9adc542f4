// Users of split domains who have moved from the core to the internal system, on table `moved_inside`.

import type { MovedStore } from '../model/moves.ts';
import { text } from './column.ts';
import type { Database } from './database.ts';

/** Opens nothing of its own; the table is of migration 014. */
export function movedTable(db: Database): MovedStore {
  return {
    put(address, at) {
      return db.write(() => {
        db.prepare('INSERT OR REPLACE INTO moved_inside (address, at) VALUES (?, ?)').run(address, Math.round(at));
      });
    },
    remove(address) {
      return db.write(() => {
        db.prepare('DELETE FROM moved_inside WHERE address = ?').run(address);
      });
    },
    async has(address) {
      return db.prepare('SELECT 1 FROM moved_inside WHERE address = ?').get(address) !== undefined;
    },
    async all() {
      return db
        .prepare('SELECT address FROM moved_inside ORDER BY address')
        .all()
        .map((row) => text(row, 'address'));
    },
  };
}
