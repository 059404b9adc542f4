// Looking for people (XEP-0055): users of the core by name, address, mail and number, whether they come from a directory or not.
// Nobody is found by what the one who asks may not see.

import { type Address, bareKey } from '../../../../model/address.ts';
import type { Core, Person, Relation } from '../../../../model/core.ts';
import type { PeopleStore } from '../../../../model/people.ts';
import { child, type Element, element, elements, text } from '../../element.ts';
import { toJid } from '../../jid.ts';
import { NS } from '../../names.ts';
import { type IqAnswer, type IqHandler, type IqRequest, refuse } from '../iq-table.ts';
import { formType } from './node-config.ts';

export interface SearchGround {
  readonly people: Pick<PeopleStore, 'find'>;
  readonly core: Pick<Core, 'relation'>;
}

const MOST_FOUND = 50;
/** Looked at for them: what may not be seen, and fields that only one person has, are sorted out of these. */
const MOST_LOOKED_AT = 500;
const LONGEST = 200;
const SHORTEST = 2;
const MOST_CONDITIONS = 10;

/** Fields of the form, and of XEP-0055 §3 for clients without forms. */
const FIELDS = { search: 'Name, address, e-mail or number', name: 'Name', email: 'E-mail', phone: 'Number' } as const;
const OLD_FIELDS = ['first', 'last', 'nick', 'email'] as const;
const COLUMNS = { jid: 'Address', name: 'Name', email: 'E-mail', phone: 'Number', title: 'Title' } as const;
const WORDS = 'Fill in one field or more; every one of them must fit. At most 50 people are shown.';

/** Where the people of a domain are looked for. */
export function directoryOf(domain: string): string {
  return `directory.${domain}`;
}

export function search(ground: SearchGround): IqHandler {
  return {
    ns: NS.search,
    targets: ['server', 'directory'],
    // Clients look through the items of their domain for a directory.
    node: ({ target, to, payload }, what) => {
      const jid = toJid({ local: '', domain: directoryOf(to.domain) });
      if (what !== 'items' || target !== 'server' || payload.attrs.node !== undefined || typeof jid !== 'string') return undefined;
      return [element('query', NS.discoItems, {}, [element('item', NS.discoItems, { jid, name: 'People' })])];
    },
    get: () => [searchForm()],
    set: (request) => find(ground, request),
  };
}

function searchForm(): Element {
  const fields = Object.entries(FIELDS).map(([name, label]) => element('field', NS.forms, { var: name, type: 'text-single', label }));
  const form = element('x', NS.forms, { type: 'form' }, [
    element('title', NS.forms, {}, ['People']),
    element('instructions', NS.forms, {}, [WORDS]),
    formType(NS.search),
    ...fields,
  ]);
  const old = OLD_FIELDS.map((name) => element(name, NS.search));
  return element('query', NS.search, {}, [element('instructions', NS.search, {}, [WORDS]), ...old, form]);
}

interface Found {
  readonly person: Person;
  readonly relation: Relation;
}

async function find({ people, core }: SearchGround, { asker, payload }: IqRequest): Promise<IqAnswer> {
  const form = child(payload, 'x', NS.forms);
  const asked = form === undefined ? askedOld(payload) : askedIn(form);
  if (asked.length > MOST_CONDITIONS) return refuse('not-acceptable', 'modify', `at most ${MOST_CONDITIONS} fields`);
  const words = asked.map(([, word]) => word);
  // A search for everybody is the directory as a whole, page after page.
  if (words.every((word) => word.length < SHORTEST)) return refuse('not-acceptable', 'modify', `give at least ${SHORTEST} characters`);
  const longest = words.reduce((a, b) => (b.length > a.length ? b : a), '');
  const found: Found[] = [];
  for (const person of await people.find(longest, MOST_LOOKED_AT)) {
    if (found.length >= MOST_FOUND) break;
    if (person.disabled) continue;
    const relation = await core.relation(person.address, asker.user);
    if (relation !== undefined && asked.every(([field, word]) => fits(person, relation, field, word))) found.push({ person, relation });
  }
  return [form === undefined ? answerOld(found) : answerForm(found)];
}

