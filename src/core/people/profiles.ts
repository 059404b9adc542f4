// What is known of one user between sign-ins: contact list, blocked addresses, chosen state. Loaded when somebody needs it,
// held in a bounded memory. A change is made in memory and committed before anybody is told of it.

import { LRUCache } from 'lru-cache';
import { type Address, bareKey, fromBareKey } from '../../model/address.ts';
import { atMost } from '../../model/at-most.ts';
import type { Chosen, Contact } from '../../model/core.ts';
import type { ListChange, ListEntry } from '../../model/core-stores.ts';
import type { PresenceSettings } from '../../model/presence-settings.ts';
import { NO_SUBSCRIPTIONS, stateOf } from '../contacts/subscriptions.ts';
import type { CoreParts } from '../ports.ts';

const NO_GROUPS: readonly string[] = [];

export class Profile {
  readonly key: string;
  readonly #entries: Map<string, ListEntry>;
  #version: number;
  /** Bare keys, domains, full addresses. */
  blocked: ReadonlySet<string>;
  chosen: Chosen | undefined;
  settings: PresenceSettings;
  /** Where the photo is. */
  picture: string | undefined;
  /** Requests that wait for an answer. */
  asks: number;

  constructor(
    key: string,
    entries: readonly ListEntry[],
    version: number,
    blocked: readonly string[],
    chosen: Chosen | undefined,
    settings: PresenceSettings,
    picture?: string,
  ) {
    this.key = key;
    this.#entries = new Map(entries.map((entry) => [entry.address, entry]));
    this.#version = version;
    this.blocked = new Set(blocked);
    this.chosen = chosen;
    this.settings = settings;
    this.picture = picture;
    this.asks = entries.reduce((sum, entry) => sum + (entry.asks ? 1 : 0), 0);
  }

  get version(): string {
    return String(this.#version);
  }
  /** Entries that clients see as such. */
  get listed(): number {
    let sum = 0;
    for (const entry of this.#entries.values()) if (entry.listed) sum += 1;
    return sum;
  }
  entries(): IterableIterator<ListEntry> {
    return this.#entries.values();
  }
  /** @param contact bare key */
  entry(contact: string): ListEntry | undefined {
    return this.#entries.get(contact);
  }
  /** The entry as it is, or an empty one. */
  entryFor(contact: string): ListEntry {
    return this.#entries.get(contact) ?? { ...NO_SUBSCRIPTIONS, address: contact, groups: NO_GROUPS, listed: false, favourite: false };
  }

  /** Replaces an entry in memory; one that says nothing any more goes. To be committed. */
  set(entry: ListEntry): ListChange {
    const before = this.#entries.get(entry.address);
    const { listed, sees, seen, asked, asks, approved, address } = entry;
    const gone = !(listed || sees || seen || asked || asks || approved);
    if (gone) this.#entries.delete(address);
    else this.#entries.set(address, entry);
    this.asks += (asks ? 1 : 0) - (before?.asks === true ? 1 : 0);
    this.#version += 1;
    return { owner: this.key, address, entry: gone ? undefined : entry, wasListed: before?.listed === true, version: this.#version };
  }

  /** Is somebody on the block list, by themselves or by their domain (XEP-0191 §3)? */
  blocks(who: Address): boolean {
    if (this.blocked.size === 0) return false;
    const key = bareKey(who);
    if (this.blocked.has(key) || this.blocked.has(who.domain)) return true;
    return who.resource !== undefined && (this.blocked.has(`${key}/${who.resource}`) || this.blocked.has(`${who.domain}/${who.resource}`));
  }
}

export class Profiles {
  readonly #parts: CoreParts;
  readonly #known: LRUCache<string, Promise<Profile>>;
  readonly #loaded: LRUCache<string, Profile>;

  constructor(parts: CoreParts, most: number) {
    this.#parts = parts;
    this.#known = new LRUCache(atMost(most));
    this.#loaded = new LRUCache(atMost(most));
  }

  /** @param key bare key of a user of ours */
  of(key: string): Promise<Profile> {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const loading = this.#load(key);
    this.#known.set(key, loading);
    loading.then(
      (profile) => this.#loaded.set(key, profile),
      () => this.#known.delete(key),
    );
    return loading;
  }

  /** The same, if it is in memory: of everybody who is signed in. */
  peek(key: string): Profile | undefined {
    return this.#loaded.get(key);
  }

  /** Makes changes durable. Where that fails the memory of the lists is thrown away, and the next look finds what is true. */
  async commit(changes: readonly ListChange[]): Promise<void> {
    try {
      await this.#parts.contacts.write(changes);
    } catch (error) {
      for (const { owner } of changes) this.forget(owner);
      throw error;
    }
  }

  forget(key: string): void {
    this.#known.delete(key);
    this.#loaded.delete(key);
  }

  async #load(key: string): Promise<Profile> {
    const { contacts, blocked, chosen, presenceSettings, picture } = this.#parts;
    const [list, addresses, state, settings, photo] = await Promise.all([
      contacts.of(key),
      blocked.of(key),
      chosen.of(key),
      presenceSettings.of(key),
      picture?.(fromBareKey(key)),
    ]);
    return new Profile(key, list.entries, list.version, addresses, state, settings, photo);
  }
}

/** An entry as clients see it. */
export function contactOf(entry: ListEntry): Contact {
  const { address, name, groups, asked, approved, favourite, level } = entry;
  return {
    address: fromBareKey(address),
    ...(name !== undefined && { name }),
    groups,
    subscription: stateOf(entry),
    ask: asked,
    approved,
    favourite,
    ...(level !== undefined && { level }),
  };
}
