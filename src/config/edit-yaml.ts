// Edits one YAML file as an operator would: the lines that change, and no others. Comments, order, quotes and spacing stay.
// A step is carried out on the text itself, at the places where the parser found its nodes; what comes out is parsed again
// and must be the old value with exactly this change. Where the text is written too oddly for that, the yaml library rewrites
// the file, comments included.

import { isDeepStrictEqual } from 'node:util';
import { Document, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';

export type KeyPath = readonly (string | number)[];
export type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain };

/** One change of one file. */
export type Step =
  /** Writes a value; keys above it that are not there are made. */
  | { readonly kind: 'set'; readonly path: KeyPath; readonly value: Plain }
  /** Takes a key, or an item of a list, away. What is not there already is no fault. */
  | { readonly kind: 'delete'; readonly path: KeyPath }
  /** Adds to the end of a list; a list that is not there is made, a single value becomes one. An empty path is the file itself. */
  | { readonly kind: 'append'; readonly path: KeyPath; readonly value: Plain };

/** The file is no YAML that can be edited; its message says why. */
export class EditError extends Error {}

/** Carries out `steps` on the text of a file, in order. @throws EditError when it is not plain YAML, or a step cannot be done in it */
export function editYaml(text: string, steps: readonly Step[]): string {
  return steps.reduce(editOnce, text);
}

/** The value of a file as plain data. A file of comments only is an empty mapping. @throws EditError */
export function plainOf(text: string): unknown {
  return parse(text).toJS() ?? {};
}

function editOnce(text: string, step: Step): string {
  const before = plainOf(text);
  const wanted = changed(before, step);
  if (isDeepStrictEqual(before, wanted)) return text;
  for (const attempt of [splice, rewrite]) {
    const after = attempt(text, step);
    if (after !== undefined && holds(after, wanted)) return likeBefore(text, after);
  }
  throw new EditError(`/${step.path.join('/')} cannot be changed as the file is written; change it by hand`);
}

/** A file with Windows' line ends keeps them. */
function likeBefore(before: string, after: string): string {
  return /\r\n/.test(before) && !/[^\r]\n/.test(before) ? after.replaceAll(/\r?\n/g, '\r\n') : after;
}

function holds(text: string, wanted: unknown): boolean {
  try {
    return isDeepStrictEqual(plainOf(text), wanted);
  } catch {
    return false;
  }
}

function parse(text: string): ReturnType<typeof parseDocument> {
  try {
    const document = parseDocument(text, { prettyErrors: true, merge: false });
    const [problem] = document.errors;
    if (problem !== undefined) throw new EditError(`not YAML: ${problem.message.split('\n')[0]}`);
    return document;
  } catch (error) {
    throw error instanceof EditError ? error : new EditError('nested too deeply');
  }
}

// --- what the value is to be -----------------------------------------------------------------------------------

function changed(before: unknown, step: Step): unknown {
  const [last] = step.path.slice(-1);
  if (last === undefined) {
    if (step.kind !== 'append') throw new EditError('the path of a change is empty');
    return [...asList(isDeepStrictEqual(before, {}) ? undefined : before), step.value];
  }
  const copy: unknown = structuredClone(before);
  let place = copy;
  for (const [depth, key] of step.path.slice(0, -1).entries()) {
    let inner = Reflect.get(container(place, step.path), key) as unknown;
    if (inner === undefined || inner === null) {
      if (step.kind === 'delete') return before;
      if (typeof step.path[depth + 1] === 'number') throw new EditError(`there is no /${step.path.join('/')}`);
      inner = {};
      Reflect.set(container(place, step.path), key, inner);
    }
    place = inner;
  }
  const parent = container(place, step.path);
  const old: unknown = Reflect.get(parent, last);
  if (step.kind === 'set') Reflect.set(parent, last, step.value);
  else if (step.kind === 'append') Reflect.set(parent, last, [...asList(old), step.value]);
  else if (Array.isArray(parent) && typeof last === 'number') parent.splice(last, 1);
  else Reflect.deleteProperty(parent, last);
  return copy;
}

