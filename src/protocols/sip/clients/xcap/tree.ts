// An XML document with the place of every element and attribute in its text, so that one part can be changed and every other
// character stays (RFC 4825 §7: what was put is what is read back). saxes says whether it is in order and what names mean; a second
// look finds the places. No DTD, no processing instruction.

import { SaxesParser, type SaxesTagNS } from 'saxes';

export interface XmlAttribute {
  readonly name: string;
  readonly ns: string;
  readonly local: string;
  /** Decoded. */
  readonly value: string;
  /** From the white space before its name to behind its closing quote. */
  readonly start: number;
  readonly end: number;
}
export interface XmlElement {
  /** As written. */
  readonly name: string;
  readonly ns: string;
  readonly local: string;
  readonly attributes: readonly XmlAttribute[];
  /** Every prefix that means something here; '' is the default. */
  readonly namespaces: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  readonly parent: XmlElement | undefined;
  /** Text directly in it, decoded. */
  text: string;
  readonly start: number;
  /** Behind its start tag. */
  readonly openEnd: number;
  /** Before its end tag; the same as `openEnd` for `<a/>`. */
  closeStart: number;
  end: number;
}

export interface TreeFault {
  readonly fault: 'not-utf-8' | 'not-well-formed';
  readonly text: string;
}

/** `prefixes`: that mean something at one place; every element knows all of its own. */
export const TREE_LIMITS = { chars: 256 * 1024, elements: 10_000, depth: 32, prefixes: 32 } as const;

/** Reads a document; its root element. */
export function readTree(source: string): XmlElement | TreeFault {
  const { chars, elements, depth, prefixes } = TREE_LIMITS;
  if (source.length > chars) return bad(`a document has at most ${chars} characters`);
  const parser = new SaxesParser({ xmlns: true });
  const tags: SaxesTagNS[] = [];
  const texts: string[] = [];
  const open: number[] = [];
  /** How many prefixes are bound in each of the open elements. */
  const bound: number[] = [];
  let fault: TreeFault | undefined;
  const stop = (found: TreeFault): never => {
    fault ??= found;
    throw new Error(found.text);
  };
  parser.on('error', (error) => stop(bad(error.message)));
  parser.on('doctype', () => stop(bad('a document type is not allowed')));
  parser.on('processinginstruction', () => stop(bad('a processing instruction is not allowed')));
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !/^utf-?8$/i.test(encoding))
      stop({ fault: 'not-utf-8', text: `the document says that it is ${encoding}` });
  });
  parser.on('opentag', (tag) => {
    if (tags.length >= elements || open.length >= depth) stop(bad(`a document has at most ${elements} elements, ${depth} deep`));
    bound.push((bound.at(-1) ?? 0) + Object.keys(tag.ns).length);
    if ((bound.at(-1) ?? 0) > prefixes) stop(bad(`a document binds at most ${prefixes} prefixes at one place`));
    open.push(tags.length);
    tags.push(tag);
    texts.push('');
  });
  const characters = (text: string): void => {
    const at = open.at(-1);
    if (at !== undefined) texts[at] += text;
  };
  parser.on('text', characters);
  parser.on('cdata', characters);
  parser.on('closetag', () => {
    open.pop();
    bound.pop();
  });
  try {
    parser.write(source).close();
  } catch (error) {
    return fault ?? bad(String(error));
  }
  return placed(source, tags, texts);
}

/** Of a text that is known to be in order. */
export function rootOf(source: string): XmlElement {
  const root = readTree(source);
  if ('fault' in root) throw new Error(`a document of ours cannot be read: ${root.text}`);
  return root;
}

function bad(text: string): TreeFault {
  return { fault: 'not-well-formed', text: text.slice(0, 200) };
}

const MARKUP = /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[[\s\S]*?\]\]>|<\/[^>]*>|<[^\s/>]+(?:[^>"']|"[^"]*"|'[^']*')*>/g;
const ATTRIBUTE = /\s+([^\s=>/]+)\s*=\s*(?:"[^"]*"|'[^']*')/y;

/** Where everything stands in a text that is known to be in order. */
function placed(source: string, tags: readonly SaxesTagNS[], texts: readonly string[]): XmlElement | TreeFault {
  const open: XmlElement[] = [];
  let root: XmlElement | undefined;
  let count = 0;
  for (const { 0: markup, index } of source.matchAll(MARKUP)) {
    if (markup.startsWith('<!') || markup.startsWith('<?')) continue;
    const end = index + markup.length;
    if (markup.startsWith('</')) {
      const closed = open.pop();
      if (closed !== undefined) [closed.closeStart, closed.end] = [index, end];
      continue;
    }
    const tag = tags[count];
    if (tag === undefined) return bad('the document cannot be read');
    const parent = open.at(-1);
    const element: XmlElement = {
      ...{ name: tag.name, ns: tag.uri, local: tag.local, text: texts[count] ?? '' },
      attributes: attributesOf(markup, index, tag),
      namespaces: namespacesOf(parent, tag),
      ...{ children: [], parent, start: index, openEnd: end, closeStart: end, end },
    };
    count += 1;
    if (parent === undefined) root = element;
    else parent.children.push(element);
    if (!markup.endsWith('/>')) open.push(element);
  }
  return root ?? bad('there is no element');
}

/** Shared with the element around it, where nothing is bound anew. */
function namespacesOf(parent: XmlElement | undefined, { ns }: SaxesTagNS): ReadonlyMap<string, string> {
  const own = Object.entries(ns);
  return parent !== undefined && own.length === 0 ? parent.namespaces : new Map([...(parent?.namespaces ?? []), ...own]);
}

/** One behind the other from the name on: white space that no attribute follows is looked at once. */
function attributesOf(markup: string, at: number, { name: tag, attributes }: SaxesTagNS): XmlAttribute[] {
  const found: XmlAttribute[] = [];
  ATTRIBUTE.lastIndex = 1 + tag.length;
  for (;;) {
    const start = ATTRIBUTE.lastIndex;
    const [text, name = ''] = ATTRIBUTE.exec(markup) ?? [];
    if (text === undefined) return found;
    const known = attributes[name];
    if (known === undefined) continue;
    const { uri: ns, local, value } = known;
    found.push({ name, ns, local, value, start: at + start, end: at + start + text.length });
  }
}

/** Something of a text is replaced. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Splices that do not overlap, all at once; of two at the same place the first comes first. */
export function spliced(source: string, splices: readonly Splice[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, text } of splices.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < at) continue; // inside something that is gone
    parts.push(source.slice(at, start), text);
    at = end;
  }
  return parts.join('') + source.slice(at);
}

/** Adds text at the end of an element. */
export function appended(source: string, element: XmlElement, text: string): Splice {
  const { openEnd, closeStart, end, name } = element;
  const empty = openEnd === end; // <a/>
  return empty
    ? { start: source.lastIndexOf('/', end - 1), end, text: `>${text}</${name}>` }
    : { start: closeStart, end: closeStart, text };
}

/** `p:` or nothing: how a neighbour of the same namespace is written. */
export function prefixOf({ name }: XmlElement): string {
  return name.includes(':') ? `${name.slice(0, name.indexOf(':'))}:` : '';
}

export function childrenOf(element: XmlElement, local: string): readonly XmlElement[] {
  return element.children.filter((one) => one.local === local && one.ns === element.ns);
}

export function attributeOf(element: XmlElement, local: string): string | undefined {
  return element.attributes.find((one) => one.local === local && one.ns === '')?.value;
}
