// A small, strict reader for the XML bodies of SIP (iscomposing, IMDN): saxes behind the same guard as everywhere.
// No DTD, comment or processing instruction but the XML declaration; depth 16, 256 elements, 64 KiB.

import { SaxesParser } from 'saxes';
import { carriable } from './charset.ts';

export interface Node {
  readonly name: string;
  readonly ns: string;
  readonly attrs: ReadonlyMap<string, string>;
  readonly children: Node[];
  text: string;
}

/** Reads a document; undefined for anything ill-formed, oversized or forbidden. */
export function readXml(source: string, maxChars = 65_536): Node | undefined {
  if (source.length > maxChars) return undefined;
  const parser = new SaxesParser({ xmlns: true });
  let root: Node | undefined;
  const open: Node[] = [];
  let count = 0;
  const forbid = (): never => {
    throw new Error('forbidden');
  };
  parser.on('error', forbid);
  parser.on('doctype', forbid);
  parser.on('comment', forbid);
  parser.on('processinginstruction', forbid);
  parser.on('opentag', (tag) => {
    if (++count > 256 || open.length >= 16) forbid();
    const attrs = new Map(Object.values(tag.attributes).map((attribute) => [attribute.local, attribute.value]));
    const node: Node = { name: tag.local, ns: tag.uri, attrs, children: [], text: '' };
    const parent = open.at(-1);
    if (parent === undefined) root = node;
    else parent.children.push(node);
    open.push(node);
  });
  const characters = (text: string): void => {
    const node = open.at(-1);
    if (node !== undefined) node.text += text;
  };
  parser.on('text', characters);
  parser.on('cdata', characters);
  parser.on('closetag', () => {
    open.pop();
  });
  try {
    parser.write(source.replace(/^\uFEFF/, '')).close();
  } catch {
    return undefined;
  }
  return root;
}

/** The first child of that name in the node's own namespace. */
export function childOf(node: Node, name: string): Node | undefined {
  return node.children.find((candidate) => candidate.name === name && candidate.ns === node.ns);
}

/** Text for an XML document of ours: escaped, and free of what XML cannot carry. */
export function escapeXml(text: string): string {
  return carriable(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
