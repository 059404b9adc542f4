// The ledger: one line per durable event, under the number of its outbox row, and kept after it. Lines are written behind
// (ledger-pen.ts); whoever reads gets what waits to be written first. It answers `explain` by any identifier, receipts by
// the id we sent under, and copies by the first answer.

import type { Network, ProofWord, Side } from '../model/event.ts';
import type { DurableEvent, LedgerEntry, LedgerState, LedgerStore, Original, SentIds, WaitingLine } from '../model/outbox-store.ts';
import type { Clock } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import { integer, maybeInteger, maybeText, type Row, text, word } from './column.ts';
import type { Database } from './database.ts';
import { ID_COLUMNS, triesOf } from './ledger-pen.ts';
import { nameHash, pairHash } from './names.ts';
import { wireIdsOf } from './wire-ids.ts';

const STATES = ['accepted', 'written', 'delivered', 'handedOver', 'refused', 'expired', 'withdrawn'] as const satisfies LedgerState[];
export const KINDS = [
  'im.sent',
  'im.receipt',
  'presence.requested',
  'presence.granted',
  'presence.denied',
  'presence.ended',
] as const satisfies DurableEvent['kind'][];
const NETWORKS = ['sip', 'xmpp', 'core'] as const satisfies Network[];
const SIDES = ['edge', 'inside', 'local'] as const satisfies Side[];
export const PROOFS = [
  'certificate',
  'namedServer',
  'discoveredServer',
  'posh',
  'dialback',
  'inside',
  'account',
  'local',
  'none',
] as const satisfies ProofWord[];
/** How long a receipt may come after its message, in ms. */
const RECEIPT_MS = 24 * 3600 * 1000;
const EXPIRE_STEP = 1000;
/** Lines of one name that are looked at; a Call-ID may name a long conversation. */
const NAMED = 1000;
const FOUND = 100;

export class Ledger implements LedgerStore, SentIds {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  entry(row: number): LedgerEntry | undefined {
    if (this.#db.backlog > 0) this.#db.flush();
    const found = this.#db.prepare('SELECT * FROM ledger WHERE row = ?').get(row);
    return found && toEntry(found);
  }

  async find(id: string): Promise<readonly LedgerEntry[]> {
    if (this.#db.backlog > 0) this.#db.flush();
    return this.#named(id).slice(-FOUND).map(toEntry);
  }

  /** Oldest first. */
  #named(id: string): Row[] {
    return this.#hashed(nameHash(id)).filter((row) => ID_COLUMNS.some((column) => row[column] === id));
  }

  #hashed(hash: number): Row[] {
    const rows = this.#db.prepare('SELECT ledger.* FROM ledger_name JOIN ledger USING (row) WHERE hash = ? ORDER BY row DESC LIMIT ?');
    return rows.all(hash, NAMED).reverse();
  }

  async between(from: string, to: string, sinceMs: number): Promise<readonly LedgerEntry[]> {
    if (this.#db.backlog > 0) this.#db.flush();
    return this.#hashed(pairHash(from, to))
      .filter((row) => row.sender === from && row.recipient === to && integer(row, 'accepted_at') >= sinceMs)
      .map(toEntry);
  }

  async waiting(limit: number): Promise<readonly WaitingLine[]> {
    if (this.#db.backlog > 0) this.#db.flush();
    // A line that a crash has swallowed is not there; the row is.
    const rows = this.#db.prepare(
      `SELECT o.id, o.kind, o.sender, o.recipient, o.state, o.attempts, o.accepted_at, l.reason
       FROM outbox o LEFT JOIN ledger l USING (row) ORDER BY o.row LIMIT ?`,
    );
    return rows.all(limit).map((row) => {
      const why = maybeText(row, 'reason');
      return {
        id: text(row, 'id'),
        kind: word(row, 'kind', KINDS),
        from: text(row, 'sender'),
        to: text(row, 'recipient'),
        state: word(row, 'state', ['accepted', 'written'] as const),
        attempts: integer(row, 'attempts'),
        acceptedAt: integer(row, 'accepted_at'),
        ...(why !== undefined && { reason: JSON.parse(why) as Reason }),
      };
    });
  }

  async counts(): Promise<Readonly<Record<LedgerState, number>>> {
    if (this.#db.backlog > 0) this.#db.flush();
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
    if (this.#db.backlog > 0) this.#db.flush(); // a name that follows its line would stay
    return this.#db.write(() => {
      // Row numbers rise with time, so the old ones stand first. The newest line stays: the next number is made from it.
      const old = this.#db
        .prepare(
          `SELECT * FROM (SELECT * FROM ledger WHERE row < (SELECT max(row) FROM ledger) ORDER BY row LIMIT ${EXPIRE_STEP})
           WHERE accepted_at < ? AND ended_at IS NOT NULL`,
        )
        .all(before);
      const unname = this.#db.prepare('DELETE FROM ledger_name WHERE hash = ? AND row = ?');
      const drop = this.#db.prepare('DELETE FROM ledger WHERE row = ?');
      for (const line of old) {
        const row = integer(line, 'row');
        unname.run(pairHash(text(line, 'sender'), text(line, 'recipient')), row);
        for (const column of ID_COLUMNS) {
          const value = maybeText(line, column);
          if (value !== undefined) unname.run(nameHash(value), row);
        }
        drop.run(row);
      }
      return old.length;
    });
  }

  async originalOf(peer: string, ours: string, wireId: string): Promise<Original | undefined> {
    const since = this.#clock.now() - RECEIPT_MS;
    const look = (): Row | undefined =>
      // The latest of that name: a Call-ID may name a whole conversation.
      this.#named(wireId).findLast(
        (one) => one.sender === ours && one.recipient === peer && one.kind === 'im.sent' && integer(one, 'accepted_at') >= since,
      );
    let row = look();
    if (row === undefined && this.#db.backlog > 0) {
      this.#db.flush(); // the receipt was faster than the pen
      row = look();
    }
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
    wire: wireIdsOf(row, 'out_thread'),
    ...(hopDomain !== undefined && {
      hop: { network: word(row, 'hop_network', NETWORKS), side: word(row, 'hop_side', SIDES), domain: hopDomain },
    }),
    state: word(row, 'state', STATES),
    ...(evidence !== undefined && { evidence }),
    // Written by ledger-pen.ts only, from a Reason.
    ...(why !== undefined && { reason: JSON.parse(why) as Reason }),
    attempts: integer(row, 'attempts'),
    tries: triesOf(row),
    acceptedAt: integer(row, 'accepted_at'),
    ...(writtenAt !== undefined && { writtenAt }),
    ...(endedAt !== undefined && { endedAt }),
    ...(noticeId !== undefined && { noticeId }),
  };
}
