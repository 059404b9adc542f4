// `isthmus user import`: users from a table. Each line is judged for itself: what is good is taken, what is not is told.

import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import * as z from 'zod';
import { bareKey } from '../../model/address.ts';
import type { Person } from '../../model/core.ts';
import type { PeopleDesk } from '../../model/people.ts';
import { decodeText, MAX_IMPORT_BYTES } from '../import/decode.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { count } from '../words.ts';
import { atPeople, differences, Refused, tableOf, withFields } from './given.ts';
import { importDirectory } from './import-directory.ts';
import { COLUMNS, type RowFault, readUsers, type UserRow } from './import-rows.ts';
import { makePassword, passwordFault } from './password-rules.ts';

/** Written to the tables in one go. */
const BATCH = 200;
/** Lines of one kind that are shown; the JSON has all. */
const SHOWN = 50;

export const userImport = verb({
  words: 'user import',
  summary: 'adds and changes users from a CSV table, or from the directory',
  positionals: ['[file]'],
  options: {
    ldap: { type: 'boolean', says: 'from the directory that people/directory.yaml names, one round now' },
    'dry-run': { type: 'boolean', says: 'only says what it would do' },
    generate: { type: 'boolean', says: 'makes a password for every new user that has none, and prints it, once' },
  },
  details: [
    `The first line names the columns: ${COLUMNS.join(', ')}. Only address is needed; groups are`,
    'separated by semicolons. Names as in exports of Lync and Active Directory (SipAddress, DisplayName, ...) are understood; UTF-8 and UTF-16 too.',
    'Who is there already is changed where the table has a value, and keeps the password they have. A line with a fault is told and left out (exit 1).',
    'With --ldap who is gone or disabled in the directory is disabled; while Isthmus runs that happens by itself. Beside a running process it is seen at once.',
  ].join('\n'),
  example: 'isthmus user import staff.csv --dry-run',
  input: z.object({
    file: z.string().min(1).optional().describe('On the command line: the table.'),
    csv: z.string().max(1_000_000).optional().describe('Over the API: the table as text.').meta({ secret: true }),
    ldap: z.boolean().default(false).describe('From the directory, one round now.'),
    dryRun: z.boolean().default(false).describe('Only say what it would do.'),
    generate: z.boolean().default(false).describe('Make a password for every new user that has none.'),
  }),
  http: { method: 'POST', path: '/users' },
  role: 'admin',
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atPeople(operations, 'user import', async (desk): Promise<Report> => {
      if (input.ldap) {
        if (input.file !== undefined || input.csv !== undefined || input.generate) throw new Refused('--ldap goes alone or with --dry-run');
        return importDirectory(operations, desk, input.dryRun);
      }
      const { name, text } = tableText(operations, input);
      const { rows, faults, ignored } = readUsers(name, text, tableOf(operations));
      const plans: Plan[] = [];
      const refused: RowFault[] = [...faults];
      for (const row of rows) {
        const plan = await planOf(operations, desk, row, input.generate);
        if ('fault' in plan) refused.push(plan);
        else plans.push(plan);
      }
      if (!input.dryRun) await carryOut(operations, desk, plans);
      return reportOf(
        plans,
        refused.sort((a, b) => a.line - b.line),
        ignored,
        input.dryRun,
      );
    }),
});

interface Plan {
  readonly line: number;
  readonly kind: 'added' | 'changed' | 'same';
  readonly person: Person;
  readonly changes: readonly string[];
  readonly password?: string;
  /** Nobody knows it otherwise: it is shown. */
  readonly made?: true;
  readonly note?: string;
}

async function planOf(operations: Operations, desk: PeopleDesk, row: UserRow, generate: boolean): Promise<Plan | RowFault> {
  const key = bareKey(row.address);
  const before = await desk.people.get(key);
  const blank = { address: row.address, name: row.address.local, disabled: false, groups: [], createdAt: operations.clock.now() };
  const filled = withFields(before ?? blank, { ...row.fields, name: row.name, groups: row.groups, addresses: row.addresses });
  const person = row.disabled === undefined ? filled : { ...filled, disabled: row.disabled };
  const changes = differences(before, person);
  if (person.disabled !== (before?.disabled ?? false)) changes.push(person.disabled ? 'disabled' : 'enabled');
  const has = before !== undefined && (await desk.people.credentials(key)).some((one) => one.device === '');
  const fault = row.password === undefined || has ? undefined : passwordFault(row.password, person);
  if (fault !== undefined) return { line: row.line, address: key, fault };
  const made = !has && row.password === undefined && generate && before === undefined;
  const password = made ? makePassword() : has ? undefined : row.password;
  if (password !== undefined) changes.push('password set');
  return {
    line: row.line,
    kind: before === undefined ? 'added' : changes.length === 0 ? 'same' : 'changed',
    person,
    changes,
    ...(password !== undefined && { password }),
    ...(made && { made: true as const }),
    ...(has && row.password !== undefined && { note: 'has a password already, which stays' }),
  };
}

