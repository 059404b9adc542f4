// Bytes of one XML stream -> its header, its first-level elements, its end. One reader reads one stream; a stream restart
// (RFC 6120 §4.3.3) is a new reader. saxes checks well-formedness; the guard around it bounds everything a peer can send and
// refuses what RFC 6120 §11.1 forbids. Pure: bytes and a time in, frames out; never throws, linear in the bytes received.

import { isUtf8 } from 'node:buffer';
import { type SaxesAttributeNSIncomplete, SaxesParser, type SaxesTagNS } from 'saxes';
import type { Element } from './element.ts';
import { NS } from './names.ts';
import type { StreamErrorCondition } from './stream-error.ts';
import { LIMITS_BEFORE_AUTH, type StreamLimits } from './stream-limits.ts';
import { TreeBuilder } from './tree-builder.ts';

export type StreamFrame =
  | {
      readonly kind: 'open';
      /** `from`, `to`, `id`, `version` and `xml:lang` as they stand. */
      readonly attrs: Readonly<Record<string, string | undefined>>;
      /** The content namespace. */
      readonly ns: string;
      readonly lang?: string;
      /** Does the header declare the dialback namespace (XEP-0220 §2.1.1)? */
      readonly dialback: boolean;
    }
  | { readonly kind: 'element'; readonly element: Element; readonly bytes: number }
  | { readonly kind: 'close' }
  | { readonly kind: 'refused'; readonly condition: StreamErrorCondition; readonly text: string };

/** Thrown inside saxes' handlers to stop it at once; caught in `push`, never leaves this room. */
class Refusal extends Error {
  readonly condition: StreamErrorCondition;
  constructor(condition: StreamErrorCondition, text: string) {
    super(text);
    this.condition = condition;
  }
}

export class XmlStreamReader {
  #limits: StreamLimits;
  readonly #contentNs: string;
  readonly #parser = new SaxesParser({ xmlns: true, position: false, defaultXMLVersion: '1.0', forceXMLVersion: true });
  readonly #tree: TreeBuilder;
  #frames: StreamFrame[] = [];
  #state: 'start' | 'open' | 'closed' | 'refused' = 'start';
  /** An unfinished UTF-8 sequence of at most three bytes. */
  #tail: Buffer = Buffer.alloc(0);
  /** Bytes of the element (or header) that has begun and not ended. */
  #pending = 0;
  #spaces = 0;
  #spacesSince = 0;
  /** Where, in the text now being parsed, the last first-level element ended; -1: none did. */
  #boundary = -1;
  /** Characters handed to the parser before the text it reads now. */
  #base = 0;
  #attributes = 0;
  #text = '';

