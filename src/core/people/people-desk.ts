// Where commands and the API change people: the tables, and a password turned into what is kept of it.

import { bareKey } from '../../model/address.ts';
import type { DirectoryStore } from '../../model/directory.ts';
import type { PeopleDesk, PeopleStore } from '../../model/people.ts';
import type { Clock } from '../../model/ports.ts';
import { credentialsOf, saltsOf } from '../sign-in/sign-in.ts';
import { prepared } from '../sign-in/verifiers.ts';
import { type MovingStores, movesOf } from './moving.ts';

export interface DeskParts extends MovingStores {
  readonly people: PeopleStore;
  readonly directory: DirectoryStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly takeDirectory: PeopleDesk['takeDirectory'];
}

export function peopleDesk(parts: DeskParts): PeopleDesk {
  const { people, directory, clock, takeDirectory, contacts, blocked, chosen, moved } = parts;
  const moves = movesOf(parts, clock);
  /** A process that runs has done so when its user was removed; where none ran, their list is there still. */
  const clear = async (key: string): Promise<void> => {
    if (await moved.has(key)) return;
    if ((await contacts.of(key)).entries.length > 0) await contacts.forget(key);
    if ((await blocked.of(key)).length > 0) await blocked.put(key, []);
    if ((await chosen.of(key)) !== undefined) await chosen.put(key, undefined);
  };
  return {
    moves,
    async add(person, table) {
      await clear(bareKey(person.address));
      if (table.domains.get(person.address.domain)?.otherwise === undefined) await people.put(person);
      else await moves.toCore(person, table);
    },
    people,
    directory,
    takeDirectory,
    async setPassword(person, device, password) {
      const key = bareKey(person.address);
      // Salts are those of the passwords that stay, or a challenge would fit only some of them; alone, a password gets new ones.
      const others = (await people.credentials(key)).filter((one) => one.device !== device);
      await people.putCredentials(key, device, await credentialsOf(person, prepared(password), clock.now(), saltsOf(others)));
    },
  };
}
