// A table of users as rows: which column is which, and what is wrong with a line. Columns may be called as Lync's and Active
// Directory's own exports call them.

import { parseUser, Wrong } from '../../config/values.ts';
import type { Address } from '../../model/address.ts';
import type { Table } from '../../model/table.ts';
import { readCsv } from '../import/csv.ts';
import type { ExportedObject } from '../import/record.ts';
import { FIELDS, type Fields, mailInput, nameInput, ofCore, othersInput, phoneInput, Refused, textInput } from './given.ts';

export const COLUMNS = ['address', 'name', ...FIELDS, 'addresses', 'groups', 'disabled', 'password'] as const;
type Column = (typeof COLUMNS)[number];

const ALSO: Readonly<Record<string, Column>> = {
  user: 'address',
  jid: 'address',
  sipaddress: 'address',
  displayname: 'name',
  'display name': 'name',
  email: 'mail',
  emailaddress: 'mail',
  telephonenumber: 'phone',
  officephone: 'phone',
  mobilephone: 'mobile',
  physicaldeliveryofficename: 'office',
  group: 'groups',
  other: 'addresses',
  'other addresses': 'addresses',
  proxyaddresses: 'addresses',
};

export interface UserRow {
  readonly line: number;
  readonly address: Address;
  readonly name?: string;
  readonly fields: Fields;
  readonly groups?: readonly string[];
  readonly addresses?: readonly string[];
  readonly disabled?: boolean;
  readonly password?: string;
}
export interface RowFault {
  readonly line: number;
  readonly address?: string;
  readonly fault: string;
}
export interface UserRows {
  readonly rows: readonly UserRow[];
  readonly faults: readonly RowFault[];
  /** Columns that nobody reads. */
  readonly ignored: readonly string[];
}

/** Reads the table. @param file its name, for faults @throws Refused when it is no table of users at all */
export function readUsers(file: string, text: string, table: Table): UserRows {
  const read = readCsv(file, text);
  if (typeof read === 'string') throw new Refused(`${file}: ${read}`);
  const names = read.objects[0]?.names ?? [];
  const columnOf = (name: string): Column | undefined => {
    const lower = name.toLowerCase();
    return COLUMNS.find((column) => column === lower) ?? ALSO[lower];
  };
  if (read.objects.length === 0) throw new Refused(`${file} has a heading and no user`);
  if (!names.some((name) => columnOf(name) === 'address'))
    throw new Refused(`${file} has no column "address"; the first line names the columns: ${COLUMNS.join(', ')}`);
  const rows: UserRow[] = [];
  const faults: RowFault[] = [];
  const lines = new Map<string, number>();
  for (const object of read.objects) {
    const cells = cellsOf(object, columnOf);
    const written = cells.get('address') ?? '';
    const row = rowOf(object.origin.row, cells, table);
    if (typeof row === 'string') {
      faults.push({ line: object.origin.row, ...(written !== '' && { address: written }), fault: row });
      continue;
    }
    const key = `${row.address.local}@${row.address.domain}`;
    const before = lines.get(key);
    if (before !== undefined) faults.push({ line: row.line, address: key, fault: `stands in line ${before} already` });
    else {
      lines.set(key, row.line);
      rows.push(row);
    }
  }
  return { rows, faults, ignored: names.filter((name) => name !== '' && columnOf(name) === undefined) };
}

function cellsOf({ cells }: ExportedObject, columnOf: (name: string) => Column | undefined): Map<Column, string> {
  const found = new Map<Column, string>();
  for (const [name, cell] of cells) {
    const column = columnOf(name);
    if (column !== undefined && cell.kind === 'text' && !found.has(column)) found.set(column, cell.text);
  }
  return found;
}

/** @returns what is wrong, as a sentence */
function rowOf(line: number, cells: ReadonlyMap<Column, string>, table: Table): UserRow | string {
  const written = cells.get('address');
  if (written === undefined) return 'the address is empty';
  const parsed = parseUser(written.replace(/^(?:sip|xmpp|im):/i, ''));
  if (parsed instanceof Wrong) return `"${written.slice(0, 100)}" is no address; right would be ${parsed.right}`;
  let address: Address;
  try {
    address = ofCore(parsed, table);
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
  const fields: Record<string, string> = {};
  for (const column of FIELDS) {
    const cell = cells.get(column);
    if (cell === undefined) continue;
    const schema = column === 'mail' ? mailInput : column === 'phone' || column === 'mobile' ? phoneInput : textInput;
    const judged = schema.safeParse(cell);
    if (!judged.success) return `${column} "${cell.slice(0, 60)}": right would be ${judged.error.issues[0]?.message ?? 'something else'}`;
    fields[column] = judged.data;
  }
  const name = cells.get('name');
  const judged = nameInput.optional().safeParse(name);
  if (!judged.success) return `name: ${judged.error.issues[0]?.message ?? 'something else'}`;
  const off = cells.get('disabled');
  if (off !== undefined && !/^(?:yes|no|true|false|1|0)$/i.test(off)) return `disabled "${off.slice(0, 20)}": right would be yes or no`;
  const others = cells.get('addresses');
  const addresses = othersInput.optional().safeParse(others === undefined ? undefined : partsOf(others));
  if (!addresses.success) return `addresses: right would be ${addresses.error.issues[0]?.message ?? 'something else'}`;
  const groups = cells.get('groups');
  const password = cells.get('password');
  return {
    line,
    address,
    ...(judged.data !== undefined && { name: judged.data }),
    fields,
    ...(addresses.data !== undefined && { addresses: addresses.data }),
    ...(groups !== undefined && { groups: partsOf(groups).map((one) => one.slice(0, 100)) }),
    ...(off !== undefined && { disabled: /^(?:yes|true|1)$/i.test(off) }),
    ...(password !== undefined && { password }),
  };
}

/** `traders; board`: separated by semicolons, bars or, inside quotes, commas. */
function partsOf(text: string): readonly string[] {
  const names = text.split(/[;|,]/).map((one) => one.normalize('NFC').trim());
  return [...new Set(names.filter((one) => one !== ''))];
}
