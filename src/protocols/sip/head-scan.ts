// One pass over the bytes of one head, stopped and resumed at any byte: where it ends, how long the body is, and whether
// anything in it could be read in two ways (security: request smuggling). RFC 3261 §7.3.1, §20.14.

import type { FrameDefect, FramingLimits } from './frame.ts';

export type HeadFound =
  | { readonly kind: 'head'; readonly headBytes: number; readonly bodyBytes: number; readonly last: boolean }
  | { readonly kind: 'defect'; readonly defect: FrameDefect };

const NUL = 0;
const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const COLON = 58;
const BACKSLASH = 92;

export class HeadScan {
  readonly #limits: FramingLimits;
  /** Bytes looked at, counted from the head's first. */
  position = 0;
  #lineStart = 0;
  #lines = 0;
  #headers = 0;
  #vias = 0;
  #folds = 0;
  /** Header lines with white space before the colon, other than the length. */
  #padded = 0;
  #lengthPadded = false;
  #length = -1;
  /** The line before was Content-Length. */
  #onLength = false;
  /** The line now read holds a NUL behind a backslash: legal inside quotes only. */
  #quotedNul = false;

  constructor(limits: FramingLimits) {
    this.#limits = limits;
  }

  /** Looks at `bytes[start..end)`, where the head begins at `start`. Undefined: more bytes are needed. */
  advance(bytes: Buffer, start: number, end: number): HeadFound | undefined {
    const stop = Math.min(end, start + this.#limits.maxHeadBytes + 2);
    let at = start + this.position;
    for (; at < stop; at++) {
      const byte = bytes[at]!;
      if (byte > CR) continue;
      if (byte === LF) {
        if (at === start || bytes[at - 1] !== CR) return this.#bare('Bare LF In Header Section', at - start);
        if (at - start - 1 === this.#lineStart) return this.#finish(at - start - 1);
        const defect = this.#line(bytes, start, start + this.#lineStart, at - 1);
        if (defect !== undefined) return { kind: 'defect', defect };
        this.#lineStart = at - start + 1;
      } else if (byte === CR) {
        // The LF must be the next byte; when it has not come yet, this CR is looked at again.
        if (at + 1 === end) break;
        if (bytes[at + 1] !== LF) return this.#bare('Bare CR In Header Section', at - start);
      } else if (byte === NUL) {
        if (at === start || bytes[at - 1] !== BACKSLASH) return this.#bare('NUL In Header Section', at - start);
        this.#quotedNul = true;
      }
    }
    this.position = at - start;
    if (this.position > this.#limits.maxHeadBytes) {
      return this.#defect(513, 'FRAME_HEAD_TOO_LARGE', 'Header Section Too Large', this.#limits.maxHeadBytes);
    }
    return undefined;
  }

  #line(bytes: Buffer, start: number, from: number, to: number): FrameDefect | undefined {
    const offset = from - start;
    if (this.#quotedNul) {
      this.#quotedNul = false;
      if (!nulsAreQuoted(bytes, from, to)) {
        return { status: 400, code: 'FRAME_BARE_CONTROL', phrase: 'NUL In Header Section', byteOffset: offset };
      }
    }
    this.#lines++;
    if (this.#lines === 1) {
      const folded = bytes[from] === SPACE || bytes[from] === TAB;
      return folded
        ? { status: 400, code: 'FRAME_FOLD_MISPLACED', phrase: 'White Space Before Start Line', byteOffset: offset }
        : undefined;
    }
    const first = bytes[from]!;
    if (first === SPACE || first === TAB) return this.#fold(offset);
    this.#headers++;
    if (this.#headers > this.#limits.maxHeaders) {
      return { status: 400, code: 'FRAME_TOO_MANY_HEADERS', phrase: 'Too Many Header Lines', byteOffset: offset };
    }
    this.#onLength = false;
    return this.#header(bytes, from, to, offset);
  }

  #fold(offset: number): FrameDefect | undefined {
    this.#folds++;
    if (this.#headers === 0) {
      return { status: 400, code: 'FRAME_FOLD_MISPLACED', phrase: 'Folded Start Line', byteOffset: offset };
    }
    // RFC 3261 would allow it; nobody does it but to be counted differently by the next hop.
    if (this.#onLength) {
      return { status: 400, code: 'FRAME_LENGTH_MALFORMED', phrase: 'Folded Content-Length', byteOffset: offset };
    }
    if (this.#folds > this.#limits.maxFolds) {
      return { status: 400, code: 'FRAME_TOO_MANY_FOLDS', phrase: 'Too Many Folded Lines', byteOffset: offset };
    }
    return undefined;
  }

