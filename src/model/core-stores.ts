// What the core keeps of its users, as the rooms see the tables: contact lists, blocked addresses, chosen states, and the
// messages that wait for who is away. Owners and contacts are bare keys (model/address.ts). Writes resolve when committed.

import type { Alongside } from './archive.ts';
import type { Chosen, Level, Said } from './core.ts';

/** The subscriptions between the owner of a list and one contact, both ways (RFC 6121 appendix A). */
export interface Subscriptions {
  /** The owner sees the contact. */
  readonly sees: boolean;
  /** The contact sees the owner. */
  readonly seen: boolean;
  /** A request of the owner waits at the contact ("pending out"). */
  readonly asked: boolean;
  /** A request of the contact waits at the owner ("pending in"). */
  readonly asks: boolean;
  /** A later request of the contact is granted unseen (RFC 6121 §3.4). */
  readonly approved: boolean;
}

/** One entry of a list. */
export interface ListEntry extends Subscriptions {
  readonly address: string;
  readonly name?: string;
  readonly groups: readonly string[];
  /** False: only a request of theirs; clients do not see it as an entry (RFC 6121 §3.1.3). */
  readonly listed: boolean;
  readonly favourite: boolean;
  readonly level?: Level;
  /** The words of the request that waits; sealed at rest. */
  readonly request?: string;
}

/** One change of one list; `entry` undefined: it is gone. */
export interface ListChange {
  readonly owner: string;
  readonly address: string;
  readonly entry: ListEntry | undefined;
  /** Clients saw it as an entry before. */
  readonly wasListed: boolean;
  /** Of the list, with this change. */
  readonly version: number;
}

export interface ContactStore {
  of(owner: string): Promise<{ readonly entries: readonly ListEntry[]; readonly version: number }>;
  /** All of them or none. */
  write(changes: readonly ListChange[]): Promise<void>;
  /** Forgets the list of somebody who is no user any more. */
  forget(owner: string): Promise<void>;
  /** Whose lists have an entry of this address. Looks at every entry there is. */
  ownersOf(address: string): Promise<readonly string[]>;
  /** Takes the entries of this address out of all lists, while nothing runs that has them in memory. @returns how many */
  drop(address: string): Promise<number>;
}

export interface BlockStore {
  of(owner: string): Promise<readonly string[]>;
  /** Replaces all. */
  put(owner: string, addresses: readonly string[]): Promise<void>;
}

export interface ChosenStore {
  of(owner: string): Promise<Chosen | undefined>;
  put(owner: string, chosen: Chosen | undefined): Promise<void>;
}

/** One message that waits. */
export interface KeptItem {
  /** In the order of arrival. */
  readonly number: number;
  /** Wall ms at which it came. */
  readonly at: number;
  readonly said: Said;
}

export type KeepResult =
  | { readonly kind: 'kept'; readonly number: number }
  /** The same event before: it waits, or somebody has it already. */
  | { readonly kind: 'copy'; readonly number: number; readonly waits: boolean }
  /** As many wait as may. */
  | { readonly kind: 'full' };

/** What may wait for one owner. */
export interface KeptBounds {
  readonly items: number;
  readonly bytes: number;
}

export interface KeptStore {
  /** @param alongside is a part of the same transaction, for what is kept and is no copy */
  keep(owner: string, said: Said, at: number, most: KeptBounds, alongside?: Alongside): Promise<KeepResult>;
  /** In order of arrival. */
  of(owner: string, after: number, limit: number): Promise<readonly KeptItem[]>;
  count(owner: string): Promise<number>;
  /** Within 50 ms: a client has it. @param remember its id is still recognised for a day */
  taken(number: number, at: number, remember: boolean): void;
  /** Removes what waits since before a wall time, and what was taken a day before `now`. @returns how many waited */
  expire(before: number, now: number): Promise<number>;
  forget(owner: string): Promise<void>;
}
