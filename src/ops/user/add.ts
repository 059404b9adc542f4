// `isthmus user add|change`: a person of a domain that the core serves, with the fields of a directory.

import * as z from 'zod';
import { bareKey } from '../../model/address.ts';
import type { Person } from '../../model/core.ts';
import { type Report, verb } from '../verb.ts';
import {
  addressInput,
  atPeople,
  differences,
  FIELD_INPUT,
  FIELD_OPTIONS,
  groupsInput,
  nameInput,
  ofCore,
  othersInput,
  PASSWORD_INPUT,
  PASSWORD_OPTIONS,
  personOf,
  Refused,
  tableOf,
  withFields,
} from './given.ts';
import { chosenPassword, keepPassword } from './set-password.ts';
import { viewPerson } from './view.ts';

export const userAdd = verb({
  words: 'user add',
  summary: 'adds a user of the core',
  positionals: ['address'],
  options: {
    name: { type: 'string', value: 'NAME', says: 'what others read as their name; default: the part before the @' },
    ...FIELD_OPTIONS,
    ...PASSWORD_OPTIONS,
  },
  details: [
    'The domain must be served: core in routes/domains.yaml. A password never stands on the command line: it comes from a file, from standard input, or is made.',
    'Without one the user is there and cannot sign in until isthmus user password gives them one. Many users at once: isthmus user import.',
    'Works while Isthmus runs, at once, and before its first start.',
  ].join('\n'),
  example: 'isthmus user add nora@people.example --name "Nora Berg" --mail nora.berg@people.example --generate',
  input: z.object({
    address: addressInput,
    name: nameInput.optional().describe('What others read as their name. Default: the part before the @.'),
    ...FIELD_INPUT,
    other: othersInput.default([]).describe('Other addresses they are known by: mail, JID, SIP.'),
    group: groupsInput.default([]).describe('Groups they belong to.'),
    ...PASSWORD_INPUT,
  }),
  http: { method: 'POST', path: '/users/{address}' },
  role: 'operator',
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atPeople(operations, 'user add', async (desk): Promise<Report> => {
      const address = ofCore(input.address, tableOf(operations));
      const key = bareKey(address);
      if ((await desk.people.get(key)) !== undefined)
        throw new Refused(`${key} is a user already; isthmus user show ${key}, isthmus user change ${key}`, 409);
      const blank: Person = { address, name: address.local, disabled: false, groups: [], createdAt: operations.clock.now() };
      const person = withFields(blank, { ...input, groups: input.group, addresses: input.other });
      const chosen = await chosenPassword(operations, input, person);
      await desk.add(person, tableOf(operations));
      const shown = chosen === undefined ? [] : await keepPassword(desk, person, '', chosen);
      const without = `no password yet, so they cannot sign in: isthmus user password ${key} --generate, or isthmus user invite ${key}`;
      return {
        text: [`${key} added.`, ...(chosen === undefined ? [without] : shown)].join('\n'),
        json: { ...viewPerson(person), hasPassword: chosen !== undefined, ...(chosen?.made === true && { password: chosen.password }) },
        exit: 0,
        changes: [`added ${key}`, ...differences(undefined, person), ...(chosen === undefined ? [] : ['password set'])].join('\n'),
      };
    }),
});

/** One empty value empties a list. */
const emptied = (value: unknown): unknown => (value === '' || (Array.isArray(value) && value.length === 1 && value[0] === '') ? [] : value);

export const userChange = verb({
  words: 'user change',
  summary: "changes a user's name, fields or groups",
  positionals: ['address'],
  options: { name: { type: 'string', value: 'NAME', says: 'what others read as their name' }, ...FIELD_OPTIONS },
  details: [
    'What is not given stays. An empty value takes a field away: --mobile "". --group names every group; --group "" takes them out of all. --other likewise.',
    'What comes from a directory (people/directory.yaml) is written again with its next change there.',
  ].join('\n'),
  example: 'isthmus user change nora@people.example --title "Head of trading" --group traders',
  input: z.object({
    address: addressInput,
    name: nameInput.optional().describe('What others read as their name.'),
    ...FIELD_INPUT,
    other: z.preprocess(emptied, othersInput).optional().describe('Every other address they are known by.'),
    group: z.preprocess(emptied, groupsInput).optional().describe('Every group they belong to.'),
  }),
  http: { method: 'POST', path: '/users/{address}/change' },
  role: 'operator',
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atPeople(operations, 'user change', async (desk): Promise<Report> => {
      const before = await personOf(operations, desk, input.address);
      const key = bareKey(before.address);
      const after = withFields(before, { ...input, groups: input.group, addresses: input.other });
      const changed = differences(before, after);
      if (changed.length === 0) return { text: `${key} is like that already.`, json: viewPerson(before), exit: 0 };
      await desk.people.put(after);
      return {
        text: [`${key} changed.`, ...changed.map((line) => `  ${line}`)].join('\n'),
        json: viewPerson(after),
        exit: 0,
        changes: [`changed ${key}`, ...changed].join('\n'),
      };
    }),
});
