// Being out of the office in words, as every face shows it: the person's own words, and the end where it is known.

import { showLocal } from './zoned-time.ts';

/**
 * `Ask Omar (until 2026-12-24 17:00 UTC)`.
 * @param zone of the person, where the reader may know it
 */
export function outOfOfficeWords(away: { readonly text?: string; readonly until?: number }, zone: string | undefined): string {
  const { text = 'Out of Office', until } = away;
  return until === undefined ? text : `${text} (${untilWords(until, zone)})`;
}

/** `until 2026-12-24 17:00 UTC`. @param until wall ms */
export function untilWords(until: number, zone = 'UTC'): string {
  return `until ${showLocal(until, zone)} ${zone}`;
}
