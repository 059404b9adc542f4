// Who may see whom: durable, without a timer (RFC 6121 §3).

import type { Authorization, AuthorizationState, AuthorizationStore } from '../model/stores.ts';
import { integer, maybeInteger, maybeText, type Row, text, word } from './column.ts';
import type { Database } from './database.ts';

const STATES = ['pending', 'granted', 'denied'] as const satisfies AuthorizationState[];
const PAGE = 500;

/** The store of who may see whom, on table `authorization`. */
export function authorizationTable(db: Database): AuthorizationStore {
  return {
    async get(watcher, presentity) {
      const row = db.prepare('SELECT * FROM authorization WHERE watcher = ? AND presentity = ?').get(watcher, presentity);
      return row && toAuthorization(row);
    },
    put(one) {
      return db.write(() => {
        db.prepare(
          `INSERT OR REPLACE INTO authorization (watcher, presentity, watcher_domain, presentity_domain, state, reason, changed_at,
           last_subscribe_at, watcher_seen_at) VALUES (?,?,?,?,?,?,?,?,?)`,
        ).run(
          one.watcher,
          one.presentity,
          domainOf(one.watcher),
          domainOf(one.presentity),
          one.state,
          one.reason ?? null,
          Math.round(one.changedAt),
          one.lastSubscribeAt === undefined ? null : Math.round(one.lastSubscribeAt),
          Math.round(one.watcherSeenAt),
        );
      });
    },
    remove(watcher, presentity) {
      return db.write(() => {
        db.prepare('DELETE FROM authorization WHERE watcher = ? AND presentity = ?').run(watcher, presentity);
      });
    },
    async ofWatcher(watcher) {
      return db.prepare('SELECT * FROM authorization WHERE watcher = ? ORDER BY presentity').all(watcher).map(toAuthorization);
    },
    async ofPresentity(presentity) {
      return db.prepare('SELECT * FROM authorization WHERE presentity = ? ORDER BY watcher').all(presentity).map(toAuthorization);
    },
    async countPending(watcherDomain, presentityDomain) {
      const row = db
        .prepare(`SELECT count(*) AS n FROM authorization WHERE state = 'pending' AND watcher_domain = ? AND presentity_domain = ?`)
        .get(watcherDomain, presentityDomain);
      return row ? integer(row, 'n') : 0;
    },
    async *all() {
      // By pages: the consumer may write between two of them, and memory stays bounded.
      let last = { watcher: '', presentity: '' };
      for (;;) {
        const page = db
          .prepare(`SELECT * FROM authorization WHERE (watcher, presentity) > (?, ?) ORDER BY watcher, presentity LIMIT ${PAGE}`)
          .all(last.watcher, last.presentity)
          .map(toAuthorization);
        yield* page;
        const end = page.at(-1);
        if (end === undefined || page.length < PAGE) return;
        last = end;
      }
    },
  };
}

function toAuthorization(row: Row): Authorization {
  const why = maybeText(row, 'reason');
  const lastSubscribeAt = maybeInteger(row, 'last_subscribe_at');
  return {
    watcher: text(row, 'watcher'),
    presentity: text(row, 'presentity'),
    state: word(row, 'state', STATES),
    ...(why !== undefined && { reason: why }),
    changedAt: integer(row, 'changed_at'),
    ...(lastSubscribeAt !== undefined && { lastSubscribeAt }),
    watcherSeenAt: integer(row, 'watcher_seen_at'),
  };
}

function domainOf(key: string): string {
  return key.slice(key.lastIndexOf('@') + 1);
}
