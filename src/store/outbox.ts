// The outbox's tables: accept, look up, mark, end. A row, its ledger line, its dedup key and its conversation are one write.

import { LRUCache } from 'lru-cache';
import { bareKey } from '../model/address.ts';
import type { AcceptResult, DurableEvent, NewRow, OutboxRow, OutboxStore, RowEnd } from '../model/outbox-store.ts';
import { laneOf } from '../model/outbox-store.ts';
import type { Hop } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import { blob, integer, maybeText, type Row, text, word } from './column.ts';
import type { Database } from './database.ts';
import { cseqOf, type Ledger } from './ledger.ts';
import type { Seal } from './seal.ts';
import type { Threads } from './threads.ts';

const FORGET_STEP = 1000;
const RECENT_KEYS = 10_000;
const KINDS = [
  'im.sent',
  'im.receipt',
  'presence.requested',
  'presence.granted',
  'presence.denied',
  'presence.ended',
] as const satisfies DurableEvent['kind'][];

export class OutboxTable implements OutboxStore {
  readonly #db: Database;
  readonly #seal: Seal;
  readonly #ledger: Ledger;
  readonly #threads: Threads;
  readonly #dedupMs: number;
  /** Keys seen of late, so that a copy that follows at once needs no transaction. */
  readonly #recent = new LRUCache<string, { readonly row: number; readonly service: number }>({ max: RECENT_KEYS });
  #next: number;

  /** @param dedupMs how long a copy is recognised, in ms of service time */
  constructor(db: Database, seal: Seal, ledger: Ledger, threads: Threads, dedupMs: number) {
    this.#db = db;
    this.#seal = seal;
    this.#ledger = ledger;
    this.#threads = threads;
    this.#dedupMs = dedupMs;
    const last = db
      .prepare('SELECT max(coalesce((SELECT max(row) FROM ledger), 0), coalesce((SELECT max(row) FROM outbox), 0)) AS last')
      .get();
    this.#next = (last ? integer(last, 'last') : 0) + 1;
  }

  async accept(fresh: NewRow): Promise<AcceptResult> {
    const key = fresh.dedupKey && Buffer.from(fresh.dedupKey).toString('latin1');
    const seen = key === undefined ? undefined : this.#recent.get(key);
    if (seen !== undefined && fresh.serviceNow - seen.service <= this.#dedupMs) {
      const of = this.#ledger.entry(seen.row);
      if (of !== undefined) return { kind: 'duplicate', of };
    }
    const result = await this.#db.write(() => this.#insert(fresh));
    if (result.kind === 'accepted') {
      if (key !== undefined) this.#recent.set(key, { row: result.row.row, service: fresh.serviceNow });
      if (fresh.conversation !== undefined) this.#threads.remember(fresh.conversation, result.row.wire.callId);
    }
    return result;
  }