  /** Is it a Via, or the length? Other names are parse.ts' business. */
  #header(bytes: Buffer, from: number, to: number, offset: number): FrameDefect | undefined {
    let colon = from;
    while (colon < to && bytes[colon] !== COLON && bytes[colon] !== SPACE && bytes[colon] !== TAB) colon++;
    const nameEnd = colon;
    while (colon < to && (bytes[colon] === SPACE || bytes[colon] === TAB)) colon++;
    if (colon === to || bytes[colon] !== COLON) return undefined;
    if (isName(bytes, from, nameEnd, 'content-length', 'l')) {
      if (colon > nameEnd) this.#lengthPadded = true;
      return this.#contentLength(bytes.toString('latin1', colon + 1, to), offset);
    }
    if (colon > nameEnd) this.#padded++;
    if (isName(bytes, from, nameEnd, 'via', 'v') && ++this.#vias > this.#limits.maxVias) {
      return { status: 400, code: 'FRAME_TOO_MANY_VIAS', phrase: 'Too Many Via', byteOffset: offset };
    }
    return undefined;
  }

  // Content-Length = ( "Content-Length" / "l" ) HCOLON 1*DIGIT
  #contentLength(value: string, offset: number): FrameDefect | undefined {
    this.#onLength = true;
    if (this.#length !== -1) {
      return { status: 400, code: 'FRAME_LENGTH_REPEATED', phrase: 'More Than One Content-Length', byteOffset: offset };
    }
    if (!/^[ \t]*[0-9]{1,10}[ \t]*$/.test(value)) {
      return { status: 400, code: 'FRAME_LENGTH_MALFORMED', phrase: 'Content-Length Not A Number', byteOffset: offset };
    }
    this.#length = Number(value);
    return undefined;
  }

  #finish(headBytes: number): HeadFound {
    if (headBytes > this.#limits.maxHeadBytes) {
      return this.#defect(513, 'FRAME_HEAD_TOO_LARGE', 'Header Section Too Large', this.#limits.maxHeadBytes);
    }
    if (this.#length === -1) return this.#defect(400, 'FRAME_LENGTH_MISSING', 'Content-Length Missing', 0);
    // `Content-Length : 5` is legal (RFC 3261 §25.1 HCOLON; RFC 4475 §3.1.1.1) and the usual way to be counted differently
    // by two hops. Alone it is refused. From a sender who pads its colons elsewhere too it is taken as that sender's style, but
    // nothing is read behind it, so nothing can be smuggled.
    if (this.#lengthPadded && this.#padded === 0) {
      return this.#defect(400, 'FRAME_LENGTH_MALFORMED', 'White Space Before Colon Of Content-Length', 0);
    }
    if (this.#length > this.#limits.maxBodyBytes) return this.#defect(513, 'FRAME_BODY_TOO_LARGE', 'Message Too Large', 0);
    return { kind: 'head', headBytes, bodyBytes: this.#length, last: this.#lengthPadded };
  }

  #bare(phrase: string, byteOffset: number): HeadFound {
    return this.#defect(400, 'FRAME_BARE_CONTROL', phrase, byteOffset);
  }

  #defect(status: FrameDefect['status'], code: FrameDefect['code'], phrase: string, byteOffset: number): HeadFound {
    return { kind: 'defect', defect: { status, code, phrase, byteOffset } };
  }
}

/** Is the name in `bytes[from..to)` the long or the compact one, in any case? No string is made unless the length fits. */
function isName(bytes: Buffer, from: number, to: number, long: string, compact: string): boolean {
  const length = to - from;
  if (length === 1) return (bytes[from]! | 32) === compact.charCodeAt(0);
  return length === long.length && (bytes[from]! | 32) === long.charCodeAt(0) && bytes.toString('latin1', from, to).toLowerCase() === long;
}

/** RFC 3261 §25.1: quoted-pair = "\" (%x00-09 / %x0B-0C / %x0E-7F), the only place where a NUL is legal. */
function nulsAreQuoted(bytes: Buffer, from: number, to: number): boolean {
  let quoted = false;
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    if (byte === BACKSLASH && quoted) at++;
    else if (byte === QUOTE) quoted = !quoted;
    else if (byte === NUL) return false;
  }
  return true;
}
