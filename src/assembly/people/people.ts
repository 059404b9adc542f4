// The people of a home for a command. A home that has never been started gets its database here, so that its users can be
// there before its first start.

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { MovingStores } from '../../core/people/moving.ts';
import { type DeskParts, peopleDesk } from '../../core/people/people-desk.ts';
import { systemClock } from '../../edge/system-clock.ts';
import { reason } from '../../errors.ts';
import { StoreError } from '../../model/outbox-store.ts';
import type { PeopleDesk } from '../../model/people.ts';
import type { Clock } from '../../model/ports.ts';
import { openStore, type Store } from '../../store/store.ts';

/** @throws StoreError */
export function storeToVisit(dir: string, data: string): Store {
  if (!existsSync(join(data, 'isthmus.db'))) {
    // What root makes here the service could not open.
    const folder = existsSync(data) ? data : dir;
    const { uid } = statSync(folder);
    if (uid !== process.getuid?.()) {
      const text = `${folder} belongs to another user (uid ${uid}), and there is no database yet: use that user, or start Isthmus once`;
      throw new StoreError(reason('STORE_FULL', text));
    }
    openStore({ folder: data, clock: systemClock, mode: 'own' }).close();
  }
  return openStore({ folder: data, clock: systemClock, mode: 'visit' });
}

/** Where commands change people, for one home. */
export function deskOf(dir: string, data: string, store: Pick<DeskParts, 'directory' | keyof MovingStores>, clock: Clock): PeopleDesk {
  return peopleDesk({
    ...store,
    clock,
    takeDirectory: async (settings, table, dryRun) => {
      const { takeRound } = await import('./directory.ts');
      return takeRound({ dir, data, store, clock, settings, table, full: true, dryRun });
    },
  });
}
