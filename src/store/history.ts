// What users of the core said and were told, on tables `history` and `history_party`. Every row is sealed with the key of the
// archive (var/archive.key), and bound to its owner. Words are looked for by opening the owner's own rows, newest first
// (docs/decisions/017): nothing of what was said stands in an index.

import type { HistoryEntry, HistoryFilter, HistoryFound, HistoryLine, HistoryStore } from '../model/history.ts';
import { blob, integer, type Row, text, word } from './column.ts';
import type { Database } from './database.ts';
import type { Seal } from './seal.ts';

/** Rows that are opened in one turn of the event loop: about 4 ms. */
const SEARCH_STEP = 400;
/** Rows that are removed in one transaction. */
const EXPIRE_STEP = 1000;
/** A clock that steps back by less than this is waited for: the order of a history stays. */
const STEP_BACK_MS = 3_600_000;

const COLUMNS = 'h.number, h.at, h.id, h.kind, h.direction, h.border, h.sealed, p.address AS peer';
const FROM = 'FROM history h JOIN history_party p ON p.number = h.peer';

/** Opens nothing of its own; the tables are of migration 008. @param seal of the archive */
export function historyTable(db: Database, seal: Seal): HistoryStore {
  const newest = db.prepare('SELECT at FROM history ORDER BY number DESC LIMIT 1').get();
  let lastAt = newest === undefined ? 0 : integer(newest, 'at');

  const party = (address: string): number | undefined => {
    const row = db.prepare('SELECT number FROM history_party WHERE address = ?').get(address);
    return row && integer(row, 'number');
  };
  const partyOrNew = (address: string): number =>
    party(address) ?? Number(db.prepare('INSERT INTO history_party (address) VALUES (?)').run(address).lastInsertRowid);

  const placeOf = (owner: number, id: string): Place | undefined => {
    const row = db.prepare('SELECT at, number FROM history WHERE owner = ? AND id = ?').get(owner, id);
    return row && { at: integer(row, 'at'), number: integer(row, 'number') };
  };
  /** undefined: nothing can match. */
  const conditions = (owner: string, { peer, since, until, kind, afterId, beforeId }: HistoryFilter): Conditions | undefined => {
    const [mine, theirs] = [party(owner), peer === undefined ? undefined : party(peer)];
    if (mine === undefined || (peer !== undefined && theirs === undefined)) return undefined;
    const made = new Conditions('h.owner = ?', mine);
    if (theirs !== undefined) made.and('h.peer = ?', theirs);
    if (since !== undefined) made.and('h.at >= ?', Math.ceil(since));
    if (until !== undefined) made.and('h.at <= ?', Math.floor(until));
    if (kind !== undefined) made.and('h.kind = ?', kind);
    for (const [id, side] of sides(afterId, beforeId)) {
      const place = placeOf(mine, id);
      if (place === undefined) return undefined;
      made.and(`(h.at, h.number) ${side} (?, ?)`, place.at, place.number);
    }
    return made;
  };
  const rows = (where: Conditions, order: 'ASC' | 'DESC', limit: number): Row[] =>
    db
      .prepare(`SELECT ${COLUMNS} ${FROM} WHERE ${where.sql} ORDER BY h.at ${order}, h.number ${order} LIMIT ?`)
      .all(...where.values, limit);

  return {
    append(entry) {
      const { owner, peer, direction, border, said } = entry;
      const { id } = said.event;
      const sealed = seal.close(JSON.stringify(said), label(owner, id));
      return db.write(() => {
        const mine = partyOrNew(owner);
        if (placeOf(mine, id) !== undefined) return;
        const now = Math.round(entry.at);
        lastAt = now < lastAt && lastAt - now < STEP_BACK_MS ? lastAt : now;
        db.prepare('INSERT INTO history (owner, peer, at, id, kind, direction, border, sealed) VALUES (?,?,?,?,?,?,?,?)').run(
          mine,
          partyOrNew(peer),
          lastAt,
          id,
          kindOf(entry),
          direction,
          border ? 1 : 0,
          sealed,
        );
      });
    },
    async page(owner, filter, cut) {
      const where = conditions(owner, filter);
      const mine = party(owner);
      // What an id names must be there, also where nothing else can match.
      for (const [id, side] of [...sides(cut.after, cut.before), ...sides(filter.afterId, filter.beforeId)]) {
        const place = mine === undefined ? undefined : placeOf(mine, id);
        if (place === undefined) return undefined;
        where?.and(`(h.at, h.number) ${side} (?, ?)`, place.at, place.number);
      }
      if (where === undefined) return { lines: [], complete: true };
      const found = rows(where, cut.fromEnd === true ? 'DESC' : 'ASC', cut.limit + 1);
      const lines = found.slice(0, cut.limit).map((row) => toLine(row, owner, seal));
      return { lines: cut.fromEnd === true ? lines.reverse() : lines, complete: found.length <= cut.limit };
    },
    async named(owner, ids) {
      const where = conditions(owner, {});
      if (where === undefined) return ids.length === 0 ? [] : undefined;
      const wanted = [...new Set(ids)];
      where.and('h.id IN (SELECT value FROM json_each(?))', JSON.stringify(wanted));
      const found = rows(where, 'ASC', wanted.length);
      return found.length < wanted.length ? undefined : found.map((row) => toLine(row, owner, seal));
    },
    async count(owner, filter) {
      const where = conditions(owner, filter);
      const row = where && db.prepare(`SELECT count(*) AS n FROM history h WHERE ${where.sql}`).get(...where.values);
      return row === undefined ? 0 : integer(row, 'n');
    },
    async peers(owner) {
      const mine = party(owner);
      if (mine === undefined) return [];
      const numbers = 'SELECT DISTINCT peer FROM history WHERE owner = ?';
      const found = db.prepare(`SELECT address FROM history_party WHERE number IN (${numbers}) ORDER BY address`).all(mine);
      return found.map((row) => text(row, 'address'));
    },
    async find(owner, filter, words, limit) {
      const wanted = words.map(folded).filter((one) => one !== '');
      const lines: HistoryLine[] = [];
      const mine = party(owner);
      let place = filter.beforeId === undefined || mine === undefined ? undefined : placeOf(mine, filter.beforeId);
      for (;;) {
        const where = conditions(owner, { ...filter, kind: 'message' });
        if (where === undefined) return { lines, more: false };
        if (place !== undefined) where.and('(h.at, h.number) < (?, ?)', place.at, place.number);
        const found = rows(where, 'DESC', SEARCH_STEP);
        for (const row of found) {
          const line = toLine(row, owner, seal);
          if (!holds(line, wanted)) continue;
          if (lines.length === limit) return { lines, more: true } satisfies HistoryFound;
          lines.push(line);
        }
        const last = found.at(-1);
        if (last === undefined || found.length < SEARCH_STEP) return { lines, more: false };
        place = { at: integer(last, 'at'), number: integer(last, 'number') };
        await new Promise((turn) => setImmediate(turn));
      }
    },
    async expire(before, held = () => false) {
      let gone = 0;
      let owner: Row | undefined;
      // One owner after the other, so that whoever is held costs nothing to pass.
      while ((owner = nextOwner(db, owner === undefined ? 0 : integer(owner, 'number'))) !== undefined) {
        if (held(text(owner, 'address'))) continue;
        gone += await remove(db, integer(owner, 'number'), Math.round(before));
      }
      return gone;
    },
    async forget(owner) {
      const mine = party(owner);
      return mine === undefined ? 0 : remove(db, mine, Number.MAX_SAFE_INTEGER);
    },
  };
}

