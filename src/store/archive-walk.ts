// Walks through the lines of the archive, in the order in which they were written: each look is bounded by the rows it has looked
// at, not by those that fit, so that no filter holds up the event loop. Texts stay sealed here.

import type { ArchiveFilter, ArchiveLine, ArchiveScope } from '../model/archive.ts';
import { lastNumber, spans } from './archive-spans.ts';
import { integer, type Row, text } from './column.ts';
import type { Database } from './database.ts';

/** Rows that are looked at in one turn of the event loop: a few ms. */
export const STEP = 1000;
export const SCOPES = ['internal', 'external'] as const satisfies readonly ArchiveScope[];

/** A row without its text. */
export interface Light extends Omit<ArchiveLine, 'event'> {
  readonly exported: boolean;
}

/** Which rows of a walk; `last` is included, and so is nothing up to `after`. */
interface Stretch {
  readonly after: number;
  readonly last: number;
  /** Rows that are looked at, whether they fit or not. */
  readonly limit: number;
  readonly newest?: boolean;
}

interface Step {
  readonly lines: readonly Light[];
  /** Where to go on (`after`, or `last` for the newest first); undefined: that was all. */
  readonly next: number | undefined;
}

/** One bounded look. */
export function stepOf(db: Database, filter: ArchiveFilter, { after, last, limit, newest = false }: Stretch): Step {
  const found = candidates(db, filter.user, spans(db, filter, after, last), limit, newest);
  if (found === undefined) return { lines: [], next: undefined };
  const lines = found.lines.filter((light) => fits(light, filter));
  return { lines, next: found.next };
}

/** The next rows of a person, or of all, in the stretches of numbers that the time allows. */
function candidates(
  db: Database,
  user: string | undefined,
  ranges: readonly (readonly [after: number, last: number])[],
  limit: number,
  newest: boolean,
): Step | undefined {
  const order = newest ? 'DESC' : 'ASC';
  const party = user === undefined ? undefined : db.prepare('SELECT number FROM archive_party WHERE address = ?').get(user);
  if (user !== undefined && party === undefined) return undefined;
  const lines: Light[] = [];
  for (const [after, last] of newest ? [...ranges].reverse() : ranges) {
    const room = limit - lines.length;
    const number = party && integer(party, 'number');
    const side = (column: string): string => `SELECT number FROM archive WHERE ${column} = ? AND number > ? AND number <= ?`;
    const rows =
      number === undefined
        ? db.prepare(`${LIGHT} WHERE a.number > ? AND a.number <= ? ORDER BY a.number ${order} LIMIT ?`).all(after, last, room)
        : db
            .prepare(
              `${LIGHT} WHERE a.number IN (${side('sender')} UNION ${side('recipient')} ORDER BY number ${order} LIMIT ?) ORDER BY a.number ${order}`,
            )
            .all(number, after, last, number, after, last, room);
    lines.push(...rows.map(toLight));
    if (lines.length < limit) continue;
    const edge = lines.at(-1)!.number; // limit is at least 1
    return { lines, next: newest ? edge - 1 : edge };
  }
  return { lines, next: undefined };
}

const LIGHT = `SELECT a.number, a.id, a.at, a.scope, a.exported, s.address AS sender, r.address AS recipient FROM archive a
  JOIN archive_party s ON s.number = a.sender JOIN archive_party r ON r.number = a.recipient`;

function toLight(row: Row): Light {
  return {
    number: integer(row, 'number'),
    id: text(row, 'id'),
    at: integer(row, 'at'),
    scope: SCOPES[integer(row, 'scope')] ?? 'external',
    from: text(row, 'sender'),
    to: text(row, 'recipient'),
    exported: integer(row, 'exported') === 1,
  };
}

/** What the statement has not looked at. */
function fits({ from, to, scope }: Light, filter: ArchiveFilter): boolean {
  const { user, peer, domain } = filter;
  if (filter.scope !== undefined && scope !== filter.scope) return false;
  if (peer !== undefined && (user === undefined ? from !== peer && to !== peer : (from === user ? to : from) !== peer)) return false;
  return domain === undefined || domainOf(from) === domain || domainOf(to) === domain;
}

/** All that fits, up to a number, with a pause after each look. */
export async function* steps(db: Database, filter: ArchiveFilter, upTo = Number.MAX_SAFE_INTEGER): AsyncIterable<readonly Light[]> {
  const last = Math.min(upTo, lastNumber(db));
  for (let after: number | undefined = 0; after !== undefined; ) {
    const step = stepOf(db, filter, { after, last, limit: STEP });
    yield step.lines;
    after = step.next;
    if (after !== undefined) await turn();
  }
}

function domainOf(key: string): string {
  return key.slice(key.lastIndexOf('@') + 1);
}

/** Lets messages pass. */
export function turn(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}
