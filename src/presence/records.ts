// The stored authorizations with a bounded memory in front: the hot path asks for one with every document.

import { LRUCache } from 'lru-cache';
import { bareKey } from '../model/address.ts';
import { atMost } from '../model/at-most.ts';
import type { Authorization, AuthorizationStore } from '../model/stores.ts';
import type { Pair } from './pair.ts';

export class Records {
  readonly #store: AuthorizationStore;
  readonly #known: LRUCache<string, { readonly record: Authorization | undefined }>;

  constructor(store: AuthorizationStore, max: number) {
    this.#store = store;
    this.#known = new LRUCache(atMost(max));
  }

  async get(pair: Pair): Promise<Authorization | undefined> {
    const known = this.#known.get(pair.key);
    if (known !== undefined) return known.record;
    const record = await this.#store.get(bareKey(pair.watcher), bareKey(pair.presentity));
    this.#known.set(pair.key, { record });
    return record;
  }

  async isGranted(pair: Pair): Promise<boolean> {
    return (await this.get(pair))?.state === 'granted';
  }

  /** Somebody else has written the records of this user. */
  forget(user: string): void {
    for (const key of [...this.#known.keys()]) if (key.startsWith(`${user} `) || key.endsWith(` ${user}`)) this.#known.delete(key);
  }

  /** Resolves when committed. @param next undefined: there is no record any more */
  async put(pair: Pair, next: Authorization | undefined): Promise<void> {
    this.#known.delete(pair.key); // if the store fails, the next look finds what is true
    if (next === undefined) await this.#store.remove(bareKey(pair.watcher), bareKey(pair.presentity));
    else await this.#store.put(next);
    this.#known.set(pair.key, { record: next });
  }
}
