// One XML element of a stream: what parse.ts yields for each child of the stream, and what print.ts writes.

export interface Element {
  /** Local name. */
  readonly name: string;
  /** Namespace URI. */
  readonly ns: string;
  /** Attributes by local name; the only prefixed one kept is `xml:lang`. No prototype. */
  readonly attrs: Readonly<Record<string, string | undefined>>;
  readonly children: readonly (Element | string)[];
}

/** Builds an element. Undefined attributes are left out. */
export function element(
  name: string,
  ns: string,
  attrs: Readonly<Record<string, string | undefined>> = {},
  children: readonly (Element | string)[] = [],
): Element {
  return { name, ns, attrs, children };
}

/** The first child element of that name and namespace. */
export function child(parent: Element, name: string, ns: string): Element | undefined {
  for (const node of parent.children) if (typeof node !== 'string' && node.name === name && node.ns === ns) return node;
  return undefined;
}

/** All character data directly inside. */
export function text(parent: Element): string {
  let all = '';
  for (const node of parent.children) if (typeof node === 'string') all += node;
  return all;
}

/** The child elements. */
export function elements(parent: Element): Element[] {
  return parent.children.filter((node): node is Element => typeof node !== 'string');
}
