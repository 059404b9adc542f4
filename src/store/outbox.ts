// The outbox's tables: accept, look up, mark, end. A row, its ledger line, its dedup key and its conversation are one write.

import { LRUCache } from 'lru-cache';
import { bareKey } from '../model/address.ts';
import type { Alongside } from '../model/archive.ts';
import { atMost } from '../model/at-most.ts';
import type { AcceptResult, DurableEvent, NewRow, OutboxRow, OutboxStore, RowEnd } from '../model/outbox-store.ts';
import { laneOf } from '../model/outbox-store.ts';
import type { Hop } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import { blob, integer, maybeText, type Row, text, word } from './column.ts';
import type { Database } from './database.ts';
import { Dedup } from './dedup.ts';
import { KINDS, type Ledger } from './ledger.ts';
import type { LedgerPen } from './ledger-pen.ts';
import type { Seal } from './seal.ts';
import type { Threads } from './threads.ts';
import { cseqOf, wireIdsOf } from './wire-ids.ts';

const RECENT_KEYS = 10_000;

/** What an acceptance found inside its transaction. */
type Inserted = { readonly kind: 'accepted'; readonly row: OutboxRow } | { readonly kind: 'duplicate'; readonly of: number };

export class OutboxTable implements OutboxStore {
  readonly #db: Database;
  readonly #seal: Seal;
  readonly #ledger: Ledger;
  readonly #pen: LedgerPen;
  readonly #threads: Threads;
  readonly #dedup: Dedup;
  readonly #dedupMs: number;
  /** Keys seen of late, so that a copy that follows at once needs no transaction. */
  readonly #recent = new LRUCache<string, { readonly row: number; readonly service: number }>(atMost(RECENT_KEYS));
  #next: number;

  /** @param dedupMs how long a copy is recognised, in ms of service time */
  constructor(db: Database, seal: Seal, ledger: Ledger, pen: LedgerPen, threads: Threads, dedupMs: number) {
    this.#db = db;
    this.#seal = seal;
    this.#ledger = ledger;
    this.#pen = pen;
    this.#threads = threads;
    this.#dedup = new Dedup(db, dedupMs);
    this.#dedupMs = dedupMs;
    const last = db
      .prepare(
        `SELECT max(coalesce((SELECT max(row) FROM ledger), 0), coalesce((SELECT max(row) FROM outbox), 0),
         coalesce((SELECT max(row) FROM dedup), 0)) AS last`,
      )
      .get();
    this.#next = (last ? integer(last, 'last') : 0) + 1;
  }

