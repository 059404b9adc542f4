// What is known of files that users share, on table `upload`.

import type { Upload, UploadStore } from '../model/uploads.ts';
import { integer, type Row, text, word } from './column.ts';
import type { Database } from './database.ts';

const STATES = ['slot', 'writing', 'kept'] as const;

/** Opens nothing of its own; the table is of migration 015. */
export function uploadTable(db: Database): UploadStore {
  const sum = (owner: string): { readonly bytes: number; readonly slots: number } => {
    const row = db
      .prepare("SELECT coalesce(sum(size), 0) AS bytes, coalesce(sum(state <> 'kept'), 0) AS slots FROM upload WHERE owner = ?")
      .get(owner);
    return row === undefined ? { bytes: 0, slots: 0 } : { bytes: integer(row, 'bytes'), slots: integer(row, 'slots') };
  };
  const turn = (id: string, from: Upload['state'], to: Upload['state']): Promise<boolean> =>
    db.write(() => Number(db.prepare('UPDATE upload SET state = ? WHERE id = ? AND state = ?').run(to, id, from).changes) === 1);
  return {
    reserve({ id, owner, name, type, size, madeAt }, most) {
      return db.write(() => {
        const { bytes, slots } = sum(owner);
        if (bytes + size > most.bytes) return 'full';
        if (slots >= most.slots) return 'tooMany';
        db.prepare("INSERT INTO upload (id, owner, name, type, size, made_at, state) VALUES (?,?,?,?,?,?,'slot')").run(
          ...[id, owner, name, type, size],
          Math.round(madeAt),
        );
        return 'reserved';
      });
    },
    async get(id) {
      const row = db.prepare('SELECT * FROM upload WHERE id = ?').get(id);
      return row && toUpload(row);
    },
    begin: (id) => turn(id, 'slot', 'writing'),
    async done(id) {
      await turn(id, 'writing', 'kept');
    },
    async failed(id) {
      await turn(id, 'writing', 'slot');
    },
    async used(owner) {
      return sum(owner).bytes;
    },
    async expired({ kept, slot }, limit) {
      return db
        .prepare(
          `SELECT id FROM upload WHERE (state = 'kept' AND made_at < ?) OR (state = 'slot' AND made_at < ?)
             OR (state <> 'writing' AND NOT EXISTS (SELECT 1 FROM person WHERE address = owner AND created_at <= made_at)) LIMIT ?`,
        )
        .all(Math.round(kept), Math.round(slot), limit)
        .map((row) => text(row, 'id'));
    },
    remove(ids) {
      return db.write(() => {
        for (const id of ids) db.prepare('DELETE FROM upload WHERE id = ?').run(id);
      });
    },
    restart() {
      return db.write(() => {
        db.prepare("UPDATE upload SET state = 'slot' WHERE state = 'writing'").run();
      });
    },
  };
}

function toUpload(row: Row): Upload {
  return {
    id: text(row, 'id'),
    owner: text(row, 'owner'),
    name: text(row, 'name'),
    type: text(row, 'type'),
    size: integer(row, 'size'),
    madeAt: integer(row, 'made_at'),
    state: word(row, 'state', STATES),
  };
}
