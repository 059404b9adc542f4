// A YAML file as plain data: what it holds, and how a value of ours is written on one line.

import { Document, isSeq, parseDocument } from 'yaml';

export type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain };

/** The file is no YAML that can be edited; its message says why. */
export class EditError extends Error {}

/** The value of a file as plain data. A file of comments only is an empty mapping. @throws EditError */
export function plainOf(text: string): unknown {
  return parse(text).toJS() ?? {};
}

/** @throws EditError */
export function parse(text: string): ReturnType<typeof parseDocument> {
  try {
    const document = parseDocument(text, { prettyErrors: true, merge: false });
    const [problem] = document.errors;
    if (problem !== undefined) throw new EditError(`not YAML: ${problem.message.split('\n')[0]}`);
    return document;
  } catch (error) {
    throw error instanceof EditError ? error : new EditError('nested too deeply');
  }
}

/** A value on one line. */
export function flow(value: Plain): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([key, inner]) => `${flow(key)}: ${flow(inner)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  // As an item of a list, so that what has a meaning inside brackets is quoted.
  const list = new Document([value]);
  if (isSeq(list.contents)) list.contents.flow = true;
  return list.toString({ lineWidth: 0, flowCollectionPadding: false }).trim().slice(1, -1);
}

/** A new file of these keys, each on a line of its own, in this order. @param comment its first line */
export function printYaml(comment: string, values: Readonly<Record<string, Plain>>): string {
  const body = Object.entries(values).map(([key, value]) => `${key}: ${flow(value)}\n`);
  return `${comment}\n${body.join('')}`;
}
