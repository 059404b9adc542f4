// Who is a user of the core, and what is known of them.

import { reason } from '../../errors.ts';
import { type Address, bare, bareKey, sameBare, show } from '../../model/address.ts';
import type { Reason } from '../../model/reason.ts';
import type { CoreParts } from '../ports.ts';
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

  /**
   * Somebody is addressed by an address that is not theirs here but by which they are known: where they are reached. Nobody is
   * meant by an address of several, and who has blocked the sender is not told of.
   */
  async reachedAt(to: Address, from: Address): Promise<Address | undefined> {
    const { people, serves, isElsewhere } = this.#parts;
    if (to.local === '' || (!serves({ local: '', domain: to.domain }) && isElsewhere?.(to.domain) === true)) return undefined;
    const [person, ...others] = await people.knownBy(bareKey(to));
    if (person === undefined || others.length > 0 || person.disabled || sameBare(person.address, from)) return undefined;
    if (!serves(person.address) || (await this.isUser(to)) || (await this.profile(bareKey(person.address))).blocks(from)) return undefined;
    return person.address;
  }

  /** The same as a refusal in words, for people of ours. */
  async didYouMean(to: Address, from: Address): Promise<Reason | undefined> {
    const there = await this.reachedAt(to, from);
    return there && otherAddress(to, there);
  }

  /** @param key bare key of a user of ours */
  profile(key: string): Promise<Profile> {
    return this.profiles.of(key);
  }
}

function otherAddress(to: Address, there: Address): Reason {
  const text = `${show(bare(to))} is an other address of ${show(there)}. Did you mean ${show(there)}?`;
  return reason('PEER_OTHER_ADDRESS', text, { newAddress: there });
}
