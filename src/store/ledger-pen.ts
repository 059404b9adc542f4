// Writes the ledger behind the outbox: what happens to a row within 50 ms becomes one line instead of an insert and three
// updates. Nothing is lost by it: the outbox row is on disk before anybody is answered, a line that a crash swallowed is
// written again from it at the next start, and the row is deleted in the same transaction that notes its good end. The names
// by which lines can be asked for follow within a second; `mend` makes those again that a crash has swallowed.

import { bareKey } from '../model/address.ts';
import { type DurableEvent, type FailedTry, type NewRow, type RowEnd, TRIES_KEPT } from '../model/outbox-store.ts';
import type { Hop } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import { integer, maybeText, type Row, text } from './column.ts';
import type { Database } from './database.ts';
import { nameHash, pairHash } from './names.ts';

/** The columns of a line that hold identifiers. */
export const ID_COLUMNS = ['id', 'stanza_id', 'call_id', 'their_wire_id', 'their_call_id', 'their_message_id'] as const;
/**
 * Rows before the newest whose names, conversation and key of copies may be missing after a kill: more than fit into the second in
 * which they are gathered. Rows and not times, because the clock may have jumped just before.
 */
export const MEND_ROWS = 20_000;

/** Of what a try said, so much is kept. */
const TRY_TEXT = 300;

/** What a line begins with. */
export type Opening = Pick<NewRow, 'fromTag' | 'stanzaId' | 'acceptedAt'> & {
  readonly event: DurableEvent;
  readonly callId: string;
  readonly thread?: string;
};

interface Marks {
  opening?: Opening;
  written?: { readonly at: number; readonly hop: Hop };
  attempts?: number;
  tried?: Reason;
  tries?: FailedTry[];
  end?: RowEnd;
}

export class LedgerPen {
  readonly #db: Database;
  #marks = new Map<number, Marks>();
  #names: (readonly [hash: number, row: number])[] = [];

  constructor(db: Database) {
    this.#db = db;
  }

  open(row: number, opening: Opening): void {
    this.#of(row).opening = opening;
    const { event, stanzaId, callId } = opening;
    const theirs = 'ids' in event ? event.ids : undefined;
    const ids = [event.id, stanzaId, callId, theirs?.wireId, theirs?.callId, theirs?.messageId];
    for (const hash of hashesOf(bareKey(event.from), bareKey(event.to), ids)) this.#name(hash, row);
  }

