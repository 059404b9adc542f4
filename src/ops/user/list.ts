// `isthmus user list`: the people of the core.

import * as z from 'zod';
import { parseDomain } from '../../config/values.ts';
import { bareKey } from '../../model/address.ts';
import type { Person } from '../../model/core.ts';
import type { PeopleStore } from '../../model/people.ts';
import { type Report, verb } from '../verb.ts';
import { columns, count } from '../words.ts';
import { atPeople, FIELDS } from './given.ts';
import { viewPerson } from './view.ts';

/** Read from the tables at one time. */
const PAGE = 1000;

export const userList = verb({
  words: 'user list',
  summary: 'the users of the core',
  positionals: [],
  options: {
    domain: { type: 'string', value: 'DOMAIN', says: 'only those of this domain' },
    disabled: { type: 'boolean', says: 'only those that are switched off' },
    find: { type: 'string', value: 'TEXT', says: 'only those whose name, address (also an other one), mail, number or group contains it' },
    group: { type: 'string', value: 'NAME', says: 'only members of this group' },
    limit: { type: 'string', value: 'NUMBER', says: 'at most so many; default 1000' },
    after: { type: 'string', value: 'ADDRESS', says: 'those that come after it: the next page' },
  },
  details:
    'In the order of their addresses. Several conditions: all must hold. Disabled users are marked; isthmus user show says more about one.',
  example: 'isthmus user list --domain people.example --find berg',
  input: z.object({
    domain: z
      .string()
      .transform((value, context) => {
        const parsed = parseDomain(value);
        if (typeof parsed === 'string') return parsed;
        context.addIssue({ code: 'custom', message: parsed.right });
        return z.NEVER;
      })
      .optional()
      .describe('Only those of this domain.'),
    disabled: z.boolean().default(false).describe('Only those that are switched off.'),
    find: z.string().min(1).max(200).optional().describe('In name, address, mail, numbers or groups.'),
    group: z.string().max(100).optional().describe('Only members of this group.'),
    limit: z.coerce.number('a number').int('a whole number').min(1, 'at least 1').max(100_000, 'at most 100000').default(1000),
    after: z.string().max(2000).optional().describe('Those that come after this address.'),
  }),
  http: { method: 'GET', path: '/users' },
  role: 'viewer',
  audited: false,
  where: 'here',
  run: (operations, input) =>
    atPeople(operations, 'user list', async ({ people }): Promise<Report> => {
      const { found, more } = await matching(people, input);
      const all = await people.count();
      const last = found.at(-1);
      const json = { users: found.map(viewPerson), total: all, ...(more && last !== undefined && { next: bareKey(last.address) }) };
      if (found.length === 0) {
        const none =
          all === 0 ? 'No user yet: isthmus user add ADDRESS, or isthmus user import FILE.csv' : `None of ${count(all, 'user')}.`;
        return { text: none, json, exit: 0 };
      }
      const marked = found.some((one) => one.disabled);
      const rows = found.map((one) => [
        bareKey(one.address),
        ...(marked ? [one.disabled ? 'disabled' : ''] : []),
        one.name,
        one.mail ?? '-',
        one.phone ?? one.mobile ?? '-',
        one.groups.length === 0 ? '-' : one.groups.join(', '),
      ]);
      const text = [
        ...columns([['ADDRESS', ...(marked ? ['STATE'] : []), 'NAME', 'MAIL', 'PHONE', 'GROUPS'], ...rows]),
        '',
        `${found.length} of ${count(all, 'user')}`,
      ];
      if (more && last !== undefined) text.push(`the next page: --after ${bareKey(last.address)}`);
      return { text: text.join('\n'), json, exit: 0 };
    }),
});

interface Wanted {
  readonly domain?: string | undefined;
  readonly disabled: boolean;
  readonly find?: string | undefined;
  readonly group?: string | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

async function matching(people: PeopleStore, wanted: Wanted): Promise<{ readonly found: readonly Person[]; readonly more: boolean }> {
  const found: Person[] = [];
  let { after } = wanted;
  for (;;) {
    const page = await people.list({
      ...(wanted.domain !== undefined && { domain: wanted.domain }),
      ...(after !== undefined && { after }),
      limit: PAGE,
    });
    for (const one of page) {
      if (!matches(one, wanted)) continue;
      if (found.length === wanted.limit) return { found, more: true };
      found.push(one);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return { found, more: false };
    after = bareKey(last.address);
  }
}

function matches(person: Person, { disabled, find, group }: Wanted): boolean {
  if (disabled && !person.disabled) return false;
  const folded = (text: string): string => text.normalize('NFKC').toLowerCase();
  if (group !== undefined && !person.groups.some((one) => folded(one) === folded(group))) return false;
  if (find === undefined) return true;
  const words = folded(find);
  const texts = [bareKey(person.address), ...(person.addresses ?? []), person.name, ...FIELDS.map((field) => person[field] ?? '')];
  return [...texts, ...person.groups].some((text) => folded(text).includes(words));
}
