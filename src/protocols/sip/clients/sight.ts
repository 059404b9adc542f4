// What one client's user may know just now: the contact list, who asks to watch, and the documents of those they see. Filled by
// the core's items; the subscriptions of the client show parts of it.

import { type Address, bareKey } from '../../../model/address.ts';
import type { Contact, Item } from '../../../model/core.ts';
import type { PresenceDocument, Endpoint as PresenceEndpoint } from '../../../model/presence.ts';
import type { ListMember, Watcher } from './documents.ts';
import type { Endpoint } from './endpoint.ts';

/** Addresses a client may hold documents of. */
const MAX_DOCUMENTS = 2000;
/** Members of a list that are written into one NOTIFY. */
const MAX_MEMBERS = 1000;

export class Sight {
  readonly #contacts = new Map<string, Contact>();
  readonly #documents = new Map<string, PresenceDocument>();
  readonly #asking = new Map<string, Pick<Watcher, 'address' | 'name'>>();
  #loaded: Promise<void> | undefined;

  /** The contact list is known from here on, and follows the core's pushes. */
  load(endpoint: Endpoint): Promise<void> {
    this.#loaded ??= endpoint.session.contacts().then(
      ({ contacts }) => {
        // What was pushed meanwhile is newer.
        for (const contact of contacts) {
          const key = bareKey(contact.address);
          if (!this.#contacts.has(key)) this.#contacts.set(key, contact);
        }
      },
      (error: unknown) => {
        this.#loaded = undefined; // the next may be luckier
        throw error;
      },
    );
    return this.#loaded;
  }

  contact(contact: Contact, removed: boolean): void {
    const key = bareKey(contact.address);
    if (removed) this.#contacts.delete(key);
    else this.#contacts.set(key, contact);
    if (contact.subscription === 'from' || contact.subscription === 'both') this.#asking.delete(key);
    if (!this.sees(contact.address)) this.#documents.delete(key);
  }

  presence(item: Extract<Item, { kind: 'presence' }>, now: number): void {
    const key = bareKey(item.from);
    if (!this.#documents.has(key) && this.#documents.size >= MAX_DOCUMENTS) return;
    this.#documents.set(key, item.composed?.document ?? merged(this.#documents.get(key), item, now));
  }

  /** @param name of somebody outside */
  asks(from: Address, asks: boolean, name?: string): void {
    if (asks) this.#asking.set(bareKey(from), { address: from, ...(name !== undefined && { name }) });
    else this.#asking.delete(bareKey(from));
  }

  isAsking(address: Address): boolean {
    return this.#asking.has(bareKey(address));
  }

  /** May the user see this person? */
  sees(address: Address): boolean {
    const subscription = this.#contacts.get(bareKey(address))?.subscription;
    return subscription === 'to' || subscription === 'both';
  }

  hasAsked(address: Address): boolean {
    return this.#contacts.get(bareKey(address))?.ask === true;
  }

  document(address: Address): PresenceDocument | undefined {
    return this.#documents.get(bareKey(address));
  }

  /** RFC 3857: who watches the user, and who would like to. */
  watchers(): readonly Watcher[] {
    const active = [...this.#contacts.values()].filter(({ subscription }) => subscription === 'from' || subscription === 'both');
    return [
      ...active.map(({ address }) => ({ address, status: 'active' }) as const),
      ...[...this.#asking.values()].map((one) => ({ ...one, status: 'pending' }) as const),
    ];
  }

  /** The contact list with what is shown of each. */
  members(): readonly ListMember[] {
    return [...this.#contacts.values()].slice(0, MAX_MEMBERS).map(({ address, name }) => {
      const document = this.document(address);
      return {
        address,
        ...(name !== undefined && { name }),
        state: this.sees(address) ? 'active' : this.hasAsked(address) ? 'pending' : 'terminated',
        ...(document !== undefined && { document }),
      };
    });
  }
}

/** From a core that tells single endpoints: the others as they were, the open ones first. */
function merged(
  before: PresenceDocument | undefined,
  { from, presence }: Extract<Item, { kind: 'presence' }>,
  at: number,
): PresenceDocument {
  const id = from.resource ?? '';
  const { payload: _, ...said } = presence;
  const changed: PresenceEndpoint = { ...said, id, at };
  // `closed` of the bare address is about all of them (RFC 6121 §4.3.2).
  const others = id === '' ? [] : (before?.endpoints ?? []).filter((one) => one.id !== id);
  const endpoints = presence.availability === 'open' ? [changed, ...others] : [...others, changed];
  return { endpoints };
}
