// One row of SQLite as typed values: what a column holds is checked where it is read, not assumed.

import type { SQLOutputValue } from 'node:sqlite';

export type Row = Record<string, SQLOutputValue>;

/** A text column. @throws TypeError when it holds something else: the tables are STRICT, so the statement is wrong */
export function text(row: Row, name: string): string {
  const value = row[name];
  if (typeof value !== 'string') throw new TypeError(`column ${name} is not a text`);
  return value;
}

/** An integer column. @throws TypeError */
export function integer(row: Row, name: string): number {
  const value = row[name];
  if (typeof value !== 'number') throw new TypeError(`column ${name} is not a number`);
  return value;
}

/** A blob column. @throws TypeError */
export function blob(row: Row, name: string): Uint8Array {
  const value = row[name];
  if (!(value instanceof Uint8Array)) throw new TypeError(`column ${name} is not a blob`);
  return value;
}

/** A text column that may be null. */
export function maybeText(row: Row, name: string): string | undefined {
  const value = row[name];
  return typeof value === 'string' ? value : undefined;
}

/** An integer column that may be null. */
export function maybeInteger(row: Row, name: string): number | undefined {
  const value = row[name];
  return typeof value === 'number' ? value : undefined;
}

/** A text column that holds one of a closed set of words. @throws TypeError */
export function word<W extends string>(row: Row, name: string, words: readonly W[]): W {
  const value = row[name];
  const found = words.find((one) => one === value);
  if (found === undefined) throw new TypeError(`column ${name} holds an unknown word`);
  return found;
}
