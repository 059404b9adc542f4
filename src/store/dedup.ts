// Copies of the same message, recognised for 24 h of service time. Keys are hashes, so their index is touched all over: a key is
// on disk with its row, in the order of rows, before anybody is answered; the index follows within a second, many keys to a
// page. Until then the key is known from memory, and after a kill `mend` puts the last ones into the index again.

import { blob, integer, type Row } from './column.ts';
import type { Database } from './database.ts';
import { MEND_ROWS } from './ledger-pen.ts';

const FORGET_STEP = 1000;

interface Claim {
  readonly row: number;
  readonly service: number;
}

export class Dedup {
  readonly #db: Database;
  readonly #windowMs: number;
  /** Keys that are not in the index yet (latin1). A claim of a write that failed may be among them; `release` takes it out. */
  #fresh = new Map<string, Claim>();

  /** @param windowMs how long a copy is recognised, in ms of service time */
  constructor(db: Database, windowMs: number) {
    this.#db = db;
    this.#windowMs = windowMs;
  }

  /** Inside a transaction: takes a key for a row. Returns the row that has it already, within the window. */
  claim(key: Uint8Array, row: number, service: number): number | undefined {
    const at = Math.round(service);
    const name = nameOf(key);
    const old = this.#fresh.get(name) ?? this.#indexed(key);
    if (old !== undefined && at - old.service <= this.#windowMs) return old.row;
    if (old !== undefined) this.#db.prepare('DELETE FROM dedup WHERE row = ?').run(old.row);
    this.#db.prepare('INSERT INTO dedup (row, key, service_at) VALUES (?, ?, ?)').run(row, key, at);
    this.#index(name, { row, service: at });
    return undefined;
  }

  /** Inside a transaction: the row's key may be claimed again. */
  release(row: number): void {
    const found = this.#db.prepare('DELETE FROM dedup WHERE row = ? RETURNING key').get(row);
    if (found !== undefined) this.#unindex(blob(found, 'key'), row);
    for (const [name, claim] of this.#fresh) if (claim.row === row) this.#fresh.delete(name);
  }

  /** Inside a transaction: forgets keys older than a service time, at most 1000 a call. */
  forget(service: number): number {
    const old = this.#db
      .prepare(`SELECT row, key FROM (SELECT row, key, service_at FROM dedup ORDER BY row LIMIT ${FORGET_STEP}) WHERE service_at < ?`)
      .all(Math.round(service));
    for (const found of old) {
      const row = integer(found, 'row');
      this.#db.prepare('DELETE FROM dedup WHERE row = ?').run(row);
      this.#unindex(blob(found, 'key'), row);
    }
    return old.length;
  }

  /** At the start. */
  mend(): void {
    const last = this.#db.prepare('SELECT row, key, service_at FROM dedup WHERE row > (SELECT max(row) FROM dedup) - ?').all(MEND_ROWS);
    for (const found of last) this.#index(nameOf(blob(found, 'key')), toClaim(found));
  }

  #index(name: string, claim: Claim): void {
    this.#fresh.set(name, claim);
    if (this.#fresh.size > 1) return;
    const batch = this.#fresh; // for good: after a rollback the same keys are written again
    this.#db.idle(() => {
      if (this.#fresh === batch) this.#fresh = new Map();
      const put = this.#db.prepare(
        `INSERT INTO dedup_key (key, row, service_at) VALUES (?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET row = excluded.row, service_at = excluded.service_at`,
      );
      // In the order of the index: neighbours share a page.
      for (const [key, { row, service }] of [...batch].sort(([a], [b]) => (a < b ? -1 : 1))) {
        put.run(Buffer.from(key, 'latin1'), row, service);
      }
    });
  }

  #indexed(key: Uint8Array): Claim | undefined {
    const found = this.#db.prepare('SELECT row, service_at FROM dedup_key WHERE key = ?').get(key);
    return found && toClaim(found);
  }

  #unindex(key: Uint8Array, row: number): void {
    this.#db.prepare('DELETE FROM dedup_key WHERE key = ? AND row = ?').run(key, row);
  }
}

function toClaim(found: Row): Claim {
  return { row: integer(found, 'row'), service: integer(found, 'service_at') };
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
