// What users publish and keep for their clients, for the faces: the tables behind it, and news of users whose photo in the directory
// may be another one.

import type { Address } from '../../model/address.ts';
import type { PersonalParts } from '../../protocols/xmpp/clients/personal/personal.ts';
import { type PhotoWeb, photoWeb } from '../../protocols/xmpp/clients/personal/photo-web.ts';
import { Pictures } from '../../protocols/xmpp/clients/personal/pictures.ts';
import type { Store } from '../../store/store.ts';

export interface PersonalRoom extends PersonalParts {
  /** The core has noticed that a user is described otherwise. */
  changed(user: Address): void;
  /** Photos for who is told where they are. */
  readonly photos?: PhotoWeb;
}

/** @param origin of the web door, where photos are fetched; undefined: nowhere @param pictured told of users whose picture is another one */
export function personalRoom(
  { personal, people }: Pick<Store, 'personal' | 'people'>,
  origin: string | undefined,
  pictured: (user: Address) => void,
): PersonalRoom {
  const hearing: ((user: Address) => void)[] = [];
  const pictures = new Pictures({ store: personal, people });
  return {
    ...(origin !== undefined && { photos: photoWeb({ people, pictures, origin }) }),
    pictured,
    store: personal,
    people,
    onChange: (hear) => void hearing.push(hear),
    changed: (user) => {
      for (const hear of hearing) hear(user);
    },
  };
}