  /** @param contentNs the only content namespace accepted: `jabber:server`, or `jabber:component:accept` */
  constructor(limits: StreamLimits = LIMITS_BEFORE_AUTH, contentNs: string = NS.server) {
    this.#limits = limits;
    this.#contentNs = contentNs;
    this.#tree = new TreeBuilder(limits.children, limits.nestedChildren);
    const parser = this.#parser;
    parser.on('xmldecl', (decl) => this.#declared(decl.version, decl.encoding));
    parser.on('doctype', () => this.#restricted('a document type declaration'));
    parser.on('comment', () => this.#restricted('a comment'));
    parser.on('processinginstruction', () => this.#restricted('a processing instruction'));
    parser.on('opentagstart', (tag) => this.#tagStarted(tag.name));
    parser.on('attribute', (attribute) => this.#attribute(attribute));
    parser.on('opentag', (tag) => this.#opened(tag));
    parser.on('closetag', () => this.#ended());
    parser.on('text', (text) => this.#characters(text));
    parser.on('cdata', (text) => this.#characters(text));
    parser.on('error', (error) => this.#malformed(error.message));
    // So many late properties turn the parser into a dictionary for V8, at four times the cost a stanza (14 against 4 µs);
    // being named as a prototype makes it a fast object again.
    Object.setPrototypeOf({}, parser);
  }

  /** Other limits from now on: after dialback, which restarts nothing (XEP-0220 §2.3). */
  set limits(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** Bytes of the element that has begun and not ended; 0 between elements. For the progress timer of connection.ts. */
  get pendingBytes(): number {
    return this.#pending;
  }

  /**
   * Reads the next bytes. After `refused` or `close` everything further is ignored.
   * @param nowMs monotonic time, for the rate of white-space keep-alives
   */
  push(chunk: Uint8Array, nowMs = 0): StreamFrame[] {
    this.#frames = [];
    if (this.#state === 'closed' || this.#state === 'refused') return this.#frames;
    try {
      this.#decode(chunk, nowMs);
    } catch (error) {
      if (!this.#isClosed()) {
        this.#state = 'refused';
        const refusal = error instanceof Refusal ? error : new Refusal('not-well-formed', 'the XML could not be read');
        this.#frames.push({ kind: 'refused', condition: refusal.condition, text: refusal.message });
      }
    }
    return this.#frames;
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #decode(chunk: Uint8Array, nowMs: number): void {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#tail.length > 0) bytes = Buffer.concat([this.#tail, bytes]);
    if (this.#state === 'start' && this.#pending === 0) this.#refuseWideEncodings(bytes);
    const whole = bytes.length - unfinished(bytes);
    this.#tail = Buffer.from(bytes.subarray(whole));
    let rest = bytes.subarray(0, whole);
    // RFC 6120 §4.9.3.22: breaking the rules of UTF-8 is an encoding that is not supported.
    if (!isUtf8(rest)) throw new Refusal('unsupported-encoding', 'the bytes are not valid UTF-8');
    while (rest.length > 0 && this.#state !== 'closed') {
      if (this.#pending === 0) {
        rest = this.#skipSpaces(rest, nowMs);
        if (rest.length === 0) return;
      }
      // One byte past the limit is enough to know that it was passed: the parser never sees more.
      let end = Math.min(rest.length, this.#limits.stanzaBytes - this.#pending + 1);
      while (end < rest.length && (rest[end]! & 0xc0) === 0x80) end++;
      this.#parse(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  }

  /** RFC 6120 §11.6: UTF-16 and UTF-32 show themselves by a byte order mark or by NUL bytes in the header. */
  #refuseWideEncodings(bytes: Buffer): void {
    if (bytes[0] === 0xfe || bytes[0] === 0xff || bytes.subarray(0, 4).includes(0)) {
      throw new Refusal('unsupported-encoding', 'the stream is UTF-16 or UTF-32; only UTF-8 is spoken');
    }
  }

  /** White space between first-level elements never reaches the parser: it is counted and dropped. */
  #skipSpaces(bytes: Buffer, nowMs: number): Buffer {
    let count = 0;
    while (count < bytes.length && isSpace(bytes[count]!)) count++;
    if (count > 0) this.#countSpaces(count, nowMs);
    if (count < bytes.length && bytes[count] !== 0x3c && !(this.#state === 'start' && bytes[count] === 0xef)) {
      throw new Refusal('bad-format', 'text stands where an element must begin');
    }
    return count === 0 ? bytes : bytes.subarray(count);
  }

  #countSpaces(count: number, nowMs: number): void {
    if (nowMs - this.#spacesSince >= this.#limits.whitespaceWindowMs) {
      this.#spacesSince = nowMs;
      this.#spaces = 0;
    }
    this.#spaces += count;
    if (this.#spaces > this.#limits.whitespaceBytes) throw new Refusal('policy-violation', 'too much white space between elements');
  }

  #parse(bytes: Buffer): void {
    this.#text = bytes.toString('utf8');
    this.#boundary = -1;
    this.#parser.write(this.#text);
    this.#base += this.#text.length;
    if (this.#boundary < 0) this.#pending += bytes.length;
    else this.#pending = this.#bytesOf(this.#boundary, this.#text.length);
    if (this.#pending > this.#limits.stanzaBytes) this.#tooLarge();
    this.#checkReference();
  }

  /** A bare `&` would make saxes wait for a semicolon to come; the name behind it must look like one at once. */
  #checkReference(): void {
    // `entity` is what saxes has read after `&` so far; not in its types, pinned with its version.
    const { entity } = this.#parser as unknown as { readonly entity: string };
    if (entity !== '' && !/^#?[\w.-]{0,64}$/.test(entity)) this.#malformed('an ampersand does not begin a reference');
  }

  #bytesOf(from: number, to: number): number {
    return Buffer.byteLength(this.#text.slice(from, to));
  }

  /** A header or a first-level element has just ended at the parser's position. */
  #atBoundary(): number {
    const end = this.#parser.position - this.#base;
    const size = this.#boundary < 0 ? this.#pending + this.#bytesOf(0, end) : this.#bytesOf(this.#boundary, end);
    this.#boundary = end;
    if (size > this.#limits.stanzaBytes) this.#tooLarge();
    return size;
  }

  #declared(version: string | undefined, encoding: string | undefined): void {
    if (version !== '1.0') throw new Refusal('not-well-formed', 'only XML 1.0 is spoken');
    // RFC 6120 §11.6: UTF-8 and nothing else.
    if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') {
      throw new Refusal('unsupported-encoding', 'the XML declaration names another encoding than UTF-8');
    }
  }

  #tagStarted(name: string): void {
    this.#attributes = 0;
    if (this.#tree.depth >= this.#limits.depth)
      throw new Refusal('policy-violation', `elements are nested deeper than ${this.#limits.depth}`);
    if (name.length > this.#limits.nameBytes) throw new Refusal('policy-violation', 'a name is too long');
  }

  #attribute(attribute: SaxesAttributeNSIncomplete): void {
    if (++this.#attributes > this.#limits.attributes) throw new Refusal('policy-violation', 'an element has too many attributes');
    if (attribute.name.length > this.#limits.nameBytes) throw new Refusal('policy-violation', 'a name is too long');
    if (Buffer.byteLength(attribute.value) > this.#limits.attributeBytes) throw new Refusal('policy-violation', 'an attribute is too long');
  }

  #opened(tag: SaxesTagNS): void {
    const verdict = this.#tree.open(tag);
    if (verdict === 'tooMany') throw new Refusal('policy-violation', 'an element has too many children');
    if (this.#tree.depth === 1) this.#streamOpened(tag);
  }

  #streamOpened(tag: SaxesTagNS): void {
    if (tag.uri !== NS.streams) throw new Refusal('invalid-namespace', `the stream's namespace must be ${NS.streams}`);
    if (tag.local !== 'stream') throw new Refusal('bad-format', 'the first element must be <stream:stream/>');
    // RFC 6120 §4.8.5: we speak with `stream:` and so must the peer.
    if (tag.prefix !== 'stream') throw new Refusal('bad-namespace-prefix', 'the streams namespace must have the prefix stream');
    const content = tag.ns[''];
    if (content !== this.#contentNs) throw new Refusal('invalid-namespace', `the content namespace must be ${this.#contentNs}`);
    const attrs = this.#tree.top.attrs;
    const lang = attrs['xml:lang'];
    this.#state = 'open';
    this.#atBoundary();
    this.#frames.push({
      kind: 'open',
      attrs,
      ns: content,
      ...(lang === undefined ? {} : { lang }),
      dialback: Object.values(tag.ns).includes(NS.dialback),
    });
  }

  #ended(): void {
    const element = this.#tree.close();
    if (this.#tree.depth === 0) {
      this.#state = 'closed';
      this.#frames.push({ kind: 'close' });
    } else if (this.#tree.depth === 1) this.#frames.push({ kind: 'element', element, bytes: this.#atBoundary() });
  }

  #characters(text: string): void {
    if (this.#tree.depth > 1) this.#tree.text(text);
    else if (/[^ \t\r\n]/.test(text)) throw new Refusal('bad-format', 'text stands where an element must begin');
    else this.#spaces += text.length;
    if (this.#spaces > this.#limits.whitespaceBytes) throw new Refusal('policy-violation', 'too much white space between elements');
  }

  #tooLarge(): never {
    throw new Refusal('policy-violation', `an element is larger than ${this.#limits.stanzaBytes} bytes`);
  }
  #restricted(what: string): never {
    throw new Refusal('restricted-xml', `${what} is not allowed in a stream`);
  }
  #malformed(detail: string): never {
    // saxes hands out a closing tag before it compares the names: take back what this one seemed to end.
    if (detail.includes('unexpected close tag')) {
      if (this.#tree.depth < 2) this.#frames.pop();
      this.#state = 'refused';
    }
    // What follows the end of the stream is not ours to judge: stop reading.
    if (detail.includes('inappropriately located doctype')) this.#restricted('a document type declaration');
    // RFC 6120 §11.1: references to entities other than the five predefined ones are restricted XML.
    if (detail.includes('undefined entity')) this.#restricted('a reference to an undefined entity');
    throw new Refusal('not-well-formed', 'the XML is not well-formed');
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** How many bytes at the end begin a UTF-8 sequence that is not complete: 0 to 3. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return byte >= (back === 1 ? 0xc0 : back === 2 ? 0xe0 : 0xf0) ? back : 0;
  }
  return 0;
}
