// Where a YAML file's nodes stand in its text: offsets of characters, from the ranges that the parser gives.

import { isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';

/** undefined: there is no such key or item; null: the key is there, without a value. */
export function childOf(node: Node, key: string | number): Node | null | undefined {
  if (isSeq(node) && typeof key === 'number') return node.items[key] as Node | undefined;
  const pair = pairOf(node, key);
  if (pair === undefined) return undefined;
  const { value } = pair;
  return value === null || (isScalar(value) && value.value === null && value.range?.[0] === value.range?.[1]) ? null : value;
}

export function pairOf(node: Node, key: string | number): Pair<Node, Node | null> | undefined {
  // The parser makes nodes of keys and values; nothing here puts plain values in.
  return isMap(node) ? (node.items.find((pair) => keyOf(pair) === String(key)) as Pair<Node, Node | null> | undefined) : undefined;
}

export const keyOf = (pair: Pair): string | undefined => (isScalar(pair.key) ? String(pair.key.value) : undefined);
export const isFlow = (node: Node): boolean => (isMap(node) || isSeq(node)) && node.flow === true;
export const startOf = (node: Node): number => node.range?.[0] ?? 0;
/** Where the value ends, before what stands behind it. */
export const endOf = (node: Node): number => node.range?.[1] ?? 0;

/** Behind the value of a key, or behind its colon where there is none. */
export function pairEnd(pair: Pair<Node, Node | null>): number {
  const { key, value } = pair;
  return value === null || value.range == null || value.range[0] === value.range[1] ? endOf(key) + 1 : deepEnd(value);
}

/** A block collection ends with its last item, not with the comments below it. */
export function deepEnd(node: Node): number {
  if (!(isMap(node) || isSeq(node)) || node.flow === true) return endOf(node);
  const last = node.items.at(-1);
  if (last === undefined) return endOf(node);
  return isMap(node) ? pairEnd(last as Pair<Node, Node | null>) : deepEnd(last as Node);
}

/** Behind the line break of the line in which the value that ends at `offset` ends. */
export function lineEnd(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset; // a block text ends with its own
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end + 1;
}

export function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

export function replace(text: string, from: number, to: number, put: string): string {
  return text.slice(0, from) + put + text.slice(to);
}
