// Conversation ids across the bridge, so that a thread comes back as its sender wrote it (spec sip-xmpp.md section 4).
// Ids that both protocols can carry cross as they are and need no row here; for the others the far side's id is made from the
// near one (outbox/accept.ts), so a row is needed only for the way back. Rows are written within a second; `mend` makes those
// again that a kill has swallowed, from the ledger's lines.

import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import type { NewRow } from '../model/outbox-store.ts';
import type { Clock } from '../model/ports.ts';
import { text } from './column.ts';
import type { Database } from './database.ts';
import { MEND_ROWS } from './ledger-pen.ts';

const KEPT = 50_000;
const EXPIRE_STEP = 1000;

type Kind = 'thread' | 'callId';

export class Threads {
  readonly #db: Database;
  readonly #clock: Clock;
  /** Conversations that are not on disk yet. */
  #waiting = new Map<string, { readonly pair: string; readonly thread: string; readonly callId: string }>();
  /** Counterparts; the empty string: there is none, the id crosses as it is. */
  readonly #known = new LRUCache<string, string>(atMost(KEPT));

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Inside a transaction: what a new row's conversation is called on the far side. */
  join(fresh: NewRow): { readonly callId: string; readonly thread?: string } {
    const { conversation, callId: candidate } = fresh;
    if (conversation === undefined) return { callId: candidate, ...(fresh.thread !== undefined && { thread: fresh.thread }) };
    const { pair, kind, value } = conversation;
    // What can cross as it is may be the counterpart of an id that cannot.
    const other = candidate === value ? (this.#counterpart(pair, kind, value) ?? candidate) : candidate;
    return kind === 'thread' ? { callId: other, thread: value } : { callId: other, thread: other };
  }

  /** After the commit of a row: its conversation finds its way back. */
  remember({ pair, kind, value }: NonNullable<NewRow['conversation']>, callId: string): void {
    if (callId === value || this.#known.get(cacheKey(pair, kind, value)) === callId) return;
    const [thread, id] = kind === 'thread' ? [value, callId] : [callId, value];
    this.#known.set(cacheKey(pair, 'thread', thread), id);
    this.#known.set(cacheKey(pair, 'callId', id), thread);
    this.#waiting.set(cacheKey(pair, 'thread', thread), { pair, thread, callId: id });
    if (this.#waiting.size > 1) return;
    const batch = this.#waiting; // for good: after a rollback the same rows are written again
    this.#db.idle(() => {
      if (this.#waiting === batch) this.#waiting = new Map();
      // In the order of the index: neighbours share a page.
      for (const [, one] of [...batch].sort(([a], [b]) => (a < b ? -1 : 1))) this.#insert(one.pair, one.thread, one.callId);
    });
  }

  /** At the start: what a message of before was called on both sides. */
  restore(sender: string, recipient: string, network: string, value: string, callId: string): void {
    const pair = [sender, recipient].sort().join(' ');
    this.remember({ pair, kind: network === 'sip' ? 'callId' : 'thread', value }, callId);
  }

  /** At the start: conversations of the last lines before a kill. */
  mend(): void {
    const lines = this.#db
      .prepare(
        `SELECT sender, recipient, network, their_thread, call_id FROM ledger
         WHERE row > (SELECT max(row) FROM ledger) - ? AND kind = 'im.sent' AND their_thread IS NOT NULL`,
      )
      .all(MEND_ROWS);
    for (const line of lines) {
      const [sender, recipient, network] = [text(line, 'sender'), text(line, 'recipient'), text(line, 'network')];
      this.restore(sender, recipient, network, text(line, 'their_thread'), text(line, 'call_id'));
    }
  }

  #counterpart(pair: string, kind: Kind, value: string): string | undefined {
    const key = cacheKey(pair, kind, value);
    const cached = this.#known.get(key);
    if (cached !== undefined) return cached === '' ? undefined : cached;
    const found =
      kind === 'thread'
        ? this.#db.prepare('SELECT call_id AS other FROM thread WHERE pair = ? AND thread = ?').get(pair, value)
        : this.#db.prepare('SELECT thread AS other FROM thread WHERE pair = ? AND call_id = ? LIMIT 1').get(pair, value);
    const other = found && text(found, 'other');
    this.#known.set(key, other ?? '');
    return other;
  }

  #insert(pair: string, thread: string, callId: string): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO thread (pair, thread, call_id, at) VALUES (?, ?, ?, ?)')
      .run(pair, thread, callId, this.#clock.now());
  }

  /** Forgets conversations not used since a wall time, at most 1000 a call. */
  expire(before: number): Promise<number> {
    return this.#db.write(() => {
      const sql = `DELETE FROM thread WHERE (pair, thread) IN (SELECT pair, thread FROM thread WHERE at < ? LIMIT ${EXPIRE_STEP})`;
      const gone = Number(this.#db.prepare(sql).run(before).changes);
      if (gone > 0) this.#known.clear();
      return gone;
    });
  }
}

function cacheKey(pair: string, kind: Kind, value: string): string {
  return `${kind}\0${pair}\0${value}`;
}
