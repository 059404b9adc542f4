// A user of a split domain moves between the core and its internal system (model/moves.ts). Each step is safe to do again: what
// is granted is written before what it replaces is taken away, and the person comes or goes in between.

import { bareKey, fromBareKey } from '../../model/address.ts';
import type { BlockStore, ChosenStore, ContactStore, KeptStore, ListEntry } from '../../model/core-stores.ts';
import type { MovedStore, MoveSight, Moves } from '../../model/moves.ts';
import type { PeopleStore } from '../../model/people.ts';
import type { Clock } from '../../model/ports.ts';
import type { Authorization, AuthorizationState, AuthorizationStore } from '../../model/stores.ts';
import type { Table } from '../../model/table.ts';
import { NO_SUBSCRIPTIONS } from '../contacts/subscriptions.ts';

export interface MovingStores {
  readonly people: PeopleStore;
  readonly contacts: ContactStore;
  readonly blocked: BlockStore;
  readonly chosen: ChosenStore;
  readonly kept: Pick<KeptStore, 'count'>;
  readonly authorizations: AuthorizationStore;
  readonly moved: MovedStore;
}

/** Moves on the tables; a running process is told by the table of changes of the people. */
export function movesOf(stores: MovingStores, clock: Pick<Clock, 'now'>): Moves {
  const { people, contacts, blocked, chosen, kept, authorizations, moved } = stores;

  const ofNeck = async (key: string): Promise<readonly Authorization[]> =>
    (await Promise.all([authorizations.ofWatcher(key), authorizations.ofPresentity(key)])).flat();

  const inCore = async (key: string, table: Table): Promise<boolean> => {
    const own = table.domains.get(fromBareKey(key).domain);
    return own?.served === 'core' && (own.otherwise === undefined || (await people.get(key)) !== undefined);
  };

  const sight = async (key: string, to: 'core' | 'inside', table: Table): Promise<MoveSight> => {
    const records = await ofNeck(key);
    const known = (await contacts.of(key)).entries;
    const watchers: string[] = [];
    for (const { presentity, watcher, state } of records)
      if (presentity === key && state === 'granted' && !(await inCore(watcher, table))) watchers.push(watcher);
    return { contacts: to === 'core' ? entriesFrom(key, records, known) : known, watchers, waiting: await kept.count(key) };
  };

  /** Writes what of a contact list is new. */
  const listed = async (key: string, entries: readonly ListEntry[]): Promise<void> => {
    const { entries: before, version } = await contacts.of(key);
    const known = new Map(before.map((entry) => [entry.address, JSON.stringify(entry)]));
    const fresh = entries.filter((entry) => known.get(entry.address) !== JSON.stringify(entry));
    if (fresh.length === 0) return;
    await contacts.write(fresh.map((entry) => ({ owner: key, address: entry.address, entry, wasListed: false, version: version + 1 })));
  };

  /** Two users of the core have their lists; the neck has nothing to say between them any more. */
  const leaveNeck = async (key: string, table: Table): Promise<void> => {
    for (const { watcher, presentity } of await ofNeck(key))
      if (await inCore(watcher === key ? presentity : watcher, table)) await authorizations.remove(watcher, presentity);
  };

  return {
    sight,
    async toCore(person, table) {
      const key = bareKey(person.address);
      const found = await sight(key, 'core', table);
      await listed(key, found.contacts);
      await people.put(person);
      await moved.remove(key);
      await leaveNeck(key, table);
      return found;
    },
    async adopt(key, table) {
      await listed(key, (await sight(key, 'core', table)).contacts);
      await leaveNeck(key, table);
    },
    async toInside(key, table) {
      const found = await sight(key, 'inside', table);
      const now = clock.now();
      const ours = fromBareKey(key).domain;
      for (const entry of found.contacts) {
        if (await inCore(entry.address, table)) for (const record of recordsFrom(key, entry, now)) await authorizations.put(record);
        else if (fromBareKey(entry.address).domain === ours) {
          // Both are at the internal system now, which has its own lists.
          await authorizations.remove(key, entry.address);
          await authorizations.remove(entry.address, key);
        }
      }
      await moved.put(key, now);
      await people.remove(key);
      await contacts.forget(key);
      await blocked.put(key, []);
      await chosen.put(key, undefined);
      return found;
    },
  };
}

/** What the neck knows of a user, as entries of a contact list; what stands there already is kept. */
function entriesFrom(key: string, records: readonly Authorization[], before: readonly ListEntry[]): readonly ListEntry[] {
  const entries = new Map(before.map((entry) => [entry.address, entry]));
  for (const { watcher, presentity, state } of records) {
    if (state === 'denied') continue;
    const mine = watcher === key;
    const address = mine ? presentity : watcher;
    const entry = entries.get(address) ?? { ...NO_SUBSCRIPTIONS, address, groups: [], listed: false, favourite: false };
    const flag = mine ? (state === 'granted' ? 'sees' : 'asked') : state === 'granted' ? 'seen' : 'asks';
    // Whoever sees or is seen stands on the list (RFC 6121 §3.1.4, §3.1.5).
    entries.set(address, { ...entry, [flag]: true, listed: entry.listed || flag !== 'asks' });
  }
  return [...entries.values()];
}

/** An entry of a contact list as the records of the neck. */
function recordsFrom(key: string, entry: ListEntry, now: number): readonly Authorization[] {
  const record = (watcher: string, presentity: string, state: AuthorizationState): Authorization => ({
    ...{ watcher, presentity, state, changedAt: now, watcherSeenAt: now },
  });
  return [
    ...(entry.sees || entry.asked ? [record(key, entry.address, entry.sees ? 'granted' : 'pending')] : []),
    ...(entry.seen || entry.asks ? [record(entry.address, key, entry.seen ? 'granted' : 'pending')] : []),
  ];
}
