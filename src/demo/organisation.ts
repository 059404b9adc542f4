// What the two demo organisations have in common.

import type { Show } from '../model/presence.ts';

/** What a user of a demo organisation shows. */
export interface Presence {
  readonly show: Show | undefined;
  readonly note: string | undefined;
}
