// A card as vCard 4 in XML (RFC 6351), which clients publish on a node (XEP-0292 §3). Pure.

import { child, type Element, element, elements, text } from '../../element.ts';
import { NS } from '../../names.ts';
import { ADDRESS_PARTS, type Card, type CardLine, kept, NAME_PARTS, PLAIN } from './card.ts';

/** RFC 6351 §5: the element that a property's value stands in. */
const URIS: ReadonlySet<string> = new Set(['url', 'impp']);

/** @param vcard `<vcard/>` */
export function readFour(vcard: Element): Card {
  return kept(elements(vcard).flatMap((part) => readLine(part) ?? []));
}

function readLine(part: Element): CardLine | undefined {
  const types = typesOf(part);
  const values = (name: string): readonly string[] =>
    elements(part).flatMap((value) => (value.name === name && value.ns === NS.vcard4 ? [text(value).trim()] : []));
  switch (part.name) {
    case 'n':
      return { property: 'n', types: [], values: NAME_PARTS.map((name) => values(name).join(' ')) };
    case 'adr':
      return { property: 'adr', types, values: ADDRESS_PARTS.map((name) => values(name).join(' ')) };
    case 'org':
      return { property: 'org', types: [], values: values('text') };
    default: {
      const property = PLAIN.find((one) => one === part.name);
      if (property === undefined) return undefined;
      const [value = ''] = ['text', 'uri', 'date', 'date-and-or-time', 'date-time'].flatMap(values);
      return { property, types, values: [property === 'tel' ? value.replace(/^tel:/i, '') : value] };
    }
  }
}

function typesOf(part: Element): readonly string[] {
  const parameters = child(part, 'parameters', NS.vcard4);
  const type = parameters && child(parameters, 'type', NS.vcard4);
  return type === undefined ? [] : elements(type).map((value) => text(value).trim().toLowerCase());
}

export function printFour(card: Card): Element {
  return element('vcard', NS.vcard4, {}, card.map(printLine));
}

function printLine({ property, types, values }: CardLine): Element {
  const leaf = (name: string, value: string): Element => element(name, NS.vcard4, {}, [value]);
  // `pref` is no type of RFC 6350 §5.6 any more.
  const known = types.filter((type) => type !== 'pref');
  const type = element(
    'type',
    NS.vcard4,
    {},
    known.map((one) => leaf('text', one)),
  );
  const parameters = known.length === 0 ? [] : [element('parameters', NS.vcard4, {}, [type])];
  const whole = (children: readonly Element[]): Element => element(property, NS.vcard4, {}, [...parameters, ...children]);
  const [value = ''] = values;
  switch (property) {
    case 'n':
      return whole(NAME_PARTS.map((name, index) => leaf(name, values[index] ?? '')));
    case 'adr':
      return whole(ADDRESS_PARTS.map((name, index) => leaf(name, values[index] ?? '')));
    case 'org':
      return whole(values.map((unit) => leaf('text', unit)));
    case 'tel':
      // RFC 3966: what is no number of that form stays text.
      return whole([/^\+[\d().-]+$/.test(value) ? leaf('uri', `tel:${value}`) : leaf('text', value)]);
    case 'bday':
      return whole([/^[\d-]+$/.test(value) ? leaf('date', value) : leaf('text', value)]);
    default:
      return whole([leaf(URIS.has(property) ? 'uri' : 'text', value)]);
  }
}
