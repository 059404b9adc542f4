// A person's card as lines, between its two forms (card-temp.ts, card-four.ts): what the person has written, with what the
// directory knows in its place, and what of it somebody sees by level (lync-features.md A2). Pure.

import type { Person, PersonField } from '../../../../model/core.ts';

/** Properties that both forms have. */
export const PLAIN = ['fn', 'nickname', 'email', 'title', 'role', 'url', 'bday', 'note', 'tel', 'impp'] as const;
export const ADDRESS_PARTS = ['pobox', 'ext', 'street', 'locality', 'region', 'code', 'country'] as const;
export const NAME_PARTS = ['surname', 'given', 'additional', 'prefix', 'suffix'] as const;
export type Property = (typeof PLAIN)[number] | 'n' | 'adr' | 'org';

export interface CardLine {
  readonly property: Property;
  /** `work`, `home`, `cell`, `fax`, ... in lower case. */
  readonly types: readonly string[];
  /** One value for PLAIN; parts in the order of NAME_PARTS or ADDRESS_PARTS; organisation and its units. */
  readonly values: readonly string[];
}
export type Card = readonly CardLine[];

/** Bounds of what is read. */
const MOST_LINES = 100;
const LONGEST_VALUE = 4096;

const line = (property: Property, value: string, ...types: readonly string[]): CardLine => ({ property, types, values: [value] });
const has = (one: CardLine, property: Property, type: string): boolean => one.property === property && one.types.includes(type);

/** The card with what the directory has in place of what the person wrote: an organisation's own data is not changed by a client. */
export function withDirectory(card: Card, person: Person, jid: string): Card {
  let rest = card.filter(({ property }) => property !== 'fn');
  const made: CardLine[] = [line('fn', person.name)];
  const put = (value: string | undefined, property: Property, replaces: (one: CardLine) => boolean, ...types: readonly string[]): void => {
    if (value === undefined) return;
    rest = rest.filter((one) => !replaces(one) && !(one.property === property && one.values[0] === value));
    made.push(line(property, value, ...types));
  };
  const work = (property: Property) => (one: CardLine) =>
    has(one, property, 'work') && !one.types.includes('cell') && !one.types.includes('fax');
  const same = (property: Property) => (one: CardLine) => one.property === property;
  put(person.mail, 'email', work('email'), 'work');
  put(person.phone, 'tel', work('tel'), 'work', 'voice');
  put(person.mobile, 'tel', (one) => has(one, 'tel', 'cell'), 'cell');
  put(person.title, 'title', same('title'));
  put(person.company, 'org', same('org'));
  if (person.office !== undefined) {
    const known = rest.find(work('adr'));
    const parts = ADDRESS_PARTS.map((part, index) => (part === 'ext' ? (person.office ?? '') : (known?.values[index] ?? '')));
    rest = rest.filter((one) => one !== known);
    made.push({ property: 'adr', types: ['work'], values: parts });
  }
  put(`xmpp:${jid}`, 'impp', () => false);
  return [...made, ...rest];
}

/** Who sees a line. What belongs to somebody's private life is for friends. */
function fieldOf({ property, types }: CardLine): PersonField {
  switch (property) {
    case 'fn':
    case 'n':
    case 'nickname':
    case 'impp':
      return 'name';
    case 'email':
      return types.includes('home') ? 'otherPhones' : 'mail';
    case 'title':
    case 'role':
      return 'title';
    case 'org':
      return 'company';
    case 'url':
    case 'note':
      return 'office';
    case 'adr':
      return types.includes('work') ? 'office' : 'otherPhones';
    case 'tel':
      if (types.includes('cell')) return 'mobilePhone';
      return types.includes('work') ? 'workPhone' : 'otherPhones';
    case 'bday':
      return 'otherPhones';
    default:
      return property satisfies never;
  }
}

export function seenBy(card: Card, sees: (field: PersonField) => boolean): Card {
  return card.filter((one) => sees(fieldOf(one)));
}

/** A line as it is kept: nothing empty, nothing endless. */
export function kept(card: Card): Card {
  return card
    .filter(({ values }) => values.some((value) => value !== ''))
    .map((one) => ({ ...one, values: one.values.map((value) => value.slice(0, LONGEST_VALUE)) }))
    .slice(0, MOST_LINES);
}
