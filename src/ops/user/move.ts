// `isthmus user move`: a user of a split domain (`otherwise:`) between the core and the internal system. What partners and
// colleagues may see goes on; what has to be done at the other system is said, since nothing here can do it.

import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { bareKey, fromBareKey } from '../../model/address.ts';
import type { Person } from '../../model/core.ts';
import type { MoveSight } from '../../model/moves.ts';
import type { OwnDomain, Table } from '../../model/table.ts';
import { type Report, verb } from '../verb.ts';
import { count } from '../words.ts';
import { type ContactView, contactFile, viewContacts } from './contact-files.ts';
import { addressInput, atPeople, nameInput, PASSWORD_INPUT, PASSWORD_OPTIONS, Refused, tableOf } from './given.ts';
import { chosenPassword, keepPassword } from './set-password.ts';

type Split = OwnDomain & { readonly otherwise: NonNullable<OwnDomain['otherwise']> };

export const userMove = verb({
  words: 'user move',
  summary: 'moves a user of a split domain between the core and the internal system',
  positionals: ['address'],
  options: {
    to: { type: 'string', value: 'core|inside', says: 'where they live from now on' },
    'dry-run': { type: 'boolean', says: 'says what would happen; changes nothing' },
    name: { type: 'string', value: 'NAME', says: 'to the core: what others read as their name; default: the part before the @' },
    ...PASSWORD_OPTIONS,
    out: { type: 'string', value: 'FILE', says: 'to the inside: a new file for their contact list, .vcf or .json' },
  },
  details: [
    'For domains with otherwise: in routes/domains.yaml. What partners and colleagues may see of them is kept by address and goes on; messages that',
    'wait are delivered at the new place. To the core: the person is made here, with a password now or later. To the inside: account, passwords and',
    'contact list are gone here, histories and archives stay as long as retention says. Works beside a running process within a second, and without one.',
  ].join('\n'),
  example: 'isthmus user move inge@people.example --to core --name "Inge Moe" --generate',
  input: z.object({
    address: addressInput,
    to: z.enum(['core', 'inside'], 'right would be core or inside').describe('core or inside.'),
    dryRun: z.union([z.boolean(), z.stringbool()]).default(false).describe('Say what would happen, change nothing.'),
    name: nameInput.optional().describe('To the core: what others read as their name.'),
    ...PASSWORD_INPUT,
    out: z.string().min(1).max(4096).optional().describe('On the command line, to the inside: a new file for the contact list.'),
  }),
  http: { method: 'POST', path: '/users/{address}/move' },
  role: 'admin',
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atPeople(operations, 'user move', async (desk): Promise<Report> => {
      const table = tableOf(operations);
      const own = splitOf(input.address, table);
      const address = { local: fromBareKey(input.address).local, domain: own.domain };
      const key = bareKey(address);
      const there = await desk.people.get(key);
      const facts = { key, own, to: input.to, dryRun: input.dryRun };
      if (input.to === 'core') {
        if (there !== undefined) throw new Refused(`${key} is a user of the core already; isthmus user show ${key}`, 409);
        if (input.out !== undefined) throw new Refused('--out is for --to inside: the internal system has the contact list');
        const person: Person = {
          address,
          name: input.name ?? address.local,
          disabled: false,
          groups: [],
          createdAt: operations.clock.now(),
        };
        const chosen = await chosenPassword(operations, input, person);
        if (input.dryRun) return report(facts, await desk.moves.sight(key, 'core', table), []);
        const found = await desk.moves.toCore(person, table);
        const shown = chosen === undefined ? [] : await keepPassword(desk, person, '', chosen);
        const said =
          chosen === undefined ? [`no password yet: isthmus user password ${key} --generate, or isthmus user invite ${key}`] : shown;
        return report(facts, found, said, chosen?.made === true ? chosen.password : undefined);
      }
      if (there === undefined)
        throw new Refused(`${key} is no user of the core; every other address of ${own.domain} is inside already`, 409);
      if (input.name !== undefined || input.generate || input.password !== undefined || input.passwordFile !== undefined)
        throw new Refused('a name and a password are for --to core; the internal system has its own');
      const before = await desk.moves.sight(key, 'inside', table);
      const contacts = viewContacts(before.contacts);
      const file = input.out === undefined ? undefined : resolve(input.out);
      if (operations.actor.via === 'api' && file !== undefined)
        throw new Refused('over the API the answer has the contacts; there are no files');
      if (file !== undefined && existsSync(file)) throw new Refused(`${file} is there already; name a new file`);
      if (input.dryRun) return report(facts, before, []);
      if (file === undefined && contacts.length > 0 && operations.actor.via !== 'api')
        throw new Refused(
          `${key} has ${count(contacts.length, 'contact')}, and the list would be lost; --out FILE (.vcf or .json) keeps it`,
        );
      const kept = file === undefined ? [] : [keep(file, contacts)];
      await desk.moves.toInside(key, table);
      return report(facts, before, kept);
    }),
});

