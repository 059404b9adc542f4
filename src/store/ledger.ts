// The ledger: one line per durable event, written with the outbox row of the same number and kept after it.
// It answers `explain` by any identifier, receipts by the id we sent under, and copies by the first answer.

import { hash } from 'node:crypto';
import type { Network, ProofWord, Side } from '../model/event.ts';
import type { DurableEvent, LedgerEntry, LedgerState, LedgerStore, NewRow, Original, RowEnd, SentIds } from '../model/outbox-store.ts';
import type { Clock, Hop } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import { integer, maybeInteger, maybeText, type Row, text, word } from './column.ts';
import type { Database } from './database.ts';

const STATES = ['accepted', 'written', 'delivered', 'handedOver', 'refused', 'expired', 'withdrawn'] as const satisfies LedgerState[];
const KINDS = [
  'im.sent',
  'im.receipt',
  'presence.requested',
  'presence.granted',
  'presence.denied',
  'presence.ended',
] as const satisfies DurableEvent['kind'][];
export const NETWORKS = ['sip', 'xmpp', 'core'] as const satisfies Network[];
const SIDES = ['edge', 'inside', 'local'] as const satisfies Side[];
export const PROOFS = [
  'certificate',
  'namedServer',
  'discoveredServer',
  'dialback',
  'inside',
  'account',
  'local',
  'none',
] as const satisfies ProofWord[];
/** How long a receipt may come after its message, in ms. */
const RECEIPT_MS = 24 * 3600 * 1000;
const EXPIRE_STEP = 1000;

/** A 48-bit number for one direction of a pair of addresses: short keys for the index that `explain FROM TO` uses. */
export function pairNumber(from: string, to: string): number {
  return Number.parseInt(hash('sha256', `${from}\0${to}`).slice(0, 12), 16);
}

/** Identifiers are theirs to choose; only this much of one is kept as a key. */
export function nameOf(id: string): string {
  return id.slice(0, 256);
}

/** The ledger's side of an outbox row; called inside the outbox's transactions. */
export class Ledger implements LedgerStore, SentIds {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Inside a transaction: the line of a new row, and every name it can be found by. */
  open(row: number, fresh: NewRow, callId: string, outThread: string | undefined, sender: string, recipient: string): void {
    const { event } = fresh;
    const theirs = 'ids' in event ? event.ids : undefined;
    const thread = 'thread' in event ? event.thread : undefined;
    this.#db
      .prepare(
        `INSERT INTO ledger (row, id, kind, sender, recipient, pair, network, peer, proof, their_wire_id, their_call_id, their_cseq, their_message_id,
        their_thread, call_id, from_tag, stanza_id, out_thread, state, attempts, accepted_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,'accepted',0,?)`,
      )
      .run(
        row,
        event.id,
        event.kind,
        sender,
        recipient,
        pairNumber(sender, recipient),
        event.origin.network,
        event.origin.peer,
        event.origin.proof,
        theirs?.wireId ?? null,
        theirs?.callId ?? null,
        theirs?.cseq ?? null,
        theirs?.messageId ?? null,
        thread ?? null,
        callId,
        fresh.fromTag,
        fresh.stanzaId,
        outThread ?? null,
        fresh.acceptedAt,
      );
    const name = this.#db.prepare('INSERT OR IGNORE INTO ledger_name (name, row) VALUES (?, ?)');
    for (const one of new Set([event.id, fresh.stanzaId, callId, theirs?.wireId, theirs?.callId, theirs?.messageId])) {
      if (one !== undefined && one !== '') name.run(nameOf(one), row);
    }
  }

  /** Inside a transaction. */
  written(row: number, at: number, attempts: number, hop: Hop): void {
    this.#db
      .prepare(
        `UPDATE ledger SET state = 'written', written_at = ?, attempts = ?, hop_network = ?, hop_side = ?, hop_domain = ?
         WHERE row = ? AND ended_at IS NULL`,
      )
      .run(at, attempts, hop.network, hop.side, hop.theirDomain, row);
  }

  /** Inside a transaction. */
  tried(row: number, attempts: number, why: Reason): void {
    this.#db
      .prepare('UPDATE ledger SET attempts = ?, reason = ? WHERE row = ? AND ended_at IS NULL')
      .run(attempts, JSON.stringify(why), row);
  }

  /** Inside a transaction. A good end clears the reason of earlier tries. */
  ended(end: RowEnd): void {
    this.#db
      .prepare('UPDATE ledger SET state = ?, evidence = ?, reason = ?, attempts = ?, ended_at = ? WHERE row = ? AND ended_at IS NULL')
      .run(end.state, end.evidence ?? null, end.reason ? JSON.stringify(end.reason) : null, end.attempts, end.at, end.row);
  }

  /** Inside a transaction: the failure notice that was accepted about a row. */
  noticed(row: number, noticeId: string): void {
    this.#db.prepare('UPDATE ledger SET notice_id = ? WHERE row = ?').run(noticeId, row);
  }

  entry(row: number): LedgerEntry | undefined {
    const found = this.#db.prepare('SELECT * FROM ledger WHERE row = ?').get(row);
    return found && toEntry(found);
  }

  async find(id: string): Promise<readonly LedgerEntry[]> {
    return this.#named(id).map(toEntry);
  }