/** What was filled in; `*` stands for anything, as people type it. */
function askedOld(query: Element): readonly (readonly [field: string, word: string])[] {
  return elements(query).flatMap((part) =>
    part.ns === NS.search && OLD_FIELDS.some((name) => name === part.name) ? asked(part.name, text(part)) : [],
  );
}

function askedIn(form: Element): readonly (readonly [field: string, word: string])[] {
  return elements(form).flatMap((field) => {
    const { var: name = '' } = field.attrs;
    const value = child(field, 'value', NS.forms);
    return name === 'FORM_TYPE' || value === undefined ? [] : asked(name, text(value));
  });
}

function asked(field: string, said: string): readonly (readonly [string, string])[] {
  const word = said.replaceAll('*', ' ').replaceAll(/\s+/g, ' ').trim().slice(0, LONGEST);
  return word === '' ? [] : [[field, word]];
}

function fits(person: Person, relation: Relation, field: string, word: string): boolean {
  const { name, address, mail } = person;
  const holds = (value: string | undefined): boolean => value?.toLowerCase().includes(word.toLowerCase()) === true;
  const number = (): boolean => numbersOf(person, relation).some(holds);
  switch (field) {
    case 'name':
    case 'fn':
    case 'first':
    case 'last':
      return holds(name);
    case 'nick':
    case 'user':
      return holds(address.local);
    case 'email':
      return holds(mailOf(person, relation)) || holds(bareKey(address));
    case 'phone':
      return number();
    default:
      return holds(name) || holds(bareKey(address)) || (mail !== undefined && holds(mailOf(person, relation))) || number();
  }
}

function mailOf({ mail }: Person, { sees }: Relation): string | undefined {
  return sees('mail') ? mail : undefined;
}

function numbersOf({ phone, mobile }: Person, { sees }: Relation): readonly string[] {
  return [...(phone !== undefined && sees('workPhone') ? [phone] : []), ...(mobile !== undefined && sees('mobilePhone') ? [mobile] : [])];
}

function jidOf(address: Address): string {
  const jid = toJid(address);
  return typeof jid === 'string' ? jid : '';
}

function answerForm(found: readonly Found[]): Element {
  const reported = Object.entries(COLUMNS).map(([name, label]) => {
    const type = name === 'jid' ? 'jid-single' : 'text-single';
    return element('field', NS.forms, { var: name, type, label });
  });
  const items = found.map(({ person, relation }) => {
    const row: Readonly<Record<keyof typeof COLUMNS, string | undefined>> = {
      jid: jidOf(person.address),
      name: person.name,
      email: mailOf(person, relation),
      phone: numbersOf(person, relation)[0],
      title: relation.sees('title') ? person.title : undefined,
    };
    const fields = Object.entries(row).map(([name, value = '']) =>
      element('field', NS.forms, { var: name }, [element('value', NS.forms, {}, [value])]),
    );
    return element('item', NS.forms, {}, fields);
  });
  const form = element('x', NS.forms, { type: 'result' }, [formType(NS.search), element('reported', NS.forms, {}, reported), ...items]);
  return element('query', NS.search, {}, [form]);
}

function answerOld(found: readonly Found[]): Element {
  const items = found.map(({ person, relation }) => {
    const cut = person.name.lastIndexOf(' ');
    const row = {
      first: cut === -1 ? person.name : person.name.slice(0, cut),
      last: cut === -1 ? '' : person.name.slice(cut + 1),
      nick: person.address.local,
      email: mailOf(person, relation) ?? '',
    };
    const fields = OLD_FIELDS.map((name) => element(name, NS.search, {}, [row[name]]));
    return element('item', NS.search, { jid: jidOf(person.address) }, fields);
  });
  return element('query', NS.search, {}, items);
}
