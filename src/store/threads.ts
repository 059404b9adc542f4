// Conversation ids across the bridge, so that a thread comes back as its sender wrote it (spec sip-xmpp.md section 4).
// Ids that both protocols can carry cross as they are and need no row here.

import { LRUCache } from 'lru-cache';
import type { NewRow } from '../model/outbox-store.ts';
import type { Clock } from '../model/ports.ts';
import type { ThreadStore } from '../model/stores.ts';
import { integer, text } from './column.ts';
import type { Database } from './database.ts';

const KEPT = 20_000;
const DAY_MS = 24 * 3600 * 1000;
const EXPIRE_STEP = 1000;

type Kind = 'thread' | 'callId';

export class Threads implements ThreadStore {
  readonly #db: Database;
  readonly #clock: Clock;
  /** Committed counterparts; the empty string: there is none, the id crosses as it is. */
  readonly #known = new LRUCache<string, string>({ max: KEPT });

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  async callIdFor(pair: string, thread: string): Promise<string | undefined> {
    return this.#counterpart(pair, 'thread', thread);
  }

  async threadFor(pair: string, callId: string): Promise<string | undefined> {
    return this.#counterpart(pair, 'callId', callId);
  }

  async put(pair: string, thread: string, callId: string): Promise<void> {
    await this.#db.write(() => this.#insert(pair, thread, callId));
    this.#known.delete(cacheKey(pair, 'thread', thread));
    this.#known.delete(cacheKey(pair, 'callId', callId));
  }

  /** Inside a transaction: what a new row's conversation is called on the far side, made up now if it must be. */
  join(fresh: NewRow): { readonly callId: string; readonly thread?: string } {
    const { conversation, callId: candidate } = fresh;
    if (conversation === undefined) return { callId: candidate, ...(fresh.thread !== undefined && { thread: fresh.thread }) };
    const { pair, kind, value } = conversation;
    let other = this.#counterpart(pair, kind, value, true);
    if (other === undefined) {
      other = candidate;
      if (candidate !== value) {
        if (kind === 'thread') this.#insert(pair, value, candidate);
        else this.#insert(pair, candidate, value);
      }
    }
    return kind === 'thread' ? { callId: other, thread: value } : { callId: other, thread: other };
  }

  /** After the commit of a row: its conversation is looked up from memory from now on. */
  remember(conversation: NonNullable<NewRow['conversation']>, callId: string): void {
    const { pair, kind, value } = conversation;
    this.#known.set(cacheKey(pair, kind, value), callId === value ? '' : callId);
    if (callId !== value) this.#known.set(cacheKey(pair, kind === 'thread' ? 'callId' : 'thread', callId), value);
  }

  #counterpart(pair: string, kind: Kind, value: string, inTransaction = false): string | undefined {
    const cached = this.#known.get(cacheKey(pair, kind, value));
    if (cached !== undefined) return cached === '' ? undefined : cached;
    const found =
      kind === 'thread'
        ? this.#db.prepare('SELECT call_id AS other, at FROM thread WHERE pair = ? AND thread = ?').get(pair, value)
        : this.#db.prepare('SELECT thread AS other, at FROM thread WHERE pair = ? AND call_id = ? LIMIT 1').get(pair, value);
    const other = found && text(found, 'other');
    if (!inTransaction) this.#known.set(cacheKey(pair, kind, value), other ?? '');
    else if (found !== undefined && this.#clock.now() - integer(found, 'at') > DAY_MS) {
      const [thread, at] = [kind === 'thread' ? value : text(found, 'other'), this.#clock.now()];
      this.#db.prepare('UPDATE thread SET at = ? WHERE pair = ? AND thread = ?').run(at, pair, thread);
    }
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
