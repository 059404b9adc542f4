// What is kept of a person beside what they said, as files for an export: everything as JSON, and the contact list as vCards
// that other programs read (RFC 6350). Without secrets.

import type { ListEntry } from '../../model/core-stores.ts';
import type { KeptOfPerson } from '../../model/of-person.ts';
import type { ExportFolder, WrittenFile } from '../export-folder.ts';

const PERSON_FILE = 'person.json';
const CONTACTS_FILE = 'contacts.vcf';

/** Writes what there is. @param owner bare key */
export async function writePerson(folder: ExportFolder, ofPerson: readonly KeptOfPerson[], owner: string): Promise<readonly WrittenFile[]> {
  const found: [string, unknown][] = [];
  for (const { show } of ofPerson) {
    const data = await show?.data(owner);
    if (show !== undefined && data !== undefined) found.push([show.key, data]);
  }
  if (found.length === 0) return [];
  const person = Object.fromEntries(found);
  const cards = contactsIn(person.contactList).filter(({ listed }) => listed);
  return [
    await folder.write(PERSON_FILE, `${JSON.stringify({ user: owner, ...person }, null, 2)}\n`),
    ...(cards.length === 0 ? [] : [await folder.write(CONTACTS_FILE, cards.map(vCard).join(''))]),
  ];
}

/** As store/of-person.ts shows a contact list. */
function contactsIn(shown: unknown): readonly ListEntry[] {
  if (typeof shown !== 'object' || shown === null || !('contacts' in shown) || !Array.isArray(shown.contacts)) return [];
  return shown.contacts as readonly ListEntry[]; // entries of the store, as they are
}

/** One contact. `im:` (RFC 3860) says nothing about the protocol, as a contact list here does not. */
export function vCard({ address, name, groups }: Pick<ListEntry, 'address' | 'name' | 'groups'>): string {
  const lines = [
    'BEGIN:VCARD',
    'VERSION:4.0',
    `FN:${escaped(name ?? address)}`,
    `IMPP:im:${encodeURIComponent(address).replaceAll('%40', '@')}`,
    ...(groups.length === 0 ? [] : [`CATEGORIES:${groups.map(escaped).join(',')}`]),
    'END:VCARD',
  ];
  return lines.map((line) => `${folded(line)}\r\n`).join('');
}

/** RFC 6350 §3.4. */
function escaped(text: string): string {
  return text.replaceAll(/[\\,;]/g, '\\$&').replaceAll(/\r\n|\r|\n/g, '\\n');
}

/** RFC 6350 §3.2: lines of at most 75 octets, never cut within a character. */
function folded(line: string): string {
  const pieces: string[] = [];
  let piece = '';
  for (const char of line) {
    if (Buffer.byteLength(piece + char) > (pieces.length === 0 ? 75 : 74)) {
      pieces.push(piece);
      piece = '';
    }
    piece += char;
  }
  return [...pieces, piece].join('\r\n ');
}
