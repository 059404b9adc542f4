// A small reader of an XMPP stream for the test peers: stream header, then whole elements. On `saxes` with namespaces, and on
// purpose without any of the project's own XML rooms, so that it is a second opinion.

import { SaxesParser, type SaxesTagNS } from 'saxes';

export interface Stanza {
  readonly name: string;
  readonly ns: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: Stanza[];
  text: string;
}

export interface StreamEvents {
  readonly opened: (attrs: Readonly<Record<string, string>>) => void;
  readonly element: (stanza: Stanza) => void;
  readonly closed: () => void;
}

/** Feed it text with `write`; a new one is needed after every stream restart. */
export class StreamReader {
  readonly #parser = new SaxesParser({ xmlns: true });
  readonly #open: Stanza[] = [];

  constructor(events: StreamEvents) {
    this.#parser.on('error', (error) => {
      throw error;
    });
    this.#parser.on('opentag', (tag: SaxesTagNS) => {
      const node: Stanza = { name: tag.local, ns: tag.uri, attrs: attributes(tag), children: [], text: '' };
      if (this.#open.length === 0) events.opened(node.attrs);
      else if (this.#open.length > 1) this.#open.at(-1)?.children.push(node);
      this.#open.push(node);
    });
    this.#parser.on('text', (text) => {
      const node = this.#open.at(-1);
      if (node !== undefined && this.#open.length > 1) node.text += text;
    });
    this.#parser.on('closetag', () => {
      const node = this.#open.pop();
      if (this.#open.length === 1 && node !== undefined) events.element(node);
      if (this.#open.length === 0) events.closed();
    });
  }

  write(text: string): void {
    this.#parser.write(text);
  }
}

function attributes(tag: SaxesTagNS): Record<string, string> {
  return Object.fromEntries(Object.values(tag.attributes).map((attribute) => [attribute.name, attribute.value]));
}

/** The first child of that name (and namespace). */
export function child(stanza: Stanza | undefined, name: string, ns?: string): Stanza | undefined {
  return stanza?.children.find((one) => one.name === name && (ns === undefined || one.ns === ns));
}

/** The condition of an error stanza, e.g. `service-unavailable`; undefined when it is none. */
export function condition(stanza: Stanza): string | undefined {
  return child(stanza, 'error')?.children.find((one) => one.ns === 'urn:ietf:params:xml:ns:xmpp-stanzas' && one.name !== 'text')?.name;
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
