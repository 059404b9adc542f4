// Random elements for property tests, as a parser could have made them.

import fc from 'fast-check';
import { type Element, element } from '../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';

const name = fc.constantFrom('message', 'body', 'x', 'html', 'a-b', 'item', '\u00e9t\u00e9');
const ns = fc.constantFrom<string>(NS.server, 'urn:x', "urn:quote'<&>", NS.chatStates, '');
/** Characters that mean something in XML, plain ones, and such as need surrogates; all of them XML can carry. */
const carried = fc
  .array(
    fc.constantFrom('a', 'Z', ' ', '<', '>', '&', '"', "'", ']]>', '\n', '\r', '\t', '\u00e9', '\u2028', '\u{1f600}', '&amp;', '<!--'),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));
const attrs = fc.dictionary(fc.constantFrom('id', 'to', 'type', 'xml:lang', 'stamp'), carried, { maxKeys: 4 });

/** Joins neighbouring texts and drops empty ones: a parser never makes them. */
function normal(children: readonly (Element | string)[]): (Element | string)[] {
  const out: (Element | string)[] = [];
  for (const child of children) {
    const last = out.at(-1);
    if (typeof child === 'string' && typeof last === 'string') out[out.length - 1] = last + child;
    else if (child !== '') out.push(child);
  }
  return out;
}
/** An element whose attributes have no prototype, as the reader's have none. */
export function parsed(node: Element): Element {
  const bare: Record<string, string | undefined> = Object.create(null);
  for (const [key, value] of Object.entries(node.attrs)) if (value !== undefined) bare[key] = value;
  return { ...node, attrs: bare, children: normal(node.children).map((child) => (typeof child === 'string' ? child : parsed(child))) };
}

export function anyElement(depth = 3): fc.Arbitrary<Element> {
  const child = depth === 0 ? carried : fc.oneof(carried, anyElement(depth - 1));
  return fc
    .tuple(name, ns, attrs, fc.array(child, { maxLength: 3 }))
    .map(([local, uri, attributes, children]) => parsed(element(local, uri, attributes, children)));
}