function container(value: unknown, path: KeyPath): object {
  if (value !== null && typeof value === 'object') return value;
  throw new EditError(`/${path.join('/')} stands in something that is no mapping`);
}

function asList(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

// --- on the text -------------------------------------------------------------------------------------------------

/** @returns undefined when the text is written in a way that this does not reach */
function splice(text: string, step: Step): string | undefined {
  const { contents: root } = parse(text);
  if (root === null || (isScalar(root) && root.value === null)) return step.kind === 'delete' ? text : newKey(text, step.path, step);
  if (!isMap(root) && !isSeq(root)) return undefined;
  if (step.kind === 'delete') return cut(text, root, step.path);

  // As far down as there is something.
  let node: Node = root;
  let holder: Pair<Node, Node | null> | undefined;
  for (const [depth, key] of step.path.entries()) {
    holder = pairOf(node, key);
    const found = childOf(node, key);
    if (found === undefined) {
      if (!isMap(node)) return undefined;
      return intoMap(text, node, step.path.slice(depth), step);
    }
    if (found === null) return holder === undefined ? undefined : afterColon(text, holder, rest(step, depth + 1));
    node = found;
  }
  if (step.kind === 'append') return isMap(node) && !isFlow(node) ? undefined : intoList(text, node, step);
  if (isScalar(node) || isFlow(node)) return replace(text, startOf(node), endOf(node), flow(step.value));
  const without = cutLines(text, startOf(node), deepEnd(node));
  return without === undefined || holder === undefined ? undefined : afterColon(without, holder, step.value);
}

/** What is to stand at `path[depth]`, as nested mappings. */
function rest(step: Exclude<Step, { kind: 'delete' }>, depth: number): Plain {
  const inner: Plain = step.kind === 'append' ? [step.value] : step.value;
  return step.path.slice(depth).reduceRight<Plain>((value, key) => ({ [key]: value }), inner);
}

/** A file without a value, comments only: a line at its end. */
function newKey(text: string, path: KeyPath, step: Exclude<Step, { kind: 'delete' }>): string {
  const gap = text === '' || text.endsWith('\n') ? '' : '\n';
  return `${text}${gap}${path[0] === undefined ? `- ${flow(step.value)}` : lines(path[0], step, path, '')}\n`;
}

/** A new key at the end of a mapping. */
function intoMap(text: string, map: YAMLMap, path: KeyPath, step: Exclude<Step, { kind: 'delete' }>): string | undefined {
  const last = map.items.at(-1) as Pair<Node, Node | null> | undefined;
  const relative = { ...step, path };
  if (isFlow(map)) {
    const entry = `${flow(String(path[0]))}: ${flow(rest(relative, 1))}`;
    if (last === undefined) return replace(text, startOf(map), endOf(map), `{ ${entry} }`);
    const end = pairEnd(last);
    return replace(text, end, end, `, ${entry}`);
  }
  if (last === undefined) return undefined;
  const at = lineEnd(text, pairEnd(last));
  const indent = ' '.repeat(columnOf(text, startOf((map.items[0] as Pair<Node, Node>).key)));
  const gap = text[at - 1] === '\n' || at === 0 ? '' : '\n';
  return replace(text, at, at, `${gap}${lines(path[0]!, relative, path, indent)}\n`);
}

/** `key: value` for a block mapping; a list of mappings gets a line for each. */
function lines(key: string | number, step: Exclude<Step, { kind: 'delete' }>, path: KeyPath, indent: string): string {
  const value = rest({ ...step, path }, 1);
  const name = `${indent}${flow(String(key))}:`;
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'object' && !Array.isArray(item)))
    return [name, ...value.map((item: Plain) => `${indent}  - ${flow(item)}`)].join('\n');
  return `${name} ${flow(value)}`;
}

