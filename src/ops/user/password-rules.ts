// Which passwords are taken, and one that is made. RFC 8265 OpaqueString says what a password may be made of, NIST SP 800-63B
// §3.1.1 what to ask of it: length, and not what everybody tries first; no rules about kinds of characters.

import { randomInt } from 'node:crypto';
import { bareKey } from '../../model/address.ts';
import type { Person } from '../../model/core.ts';

const MIN_PASSWORD = 8;
const MAX_PASSWORD = 256;
/** Letters and digits that nobody confuses. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP = 5;
const COMMON = /^(?:(?:pass(?:word|wort|phrase)?|qwert[yz]|welcome|isthmus|changeme|letmein|admin)[\d!.]*|(.)\1*|0?1?2?3456789?0?)$/i;

/** What is wrong with a password, as the end of a sentence; undefined: nothing. */
export function passwordFault(password: string, person: Pick<Person, 'address' | 'name' | 'mail'>): string | undefined {
  const text = password.normalize('NFC');
  const { length } = [...text];
  if (length < MIN_PASSWORD) return `a password has at least ${MIN_PASSWORD} characters, this one ${length}`;
  if (length > MAX_PASSWORD) return `a password has at most ${MAX_PASSWORD} characters, this one ${length}`;
  // RFC 8265 §4.2.2: control characters are not of the FreeformClass, unassigned and private ones not either.
  if (/[\p{Cc}\p{Cn}\p{Cs}\p{Co}]/u.test(text)) return 'a password has no control or unassigned characters';
  const folded = text.toLowerCase();
  const own = [bareKey(person.address), person.address.local, person.name, person.mail ?? ''].map((one) => one.toLowerCase());
  if (own.includes(folded)) return "the user's own address or name is no password";
  if (COMMON.test(text)) return 'that is among the first that anybody would try';
  return undefined;
}

/** 20 characters in four groups, 99 bits. */
export function makePassword(): string {
  const one = (): string => Array.from({ length: GROUP }, () => ALPHABET[randomInt(ALPHABET.length)]!).join('');
  return Array.from({ length: GROUPS }, one).join('-');
}