  #insert(fresh: NewRow): AcceptResult {
    // Taken before anything can fail: a number that was rolled back is left out, never used twice.
    const row = this.#next;
    this.#next += 1;
    if (fresh.dedupKey !== undefined) {
      const of = this.#claim(fresh.dedupKey, row, fresh.serviceNow);
      if (of !== undefined) {
        const entry = this.#ledger.entry(of);
        if (entry !== undefined) return { kind: 'duplicate', of: entry };
        this.#reclaim(fresh.dedupKey, row, fresh.serviceNow);
      }
    }
    const { event } = fresh;
    const sender = bareKey(event.from);
    const recipient = bareKey(event.to);
    const { callId, thread } = this.#threads.join(fresh);
    const sealed = this.#seal.close(JSON.stringify(event), label(event.id, sender, recipient));
    this.#db
      .prepare(
        `INSERT INTO outbox (row, id, kind, sender, recipient, lang, thread, state, attempts, service_deadline, accepted_at, call_id, from_tag,
         stanza_id, sealed) VALUES (?,?,?,?,?,?,?,'accepted',0,?,?,?,?,?,?)`,
      )
      .run(
        row,
        event.id,
        event.kind,
        sender,
        recipient,
        'lang' in event ? (event.lang ?? null) : null,
        thread ?? null,
        Math.round(fresh.serviceDeadline),
        fresh.acceptedAt,
        callId,
        fresh.fromTag,
        fresh.stanzaId,
        sealed,
      );
    this.#ledger.open(row, fresh, callId, thread, sender, recipient);
    if (fresh.aboutRow !== undefined) this.#ledger.noticed(fresh.aboutRow, event.id);
    return {
      kind: 'accepted',
      row: {
        row,
        id: event.id,
        kind: event.kind,
        lane: laneOf(event),
        toDomain: event.to.domain,
        state: 'accepted',
        attempts: 0,
        acceptedAt: fresh.acceptedAt,
        serviceDeadline: Math.round(fresh.serviceDeadline),
        wire: {
          callId,
          fromTag: fresh.fromTag,
          cseq: cseqOf(row),
          stanzaId: fresh.stanzaId,
          ...(thread !== undefined && { thread }),
        },
        bytes: sealed.length,
      },
    };
  }

  /** Takes a dedup key for a row. Returns the row that has it already, within the window. */
  #claim(key: Uint8Array, row: number, service: number): number | undefined {
    const at = Math.round(service);
    if (this.#db.prepare('INSERT OR IGNORE INTO dedup (row, key, service_at) VALUES (?, ?, ?)').run(row, key, at).changes === 1)
      return undefined;
    const old = this.#db.prepare('SELECT row, service_at FROM dedup WHERE key = ?').get(key);
    if (old !== undefined && at - integer(old, 'service_at') <= this.#dedupMs) return integer(old, 'row');
    this.#reclaim(key, row, service);
    return undefined;
  }

  #reclaim(key: Uint8Array, row: number, service: number): void {
    this.#db.prepare('DELETE FROM dedup WHERE key = ?').run(key);
    this.#db.prepare('INSERT INTO dedup (row, key, service_at) VALUES (?, ?, ?)').run(row, key, Math.round(service));
  }

  async load(row: number): Promise<DurableEvent | undefined> {
    const found = this.#db.prepare('SELECT id, sender, recipient, sealed FROM outbox WHERE row = ?').get(row);
    if (found === undefined) return undefined;
    const opened = this.#seal.open(blob(found, 'sealed'), label(text(found, 'id'), text(found, 'sender'), text(found, 'recipient')));
    // The seal vouches that this file wrote it.
    return opened && (JSON.parse(opened.toString('utf8')) as DurableEvent);
  }

  async waiting(): Promise<readonly OutboxRow[]> {
    return this.#db
      .prepare(
        `SELECT row, id, kind, sender, recipient, thread, state, attempts, accepted_at, service_deadline, call_id, from_tag, stanza_id,
         length(sealed) AS bytes FROM outbox ORDER BY row`,
      )
      .all()
      .map(toRow);
  }

  written(row: number, at: number, attempts: number, hop: Hop): void {
    this.#db.lazy(() => {
      this.#db.prepare(`UPDATE outbox SET state = 'written', attempts = ? WHERE row = ?`).run(attempts, row);
      this.#ledger.written(row, at, attempts, hop);
    });
  }

  tried(row: number, attempts: number, why: Reason): void {
    this.#db.lazy(() => {
      this.#db.prepare('UPDATE outbox SET attempts = ? WHERE row = ?').run(attempts, row);
      this.#ledger.tried(row, attempts, why);
    });
  }

  delivered(end: RowEnd): void {
    this.#db.lazy(() => this.#close(end));
  }

  end(end: RowEnd, notice?: () => NewRow | undefined): Promise<OutboxRow | undefined> {
    return this.#db.write(() => {
      if (!this.#close(end)) return undefined;
      const fresh = notice?.();
      if (fresh === undefined) return undefined;
      const result = this.#insert(fresh);
      return result.kind === 'accepted' ? result.row : undefined;
    });
  }

  #close(end: RowEnd): boolean {
    if (this.#db.prepare('DELETE FROM outbox WHERE row = ?').run(end.row).changes === 0) return false;
    this.#ledger.ended(end);
    // What was taken back may be sent again under its own name.
    if (end.state === 'withdrawn') {
      this.#db.prepare('DELETE FROM dedup WHERE row = ?').run(end.row);
      for (const [key, seen] of this.#recent.entries()) if (seen.row === end.row) this.#recent.delete(key);
    }
    return true;
  }

  forgetKeys(service: number): Promise<number> {
    return this.#db.write(() =>
      Number(
        this.#db
          .prepare(
            `DELETE FROM dedup WHERE row IN (SELECT row FROM (SELECT row, service_at FROM dedup ORDER BY row LIMIT ${FORGET_STEP}) WHERE service_at < ?)`,
          )
          .run(Math.round(service)).changes,
      ),
    );
  }
}

function label(id: string, sender: string, recipient: string): string {
  return `outbox\0${id}\0${sender}\0${recipient}`;
}

function toRow(row: Row): OutboxRow {
  const number = integer(row, 'row');
  const recipient = text(row, 'recipient');
  const thread = maybeText(row, 'thread');
  return {
    row: number,
    id: text(row, 'id'),
    kind: word(row, 'kind', KINDS),
    lane: `${text(row, 'sender')}>${recipient}`,
    toDomain: recipient.slice(recipient.lastIndexOf('@') + 1),
    state: word(row, 'state', ['accepted', 'written'] as const),
    attempts: integer(row, 'attempts'),
    acceptedAt: integer(row, 'accepted_at'),
    serviceDeadline: integer(row, 'service_deadline'),
    wire: {
      callId: text(row, 'call_id'),
      fromTag: text(row, 'from_tag'),
      cseq: cseqOf(number),
      stanzaId: text(row, 'stanza_id'),
      ...(thread !== undefined && { thread }),
    },
    bytes: integer(row, 'bytes'),
  };
}
