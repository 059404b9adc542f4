// Users of a split domain who move between the core and its internal system. What partners and colleagues may see of them is kept
// by address, so it goes on: as entries of a contact list while both people are in the core, as authorizations of the neck
// where only one is.

import type { Person } from './core.ts';
import type { ListEntry } from './core-stores.ts';
import type { Table } from './table.ts';

/** What a move finds, for whoever asks for it. */
export interface MoveSight {
  /** To inside: the contact list that is handed out. To the core: the entries that the new list begins with. */
  readonly contacts: readonly ListEntry[];
  /** Bare keys of people outside the core who go on seeing the user. */
  readonly watchers: readonly string[];
  /** Messages that wait for the user, to be delivered at the new place. */
  readonly waiting: number;
}

export interface Moves {
  /** What a move of this user to the other place finds. Changes nothing. */
  sight(address: string, to: 'core' | 'inside', table: Table): Promise<MoveSight>;
  /** The person is there from now on; a password is given after it. */
  toCore(person: Person, table: Table): Promise<MoveSight>;
  /** Somebody has been made a user of the core by other means (a table, a directory): what the neck knows of them, as in a move. */
  adopt(address: string, table: Table): Promise<void>;
  /** The account is gone, with its passwords and list; histories and archives stay. A running process delivers what waits. */
  toInside(address: string, table: Table): Promise<MoveSight>;
}

/** Who has moved to the internal system and not come back. Addresses are bare keys. */
export interface MovedStore {
  put(address: string, at: number): Promise<void>;
  remove(address: string): Promise<void>;
  has(address: string): Promise<boolean>;
  all(): Promise<readonly string[]>;
}