interface Place {
  readonly at: number;
  readonly number: number;
}

function* sides(after: string | undefined, before: string | undefined): Iterable<readonly [id: string, side: '<' | '>']> {
  if (after !== undefined) yield [after, '>'];
  if (before !== undefined) yield [before, '<'];
}

/** A WHERE clause of fixed texts, and its values. */
class Conditions {
  sql: string;
  readonly values: (string | number)[];

  constructor(first: string, value: number) {
    this.sql = first;
    this.values = [value];
  }
  and(condition: string, ...values: readonly (string | number)[]): void {
    this.sql += ` AND ${condition}`;
    this.values.push(...values);
  }
}

/** Bound to its place: a line that was moved to another owner does not open. */
function label(owner: string, id: string): string {
  return `history ${owner} ${id}`;
}

function kindOf({ said }: HistoryEntry): HistoryLine['kind'] {
  return said.event.kind === 'im.sent' ? 'message' : 'receipt';
}

function toLine(row: Row, owner: string, seal: Seal): HistoryLine {
  const id = text(row, 'id');
  const opened = seal.open(blob(row, 'sealed'), label(owner, id));
  return {
    id,
    peer: text(row, 'peer'),
    at: integer(row, 'at'),
    kind: word(row, 'kind', ['message', 'receipt'] as const),
    direction: word(row, 'direction', ['in', 'out'] as const),
    border: integer(row, 'border') === 1,
    ...(opened !== undefined && { said: JSON.parse(opened.toString('utf8')) }), // written by append, and sealed since
  };
}

/** As words are compared: compatibility forms and case are one. */
export function folded(words: string): string {
  return words.normalize('NFKC').toLowerCase().trim();
}

function holds({ said }: HistoryLine, words: readonly string[]): boolean {
  if (said?.event.kind !== 'im.sent') return false;
  const { body, subject } = said.event;
  const all = folded(subject === undefined ? body : `${subject}\n${body}`);
  return words.every((one) => all.includes(one));
}

/** The first owner whose number is greater. */
function nextOwner(db: Database, after: number): Row | undefined {
  return db
    .prepare('SELECT number, address FROM history_party WHERE number = (SELECT owner FROM history WHERE owner > ? ORDER BY owner LIMIT 1)')
    .get(after);
}

/** Step by step, so that messages are committed between two of them. */
async function remove(db: Database, owner: number, before: number): Promise<number> {
  const step = db.prepare(
    `DELETE FROM history WHERE number IN (SELECT number FROM history WHERE owner = ? AND at < ? ORDER BY at LIMIT ${EXPIRE_STEP})`,
  );
  let gone = 0;
  for (let more = true; more; ) {
    const changes = await db.write(() => Number(step.run(owner, before).changes));
    gone += changes;
    more = changes === EXPIRE_STEP;
  }
  return gone;
}