async function carryOut(operations: Operations, desk: PeopleDesk, plans: readonly Plan[]): Promise<void> {
  const todo = plans.filter(({ kind }) => kind !== 'same');
  const table = tableOf(operations);
  for (let from = 0; from < todo.length; from += BATCH) {
    if (operations.signal.aborted) throw new Refused(`interrupted: ${from} of ${todo.length} users are written; the same command goes on`);
    const batch = todo.slice(from, from + BATCH);
    await Promise.all(batch.map(({ person, kind }) => (kind === 'added' ? desk.add(person, table) : desk.people.put(person))));
    await Promise.all(batch.map(({ person, password }) => (password === undefined ? undefined : desk.setPassword(person, '', password))));
    operations.progress(`${Math.min(from + BATCH, todo.length)} of ${todo.length} users`);
  }
}

function reportOf(plans: readonly Plan[], faults: readonly RowFault[], ignored: readonly string[], dryRun: boolean): Report {
  const of = (kind: Plan['kind']): readonly Plan[] => plans.filter((plan) => plan.kind === kind);
  const [added, changed, same] = [of('added'), of('changed'), of('same')];
  const without = added.filter(({ password }) => password === undefined).length;
  const would = dryRun ? 'would be ' : '';
  const lines = [
    ...limited(added, ({ line, person }) => `line ${line}: ${bareKey(person.address)} ${would}added`),
    ...limited(changed, ({ line, person, changes }) => `line ${line}: ${bareKey(person.address)} ${would}changed: ${changes.join('; ')}`),
    ...limited(
      plans.filter(({ note }) => note !== undefined),
      ({ line, person, note }) => `line ${line}: ${bareKey(person.address)} ${note}`,
    ),
    ...limited(faults, ({ line, address, fault }) => `line ${line}: left out${address === undefined ? '' : `, ${address}`}: ${fault}`),
    ...ignored.map((name) => `column "${name.slice(0, 60)}" is not read; known are ${COLUMNS.join(', ')}`),
    ...(without === 0
      ? []
      : [`${count(without, 'new user')} without a password: isthmus user password ADDRESS --generate, or import with --generate`]),
    `${count(added.length, 'user')} ${would}added, ${changed.length} changed, ${same.length} as they were, ${faults.length} left out${dryRun ? '; nothing is written yet' : ''}`,
  ];
  const made = dryRun ? [] : plans.filter((plan) => plan.made === true);
  if (made.length > 0)
    lines.push('', 'passwords, shown this once:', ...made.map(({ person, password }) => `  ${bareKey(person.address)}  ${password}`));
  const summary = `${added.length} added, ${changed.length} changed, ${faults.length} left out`;
  const touched = [...added, ...changed].map(({ kind, person }) => `${kind} ${bareKey(person.address)}`);
  return {
    text: lines.join('\n'),
    json: {
      dryRun,
      users: plans.map(({ line, kind, person, changes, note, made: shown, password }) => ({
        line,
        address: bareKey(person.address),
        done: kind,
        changes,
        ...(note !== undefined && { note }),
        ...(!dryRun && shown && { password }),
      })),
      faults,
      ignoredColumns: ignored,
    },
    exit: faults.length > 0 ? 1 : 0,
    ...(!dryRun && touched.length > 0 && { changes: [summary, ...touched.slice(0, 1000)].join('\n') }),
  };
}

function limited<T>(all: readonly T[], show: (one: T) => string): string[] {
  const shown = all.slice(0, SHOWN).map(show);
  return all.length > SHOWN ? [...shown, `... and ${all.length - SHOWN} more like that; --json has all`] : shown;
}

function tableText(
  operations: Operations,
  input: { readonly file?: string | undefined; readonly csv?: string | undefined },
): { readonly name: string; readonly text: string } {
  if (input.csv !== undefined) return { name: 'the table', text: input.csv };
  if (input.file === undefined) throw new Refused('which table? isthmus user import FILE.csv');
  if (operations.actor.via === 'api') throw new Refused('over the API give the table as csv, not the path of a file');
  let bytes: Buffer;
  try {
    const { size } = statSync(input.file);
    if (size > MAX_IMPORT_BYTES) throw new Refused(`${input.file} has ${size} bytes; at most ${MAX_IMPORT_BYTES} are read`);
    bytes = readFileSync(input.file);
  } catch (error) {
    if (error instanceof Refused) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new Refused(`${input.file} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : code}`);
  }
  const decoded = decodeText(bytes);
  if (typeof decoded === 'string') throw new Refused(`${input.file}: ${decoded}`);
  return { name: basename(input.file), text: decoded.text };
}