function afterColon(text: string, pair: Pair<Node, Node | null>, value: Plain): string | undefined {
  const colon = text.indexOf(':', endOf(pair.key));
  return colon < 0 ? undefined : replace(text, colon + 1, colon + 1, ` ${flow(value)}`);
}

function intoList(text: string, node: Node, { value }: { readonly value: Plain }): string | undefined {
  if (isScalar(node)) {
    const written = text.slice(startOf(node), endOf(node));
    return written.includes('\n') ? undefined : replace(text, startOf(node), endOf(node), `[${written}, ${flow(value)}]`);
  }
  if (!isSeq(node)) return replace(text, startOf(node), endOf(node), `[${text.slice(startOf(node), endOf(node))}, ${flow(value)}]`);
  const last = node.items.at(-1) as Node | undefined;
  if (last === undefined) {
    // `blocked: []` gets a line for each entry; deeper down the brackets stay.
    const before = text.slice(text.lastIndexOf('\n', startOf(node) - 1) + 1, startOf(node));
    if (typeof value === 'object' && /^\w+: +$/.test(before))
      return replace(text, startOf(node) - (before.length - before.trimEnd().length), endOf(node), `\n  - ${flow(value)}`);
    return replace(text, startOf(node), endOf(node), `[${flow(value)}]`);
  }
  if (isFlow(node)) return replace(text, endOf(last), endOf(last), `, ${flow(value)}`);
  const dash = text.lastIndexOf('-', startOf(node.items[0] as Node) - 1);
  const at = lineEnd(text, endOf(last));
  const gap = text[at - 1] === '\n' ? '' : '\n';
  return replace(text, at, at, `${gap}${' '.repeat(columnOf(text, dash))}- ${flow(value)}\n`);
}

/** Takes a key or an item out, with its line where it has one of its own. */
function cut(text: string, root: YAMLMap | YAMLSeq, path: KeyPath): string | undefined {
  let parent: Node | null | undefined = root;
  for (const key of path.slice(0, -1)) parent = parent == null ? undefined : childOf(parent, key);
  const last = path.at(-1)!;
  if (isMap(parent)) {
    const index = parent.items.findIndex((pair) => keyOf(pair) === String(last));
    const pair = parent.items[index] as Pair<Node, Node | null> | undefined;
    if (pair === undefined) return text;
    if (isFlow(parent))
      return cutFlow(text, parent, index, (item) => [startOf((item as Pair<Node>).key), pairEnd(item as Pair<Node, Node>)]);
    const without = cutLines(text, startOf(pair.key), pairEnd(pair));
    return parent.items.length > 1 || parent === root ? without : leaveEmpty(without, root, path.slice(0, -1), {});
  }
  if (!isSeq(parent) || typeof last !== 'number') return undefined;
  const item = parent.items[last] as Node | undefined;
  if (item === undefined) return text;
  if (isFlow(parent)) return cutFlow(text, parent, last, (one) => [startOf(one as Node), endOf(one as Node)]);
  const dash = text.lastIndexOf('-', startOf(item) - 1);
  const without = cutLines(text, dash, endOf(item));
  return parent.items.length > 1 ? without : leaveEmpty(without, root, path.slice(0, -1), []);
}

/** What has lost its last entry is written as empty, behind the key that holds it. */
function leaveEmpty(text: string | undefined, root: YAMLMap | YAMLSeq, path: KeyPath, empty: Plain): string | undefined {
  if (path.length === 0) return text === undefined ? undefined : `${text}${flow(empty)}\n`;
  let holder: Node | null | undefined = root;
  for (const key of path.slice(0, -1)) holder = holder == null ? undefined : childOf(holder, key);
  const pair = holder == null ? undefined : pairOf(holder, path.at(-1)!);
  return text === undefined || pair === undefined ? undefined : afterColon(text, pair, empty);
}

