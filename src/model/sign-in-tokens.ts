// Tokens with which the client of one device signs in again without a password (XEP-0484). They end with any change of their
// user's passwords, when the user is disabled, and when they are old.

import type { Address } from './address.ts';
import type { Person } from './core.ts';

/** One token as the store has it; sealed at rest, because both sides prove with it that they know it. */
export interface StoredToken {
  /** Of its row. */
  readonly number: number;
  /** The client's own name of its device. */
  readonly device: string;
  /** It is good for this one alone (XEP-0484 §3.4). */
  readonly mechanism: string;
  readonly token: string;
  /** Wall ms. */
  readonly expiresAt: number;
  /** The greatest count that came with it; 0: none yet. */
  readonly count: number;
  readonly used: boolean;
  /** Of the passwords of its user when it was made: another one, and it is good for nothing. */
  readonly stamp: string;
}
export type DeviceToken = Pick<StoredToken, 'number' | 'token' | 'expiresAt' | 'count'>;

/** The tokens as the rooms see the table. */
export interface TokenStore {
  /** Of one user, the newest first. @param user bare key */
  of(user: string): Promise<readonly StoredToken[]>;
  put(user: string, token: Omit<StoredToken, 'number' | 'count' | 'used'>): Promise<void>;
  /** It was used, with that count. False: it is gone, or had a count as great already; nothing has changed. */
  mark(number: number, count: number | undefined): Promise<boolean>;
  remove(numbers: readonly number[]): Promise<void>;
  /** Removes what was good until before a wall time. @returns how many */
  expire(before: number): Promise<number>;
}

/** The tokens as a face uses them. */
export interface DeviceTokens {
  /** Those that may be used now. */
  of(user: Address, device: string, mechanism: string): Promise<readonly DeviceToken[]>;
  /**
   * One of them was proven: older ones of its device end (XEP-0484 §3.5).
   * @param count of the client's, when it gave one @param invalidate it ends too
   * @returns false: the count has been seen before, so this may be a copy of what somebody else said
   */
  used(user: Address, device: string, token: DeviceToken, count: number | undefined, invalidate: boolean): Promise<boolean>;
  /**
   * A new one for a device that has just signed in; the one in use stays good until this one is used.
   * @param mechanism undefined: as the one in use, and only when that one is old
   * @returns undefined: none is given (the password is a directory's, whose changes nobody tells us)
   */
  give(
    person: Person,
    device: string,
    mechanism: string | undefined,
  ): Promise<{ readonly token: string; readonly expiresAt: number } | undefined>;
}