  #named(id: string): Row[] {
    return this.#db
      .prepare('SELECT ledger.* FROM ledger_name JOIN ledger USING (row) WHERE name = ? ORDER BY row DESC LIMIT 100')
      .all(nameOf(id))
      .reverse();
  }

  async between(from: string, to: string, sinceMs: number): Promise<readonly LedgerEntry[]> {
    return this.#db
      .prepare('SELECT * FROM ledger WHERE pair = ? AND sender = ? AND recipient = ? AND accepted_at >= ? ORDER BY row DESC LIMIT 1000')
      .all(pairNumber(from, to), from, to, sinceMs)
      .reverse()
      .map(toEntry);
  }

  async counts(): Promise<Readonly<Record<LedgerState, number>>> {
    const counts: Record<LedgerState, number> = {
      accepted: 0,
      written: 0,
      delivered: 0,
      handedOver: 0,
      refused: 0,
      expired: 0,
      withdrawn: 0,
    };
    for (const row of this.#db.prepare('SELECT state, count(*) AS n FROM ledger GROUP BY state').all()) {
      counts[word(row, 'state', STATES)] = integer(row, 'n');
    }
    return counts;
  }

  expire(before: number): Promise<number> {
    return this.#db.write(() => {
      // Row numbers rise with time, so the old ones stand first. The newest line stays: the next number is made from it.
      const old = this.#db
        .prepare(
          `SELECT * FROM (SELECT * FROM ledger WHERE row < (SELECT max(row) FROM ledger) ORDER BY row LIMIT ${EXPIRE_STEP})
           WHERE accepted_at < ? AND ended_at IS NOT NULL`,
        )
        .all(before);
      const unname = this.#db.prepare('DELETE FROM ledger_name WHERE name = ? AND row = ?');
      const drop = this.#db.prepare('DELETE FROM ledger WHERE row = ?');
      for (const line of old) {
        const row = integer(line, 'row');
        for (const name of ['id', 'stanza_id', 'call_id', 'their_wire_id', 'their_call_id', 'their_message_id']) {
          const value = maybeText(line, name);
          if (value !== undefined) unname.run(nameOf(value), row);
        }
        drop.run(row);
      }
      return old.length;
    });
  }

  async originalOf(peer: string, ours: string, wireId: string): Promise<Original | undefined> {
    const since = this.#clock.now() - RECEIPT_MS;
    // The latest of that name: a Call-ID may name a whole conversation.
    const row = this.#named(wireId).findLast(
      (one) => one.sender === ours && one.recipient === peer && one.kind === 'im.sent' && integer(one, 'accepted_at') >= since,
    );
    if (row === undefined) return undefined;
    const { id, theirs } = toEntry(row);
    return {
      id,
      ...(theirs.messageId !== undefined && { messageId: theirs.messageId }),
      ...(theirs.wireId !== undefined && { wireId: theirs.wireId }),
      ...(theirs.thread !== undefined && { thread: theirs.thread }),
    };
  }
}

function toEntry(row: Row): LedgerEntry {
  const number = integer(row, 'row');
  const wireId = maybeText(row, 'their_wire_id');
  const theirCallId = maybeText(row, 'their_call_id');
  const theirCseq = maybeInteger(row, 'their_cseq');
  const messageId = maybeText(row, 'their_message_id');
  const theirThread = maybeText(row, 'their_thread');
  const thread = maybeText(row, 'out_thread');
  const hopDomain = maybeText(row, 'hop_domain');
  const evidence = maybeText(row, 'evidence');
  const why = maybeText(row, 'reason');
  const writtenAt = maybeInteger(row, 'written_at');
  const endedAt = maybeInteger(row, 'ended_at');
  const noticeId = maybeText(row, 'notice_id');
  return {
    row: number,
    id: text(row, 'id'),
    kind: word(row, 'kind', KINDS),
    from: text(row, 'sender'),
    to: text(row, 'recipient'),
    network: word(row, 'network', NETWORKS),
    peer: text(row, 'peer'),
    proof: word(row, 'proof', PROOFS),
    theirs: {
      ...(wireId !== undefined && { wireId }),
      ...(theirCallId !== undefined && { callId: theirCallId }),
      ...(theirCseq !== undefined && { cseq: theirCseq }),
      ...(messageId !== undefined && { messageId }),
      ...(theirThread !== undefined && { thread: theirThread }),
    },
    wire: {
      callId: text(row, 'call_id'),
      fromTag: text(row, 'from_tag'),
      cseq: cseqOf(number),
      stanzaId: text(row, 'stanza_id'),
      ...(thread !== undefined && { thread }),
    },
    ...(hopDomain !== undefined && {
      hop: { network: word(row, 'hop_network', NETWORKS), side: word(row, 'hop_side', SIDES), domain: hopDomain },
    }),
    state: word(row, 'state', STATES),
    ...(evidence !== undefined && { evidence }),
    // Written by this file only, from a Reason.
    ...(why !== undefined && { reason: JSON.parse(why) as Reason }),
    attempts: integer(row, 'attempts'),
    acceptedAt: integer(row, 'accepted_at'),
    ...(writtenAt !== undefined && { writtenAt }),
    ...(endedAt !== undefined && { endedAt }),
    ...(noticeId !== undefined && { noticeId }),
  };
}

/** RFC 3261 §8.1.1.5: a CSeq number is below 2**31. Rows count up, so a conversation's numbers do too. */
export function cseqOf(row: number): number {
  return row % 2 ** 31;
}
