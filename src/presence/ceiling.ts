// How much of a document a watcher may see: the list `allow.theySee` of the watcher's partner (spec 5.8).
// The name of an endpoint stays: it is an address, the same as in the From of that person's messages.

import { type Endpoint, PRESENCE_DETAILS, type PresenceDetail } from '../model/presence.ts';

/** Counts what was held back, by field, for operators. */
export type Suppressed = Record<PresenceDetail, number>;

export function nothingSuppressed(): Suppressed {
  return { availability: 0, note: 0, activity: 0, idle: 0, device: 0 };
}

/**
 * Cuts an endpoint down to the details allowed and counts what it cut.
 * @returns undefined when not even the availability may be seen
 */
export function lower(endpoint: Endpoint, allowed: readonly PresenceDetail[], count: Suppressed): Endpoint | undefined {
  if (!allowed.includes('availability')) {
    count.availability++;
    return undefined;
  }
  if (PRESENCE_DETAILS.every((detail) => allowed.includes(detail))) return endpoint;
  const { activity, idleSince, notes, ...rest } = endpoint;
  const may = (detail: PresenceDetail, present: boolean): boolean => {
    if (!present || allowed.includes(detail)) return present;
    count[detail]++;
    return false;
  };
  return {
    ...rest,
    notes: may('note', notes.length > 0) ? notes : [],
    ...(may('activity', activity !== undefined) && activity !== undefined ? { activity } : {}),
    ...(may('idle', idleSince !== undefined) && idleSince !== undefined ? { idleSince } : {}),
  };
}
