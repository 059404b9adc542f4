// Builds one Element tree per first-level element from the tags that framing.ts lets through.

import type { SaxesTagNS } from 'saxes';
import type { Element } from './element.ts';

interface Open {
  readonly name: string;
  readonly ns: string;
  readonly attrs: Readonly<Record<string, string | undefined>>;
  readonly children: (Element | string)[];
  elements: number;
}

export class TreeBuilder {
  readonly #stack: Open[] = [];
  readonly #children: number;
  readonly #nested: number;

  /** @param children child elements of a first-level element; @param nested of any element below */
  constructor(children: number, nested: number) {
    this.#children = children;
    this.#nested = nested;
  }

  get depth(): number {
    return this.#stack.length;
  }
  get top(): Element {
    return this.#stack.at(-1)!;
  }

  /** Adds an opened tag below the top. `tooMany`: its parent has its full number of children. */
  open(tag: SaxesTagNS): 'ok' | 'tooMany' {
    const parent = this.#stack.at(-1);
    const limit = this.#stack.length === 2 ? this.#children : this.#nested;
    // The stream itself (depth 1) has as many children as it lives long.
    if (parent !== undefined && this.#stack.length > 1 && ++parent.elements > limit) return 'tooMany';
    this.#stack.push({ name: tag.local, ns: tag.uri, attrs: attributes(tag), children: [], elements: 0 });
    return 'ok';
  }

  text(characters: string): void {
    const { children } = this.#stack.at(-1)!;
    const last = children.at(-1);
    if (typeof last === 'string') children[children.length - 1] = last + characters;
    else if (characters !== '') children.push(characters);
  }

  /** Ends the top element and hangs it below its parent, unless that is the stream. */
  close(): Element {
    const { name, ns, attrs, children } = this.#stack.pop()!;
    const element: Element = { name, ns, attrs, children };
    if (this.#stack.length > 1) this.#stack.at(-1)!.children.push(element);
    return element;
  }
}

function attributes(tag: SaxesTagNS): Readonly<Record<string, string | undefined>> {
  const attrs: Record<string, string | undefined> = Object.create(null);
  for (const key in tag.attributes) {
    const attribute = tag.attributes[key]!;
    // Only xml:lang is kept of what has a prefix; namespace declarations are in `ns` already.
    if (attribute.prefix === '' ? key !== 'xmlns' : key === 'xml:lang') attrs[key] = attribute.value;
  }
  return attrs;
}