  async accept(fresh: NewRow, alongside?: Alongside): Promise<AcceptResult> {
    const key = fresh.dedupKey && Buffer.from(fresh.dedupKey).toString('latin1');
    const seen = key === undefined ? undefined : this.#recent.get(key);
    if (seen !== undefined && fresh.serviceNow - seen.service <= this.#dedupMs) {
      const of = this.#ledger.entry(seen.row);
      if (of !== undefined) return { kind: 'duplicate', of };
    }
    const result = await this.#db.write(() => {
      const inserted = this.#insert(fresh);
      if (inserted.kind === 'accepted' && alongside !== undefined) this.#alongside(inserted.row.row, alongside);
      return inserted;
    });
    if (result.kind === 'duplicate') {
      const of = this.#ledger.entry(result.of);
      if (of !== undefined) return { kind: 'duplicate', of };
      // A key without a line: the ledger was cut shorter than the window of copies, or salvaged. It is a first copy then.
      if (fresh.dedupKey !== undefined) await this.#db.write(() => this.#release(result.of));
      return this.accept(fresh, alongside);
    }
    if (key !== undefined) this.#recent.set(key, { row: result.row.row, service: fresh.serviceNow });
    if (fresh.conversation !== undefined) this.#threads.remember(fresh.conversation, result.row.wire.callId);
    this.#open(result.row, fresh);
    return result;
  }

  #open({ row, wire }: OutboxRow, fresh: NewRow): void {
    this.#pen.open(row, {
      event: fresh.event,
      callId: wire.callId,
      fromTag: wire.fromTag,
      stanzaId: wire.stanzaId,
      acceptedAt: fresh.acceptedAt,
      ...(wire.thread !== undefined && { thread: wire.thread }),
    });
  }

  #insert(fresh: NewRow): Inserted {
    // Taken before anything can fail: a number that was rolled back is left out, never used twice.
    const row = this.#next;
    this.#next += 1;
    const of = fresh.dedupKey && this.#dedup.claim(fresh.dedupKey, row, fresh.serviceNow);
    if (of !== undefined) return { kind: 'duplicate', of };
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
    return {
      kind: 'accepted',
      row: {
        row,
        id: event.id,
        kind: event.kind,
        lane: laneOf(event),
        fromDomain: event.from.domain,
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

  /** The row is rolled back with what fails beside it; its key is in memory as well and must not stand for a row that never was. */
  #alongside(row: number, alongside: Alongside): void {
    try {
      alongside();
    } catch (error) {
      this.#release(row);
      throw error;
    }
  }

  #release(row: number): void {
    this.#dedup.release(row);
    for (const [key, seen] of this.#recent.entries()) if (seen.row === row) this.#recent.delete(key);
  }

  async load(row: number): Promise<DurableEvent | undefined> {
    const found = this.#db.prepare('SELECT id, sender, recipient, sealed FROM outbox WHERE row = ?').get(row);
    if (found === undefined) return undefined;
    const opened = this.#seal.open(blob(found, 'sealed'), label(text(found, 'id'), text(found, 'sender'), text(found, 'recipient')));
    // The seal vouches that this file wrote it.
    return opened && (JSON.parse(opened.toString('utf8')) as DurableEvent);
  }

  async waiting(): Promise<readonly OutboxRow[]> {
    await this.#mend();
    return this.#db
      .prepare(
        `SELECT row, id, kind, sender, recipient, thread, state, attempts, accepted_at, service_deadline, call_id, from_tag, stanza_id,
         length(sealed) AS bytes FROM outbox ORDER BY row`,
      )
      .all()
      .map(toRow);
  }

  written(row: number, at: number, attempts: number, hop: Hop): void {
    this.#pen.written(row, at, attempts, hop);
  }

  tried(row: number, at: number, attempts: number, why: Reason): void {
    this.#pen.tried(row, at, attempts, why);
  }

  delivered(end: RowEnd): void {
    this.#pen.delivered(end);
  }

  async end(end: RowEnd, notice?: () => NewRow | undefined): Promise<OutboxRow | undefined> {
    const done = await this.#db.write(() => {
      if (this.#db.prepare('DELETE FROM outbox WHERE row = ?').run(end.row).changes === 0) return undefined;
      this.#pen.end(end);
      // What was taken back may be sent again under its own name.
      if (end.state === 'withdrawn') this.#release(end.row);
      const fresh = notice?.();
      const inserted = fresh && this.#insert(fresh);
      if (fresh === undefined || inserted?.kind !== 'accepted') return undefined;
      this.#pen.noticed(end.row, fresh.event.id);
      return { fresh, row: inserted.row };
    }, true);
    if (done !== undefined) this.#open(done.row, done.fresh);
    return done?.row;
  }

  /** Writes the lines of rows whose line a crash has swallowed. */
  async #mend(): Promise<void> {
    this.#pen.mend();
    this.#dedup.mend();
    this.#threads.mend();
    for (const row of this.#db
      .prepare('SELECT row FROM outbox WHERE NOT EXISTS (SELECT 1 FROM ledger WHERE ledger.row = outbox.row)')
      .all()
      .map((found) => integer(found, 'row'))) {
      const event = await this.load(row);
      const found = this.#db.prepare('SELECT accepted_at, call_id, from_tag, stanza_id, thread FROM outbox WHERE row = ?').get(row);
      if (event === undefined || found === undefined) continue;
      const thread = maybeText(found, 'thread');
      this.#pen.open(row, {
        event,
        callId: text(found, 'call_id'),
        fromTag: text(found, 'from_tag'),
        stanzaId: text(found, 'stanza_id'),
        acceptedAt: integer(found, 'accepted_at'),
        ...(thread !== undefined && { thread }),
      });
      if (event.kind === 'im.sent' && event.thread !== undefined) {
        this.#threads.restore(bareKey(event.from), bareKey(event.to), event.origin.network, event.thread, text(found, 'call_id'));
      }
    }
  }

  forgetKeys(service: number): Promise<number> {
    return this.#db.write(() => this.#dedup.forget(service));
  }
}

export function label(id: string, sender: string, recipient: string): string {
  return `outbox\0${id}\0${sender}\0${recipient}`;
}

function domainOf(bare: string): string {
  return bare.slice(bare.lastIndexOf('@') + 1);
}

function toRow(row: Row): OutboxRow {
  const number = integer(row, 'row');
  const sender = text(row, 'sender');
  const recipient = text(row, 'recipient');
  return {
    row: number,
    id: text(row, 'id'),
    kind: word(row, 'kind', KINDS),
    lane: `${sender}>${recipient}`,
    fromDomain: domainOf(sender),
    toDomain: domainOf(recipient),
    state: word(row, 'state', ['accepted', 'written'] as const),
    attempts: integer(row, 'attempts'),
    acceptedAt: integer(row, 'accepted_at'),
    serviceDeadline: integer(row, 'service_deadline'),
    wire: wireIdsOf(row, 'thread'),
    bytes: integer(row, 'bytes'),
  };
}
