// Edits the text of a YAML file at the places where the parser found its nodes: the lines that change, and no others.

import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { childOf, columnOf, deepEnd, endOf, isFlow, keyOf, lineEnd, pairEnd, pairOf, replace, startOf } from './yaml-nodes.ts';
import { flow, type Plain, parse } from './yaml-plain.ts';
import type { KeyPath, Step } from './yaml-step.ts';

type Writing = Exclude<Step, { kind: 'delete' }>;

/** Carries out a step on the text itself. @returns undefined when the text is written in a way that this does not reach */
export function splice(text: string, step: Step): string | undefined {
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
function rest(step: Writing, depth: number): Plain {
  const inner: Plain = step.kind === 'append' ? [step.value] : step.value;
  return step.path.slice(depth).reduceRight<Plain>((value, key) => ({ [key]: value }), inner);
}

/** A file without a value, comments only: a line at its end. */
function newKey(text: string, path: KeyPath, step: Writing): string {
  const gap = text === '' || text.endsWith('\n') ? '' : '\n';
  return `${text}${gap}${path[0] === undefined ? `- ${flow(step.value)}` : lines(path[0], step, path, '')}\n`;
}

/** A new key at the end of a mapping. */
function intoMap(text: string, map: YAMLMap, path: KeyPath, step: Writing): string | undefined {
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
function lines(key: string | number, step: Writing, path: KeyPath, indent: string): string {
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