/** The whole lines from `start` to `end`, with what is said about them behind; undefined when something else stands before. */
function cutLines(text: string, start: number, end: number): string | undefined {
  const from = text.lastIndexOf('\n', start - 1) + 1;
  return text.slice(from, start).trim() === '' ? replace(text, from, lineEnd(text, end), '') : undefined;
}

/** An item of `[a, b]` or `{ a: 1, b: 2 }` with the comma that belongs to it. */
function cutFlow(text: string, list: YAMLMap | YAMLSeq, index: number, spanOf: (item: unknown) => [number, number]): string {
  const spans = list.items.map(spanOf);
  const [start, end] = spans[index]!;
  const next = spans[index + 1];
  const previous = spans[index - 1];
  if (next !== undefined) return replace(text, start, next[0], '');
  if (previous !== undefined) return replace(text, previous[1], end, '');
  return replace(text, startOf(list), endOf(list), isMap(list) ? '{}' : '[]');
}

// --- through the library -----------------------------------------------------------------------------------------

function rewrite(text: string, step: Step): string {
  const document = parse(text);
  if (step.kind === 'set') document.setIn(step.path, document.createNode(step.value));
  else if (step.kind === 'delete') {
    document.deleteIn(step.path);
    emptied(document, step.path.slice(0, -1));
  } else {
    const old = document.getIn(step.path, true);
    if (isSeq(old)) old.add(document.createNode(step.value));
    else
      document.setIn(
        step.path,
        document.createNode(
          old === undefined ? [step.value] : [...asList(isScalar(old) ? old.value : (old as Node).toJS(document)), step.value],
        ),
      );
  }
  return document.toString({ lineWidth: 0 });
}

/** A mapping that has lost its last key is written as one that is empty, not as nothing. */
function emptied(document: ReturnType<typeof parseDocument>, path: KeyPath): void {
  const left = path.length === 0 ? undefined : document.getIn(path, true);
  if ((isMap(left) || isSeq(left)) && left.items.length === 0) left.flow = true;
}

// --- nodes and places ----------------------------------------------------------------------------------------------

function childOf(node: Node, key: string | number): Node | null | undefined {
  if (isSeq(node) && typeof key === 'number') return node.items[key] as Node | undefined;
  const pair = pairOf(node, key);
  if (pair === undefined) return undefined;
  const { value } = pair;
  return value === null || (isScalar(value) && value.value === null && value.range?.[0] === value.range?.[1]) ? null : value;
}

function pairOf(node: Node, key: string | number): Pair<Node, Node | null> | undefined {
  // The parser makes nodes of keys and values; nothing here puts plain values in.
  return isMap(node) ? (node.items.find((pair) => keyOf(pair) === String(key)) as Pair<Node, Node | null> | undefined) : undefined;
}

const keyOf = (pair: Pair): string | undefined => (isScalar(pair.key) ? String(pair.key.value) : undefined);
const isFlow = (node: Node): boolean => (isMap(node) || isSeq(node)) && node.flow === true;
const startOf = (node: Node): number => node.range?.[0] ?? 0;
/** Where the value ends, before what stands behind it. */
const endOf = (node: Node): number => node.range?.[1] ?? 0;

function pairEnd(pair: Pair<Node, Node | null>): number {
  const { key, value } = pair;
  return value === null || value.range == null || value.range[0] === value.range[1] ? endOf(key) + 1 : deepEnd(value);
}

/** A block collection ends with its last item, not with the comments below it. */
function deepEnd(node: Node): number {
  if (!(isMap(node) || isSeq(node)) || node.flow === true) return endOf(node);
  const last = node.items.at(-1);
  if (last === undefined) return endOf(node);
  return isMap(node) ? pairEnd(last as Pair<Node, Node | null>) : deepEnd(last as Node);
}

/** Behind the line break of the line in which the value that ends at `offset` ends. */
function lineEnd(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset; // a block text ends with its own
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end + 1;
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

function replace(text: string, from: number, to: number, put: string): string {
  return text.slice(0, from) + put + text.slice(to);
}

/** A value on one line. */
function flow(value: Plain): string {
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
