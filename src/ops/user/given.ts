// What user commands are given: an address of a domain that the core serves, fields of a person, and a password that never
// stands on a command line.

import { closeSync, openSync, readSync } from 'node:fs';
import * as z from 'zod';
import { showFinding } from '../../config/finding.ts';
import { nearest } from '../../config/spelling.ts';
import { parseUser, Wrong } from '../../config/values.ts';
import { type Address, bareKey, fromBareKey } from '../../model/address.ts';
import type { Person } from '../../model/core.ts';
import type { PeopleDesk } from '../../model/people.ts';
import type { Table } from '../../model/table.ts';
import type { OptionSpec } from '../command.ts';
import type { Operations } from '../operations.ts';
import type { Report } from '../verb.ts';

/** What a command refuses to do, in words for who typed it. */
export class Refused extends Error {
  readonly status: 404 | 409 | 422;
  constructor(text: string, status: 404 | 409 | 422 = 422) {
    super(text);
    this.status = status;
  }
}

export const addressInput = z
  .string()
  .transform((value, context) => {
    const parsed = parseUser(value);
    if (typeof parsed === 'string') return parsed;
    context.addIssue({ code: 'custom', message: parsed.right });
    return z.NEVER;
  })
  .describe('The user: user@domain.');

/** Text of one line, as a directory has it. */
const line = (max: number) =>
  z
    .string()
    .transform((value) => value.normalize('NFC').trim())
    .refine((value) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value), 'one line of text')
    .refine((value) => value.length <= max, `at most ${max} characters`);

export const nameInput = line(200).refine((value) => value !== '', 'a name');
export const mailInput = line(320).refine(
  (value) => value === '' || !(parseUser(value) instanceof Wrong),
  'an address such as nora@corp.example',
);
export const phoneInput = line(64).refine(
  (value) => value === '' || /^\+?[\d\s().;=a-z/-]+$/i.test(value),
  'a number such as +49 30 1234567',
);
export const textInput = line(200);
/** `user@domain`, also written as sip:, sips:, xmpp:, im:, smtp: or mailto:. */
const otherInput = line(400).transform((value, context) => {
  const parsed = parseUser(value.replace(/^(?:sips?|xmpp|im|smtp|mailto):/i, ''));
  if (typeof parsed === 'string') return parsed;
  context.addIssue({ code: 'custom', message: parsed.right });
  return z.NEVER;
});
/** More would be a directory of its own. */
const MAX_ADDRESSES = 50;
export const othersInput = z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(otherInput).max(MAX_ADDRESSES));

const groupInput = line(100).refine((value) => value !== '', 'the name of a group');
export const groupsInput = z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(groupInput).max(500));

/** An empty value takes the field away. */
export const FIELD_INPUT = {
  mail: mailInput.optional().describe('Mail address.'),
  phone: phoneInput.optional().describe('Work phone.'),
  mobile: phoneInput.optional().describe('Mobile phone.'),
  title: textInput.optional().describe('What they do.'),
  company: textInput.optional().describe('Where they work.'),
  office: textInput.optional().describe('Their room or place.'),
};
export const FIELDS = ['mail', 'phone', 'mobile', 'title', 'company', 'office'] as const;
export type Fields = Partial<Record<(typeof FIELDS)[number], string | undefined>>;

export const FIELD_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  mail: { type: 'string', value: 'ADDRESS', says: 'mail address' },
  phone: { type: 'string', value: 'NUMBER', says: 'work phone' },
  mobile: { type: 'string', value: 'NUMBER', says: 'mobile phone' },
  title: { type: 'string', value: 'TEXT', says: 'what they do' },
  company: { type: 'string', value: 'TEXT', says: 'where they work' },
  office: { type: 'string', value: 'TEXT', says: 'their room or place' },
  other: { type: 'string', value: 'ADDRESS', multiple: true, says: 'another address they are known by; may be given again' },
  group: { type: 'string', value: 'NAME', multiple: true, says: 'a group they belong to; may be given again' },
};

export const PASSWORD_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  'password-file': { type: 'string', value: 'FILE', says: 'its first line is the password; - reads it from standard input' },
  generate: { type: 'boolean', says: 'makes a password and prints it, once' },
};
export const PASSWORD_INPUT = {
  passwordFile: z.string().min(1).optional().describe('On the command line: a file whose first line is the password; - is standard input.'),
  password: z.string().max(1024).optional().describe('Over the API: the password.').meta({ secret: true }),
  generate: z.boolean().default(false).describe('Make a password; the answer shows it once.'),
};
export interface PasswordGiven {
  readonly passwordFile?: string | undefined;
  readonly password?: string | undefined;
  readonly generate: boolean;
}

/** The person with the given fields in place; an empty one goes. */
export function withFields(
  person: Person,
  fields: Fields & {
    readonly name?: string | undefined;
    readonly groups?: readonly string[] | undefined;
    readonly addresses?: readonly string[] | undefined;
  },
): Person {
  const { mail, phone, mobile, title, company, office, addresses: known = [], ...rest } = person;
  const own = bareKey(person.address);
  const addresses = [...new Set(fields.addresses ?? known)].filter((one) => one !== own);
  const before: Fields = { mail, phone, mobile, title, company, office };
  const after = FIELDS.flatMap((field) => {
    const value = fields[field] ?? before[field] ?? '';
    return value === '' ? [] : [[field, value] as const];
  });
  return {
    ...rest,
    ...(fields.name !== undefined && { name: fields.name }),
    ...(fields.groups !== undefined && { groups: [...new Set(fields.groups)] }),
    ...(addresses.length > 0 && { addresses }),
    ...Object.fromEntries(after),
  };
}

