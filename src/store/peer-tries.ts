// How connections of partners to us went, on table `peer_try`. Written lazily, and never more than the newest rows are kept, so
// that whoever knocks all day fills nothing.

import type { PeerTry, PeerTryStore } from '../model/peer-try.ts';
import { type Row, text } from './column.ts';
import type { Database } from './database.ts';

/** Rows kept of all peers together, and given of one. */
const KEPT = 5000;
const GIVEN = 100;
/** Addresses asked for at once. */
const MAX_ADDRESSES = 32;
const BACKLOG = 1000;

/** The store of what became of partners' connections. */
export function peerTryTable(db: Database): PeerTryStore {
  let waiting: PeerTry[] = [];
  // What is in `data` was written by `note` below.
  const read = (row: Row): PeerTry => JSON.parse(text(row, 'data'));
  return {
    note(one) {
      if (waiting.length > BACKLOG) return;
      waiting.push(one);
      if (waiting.length > 1) return;
      const batch = waiting; // for good: after a rollback the same rows are written again
      db.idle(() => {
        if (waiting === batch) waiting = [];
        const line = db.prepare('INSERT INTO peer_try (at, domain, address, data) VALUES (?,?,?,?)');
        for (const each of batch) line.run(Math.round(each.at), each.domain ?? null, each.address ?? null, JSON.stringify(each));
        db.prepare('DELETE FROM peer_try WHERE number <= (SELECT max(number) FROM peer_try) - ?').run(KEPT);
      });
    },
    async of(domain, addresses) {
      const rows = db.prepare(`SELECT data FROM peer_try WHERE domain = ? ORDER BY number DESC LIMIT ${GIVEN}`).all(domain);
      const byAddress = db.prepare(`SELECT data FROM peer_try WHERE address = ? AND domain IS NULL ORDER BY number DESC LIMIT ${GIVEN}`);
      for (const address of [...addresses].slice(0, MAX_ADDRESSES)) rows.push(...byAddress.all(address));
      return rows
        .map(read)
        .sort((a, b) => b.at - a.at)
        .slice(0, GIVEN);
    },
  };
}
