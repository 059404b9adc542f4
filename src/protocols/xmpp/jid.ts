// JIDs (RFC 7622) and their escaped localparts (XEP-0106), and the door between a JID on the wire and a model Address.
// On the wire a localpart is escaped and a domain is in U-labels; in the model `local` is decoded and `domain` is in A-labels.
// jid = [ localpart "@" ] domainpart [ "/" resourcepart ]   - split at the first `/`, then at the first `@` before it.

import { reason } from '../../errors.ts';
import type { Address } from '../../model/address.ts';
import type { Reason } from '../../model/reason.ts';
import { displayDomain, prepareDomain, prepareLocal, prepareResource } from './precis.ts';

export interface Jid {
  /** Prepared and still escaped; empty for a domain. */
  readonly local: string;
  /** Lower-case A-labels. */
  readonly domain: string;
  readonly resource?: string;
}

const PLAIN_LOCAL = /^[a-z0-9._!#$%()*+,;=?[\]^`{|}~-]{1,1023}$/;
const PLAIN_DOMAIN = /^(?:[a-z][a-z0-9]{0,62}\.){1,20}[a-z][a-z0-9]{0,62}$/;
const PLAIN_RESOURCE = /^[\u0020-\u007e]{1,1023}$/;
// RFC 7622 §3.3.1: what a localpart may not contain besides the space, which IdentifierClass forbids.
const FORBIDDEN = /["&'/:<>@]/;

/** Reads a JID as it stands in a stanza. Never throws; a Reason with code ADDRESS_MALFORMED says what is wrong. */
export function parseJid(text: string): Jid | Reason {
  const slash = text.indexOf('/');
  const bare = slash === -1 ? text : text.slice(0, slash);
  const at = bare.indexOf('@');
  const rawLocal = at === -1 ? '' : bare.slice(0, at);
  const rawDomain = at === -1 ? bare : bare.slice(at + 1);
  if (at === 0) return malformed(text, 'nothing stands before the @');
  if (slash === text.length - 1 && slash !== -1) return malformed(text, 'nothing stands after the /');

  const domain = PLAIN_DOMAIN.test(rawDomain) ? rawDomain : prepareDomain(rawDomain);
  if (domain === undefined) return malformed(text, 'the part after the @ is not a domain name');
  let local = '';
  if (rawLocal !== '') {
    const prepared = PLAIN_LOCAL.test(rawLocal) ? rawLocal : FORBIDDEN.test(rawLocal) ? undefined : prepareLocal(rawLocal);
    if (prepared === undefined) return malformed(text, 'the part before the @ has characters that RFC 7622 does not allow');
    // XEP-0106 §4.2: an escaped space is never the first or the last character.
    if (prepared.startsWith('\\20') || prepared.endsWith('\\20')) return malformed(text, 'it begins or ends with an escaped space');
    local = prepared;
  }
  if (slash === -1) return { local, domain };
  const rawResource = text.slice(slash + 1);
  const resource = PLAIN_RESOURCE.test(rawResource) ? rawResource : prepareResource(rawResource);
  if (resource === undefined) return malformed(text, 'the part after the / is too long or has characters that RFC 7622 does not allow');
  return { local, domain, resource };
}

/** Writes a JID as it stands in a stanza: domain in U-labels. */
export function printJid(jid: Jid): string {
  const domain = displayDomain(jid.domain);
  const bare = jid.local === '' ? domain : `${jid.local}@${domain}`;
  return jid.resource === undefined ? bare : `${bare}/${jid.resource}`;
}

/** A JID of the wire as the model's Address: localpart unescaped, domain in A-labels. */
export function toAddress(jid: string): Address | Reason {
  const parsed = parseJid(jid);
  if ('code' in parsed) return parsed;
  return parsed.local.includes('\\') ? { ...parsed, local: unescapeLocal(parsed.local) } : parsed;
}

/**
 * A model Address as a JID of the wire. A Reason (ADDRESS_MALFORMED) comes back for what no JID can carry: a leading or
 * trailing space, a localpart over 1023 octets, characters outside RFC 7622 (for instance U+00A0).
 */
export function toJid(address: Address): string | Reason {
  const { domain } = address;
  if (PLAIN_LOCAL.test(address.local) && PLAIN_DOMAIN.test(domain) && address.resource === undefined) return `${address.local}@${domain}`;
  const escaped = escapeLocal(address.local);
  const bare = escaped === '' ? domain : `${escaped}@${domain}`;
  const parsed = parseJid(address.resource === undefined ? bare : `${bare}/${address.resource}`);
  return 'code' in parsed ? parsed : printJid(parsed);
}

// XEP-0106 §4.1: the ten characters and their sequences.
const TO_ESCAPE: Readonly<Record<string, string>> = {
  ' ': '\\20',
  '"': '\\22',
  '&': '\\26',
  "'": '\\27',
  '/': '\\2f',
  ':': '\\3a',
  '<': '\\3c',
  '>': '\\3e',
  '@': '\\40',
  '\\': '\\5c',
};
const FROM_ESCAPE: ReadonlyMap<string, string> = new Map(Object.entries(TO_ESCAPE).map(([char, sequence]) => [sequence, char]));

/**
 * Escapes a decoded localpart. A backslash is escaped only where it would otherwise begin a sequence (XEP-0106 §4.2):
 * `c:\net` becomes `c\3a\net`, the literal text `\27` becomes `\5c27`.
 */
export function escapeLocal(decoded: string): string {
  return decoded.replace(/[ "&'/:<>@]|\\(?=20|22|26|27|2f|3a|3c|3e|40|5c)/gi, (char) => TO_ESCAPE[char]!);
}

/** Undoes the ten sequences, each once, from left to right; any other backslash stays as it is. */
export function unescapeLocal(escaped: string): string {
  return escaped.replace(/\\(?:20|22|26|27|2f|3a|3c|3e|40|5c)/gi, (sequence) => FROM_ESCAPE.get(sequence.toLowerCase())!);
}

function malformed(text: string, what: string): Reason {
  const shown = text.length > 120 ? `${text.slice(0, 120)}...` : text;
  return reason('ADDRESS_MALFORMED', `${JSON.stringify(shown)} is not a JID: ${what}`);
}
