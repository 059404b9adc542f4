// Where a time lies among the lines of the archive. `at` never goes back between two numbers of table `archive_step`, so each end
// of a period is found by halving, without an index over times.

import { integer } from './column.ts';
import type { Database } from './database.ts';

export type Span = readonly [after: number, last: number];

/** The stretches of numbers that can hold lines of a period, in order. @param after @param last of the numbers that are asked for */
export function spans(
  db: Database,
  { since, until }: { readonly since?: number; readonly until?: number },
  after: number,
  last: number,
): readonly Span[] {
  if (since === undefined && until === undefined) return [[after, last]];
  const first = firstNumber(db);
  const end = Math.min(last, lastNumber(db));
  const starts = db
    .prepare('SELECT first FROM archive_step ORDER BY first')
    .all()
    .map((row) => integer(row, 'first'))
    .filter((start) => start > first && start <= end);
  const found: Span[] = [];
  for (const [i, start] of [first, ...starts].entries()) {
    const stop = Math.min(end, (starts[i] ?? end + 1) - 1);
    // From the first line that is late enough to the last before the first that is too late.
    const from = since === undefined ? start : firstAt(db, start, stop, since);
    const to = until === undefined ? stop : firstAt(db, start, stop, Math.floor(until) + 1) - 1;
    const span: Span = [Math.max(after, from - 1), to];
    if (span[0] < span[1]) found.push(span);
  }
  return found;
}

/** The greatest number there is; 0: there is none. */
export function lastNumber(db: Database): number {
  const row = db.prepare('SELECT number FROM archive ORDER BY number DESC LIMIT 1').get();
  return row === undefined ? 0 : integer(row, 'number');
}

function firstNumber(db: Database): number {
  const row = db.prepare('SELECT number FROM archive ORDER BY number LIMIT 1').get();
  return row === undefined ? 1 : integer(row, 'number');
}

/** The lowest number from which on every line of the stretch is of this time or later; `stop` + 1: none is. */
function firstAt(db: Database, start: number, stop: number, at: number): number {
  let [low, high] = [start, stop + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = db.prepare('SELECT number, at FROM archive WHERE number >= ? AND number <= ? ORDER BY number LIMIT 1').get(middle, stop);
    // No line from the middle on: whatever there is lies before it.
    if (row === undefined || integer(row, 'at') >= at) high = middle;
    else low = integer(row, 'number') + 1;
  }
  return low;
}
