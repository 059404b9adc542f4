// First contact: strangers' requests that wait for somebody of ours, and the strangers that were invited (DESIGN 7).
// The command line decides in the same file; the running process finds what was decided by `decided`.

import type { ContactRequest, ContactRequestStore } from '../model/stores.ts';
import { blob, integer, type Row, text, word } from './column.ts';
import type { Database } from './database.ts';
import type { Seal } from './seal.ts';

const NOTHING = new Uint8Array();
/** Messages of one stranger to one user that wait; of subscription requests one is as good as many. */
const MAX_WAITING = { message: 10, presence: 1 } as const satisfies Record<ContactRequest['kind'], number>;
/** Everything of one strange domain (spec sip-xmpp.md §8). */
const MAX_OF_DOMAIN = 1000;

/** The store of strangers who wait and of whom our users know, on tables `contact_request` (sealed) and `contact`. */
export function requestTable(db: Database, seal: Seal): ContactRequestStore {
  const learn = (local: string, stranger: string): void => {
    db.prepare('INSERT OR IGNORE INTO contact (local, stranger) VALUES (?, ?)').run(local, stranger);
  };
  return {
    put(request) {
      return db.write(() => {
        if (isEnough(db, request)) return false;
        db.prepare(
          'INSERT INTO contact_request (id, stranger, stranger_domain, local, kind, sealed, created_at, decided) VALUES (?,?,?,?,?,?,?,NULL)',
        ).run(
          request.id,
          request.from,
          domainOf(request.from),
          request.to,
          request.kind,
          seal.close(request.event, label(request.id)),
          Math.round(request.createdAt),
        );
        return true;
      });
    },
    async list() {
      return db
        .prepare('SELECT * FROM contact_request WHERE decided IS NULL ORDER BY created_at, id')
        .all()
        .map((row) => toRequest(row, NOTHING));
    },
    decide(id, decision) {
      return db.write(() => {
        const row = db.prepare('SELECT * FROM contact_request WHERE id = ? AND decided IS NULL').get(id);
        if (row === undefined) return undefined;
        const request = toRequest(row, NOTHING);
        // One decision is for the pair: everything else that waits of the same stranger goes with it.
        db.prepare('UPDATE contact_request SET decided = ? WHERE stranger = ? AND local = ? AND decided IS NULL').run(
          decision,
          request.from,
          request.to,
        );
        if (decision === 'approved') learn(request.to, request.from);
        return { ...request, decided: decision };
      });
    },
    async decided() {
      const rows = db.prepare('SELECT * FROM contact_request WHERE decided IS NOT NULL ORDER BY created_at, id LIMIT 100').all();
      return rows.map((row) => toRequest(row, seal.open(blob(row, 'sealed'), label(text(row, 'id'))) ?? NOTHING));
    },
    remove(id) {
      return db.write(() => {
        db.prepare('DELETE FROM contact_request WHERE id = ?').run(id);
      });
    },
    async knows(local, stranger) {
      return db.prepare('SELECT 1 AS yes FROM contact WHERE local = ? AND stranger = ?').get(local, stranger) !== undefined;
    },
    async learn(local, stranger) {
      // Most calls are about somebody known: those need no write.
      if (db.prepare('SELECT 1 AS yes FROM contact WHERE local = ? AND stranger = ?').get(local, stranger) !== undefined) return;
      await db.write(() => learn(local, stranger));
    },
    expire(before) {
      return db.write(() => Number(db.prepare('DELETE FROM contact_request WHERE created_at < ? AND decided IS NULL').run(before).changes));
    },
  };
}

function isEnough(db: Database, { from, to, kind }: ContactRequest): boolean {
  const undecided = 'SELECT count(*) AS n FROM contact_request WHERE decided IS NULL';
  const ofPair = db.prepare(`${undecided} AND stranger = ? AND local = ? AND kind = ?`).get(from, to, kind);
  const ofDomain = db.prepare(`${undecided} AND stranger_domain = ?`).get(domainOf(from));
  const count = (row: Row | undefined): number => (row === undefined ? 0 : integer(row, 'n'));
  return count(ofPair) >= MAX_WAITING[kind] || count(ofDomain) >= MAX_OF_DOMAIN;
}

function domainOf(key: string): string {
  return key.slice(key.lastIndexOf('@') + 1);
}

function label(id: string): string {
  return `request\0${id}`;
}

function toRequest(row: Row, event: Uint8Array): ContactRequest {
  return {
    id: text(row, 'id'),
    from: text(row, 'stranger'),
    to: text(row, 'local'),
    kind: word(row, 'kind', ['message', 'presence'] as const),
    event,
    createdAt: integer(row, 'created_at'),
    ...(row.decided !== null && { decided: word(row, 'decided', ['approved', 'denied'] as const) }),
  };
}
