// The secret of an invitation, and the links that are made of it.

import { createHash, randomInt } from 'node:crypto';
import type { Invitation } from './invitations.ts';

/** Letters and digits that nobody confuses; 24 of them are 118 bits. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const TOKEN = /^[a-z2-9]{24}$/;

/** Where the web door has the page of an invitation. */
export const INVITE_PATH = '/invite/';

/** A new token; it is shown once, and only its hash is kept. */
export function makeToken(): string {
  return Array.from({ length: 24 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** By which the store finds a token, hex; undefined: it can be none. */
export function tokenHash(token: string): string | undefined {
  return TOKEN.test(token) ? createHash('sha256').update(token).digest('hex') : undefined;
}

/** XEP-0445 §3: what a client opens, or a phone reads. */
export function inviteUri({ address, domain }: Pick<Invitation, 'address' | 'domain'>, token: string): string {
  // RFC 5122 §2.2: the local part percent-encoded.
  const local = address === undefined ? '' : `${encodeURIComponent(address.slice(0, address.lastIndexOf('@')))}@`;
  return `xmpp:${local}${domain}?register;preauth=${token}`;
}

export type InvitationState = 'open' | 'used' | 'revoked' | 'over';

/** Is it good for somebody now? */
export function stateOf(
  { used, uses, revokedAt, expiresAt }: Pick<Invitation, 'used' | 'uses' | 'revokedAt' | 'expiresAt'>,
  now: number,
): InvitationState {
  if (used >= uses) return 'used';
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt > now ? 'open' : 'over';
}