/** @throws Refused when the domain is not split */
function splitOf(address: string, table: Table): Split {
  const { domain } = fromBareKey(address);
  const own = table.domains.get(domain);
  if (own === undefined) throw new Refused(`${domain} is no domain of ours (routes/domains.yaml)`, 404);
  const { otherwise } = own;
  if (otherwise === undefined)
    throw new Refused(
      `${domain} is served: ${own.served} for everybody; otherwise: in routes/domains.yaml says where users live that are not in the core`,
    );
  return { ...own, otherwise };
}

function keep(file: string, contacts: readonly ContactView[]): string {
  try {
    const open = openSync(file, 'wx', 0o600);
    try {
      writeSync(open, contactFile(file, contacts));
    } finally {
      closeSync(open);
    }
  } catch (error) {
    throw new Refused(`${file} cannot be written: ${error instanceof Error && 'code' in error ? String(error.code) : String(error)}`);
  }
  return `${count(contacts.length, 'contact')} in ${file}`;
}

interface Facts {
  readonly key: string;
  readonly own: Split;
  readonly to: 'core' | 'inside';
  readonly dryRun: boolean;
}

function report({ key, own, to, dryRun }: Facts, found: MoveSight, said: readonly string[], password?: string): Report {
  const { served } = own.otherwise;
  const system = `the internal ${served === 'sip' ? 'SIP' : 'XMPP'} system`;
  const contacts = viewContacts(found.contacts);
  const will = (is: string, would: string): string => (dryRun ? would : is);
  const place = to === 'core' ? 'the core' : system;
  const lines = [
    `${key} ${will('lives', 'would live')} in ${place} from now on${dryRun ? '; nothing is written' : ''}.`,
    ...said,
    ...(found.watchers.length > 0
      ? [
          `${count(found.watchers.length, 'person', 'people')} outside the core ${will(found.watchers.length === 1 ? 'goes' : 'go', 'would go')} on seeing them`,
        ]
      : []),
    ...(to === 'core' && contacts.length > 0
      ? [`${count(contacts.length, 'contact')} that this border knew of: their list begins with them`]
      : []),
    ...(found.waiting > 0
      ? [
          `${count(found.waiting, 'message')} that ${found.waiting === 1 ? 'waits' : 'wait'}: delivered at ${place}${to === 'core' ? ' at their next sign-in' : ' by the running process'}`,
        ]
      : []),
    'at the other system:',
    ...atOther(to, key, system).map((line) => `  ${line}`),
  ];
  return {
    text: lines.join('\n'),
    json: {
      address: key,
      to,
      dryRun,
      served,
      contacts,
      watchers: found.watchers,
      waiting: found.waiting,
      ...(password !== undefined && { password }),
    },
    exit: 0,
    ...(!dryRun && { changes: `moved ${key} to ${to === 'core' ? 'the core' : `the inside (${served})`}` }),
  };
}

/** What nothing here can do. */
function atOther(to: 'core' | 'inside', key: string, system: string): readonly string[] {
  return to === 'core'
    ? [
        `take the account ${key} away from ${system}, and let it send what it has for that address to Isthmus`,
        `what ${system} still says as ${key} is refused from now on (AUTH_NOT_AN_INSIDE_SERVER)`,
        'contacts among the users there are not known here: export them there, or let people ask each other again',
      ]
    : [
        `make the account ${key} at ${system}; until it is there, messages for it are refused by it`,
        'bring the contact list in there, where that system can; people outside need not be asked again',
      ];
}
