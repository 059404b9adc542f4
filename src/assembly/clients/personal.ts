// What users publish and keep for their clients, for the faces: the tables behind it, and news of users whose photo in the directory
// may be another one.

import type { Address } from '../../model/address.ts';
import type { PersonalParts } from '../../protocols/xmpp/clients/personal/personal.ts';
import type { Store } from '../../store/store.ts';

export interface PersonalRoom extends PersonalParts {
  /** The core has noticed that a user is described otherwise. */
  changed(user: Address): void;
}

export function personalRoom({ personal, people }: Pick<Store, 'personal' | 'people'>): PersonalRoom {
  const hearing: ((user: Address) => void)[] = [];
  return {
    store: personal,
    people,
    onChange: (hear) => void hearing.push(hear),
    changed: (user) => {
      for (const hear of hearing) hear(user);
    },
  };
}
