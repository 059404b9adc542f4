// resource-lists (RFC 4826 §3): the server-side contact list as a document. A list at the top is a group; entries of the list called
// `contacts`, or of one without a name, are contacts without a group. What a client wrote stays as it wrote it, as far as it says
// what the contact list says; what was changed elsewhere is changed in the text.

import { type Address, bareKey, fromBareKey, sameBare } from '../../../../model/address.ts';
import type { Contact, ContactDesk } from '../../../../model/core.ts';
import { toAddress, toSipUri } from '../../address.ts';
import { escapeXml } from '../../documents/xml-reader.ts';
import { parseSipUri } from '../../uri.ts';
import { type Conflict, conflict } from './conflict.ts';
import { appended, attributeOf, childrenOf, prefixOf, readTree, rootOf, type Splice, spliced, type XmlElement } from './tree.ts';

export const LISTS_NS = 'urn:ietf:params:xml:ns:resource-lists';
const UNGROUPED = 'contacts';
const EMPTY = `<?xml version="1.0" encoding="UTF-8"?>\n<resource-lists xmlns="${LISTS_NS}"></resource-lists>\n`;

interface Listed {
  readonly name?: string;
  readonly groups: ReadonlySet<string>;
}
interface Entry {
  readonly element: XmlElement;
  /** undefined: nobody that a contact list could hold. */
  readonly key: string | undefined;
  /** undefined: no group. */
  readonly group: string | undefined;
}

/** Whom a sip: or sips: URI means, bare. */
export function whom(uri: string): Address | undefined {
  const read = parseSipUri(uri.trim());
  if (read === undefined) return undefined;
  const found = toAddress(read.scheme === 'sips' ? { ...read, scheme: 'sip' } : read);
  if (found.kind === 'refused' || found.address.local === '') return undefined;
  const { local, domain } = found.address;
  return { local, domain };
}

/** What RFC 4826 §3.2 and §3.4.5 ask of a document. */
export function checkLists(root: XmlElement): Conflict | undefined {
  if (root.local !== 'resource-lists' || root.ns !== LISTS_NS)
    return conflict('schema-validation-error', 'the root element is resource-lists');
  for (const child of root.children)
    if (child.ns === LISTS_NS && child.local !== 'list') return conflict('schema-validation-error', `${child.local} is no list`);
  return checkInside(root);
}

const IDENTIFIED = { list: 'name', entry: 'uri', 'entry-ref': 'ref', external: 'anchor' } as const;

