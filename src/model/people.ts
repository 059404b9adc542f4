// The people of the core and what is kept of their passwords, as the rooms see the tables.

import type { Person } from './core.ts';
import type { DirectorySettings, DirectoryStore, SyncResult } from './directory.ts';
import type { Moves } from './moves.ts';
import type { Table } from './table.ts';

/** One word for each mechanism: scrypt for PLAIN, the rest for theirs. */
export const CREDENTIAL_KINDS = ['scrypt', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'DIGEST-MD5', 'DIGEST-SHA-256'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/** What one mechanism needs of one password; sealed at rest with the key of the home. */
export interface Credential {
  readonly kind: CredentialKind;
  /** Empty for the main password, else the device's name. */
  readonly device: string;
  readonly data: Uint8Array;
  /** Wall ms. */
  readonly madeAt: number;
}

export interface PeopleStore {
  /** @param address bare key */
  get(address: string): Promise<Person | undefined>;
  /** Adds or replaces; the credentials stay. */
  put(person: Person): Promise<void>;
  /** With its credentials. False: there was nobody. */
  remove(address: string): Promise<boolean>;
  /** By domain, in the order of their names. */
  list(options: { readonly domain?: string; readonly after?: string; readonly limit: number }): Promise<readonly Person[]>;
  count(): Promise<number>;
  /** Who is known by this other address, or has it as mail address. At most two: of several nobody is meant. @param other bare key */
  knownBy(other: string): Promise<readonly Person[]>;
  /** Name, address, other addresses, mail or a number contains the words; at most `limit`. */
  find(words: string, limit: number): Promise<readonly Person[]>;
  credentials(address: string): Promise<readonly Credential[]>;
  /** Replaces every credential of one device. None: the device may not sign in any more. */
  putCredentials(address: string, device: string, credentials: readonly Omit<Credential, 'device'>[]): Promise<void>;
  /**
   * Who was added, changed, disabled, removed or given another password after `version`, by whichever process. Cheap: made to be
   * asked every few seconds. At most 1000 at once; the version that comes back is the one to ask with next.
   */
  changedSince(version: number): Promise<Changes>;
  /** Notes that somebody signed in; need not survive a crash. @param at wall ms */
  noteSignIn(address: string, at: number): void;
  /** Wall ms; undefined: never, as far as is known. */
  lastSignIn(address: string): Promise<number | undefined>;
  photo(address: string): Promise<Photo | undefined>;
  /** The same without the picture itself: asked with each presence of a client. */
  photoMark(address: string): Promise<(Omit<Photo, 'data'> & { readonly bytes: number }) | undefined>;
  putPhoto(address: string, photo: Photo | undefined): Promise<void>;
}

export interface Changes {
  readonly version: number;
  /** Bare keys; `get` says what became of each. */
  readonly addresses: readonly string[];
}

/** A person's picture, as the directory has it. */
export interface Photo {
  readonly type: 'image/jpeg' | 'image/png' | 'image/gif';
  /** SHA-1, hex, as XEP-0084 and XEP-0153 name a picture. */
  readonly hash: string;
  readonly data: Uint8Array;
  /** Wall ms. */
  readonly changedAt: number;
}

/** People as commands and the API change them: the tables, and passwords on their way into them. */
export interface PeopleDesk {
  readonly people: PeopleStore;
  /** The same tables as the sync of the directory leaves them. */
  readonly directory: DirectoryStore;
  /** Somebody new, who begins with nothing of whoever had the address before; in a split domain with who outside knows them already. */
  add(person: Person, table: Table): Promise<void>;
  /** Replaces the password of one device; what is kept of it fits every mechanism. @param device empty: the main password */
  setPassword(person: Person, device: string, password: string): Promise<void>;
  /** Users of split domains between the core and the internal system. */
  readonly moves: Moves;
  /** One round of the directory, now. @throws Error in words when it cannot be asked */
  takeDirectory(settings: DirectorySettings, table: Table, dryRun: boolean): Promise<SyncResult & { readonly spared: number }>;
}
