// What users publish and keep for their clients, for the faces: the tables behind it.

import type { PersonalParts } from '../protocols/xmpp/clients/personal/personal.ts';
import type { Store } from '../store/store.ts';

export function personalOf({ personal, people }: Pick<Store, 'personal' | 'people'>): PersonalParts {
  return { store: personal, people };
}