function checkInside(element: XmlElement): Conflict | undefined {
  const seen = new Set<string>();
  for (const child of element.children) {
    if (child.ns !== LISTS_NS) continue;
    const attribute = Object.entries(IDENTIFIED).find(([name]) => name === child.local)?.[1];
    if (attribute === undefined) {
      if (child.local !== 'display-name') return conflict('schema-validation-error', `${child.local} is not known in a ${element.local}`);
      continue;
    }
    const value = attributeOf(child, attribute);
    if (value === undefined && child.local !== 'list') return conflict('schema-validation-error', `${child.local} has no ${attribute}`);
    const id = `${child.local}[@${attribute}="${value ?? ''}"]`;
    if (seen.has(id) && value !== undefined)
      return conflict('uniqueness-failure', `${id} is there twice in one list`, { fields: [`${child.local}[@${attribute}="${value}"]`] });
    seen.add(id);
    const wrong = child.local === 'list' || child.local === 'entry' ? checkInside(child) : undefined;
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function entriesOf(root: XmlElement): Entry[] {
  const inside = (element: XmlElement, group: string | undefined): Entry[] =>
    element.children.flatMap((child) => {
      if (child.ns !== LISTS_NS) return [];
      if (child.local === 'list') return inside(child, group);
      if (child.local !== 'entry') return [];
      const address = whom(attributeOf(child, 'uri') ?? '');
      return [{ element: child, key: address && bareKey(address), group }];
    });
  return childrenOf(root, 'list').flatMap((list) => {
    const name = attributeOf(list, 'name');
    return inside(list, name === UNGROUPED || name === '' ? undefined : name);
  });
}

const nameOf = (entry: XmlElement): string | undefined => childrenOf(entry, 'display-name')[0]?.text.trim() || undefined;

function contactsIn(root: XmlElement): Map<string, Listed> {
  const found = new Map<string, { name?: string; groups: Set<string> }>();
  for (const { element, key, group } of entriesOf(root)) {
    if (key === undefined) continue;
    const known = found.get(key) ?? { groups: new Set<string>() };
    const name = known.name ?? nameOf(element);
    if (group !== undefined) known.groups.add(group);
    found.set(key, { ...known, ...(name !== undefined && { name }) });
  }
  return found;
}

/** Whoever was only let in to watch is nobody's contact. */
function isListed({ subscription, ask, name, groups, favourite }: Contact): boolean {
  return subscription === 'to' || subscription === 'both' || ask || name !== undefined || groups.length > 0 || favourite;
}

/** The document as it is now: what was stored, brought up to date with the contact list. undefined: there is nothing. */
export function currentLists(stored: string | undefined, contacts: readonly Contact[]): string | undefined {
  const listed = contacts.filter(isListed);
  if (stored === undefined && listed.length === 0) return undefined;
  let source = stored ?? EMPTY;
  const first = readTree(source);
  if ('fault' in first) return currentLists(undefined, contacts);
  source = withoutGone(source, first, new Map(listed.map((contact) => [bareKey(contact.address), contact])));
  // The lists that are missing first, then what stands in them.
  const missing = missingFrom(source, listed);
  const root = rootOf(source);
  const known = new Set(childrenOf(root, 'list').map((list) => attributeOf(list, 'name')));
  const lists = [...missing.keys()].filter((name) => !known.has(name));
  const prefix = prefixOf(root);
  const made = lists.map((name) => `\n  <${prefix}list name="${escapeXml(name)}"></${prefix}list>`).join('');
  if (made !== '') source = spliced(source, [appended(source, root, `${made}\n`)]);
  const splices = childrenOf(rootOf(source), 'list').flatMap((list): Splice[] => {
    const wanted = missing.get(attributeOf(list, 'name') ?? '') ?? [];
    const text = wanted.map((contact) => `\n    ${printEntry(contact, prefixOf(list))}`).join('');
    return text === '' ? [] : [appended(source, list, `${text}\n  `)];
  });
  return spliced(source, splices);
}

function withoutGone(source: string, root: XmlElement, listed: ReadonlyMap<string, Contact>): string {
  const splices = entriesOf(root).flatMap(({ element, key, group }): Splice[] => {
    if (key === undefined) return [];
    const contact = listed.get(key);
    if (contact === undefined || (group !== undefined && !contact.groups.includes(group)))
      return [{ start: element.start, end: element.end, text: '' }];
    if (nameOf(element) === contact.name) return [];
    const [shown] = childrenOf(element, 'display-name');
    const prefix = prefixOf(element);
    const text = contact.name === undefined ? '' : `<${prefix}display-name>${escapeXml(contact.name)}</${prefix}display-name>`;
    if (shown !== undefined) return [{ start: shown.start, end: shown.end, text }];
    const empty = element.openEnd === element.end;
    return [empty ? appended(source, element, text) : { start: element.openEnd, end: element.openEnd, text }];
  });
  return spliced(source, splices);
}

/** By list, who should stand there and does not. */
function missingFrom(source: string, listed: readonly Contact[]): Map<string, Contact[]> {
  const present = contactsIn(rootOf(source));
  const missing = new Map<string, Contact[]>();
  for (const contact of listed) {
    const there = present.get(bareKey(contact.address));
    const groups =
      contact.groups.length === 0 && there === undefined ? [UNGROUPED] : contact.groups.filter((one) => there?.groups.has(one) !== true);
    // A group that is called like the list of those without one is that list.
    for (const group of groups)
      if (group !== UNGROUPED || there === undefined) missing.set(group, [...(missing.get(group) ?? []), contact]);
  }
  return missing;
}

function printEntry({ address, name }: Contact, prefix: string): string {
  const shown = name === undefined ? '' : `<${prefix}display-name>${escapeXml(name)}</${prefix}display-name>`;
  return `<${prefix}entry uri="${escapeXml(toSipUri(address))}">${shown}</${prefix}entry>`;
}

/** Changes the contact list to what a document says. A new entry asks for presence, as the list that is served shows it. */
export async function applyLists(
  root: XmlElement | undefined,
  contacts: readonly Contact[],
  desk: ContactDesk,
): Promise<Conflict | undefined> {
  const wanted = root === undefined ? new Map<string, Listed>() : contactsIn(root);
  const before = new Map(contacts.map((contact) => [bareKey(contact.address), contact]));
  for (const [key, { name, groups }] of wanted) {
    const address = fromBareKey(key);
    const known = before.get(key);
    if (sameBare(address, desk.user)) continue; // some clients list their own user
    const kept = known?.groups.includes(UNGROUPED) === true ? [UNGROUPED] : [];
    const next = { address, groups: [...groups, ...kept], ...(name !== undefined && { name }) };
    if (known !== undefined && isListed(known) && same(known, next)) continue;
    const outcome = await desk.putContact(next);
    if ('reason' in outcome) return conflict('constraint-failure', outcome.reason.text);
    if (known === undefined || !isListed(known)) await desk.subscription('subscribe', address);
  }
  for (const [key, contact] of before) {
    if (wanted.has(key) || !isListed(contact)) continue;
    const { address, subscription } = contact;
    if (subscription !== 'from' && subscription !== 'both') {
      await desk.removeContact(address);
      continue;
    }
    // They may still watch: that is for pres-rules to say.
    if (subscription === 'both' || contact.ask) await desk.subscription('unsubscribe', address);
    await desk.putContact({ address, groups: [], favourite: false });
  }
  return undefined;
}

function same(known: Contact, next: Pick<Contact, 'name' | 'groups'>): boolean {
  const groups = new Set(next.groups);
  return known.name === next.name && known.groups.length === groups.size && known.groups.every((one) => groups.has(one));
}

/** rls-services (RFC 4826 §4): the one list that is served, under the user's own address. */
export function printServices(user: Address, contacts: readonly Contact[]): string {
  const entries = contacts.filter(isListed).map((contact) => `      ${printEntry(contact, 'rl:')}\n`);
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<rls-services xmlns="urn:ietf:params:xml:ns:rls-services" xmlns:rl="${LISTS_NS}">\n` +
    `  <service uri="${escapeXml(toSipUri(user))}">\n    <list>\n${entries.join('')}    </list>\n` +
    '    <packages><package>presence</package></packages>\n  </service>\n</rls-services>\n'
  );
}