/** Every field and group that differs, one a line: for the audit log and who asked. */
export function differences(before: Person | undefined, after: Person): string[] {
  const lines: string[] = [];
  for (const field of ['name', ...FIELDS] as const) {
    const [was, is] = [before?.[field], after[field]];
    if (was !== is) lines.push(`${field}: ${was === undefined ? '' : `${was} -> `}${is ?? '(none)'}`);
  }
  const lists = [
    ['other addresses', before?.addresses, after.addresses],
    ['groups', before?.groups, after.groups],
  ] as const;
  for (const [what, had, has] of lists) {
    const [was, is] = [(had ?? []).join(', '), (has ?? []).join(', ')];
    if (was !== is) lines.push(`${what}: ${was === '' ? '' : `${was} -> `}${is === '' ? '(none)' : is}`);
  }
  return lines;
}

/** The domains that the core serves, of the files as they stand. @throws Refused when the files have faults */
export function tableOf(operations: Operations): Table {
  const loaded = operations.load();
  if (loaded.ok) return loaded.table;
  throw new Refused(
    [...loaded.faults.slice(0, 5).map(showFinding), 'the files of this home have faults; isthmus check shows all'].join('\n'),
  );
}

/** The address under the domain's own name. @throws Refused when the core does not serve it */
export function ofCore(address: string, table: Table): Address {
  const { local, domain } = fromBareKey(address);
  const own = table.domains.get(domain);
  if (own?.served === 'core') return { local, domain: own.domain };
  const core = [...new Set(table.domains.values())].filter(({ served }) => served === 'core').map((one) => one.domain);
  const which = core.length === 0 ? 'no domain is served: core' : `the core serves ${core.slice(0, 5).join(', ')}`;
  if (own === undefined) throw new Refused(`${domain} is no domain of ours (routes/domains.yaml); ${which}`);
  throw new Refused(`${domain} is served: ${own.served}, its users live there (routes/domains.yaml); ${which}`);
}

/** The reason that was given. @throws Refused without one */
export function sayingWhy({ why }: Operations): string {
  if (why === undefined || why.trim() === '') throw new Refused('who reads what people said says why: add --why TEXT');
  return why;
}

/** Users compared with a misspelled address. */
const NEAR = 200;

/** The person of an address, also of a domain's alias. @throws Refused when there is nobody */
export async function personOf(operations: Operations, desk: PeopleDesk, address: string): Promise<Person> {
  const direct = await desk.people.get(address);
  if (direct !== undefined) return direct;
  const loaded = operations.load();
  const { local, domain } = fromBareKey(address);
  const own = loaded.ok ? loaded.table.domains.get(domain)?.domain : undefined;
  const person = own === undefined ? undefined : await desk.people.get(bareKey({ local, domain: own }));
  if (person !== undefined) return person;
  const known = await desk.people.knownBy(address);
  if (known.length === 1 && known[0] !== undefined)
    throw new Refused(`there is no user ${address}; it is an other address of ${bareKey(known[0].address)} (${known[0].name})`, 404);
  const alike = (await desk.people.find(local.slice(0, 2), NEAR)).map((one) => bareKey(one.address));
  const near = alike.find((one) => fromBareKey(one).local === local) ?? nearest(address, alike);
  const meant = near === undefined ? '' : ` Did you mean ${near}?`;
  throw new Refused(`there is no user ${address}.${meant} isthmus user list shows them`, 404);
}

/** Does the work; what is refused becomes a report. */
export async function atPeople(operations: Operations, words: string, work: (desk: PeopleDesk) => Promise<Report>): Promise<Report> {
  try {
    return await work(await operations.people());
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { text: `isthmus ${words}: ${error.message}`, json: { error: 'refused', text: error.message }, exit: 2, status: error.status };
  }
}

const MAX_PASSWORD_FILE = 4096;

/** The first line of a file, or of standard input. @throws Refused in words */
export async function passwordFrom(operations: Operations, path: string): Promise<string> {
  if (operations.actor.via === 'api') throw new Refused('over the API give the password itself, not the path of a file');
  const text = path === '-' ? await readInput() : readStart(path);
  const [first = ''] = text.replace(/^\ufeff/, '').split(/\r?\n/);
  if (first === '') throw new Refused(`${path === '-' ? 'standard input' : path} has no password in its first line`);
  return first;
}

function readStart(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(MAX_PASSWORD_FILE);
      return bytes.toString('utf8', 0, readSync(file, bytes));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new Refused(`${path} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : code}`);
  }
}

async function readInput(): Promise<string> {
  const { stdin } = process;
  if (stdin.isTTY === true) throw new Refused('what is typed here would be seen; pipe the password in, name a file, or use --generate');
  let text = '';
  for await (const piece of stdin.setEncoding('utf8')) {
    text += String(piece);
    if (text.length > MAX_PASSWORD_FILE || text.includes('\n')) break;
  }
  return text;
}
