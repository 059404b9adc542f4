// Invitations: a secret with which somebody gives themselves an account, or the first password of one (XEP-0401, XEP-0445). What
// is kept is the hash of the secret.

import type { Address } from './address.ts';
import type { Person } from './core.ts';

export interface Invitation {
  /** By which operators name it; tells nothing of the secret. */
  readonly id: string;
  readonly domain: string;
  /** Bare key of the user that it is for; absent: whoever has it chooses a name in the domain. */
  readonly address?: string;
  /** Groups of whoever comes with it. */
  readonly groups: readonly string[];
  /** How many may come with it. */
  readonly uses: number;
  readonly used: number;
  /** Bare keys of who did. */
  readonly usedBy: readonly string[];
  /** As the audit log names its actors. */
  readonly madeBy: string;
  /** Wall ms. */
  readonly madeAt: number;
  readonly expiresAt: number;
  readonly revokedAt?: number;
}

export interface InvitationStore {
  /** @param hash SHA-256 of the token, hex */
  put(hash: string, invitation: Invitation): Promise<void>;
  byHash(hash: string): Promise<Invitation | undefined>;
  /** Newest first; those that ended before `since` (wall ms) left out. */
  list(since: number): Promise<readonly Invitation[]>;
  /** Takes one use, unless it is used up, revoked or was over at `at` (wall ms). False: it was. */
  take(id: string, by: string, at: number): Promise<boolean>;
  /** Gives a use back: what it was taken for has failed. */
  giveBack(id: string, by: string): Promise<void>;
  /** False: there is none, or it was revoked before. */
  revoke(id: string, at: number): Promise<boolean>;
  /** Those for a user, and those with which they came. @param user bare key */
  countOf(user: string): Promise<number>;
  /** Removes those for a user, and their name from the others. */
  forget(user: string): Promise<void>;
  /** Removes what ended before a wall time. @returns how many */
  expire(before: number): Promise<number>;
}

export type Joined =
  | { readonly ok: true; readonly person: Person; readonly added: boolean }
  /** `token`: the invitation is none any more. `name`: another name is needed. `password`: another password. */
  | { readonly ok: false; readonly about: 'token' | 'name' | 'password'; readonly text: string };

/** How somebody comes in with an invitation, whichever door they come through. */
export interface InvitationDesk {
  /** What a token is good for now; undefined: for nothing. Counts tries by address. @param from the address they come from */
  look(token: string, from: string): Promise<Invitation | undefined>;
  /**
   * Makes the account, or sets the first password.
   * @param local the name they choose; undefined where the invitation names one
   * @param seen the invitation that `look` has given on the same stream: it may end meanwhile (XEP-0445 §5)
   */
  join(seen: Invitation, local: string | undefined, password: string, from: string): Promise<Joined>;
  /** The user's own new password, where it is kept here. @returns what is wrong; undefined: it is set */
  change(user: Address, password: string): Promise<{ readonly kind: 'password' | 'elsewhere'; readonly text: string } | undefined>;
}
