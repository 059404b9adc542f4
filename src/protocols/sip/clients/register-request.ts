// What a REGISTER asks for (RFC 3261 §10.2, RFC 5626 §4.2, RFC 5627 §4.1). Pure; the registrar carries it out.

import type { OutgoingReply } from '../exchange.ts';
import { type NameAddr, parseContacts } from '../headers/name-addr.ts';
import { parseSeconds } from '../headers/seconds.ts';
import { parseTokens } from '../headers/tokens.ts';
import type { SipRequest } from '../message.ts';
import { parseSipUri } from '../uri.ts';
import { warning } from './gate.ts';

/** Seconds that a binding may last. */
export const EXPIRES = { min: 300, max: 7200, usual: 3600 } as const;
const MAX_CONTACTS = 8;
const MAX_INSTANCE_CHARS = 256;

/** One Contact of a REGISTER. */
export interface AskedBinding {
  readonly uri: string;
  /** Granted; 0: it is to be removed. */
  readonly expiresS: number;
  /** `+sip.instance` without its angle brackets: one device, whatever its address (RFC 5626 §4.1). */
  readonly instance?: string;
  /** Counts only beside an instance. */
  readonly regId?: number;
}

export type RegisterReading =
  | { readonly kind: 'fetch' }
  | { readonly kind: 'removeAll' }
  | { readonly kind: 'update'; readonly bindings: readonly AskedBinding[]; readonly outbound: boolean }
  | { readonly kind: 'refused'; readonly reply: OutgoingReply };

/** Reads a REGISTER whose placing headers are in order. */
export function readRegister(request: SipRequest): RegisterReading {
  const { headers } = request;
  const lines = headers.all('contact');
  if (lines.length === 0) return { kind: 'fetch' };
  const contacts = parseContacts(lines, MAX_CONTACTS);
  const expiresText = headers.get('expires');
  const expires = expiresText === undefined ? undefined : parseSeconds(expiresText);
  if (contacts === undefined || (expiresText !== undefined && expires === undefined))
    return refused(400, `Contact or Expires cannot be read, or there are more than ${MAX_CONTACTS} contacts`);
  // RFC 3261 §10.3 step 6: `*` stands alone and with Expires 0.
  if (contacts === '*') return expires === 0 ? { kind: 'removeAll' } : refused(400, 'Contact: * goes with Expires: 0');
  const bindings: AskedBinding[] = [];
  for (const contact of contacts) {
    const one = readBinding(contact, expires);
    if ('kind' in one) return one;
    bindings.push(one);
  }
  const supported = parseTokens([...headers.all('supported'), ...headers.all('require')]) ?? [];
  // RFC 5626 §6: outbound is what a client asks for that knows it and numbers its flows.
  return { kind: 'update', bindings, outbound: supported.includes('outbound') && bindings.some(({ regId }) => regId !== undefined) };
}

function readBinding(contact: NameAddr, expires: number | undefined): AskedBinding | Extract<RegisterReading, { kind: 'refused' }> {
  const uri = parseSipUri(contact.uri);
  if (uri === undefined || (uri.scheme !== 'sip' && uri.scheme !== 'sips')) return refused(400, 'a Contact is no SIP URI');
  const written = contact.params.get('expires');
  // RFC 3261 §10.2.1.1: a malformed parameter counts as an hour.
  const asked = written === undefined ? (expires ?? EXPIRES.usual) : (parseSeconds(written) ?? EXPIRES.usual);
  if (asked !== 0 && asked < EXPIRES.min)
    return { kind: 'refused', reply: { status: 423, headers: [['Min-Expires', String(EXPIRES.min)]] } };
  const instance = /^<([^<>\s"]+)>$/.exec(contact.params.get('+sip.instance') ?? '')?.[1];
  if (instance !== undefined && instance.length > MAX_INSTANCE_CHARS) return refused(400, '+sip.instance is too long');
  const regId = instance === undefined ? Number.NaN : Number(contact.params.get('reg-id') ?? '');
  return {
    uri: contact.uri,
    expiresS: Math.min(asked, EXPIRES.max),
    ...(instance !== undefined && { instance }),
    // RFC 5626 §4.2: 1 to 2^31 - 1.
    ...(Number.isInteger(regId) && regId >= 1 && regId < 2 ** 31 && { regId }),
  };
}

function refused(status: number, words: string): Extract<RegisterReading, { kind: 'refused' }> {
  return { kind: 'refused', reply: { status, headers: [warning(words)] } };
}
