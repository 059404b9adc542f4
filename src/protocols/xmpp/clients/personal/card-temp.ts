// A card as `vcard-temp` (XEP-0054). Pure.

import { child, type Element, element, elements, text } from '../../element.ts';
import { NS } from '../../names.ts';
import { type Card, type CardLine, kept, type Property } from './card.ts';

const NAMES = ['FAMILY', 'GIVEN', 'MIDDLE', 'PREFIX', 'SUFFIX'] as const;
const ADDRESS = ['POBOX', 'EXTADD', 'STREET', 'LOCALITY', 'REGION', 'PCODE', 'CTRY'] as const;
const SIMPLE: Readonly<Record<string, Property>> = {
  FN: 'fn',
  NICKNAME: 'nickname',
  TITLE: 'title',
  ROLE: 'role',
  URL: 'url',
  BDAY: 'bday',
  DESC: 'note',
  NOTE: 'note',
  JABBERID: 'impp',
};
/** Empty elements that say what kind of number, mail or address it is. */
const TYPES = ['HOME', 'WORK', 'VOICE', 'FAX', 'PAGER', 'MSG', 'CELL', 'VIDEO', 'PREF', 'INTERNET'] as const;

/** @param vcard `<vCard/>` */
export function readTemp(vcard: Element): Card {
  return kept(elements(vcard).flatMap((part) => readLine(part) ?? []));
}

function readLine(part: Element): CardLine | undefined {
  const value = (name: string): string => {
    const found = child(part, name, NS.vcardTemp);
    return found === undefined ? '' : text(found).trim();
  };
  const types = TYPES.filter((type) => child(part, type, NS.vcardTemp) !== undefined).map((type) => type.toLowerCase());
  switch (part.name) {
    case 'N':
      return { property: 'n', types: [], values: NAMES.map(value) };
    case 'ADR':
      return { property: 'adr', types, values: ADDRESS.map(value) };
    case 'ORG': {
      const units = elements(part).flatMap((unit) => (unit.name === 'ORGUNIT' ? [text(unit).trim()] : []));
      return { property: 'org', types: [], values: [value('ORGNAME'), ...units] };
    }
    case 'EMAIL':
      // Old clients write the address where XEP-0054 has USERID.
      return { property: 'email', types: types.filter((type) => type !== 'internet'), values: [value('USERID') || text(part).trim()] };
    case 'TEL':
      return { property: 'tel', types, values: [value('NUMBER') || text(part).trim()] };
    default: {
      const property = SIMPLE[part.name];
      const said = text(part).trim();
      return property && { property, types: [], values: [property === 'impp' && said !== '' ? `xmpp:${said}` : said] };
    }
  }
}

/** @param more children for its end: the photo */
export function printTemp(card: Card, more: readonly Element[] = []): Element {
  return element('vCard', NS.vcardTemp, {}, [...card.flatMap((one) => printLine(one) ?? []), ...more]);
}

function printLine({ property, types, values }: CardLine): Element | undefined {
  const leaf = (name: string, value: string): Element => element(name, NS.vcardTemp, {}, [value]);
  const named = (names: readonly string[]): readonly Element[] =>
    names.flatMap((name, index) => (values[index] === undefined || values[index] === '' ? [] : [leaf(name, values[index])]));
  const kinds = TYPES.filter((type) => types.includes(type.toLowerCase())).map((type) => element(type, NS.vcardTemp));
  const [value = ''] = values;
  switch (property) {
    case 'n':
      return element('N', NS.vcardTemp, {}, named(NAMES));
    case 'adr':
      return element('ADR', NS.vcardTemp, {}, [...kinds, ...named(ADDRESS)]);
    case 'org':
      return element('ORG', NS.vcardTemp, {}, [leaf('ORGNAME', value), ...values.slice(1).map((unit) => leaf('ORGUNIT', unit))]);
    case 'email':
      return element('EMAIL', NS.vcardTemp, {}, [element('INTERNET', NS.vcardTemp), ...kinds, leaf('USERID', value)]);
    case 'tel':
      return element('TEL', NS.vcardTemp, {}, [...kinds, leaf('NUMBER', value)]);
    case 'impp':
      return value.startsWith('xmpp:') ? leaf('JABBERID', value.slice('xmpp:'.length)) : undefined;
    default: {
      const name = Object.keys(SIMPLE).find((key) => SIMPLE[key] === property);
      return name === undefined ? undefined : leaf(name, value);
    }
  }
}

/** The picture in a card; `none`: an empty one, by which a person says that there is to be none. */
export function photoIn(vcard: Element): { readonly type: string; readonly data: Buffer } | 'none' | 'malformed' | undefined {
  const photo = child(vcard, 'PHOTO', NS.vcardTemp);
  if (photo === undefined) return undefined;
  const said = child(photo, 'BINVAL', NS.vcardTemp);
  const base64 = said === undefined ? '' : text(said).replaceAll(/\s+/g, '');
  if (base64 === '') return 'none';
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return 'malformed';
  const type = child(photo, 'TYPE', NS.vcardTemp);
  return { type: type === undefined ? '' : text(type).trim(), data: Buffer.from(base64, 'base64') };
}

export function photoElement(type: string, base64: string): Element {
  return element('PHOTO', NS.vcardTemp, {}, [element('TYPE', NS.vcardTemp, {}, [type]), element('BINVAL', NS.vcardTemp, {}, [base64])]);
}
