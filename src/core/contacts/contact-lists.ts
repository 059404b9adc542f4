// Contact lists as their owners change them (RFC 6121 §2), and the pushes to every client that wants them.

import { reason } from '../../errors.ts';
import { type Address, bareKey, show } from '../../model/address.ts';
import type { Contact, Level } from '../../model/core.ts';
import type { ListChange } from '../../model/core-stores.ts';
import { delivered, type Outcome, refused } from '../../model/outcome.ts';
import type { OpenClients } from '../clients.ts';
import { notStored } from '../messaging/messages.ts';
import type { People } from '../people/people.ts';
import { contactOf, type Profile } from '../people/profiles.ts';

/** Bounds on what one entry may hold. */
const MAX_NAME = 256;
const MAX_GROUPS = 64;
const MAX_GROUP = 256;

export type ContactChange = Pick<Contact, 'address' | 'name' | 'groups'> & {
  readonly favourite?: boolean;
  readonly level?: Level | null;
};

export class ContactLists {
  readonly #people: People;
  readonly #clients: OpenClients;
  readonly #most: number;

  constructor(people: People, clients: OpenClients, most: number) {
    this.#people = people;
    this.#clients = clients;
    this.#most = most;
  }

  async of(user: string): Promise<{ contacts: Contact[]; version: string }> {
    const profile = await this.#people.profile(user);
    const contacts = [...profile.entries()].filter((entry) => entry.listed).map(contactOf);
    return { contacts, version: profile.version };
  }

  async put(user: string, change: ContactChange): Promise<Outcome> {
    const profile = await this.#people.profile(user);
    const contact = bareKey(change.address);
    const before = profile.entryFor(contact);
    const bad = this.#unfit(profile, change, before.listed);
    if (bad !== undefined) return refused(bad);
    const { name: _, level: known, ...rest } = before;
    const level = change.level === null ? undefined : (change.level ?? known);
    const entry = {
      ...rest,
      listed: true,
      groups: [...new Set(change.groups)],
      favourite: change.favourite ?? before.favourite,
      ...(change.name !== undefined && change.name !== '' && { name: change.name }),
      ...(level !== undefined && { level }),
    };
    return this.commit([profile.set(entry)]);
  }

  /** Makes changes durable, then tells every client that wants to know. */
  async commit(changes: readonly ListChange[]): Promise<Outcome> {
    try {
      await this.#people.profiles.commit(changes);
    } catch (error) {
      return notStored(error);
    }
    for (const change of changes) this.#push(change);
    return delivered('in the contact list');
  }

  /** @returns a Reason when the list takes no more */
  full(profile: Profile, contact: Address): ReturnType<typeof reason> | undefined {
    if (profile.entry(bareKey(contact))?.listed === true || profile.listed < this.#most) return undefined;
    return reason('LIMIT_TARGETS', `The contact list of ${profile.key} has ${profile.listed} entries; ${this.#most} are allowed.`);
  }

  #push({ owner, address, entry, wasListed, version }: ListChange): void {
    const mine = this.#clients.of(owner);
    if (mine.size === 0) return;
    const removed = entry?.listed !== true;
    if (removed && !wasListed) return; // a request alone is no entry (RFC 6121 §3.1.3)
    const none = { address, groups: [], sees: false, seen: false, asked: false, asks: false, approved: false, listed: false } as const;
    const contact = contactOf(removed ? { ...none, favourite: false } : entry);
    for (const one of mine.values())
      if (one.client.wants.contacts) void one.hand({ kind: 'contact', contact, removed, version: String(version) });
  }

  #unfit(profile: Profile, change: ContactChange, listed: boolean): ReturnType<typeof reason> | undefined {
    const { address, name = '', groups } = change;
    if (bareKey(address) === profile.key) return reason('CONTENT_UNSUPPORTED', 'Nobody is a contact of their own.');
    if (name.length > MAX_NAME || groups.length > MAX_GROUPS || groups.some((group) => group.length > MAX_GROUP || group === ''))
      return reason(
        'CONTENT_MALFORMED',
        `The entry for ${show(address)} is refused: a name has at most ${MAX_NAME} characters, an entry at most ${MAX_GROUPS} groups, none without a name.`,
      );
    return listed ? undefined : this.full(profile, address);
  }
}
