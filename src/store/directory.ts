// Which entry of a directory each person came from, on table `directory_entry`.

import type { DirectoryEntry, DirectoryStore } from '../model/directory.ts';
import { integer, type Row, text } from './column.ts';
import type { Database } from './database.ts';

/** Opens nothing of its own; the table is of migration 007. */
export function directoryTable(db: Database): DirectoryStore {
  return {
    async get(address) {
      const row = db.prepare('SELECT * FROM directory_entry WHERE address = ?').get(address);
      return row && toEntry(row);
    },
    async all() {
      return db.prepare('SELECT * FROM directory_entry ORDER BY address').all().map(toEntry);
    },
    put({ address, dn, stamp, disabled, seenAt }) {
      return db.write(() => {
        db.prepare('INSERT OR REPLACE INTO directory_entry (address, dn, stamp, disabled, seen_at) VALUES (?,?,?,?,?)').run(
          address,
          dn,
          stamp,
          disabled ? 1 : 0,
          Math.round(seenAt),
        );
      });
    },
  };
}

function toEntry(row: Row): DirectoryEntry {
  return {
    address: text(row, 'address'),
    dn: text(row, 'dn'),
    stamp: text(row, 'stamp'),
    disabled: integer(row, 'disabled') === 1,
    seenAt: integer(row, 'seen_at'),
  };
}
