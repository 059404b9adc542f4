// A contact list as a file that other systems read: vCard 4.0 (RFC 6350) or JSON.

import { fromBareKey } from '../../model/address.ts';
import type { ListEntry } from '../../model/core-stores.ts';

/** An entry as programs read it. */
export interface ContactView {
  readonly address: string;
  readonly name: string | null;
  readonly groups: readonly string[];
  readonly favourite: boolean;
  /** As RFC 6121 §2.1.2.5 names it. */
  readonly subscription: 'none' | 'to' | 'from' | 'both';
}

export function viewContacts(entries: readonly ListEntry[]): readonly ContactView[] {
  return entries
    .filter(({ listed }) => listed)
    .map(({ address, name, groups, favourite, sees, seen }) => ({
      address,
      name: name ?? null,
      groups,
      favourite,
      subscription: sees && seen ? 'both' : sees ? 'to' : seen ? 'from' : 'none',
    }));
}

/** By the end of the name: .vcf is vCard, everything else JSON. */
export function contactFile(path: string, contacts: readonly ContactView[]): string {
  if (!/\.vcf$/i.test(path)) return `${JSON.stringify({ contacts }, null, 2)}\n`;
  return contacts.map(cardOf).join('');
}

/** RFC 6350 §6.4.3: IMPP carries the address as a URI; §6.7.1: CATEGORIES the groups. */
function cardOf({ address, name, groups }: ContactView): string {
  const { local, domain } = fromBareKey(address);
  const lines = [
    'BEGIN:VCARD',
    'VERSION:4.0',
    `FN:${escaped(name ?? address)}`,
    `IMPP:xmpp:${encodeURIComponent(local)}@${domain}`,
    ...(groups.length === 0 ? [] : [`CATEGORIES:${groups.map(escaped).join(',')}`]),
    'END:VCARD',
  ];
  return `${lines.map(folded).join('\r\n')}\r\n`;
}

/** §3.4: backslash, comma, semicolon and newline. */
function escaped(text: string): string {
  return text.replace(/[\\,;]/g, (char) => `\\${char}`).replace(/\r?\n/g, '\\n');
}

/** §3.2: a line is at most 75 octets; what follows begins with a blank. */
function folded(line: string): string {
  const parts: string[] = [];
  let part = '';
  for (const char of line) {
    if (Buffer.byteLength(part + char) > (parts.length === 0 ? 75 : 74)) {
      parts.push(part);
      part = '';
    }
    part += char;
  }
  return [...parts, part].join('\r\n ');
}
