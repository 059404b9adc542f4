// The header section of one message, found on demand: one pass notes where each line's name and value stand, values are
// cut out only when asked for (DESIGN 12). RFC 3261 §7.3: names without case, folded lines, compact forms.

import { isAscii } from 'node:buffer';
import type { SipHeaders } from './message.ts';
import { longName } from './names.ts';
import { type ParseError, parseError } from './parse-error.ts';

/** token of RFC 3261 §25.1, by byte. */
const TOKEN = new Uint8Array(256);
for (const c of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~") TOKEN[c.charCodeAt(0)] = 1;

const COLON = 58;
const SPACE = 32;
const TAB = 9;

/** RFC 3261 §25.1: header-name = token. */
export function isHeaderName(name: string): boolean {
  for (let at = 0; at < name.length; at++) if (TOKEN[name.charCodeAt(at)] !== 1) return false;
  return name !== '';
}

export class LazyHeaders implements SipHeaders {
  readonly #head: Buffer;
  readonly #text: string;
  readonly #ascii: boolean;
  /** Long lower-case name of each header line; the same index in `#marks` times three. */
  readonly #names: string[] = [];
  /** Line start, value start, line end (without CRLF) of each header line. */
  readonly #marks: number[] = [];

  /** @param text the head as latin1, so that offsets are byte offsets */
  private constructor(head: Buffer, text: string) {
    this.#head = head;
    this.#text = text;
    this.#ascii = isAscii(head);
  }

  /**
   * Notes the header lines of `head` from byte `from` (just behind the start line) up to the empty line or the end.
   * message-header = header-name HCOLON [header-value] CRLF ; HCOLON = *( SP / HTAB ) ":" SWS
   */
  static scan(head: Buffer, text: string, from: number, maxHeaders: number): LazyHeaders | ParseError {
    const headers = new LazyHeaders(head, text);
    const names = headers.#names;
    const marks = headers.#marks;
    let start = from;
    while (start < text.length && !text.startsWith('\r\n', start)) {
      let colon = start;
      while (TOKEN[text.charCodeAt(colon)] === 1) colon++;
      const nameEnd = colon;
      while (text.charCodeAt(colon) === SPACE || text.charCodeAt(colon) === TAB) colon++;
      if (nameEnd === start || text.charCodeAt(colon) !== COLON) {
        return parseError('HEADER_LINE_MALFORMED', 400, 'a header line must be a name, a colon and a value', { byteOffset: start });
      }
      let end = text.indexOf('\r\n', colon);
      // RFC 3261 §7.3.1: a line that begins with white space continues the one before.
      while (end !== -1 && (text.charCodeAt(end + 2) === SPACE || text.charCodeAt(end + 2) === TAB)) end = text.indexOf('\r\n', end + 2);
      if (end === -1) end = text.length;
      if (names.length === maxHeaders) {
        return parseError('HEADER_TOO_MANY', 400, `more than ${maxHeaders} header lines`, { byteOffset: start });
      }
      names.push(longName(text.slice(start, nameEnd)));
      marks.push(start, colon + 1, end);
      start = end + 2;
    }
    return headers;
  }

  get(name: string): string | undefined {
    const index = this.#names.indexOf(name);
    return index === -1 ? undefined : this.#value(index);
  }

  all(name: string): readonly string[] {
    const found: string[] = [];
    for (let index = this.#names.indexOf(name); index !== -1; index = this.#names.indexOf(name, index + 1)) found.push(this.#value(index));
    return found;
  }

  entries(): readonly (readonly [name: string, value: string])[] {
    return this.#names.map((_, index) => {
      const start = this.#marks[index * 3]!;
      const written = this.#text.slice(start, this.#marks[index * 3 + 1]! - 1).trimEnd();
      return [written, this.#value(index)] as const;
    });
  }

  /** The first name that stands more than once although it is one of `singles`. */
  repeated(singles: ReadonlySet<string>): string | undefined {
    const names = this.#names;
    for (let index = 1; index < names.length; index++) {
      const name = names[index]!;
      if (singles.has(name) && names.indexOf(name) < index) return name;
    }
    return undefined;
  }

  /** Byte offset of the first line of that name; 0 when there is none. */
  offsetOf(name: string): number {
    const index = this.#names.indexOf(name);
    return index === -1 ? 0 : this.#marks[index * 3]!;
  }

  #value(index: number): string {
    const text = this.#text;
    let start = this.#marks[index * 3 + 1]!;
    let end = this.#marks[index * 3 + 2]!;
    while (start < end && text.charCodeAt(start) <= SPACE && isBlank(text.charCodeAt(start))) start++;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    // RFC 3261 §7.3.1: header values are UTF-8.
    const value = this.#ascii ? text.slice(start, end) : this.#head.toString('utf8', start, end);
    return value.includes('\r') ? unfold(value) : value;
  }
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB || code === 13 || code === 10;
}

/** RFC 3261 §7.3.1: a fold and the white space around it count as one space. Linear: the pieces are trimmed, not searched again. */
function unfold(value: string): string {
  const pieces: string[] = [];
  for (const piece of value.split('\r\n')) {
    const trimmed = piece.trim();
    if (trimmed !== '') pieces.push(trimmed);
  }
  return pieces.join(' ');
}
