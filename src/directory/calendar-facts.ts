// What the entries of a calendar say at one moment, and in quarters of an hour. Pure.

import { BLOCK_MS, BUSY_KINDS, type BusyKind, type CalendarEntry, type CalendarNow } from '../model/calendar.ts';

/** Tentative and elsewhere are no state. */
function isState(kind: BusyKind): kind is CalendarNow['kind'] {
  return kind === 'busy' || kind === 'meeting' || kind === 'outOfOffice';
}

/** @param entries by start @param now wall ms @param subjects are subject and place told at all? */
export function nowOf(entries: readonly CalendarEntry[], now: number, subjects: boolean): CalendarNow {
  let best: CalendarEntry | undefined;
  let until: number | undefined;
  for (const entry of entries) {
    if (!isState(entry.kind)) continue;
    // The answer may change wherever one begins or ends.
    const change = entry.from > now ? entry.from : entry.until > now ? entry.until : undefined;
    if (change !== undefined && (until === undefined || change < until)) until = change;
    if (entry.from <= now && entry.until > now && (best === undefined || rank(entry.kind) > rank(best.kind))) best = entry;
  }
  const kind = best !== undefined && isState(best.kind) ? best.kind : 'free';
  const { subject, place } = best ?? {};
  const about = { ...(subject !== undefined && { subject }), ...(place !== undefined && { place }) };
  return { kind, ...(until !== undefined && { until }), ...(subjects && about) };
}

/** @param from wall ms, the first quarter's beginning */
export function blocksOf(entries: readonly CalendarEntry[], from: number, count: number): readonly BusyKind[] {
  const blocks = Array<BusyKind>(count).fill('free');
  for (const entry of entries) {
    const first = Math.max(0, Math.floor((entry.from - from) / BLOCK_MS));
    const end = Math.min(count, Math.ceil((entry.until - from) / BLOCK_MS));
    for (let block = first; block < end; block += 1) if (rank(entry.kind) > rank(blocks[block] ?? 'free')) blocks[block] = entry.kind;
  }
  return blocks;
}

function rank(kind: BusyKind): number {
  return BUSY_KINDS.indexOf(kind);
}
