// From, To, Contact, Route, Record-Route, Refer-To, P-Asserted-Identity: a URI with a name and header parameters around it.
// RFC 3261 §20.10: without angle brackets a semicolon, comma or question mark belongs to the header, not to the URI.

import { NO_PARAMS, type Params, parseParams, printParams, quote, quotedEnd, skipBlank, splitLines, unquote } from './grammar.ts';

export interface NameAddr {
  readonly displayName?: string;
  /** The URI exactly as written; read it with parseSipUri. */
  readonly uri: string;
  /** Header parameters, those behind the brackets. */
  readonly params: Params;
  readonly tag?: string;
}

/** absoluteURI by its characters: a scheme, a colon, then what may stand in a URI (RFC 3986), and other letters where peers write them. */
const URI = /^[A-Za-z][A-Za-z0-9+\-.]*:[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e\x80-\uffff]+$/;
const DISPLAY_TOKENS = /^[A-Za-z0-9\-.!%*_+`'~ \t\x80-\uffff]*$/;
const TAG = /^[A-Za-z0-9\-.!%*_+`'~]{1,256}$/;

/**
 * Reads one value.
 * name-addr = [ display-name ] LAQUOT addr-spec RAQUOT ; display-name = *(token LWS) / quoted-string
 */
export function parseNameAddr(value: string): NameAddr | undefined {
  let at = skipBlank(value, 0);
  let displayName: string | undefined;
  if (value[at] === '"') {
    const end = quotedEnd(value, at);
    if (end === -1) return undefined;
    displayName = unquote(value.slice(at, end));
    at = skipBlank(value, end);
    if (value[at] !== '<') return undefined;
  } else {
    const angle = value.indexOf('<', at);
    if (angle === -1) return addrSpec(value, at);
    const words = value.slice(at, angle).trim();
    if (!DISPLAY_TOKENS.test(words)) return undefined;
    if (words !== '') displayName = words;
    at = angle;
  }
  const close = value.indexOf('>', at);
  if (close === -1) return undefined;
  const uri = value.slice(at + 1, close);
  return finish(value, uri, close + 1, displayName);
}

/** A bare addr-spec: everything from the first semicolon on is the header's. RFC 3261 §20.10: it may hold no comma or question mark. */
function addrSpec(value: string, at: number): NameAddr | undefined {
  const semicolon = value.indexOf(';', at);
  const end = semicolon === -1 ? value.length : semicolon;
  const uri = value.slice(at, end).trimEnd();
  if (/[,?]/.test(uri)) return undefined;
  return finish(value, uri, end, undefined);
}

function finish(value: string, uri: string, paramsAt: number, displayName: string | undefined): NameAddr | undefined {
  if (!URI.test(uri)) return undefined;
  const params = paramsAt === value.length ? NO_PARAMS : parseParams(value, paramsAt);
  if (params === undefined) return undefined;
  const tag = params.get('tag');
  if (tag !== undefined && !TAG.test(tag)) return undefined;
  const read: { -readonly [Key in keyof NameAddr]: NameAddr[Key] } = { uri, params };
  if (displayName !== undefined) read.displayName = displayName;
  if (tag !== undefined) read.tag = tag;
  return read;
}

/** All values of all lines of a header, e.g. Route; undefined when one of them is malformed. */
export function parseNameAddrs(lines: readonly string[], maxItems = 64): readonly NameAddr[] | undefined {
  const items = splitLines(lines, maxItems);
  if (items === undefined) return undefined;
  const found: NameAddr[] = [];
  for (const item of items) {
    const one = parseNameAddr(item);
    if (one === undefined) return undefined;
    found.push(one);
  }
  return found;
}

/** Contact lines: a list, or the `*` of a REGISTER that removes all. */
export function parseContacts(lines: readonly string[], maxItems = 64): readonly NameAddr[] | '*' | undefined {
  return lines.length === 1 && lines[0]!.trim() === '*' ? '*' : parseNameAddrs(lines, maxItems);
}

/** `"Name" <uri>;params`: always with brackets, so that nothing of the URI can become a header parameter. */
export function printNameAddr(address: { readonly displayName?: string; readonly uri: string; readonly params?: Params }): string {
  const name = address.displayName === undefined ? '' : `${quote(address.displayName)} `;
  return `${name}<${address.uri}>${address.params === undefined ? '' : printParams(address.params)}`;
}
