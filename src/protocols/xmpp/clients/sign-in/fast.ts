// Hashed tokens (XEP-0484 with draft-schmaus-kitten-sasl-ht): a client that has signed in before does so again in one message.
//
//   initiator = authcid NUL HMAC(token, "Initiator" cb-data)        responder = HMAC(token, "Responder" cb-data)

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { DeviceToken } from '../../../../model/sign-in-tokens.ts';
import type { BindingName } from './channel-binding.ts';

/** The ending of the mechanism's name says what it is bound to. */
const BINDINGS: Readonly<Record<string, BindingName | undefined>> = {
  'HT-SHA-256-EXPR': 'tls-exporter',
  'HT-SHA-256-UNIQ': 'tls-unique',
  'HT-SHA-256-ENDP': 'tls-server-end-point',
  'HT-SHA-256-NONE': undefined,
};

/** What tokens can be used with on a connection, the best first. */
export function tokenMechanisms(bindings: ReadonlyMap<BindingName, Buffer>): readonly string[] {
  return Object.entries(BINDINGS).flatMap(([name, binding]) => (binding === undefined || bindings.has(binding) ? [name] : []));
}

export interface Hashed {
  readonly username: string;
  readonly proof: Buffer;
}

/** Reads the initiator's message; undefined: it is none. */
export function readHashed(message: Buffer): Hashed | undefined {
  const end = message.indexOf(0);
  if (end < 1 || end > 1024) return undefined;
  return { username: message.subarray(0, end).toString('utf8'), proof: message.subarray(end + 1) };
}

/** What the mechanism's hash covers besides the word; undefined: this connection has none such. */
export function boundData(mechanism: string, bindings: ReadonlyMap<BindingName, Buffer>): Buffer | undefined {
  if (!(mechanism in BINDINGS)) return undefined;
  const name = BINDINGS[mechanism];
  return name === undefined ? Buffer.alloc(0) : bindings.get(name);
}

/** Which of the tokens fits; every one is tried, so that the time tells nothing. @returns it, and what we prove in turn */
export function fitting(
  tokens: readonly DeviceToken[],
  proof: Buffer,
  bound: Buffer,
): { readonly used: DeviceToken; readonly answer: Buffer } | undefined {
  let found: { readonly used: DeviceToken; readonly answer: Buffer } | undefined;
  for (const used of tokens) {
    const hmac = (word: string): Buffer => createHmac('sha256', used.token).update(word).update(bound).digest();
    const wanted = hmac('Initiator');
    if (proof.length === wanted.length && timingSafeEqual(proof, wanted)) found = { used, answer: hmac('Responder') };
  }
  return found;
}
