// The people of the core and what is kept of their passwords, as the rooms see the tables.

import type { Person } from './core.ts';

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
  /** Name, address, mail or a number contains the words; at most `limit`. */
  find(words: string, limit: number): Promise<readonly Person[]>;
  credentials(address: string): Promise<readonly Credential[]>;
  /** Replaces every credential of one device. None: the device may not sign in any more. */
  putCredentials(address: string, device: string, credentials: readonly Omit<Credential, 'device'>[]): Promise<void>;
}