  #name(hash: number, row: number): void {
    this.#names.push([hash, row]);
    if (this.#names.length > 1) return;
    const batch = this.#names; // for good, like the marks
    this.#db.idle(() => {
      if (this.#names === batch) this.#names = [];
      // In the order of the index: neighbours share a page.
      batch.sort(([a], [b]) => a - b);
      const name = this.#db.prepare('INSERT OR IGNORE INTO ledger_name (hash, row) VALUES (?, ?)');
      for (const [one, number] of batch) name.run(one, number);
    });
  }

  /** At the start: names that were not written yet when the process before was killed. */
  mend(): void {
    const lines = this.#db
      .prepare(
        `SELECT row, sender, recipient, id, stanza_id, call_id, their_wire_id, their_call_id, their_message_id FROM ledger
         WHERE row > (SELECT max(row) FROM ledger) - ?`,
      )
      .all(MEND_ROWS);
    for (const line of lines) {
      const ids = ID_COLUMNS.map((column) => maybeText(line, column));
      for (const hash of hashesOf(text(line, 'sender'), text(line, 'recipient'), ids)) this.#name(hash, integer(line, 'row'));
    }
  }

  written(row: number, at: number, attempts: number, hop: Hop): void {
    const marks = this.#of(row);
    marks.written = { at, hop };
    marks.attempts = attempts;
  }

  tried(row: number, at: number, attempts: number, why: Reason): void {
    const marks = this.#of(row);
    marks.tried = why;
    marks.tries = [...(marks.tries ?? []), { at: Math.round(at), attempt: attempts, code: why.code, text: why.text.slice(0, TRY_TEXT) }];
    marks.attempts = attempts;
  }

  delivered(end: RowEnd): void {
    this.#of(end.row).end = end;
  }

  #of(row: number): Marks {
    let marks = this.#marks.get(row);
    if (marks !== undefined) return marks;
    if (this.#marks.size === 0) {
      // The batch is this map for good: after a rollback the same marks are made again.
      const batch = this.#marks;
      this.#db.lazy(() => {
        if (this.#marks === batch) this.#marks = new Map();
        for (const [number, one] of batch) this.#write(number, one);
      });
    }
    marks = {};
    this.#marks.set(row, marks);
    return marks;
  }

  /** Inside a transaction. */
  #write(row: number, marks: Marks): void {
    const { opening, written, attempts, tried, tries, end } = marks;
    if (opening !== undefined) this.#insert(row, opening, marks);
    else if (written !== undefined || tried !== undefined) {
      this.#db
        .prepare(
          `UPDATE ledger SET state = CASE WHEN ?1 IS NULL THEN state ELSE 'written' END, written_at = coalesce(?1, written_at),
           hop_network = coalesce(?2, hop_network), hop_side = coalesce(?3, hop_side), hop_domain = coalesce(?4, hop_domain),
           attempts = ?5, reason = coalesce(?6, reason) WHERE row = ?7 AND ended_at IS NULL`,
        )
        .run(
          written?.at ?? null,
          written?.hop.network ?? null,
          written?.hop.side ?? null,
          written?.hop.theirDomain ?? null,
          attempts ?? 0,
          tried === undefined ? null : JSON.stringify(tried),
          row,
        );
      if (tries !== undefined) this.#addTries(row, tries);
    }
    if (end !== undefined) {
      this.#db.prepare('DELETE FROM outbox WHERE row = ?').run(row);
      if (opening === undefined) this.end(end);
    } else if (attempts !== undefined) {
      this.#db
        .prepare('UPDATE outbox SET state = coalesce(?, state), attempts = ? WHERE row = ?')
        .run(written === undefined ? null : 'written', attempts, row);
    }
  }

  /** Inside a transaction. Failures are few and bounded, so the list is read and written whole. */
  #addTries(row: number, tries: readonly FailedTry[]): void {
    const found = this.#db.prepare('SELECT tries FROM ledger WHERE row = ?').get(row);
    const before = found === undefined ? [] : triesOf(found);
    this.#db.prepare('UPDATE ledger SET tries = ? WHERE row = ?').run(JSON.stringify([...before, ...tries].slice(-TRIES_KEPT)), row);
  }

  /** Inside a transaction: the failure notice that is owed about a row. */
  noticed(row: number, noticeId: string): void {
    this.#db.prepare('UPDATE ledger SET notice_id = ? WHERE row = ?').run(noticeId, row);
  }

  /** Inside a transaction. A good end clears the reason of earlier tries. */
  end(end: RowEnd): void {
    this.#db
      .prepare('UPDATE ledger SET state = ?, evidence = ?, reason = ?, attempts = ?, ended_at = ? WHERE row = ? AND ended_at IS NULL')
      .run(end.state, end.evidence ?? null, end.reason ? JSON.stringify(end.reason) : null, end.attempts, end.at, end.row);
  }

  #insert(row: number, opening: Opening, marks: Marks): void {
    const { event } = opening;
    const { written, tried, end } = marks;
    const why = end === undefined ? tried : end.reason;
    const theirs = 'ids' in event ? event.ids : undefined;
    const thread = 'thread' in event ? event.thread : undefined;
    const [sender, recipient] = [bareKey(event.from), bareKey(event.to)];
    this.#db
      .prepare(
        `INSERT OR IGNORE INTO ledger (row, id, kind, sender, recipient, network, peer, proof, their_wire_id, their_call_id, their_cseq,
         their_message_id, their_thread, call_id, from_tag, stanza_id, out_thread, hop_network, hop_side, hop_domain, state, evidence, reason,
         attempts, tries, accepted_at, written_at, ended_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
      )
      .run(
        row,
        event.id,
        event.kind,
        sender,
        recipient,
        event.origin.network,
        event.origin.peer,
        event.origin.proof,
        theirs?.wireId ?? null,
        theirs?.callId ?? null,
        theirs?.cseq ?? null,
        theirs?.messageId ?? null,
        thread ?? null,
        opening.callId,
        opening.fromTag,
        opening.stanzaId,
        opening.thread ?? null,
        written?.hop.network ?? null,
        written?.hop.side ?? null,
        written?.hop.theirDomain ?? null,
        end?.state ?? (written === undefined ? 'accepted' : 'written'),
        end?.evidence ?? null,
        why === undefined ? null : JSON.stringify(why),
        end?.attempts ?? marks.attempts ?? 0,
        marks.tries === undefined ? null : JSON.stringify(marks.tries.slice(-TRIES_KEPT)),
        opening.acceptedAt,
        written?.at ?? null,
        end?.at ?? null,
      );
  }
}

/** The failed tries of a line. */
export function triesOf(row: Row): readonly FailedTry[] {
  const json = maybeText(row, 'tries');
  // Written by this file only.
  return json === undefined ? [] : (JSON.parse(json) as FailedTry[]);
}

/** Everything by which a line can be asked for. */
function hashesOf(sender: string, recipient: string, ids: readonly (string | undefined)[]): Set<number> {
  const hashes = new Set([pairHash(sender, recipient)]);
  for (const id of new Set(ids)) if (id !== undefined && id !== '') hashes.add(nameHash(id));
  return hashes;
}
