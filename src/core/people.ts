// Who is a user of the core, and what is known of them.

import { type Address, bareKey } from '../model/address.ts';
import type { CoreParts } from './ports.ts';
import { type Profile, Profiles } from './profiles.ts';

export class People {
  readonly #parts: CoreParts;
  readonly profiles: Profiles;

  constructor(parts: CoreParts, most: number) {
    this.#parts = parts;
    this.profiles = new Profiles(parts, most);
  }

  /** Is there such a user, and may they sign in? */
  async isUser(address: Address): Promise<boolean> {
    if (address.local === '' || !this.#parts.serves(address)) return false;
    const person = await this.#parts.people.get(bareKey(address));
    return person !== undefined && !person.disabled;
  }

  /** @param key bare key of a user of ours */
  profile(key: string): Promise<Profile> {
    return this.profiles.of(key);
  }
}
