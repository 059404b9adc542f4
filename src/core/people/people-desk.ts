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
  const { people, directory, clock, takeDirectory } = parts;
  return {
    moves: movesOf(parts, clock),
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
