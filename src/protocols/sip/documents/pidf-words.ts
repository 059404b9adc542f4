// The vocabulary of availability between XMPP's show and RPID's activities (spec 5.5, our table: RFC 8048 leaves it open).

import type { Show } from '../../../model/presence.ts';

/** RPID activities (RFC 4480 §3.2) that mean a show. */
const SHOW_OF: Readonly<Record<Exclude<Show, 'chat'>, readonly string[]>> = {
  dnd: ['busy', 'on-the-phone', 'meeting', 'appointment', 'presentation', 'performance'],
  away: ['away', 'in-transit', 'meal', 'breakfast', 'lunch', 'dinner', 'shopping', 'looking-for-work'],
  xa: ['vacation', 'holiday', 'permanent-absence', 'sleeping', 'travel', 'worship'],
};
/** The activities worth carrying by name: the ones above that say more than their show. */
const PLAIN: ReadonlySet<string> = new Set(['busy', 'away', 'unknown', 'other', 'working', 'privacy']);

/** What several activities amount to: the least available. `working` counts with `privacy` only. */
export function showOfActivity(words: readonly string[]): Show | undefined {
  if (words.includes('working') && words.includes('privacy')) return 'dnd';
  for (const show of ['dnd', 'xa', 'away'] as const) if (words.some((word) => SHOW_OF[show].includes(word))) return show;
  return undefined;
}

/** The one activity that says more than a show, by the show it belongs to. */
export function activityOf(words: readonly string[]): string | undefined {
  for (const show of ['dnd', 'xa', 'away'] as const) {
    const found = words.find((word) => !PLAIN.has(word) && SHOW_OF[show].includes(word));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The RPID activity written for an endpoint: its own, else the one its show stands for. */
export function activityFor(show: Show | undefined, activity: string | undefined): string | undefined {
  if (activity !== undefined && showOfActivity([activity]) !== undefined) return activity;
  if (show === 'away' || show === 'xa') return 'away';
  return show === 'dnd' ? 'busy' : undefined;
}
