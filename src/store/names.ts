// Looking things up by what others call them. Identifiers are theirs to choose, so the index holds 48-bit hashes: short
// keys, few pages touched a message. Whoever looks compares the whole identifier afterwards.

import { hash } from 'node:crypto';

/** The key of one identifier in the indexes `ledger_name` and `decision_name`. */
export function nameHash(name: string): number {
  return Number.parseInt(hash('sha256', name).slice(0, 12), 16);
}

/** The key of one direction of a pair of addresses. */
export function pairHash(from: string, to: string): number {
  return nameHash(`${from}\0${to}`);
}
