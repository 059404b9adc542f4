// The small grammar that header values share: tokens, quoted strings, parameters, lists. RFC 3261 §25.1. Every reader is
// total, linear in the value, and says `undefined` for what the grammar does not allow. Values come here unfolded.

/** Parameters by lower-case name, in the order written; '' for a flag. RFC 3261 §7.3.1: no name twice. */
export type Params = ReadonlyMap<string, string>;

export const NO_PARAMS: Params = new Map();

/** token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" ) */
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;
const TOKEN_AT = /[A-Za-z0-9\-.!%*_+`'~]+/y;
/** gen-value = token / host / quoted-string; and what is seen in token values of peers: `:` and brackets of addresses, `/`, `@` and `=`. */
const VALUE_AT = /[A-Za-z0-9\-.!%*_+`'~:[\]/@=\x80-\uffff]+/y;
/** quoted-string = SWS DQUOTE *(qdtext / quoted-pair ) DQUOTE ; qdtext = LWS / %x21 / %x23-5B / %x5D-7E / UTF8-NONASCII */
const QUOTED_AT = /"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\uffff]|\\[\x00-\x09\x0b\x0c\x0e-\x7f])*"/y;

/** token of RFC 3261 §25.1. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Where the quoted string that begins at `at` ends (behind the quote), or -1 when it does not. */
export function quotedEnd(text: string, at: number): number {
  QUOTED_AT.lastIndex = at;
  return QUOTED_AT.test(text) ? QUOTED_AT.lastIndex : -1;
}

/** The meaning of a quoted string given with its quotes. */
export function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1);
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner;
}

/** A quoted string that means `text`. What a header line cannot hold (CR, LF, NUL and other controls) becomes a space. */
export function quote(text: string): string {
  return `"${text.replace(/[\x00-\x1f\x7f]/g, ' ').replace(/["\\]/g, '\\$&')}"`;
}

/** The first position from `at` that is not white space. */
export function skipBlank(text: string, at: number): number {
  while (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9) at++;
  return at;
}

/**
 * Reads `*( SEMI generic-param )` from `at` to the end of the text.
 * generic-param = token [ EQUAL gen-value ]
 * @param maxParams more are malformed
 */
export function parseParams(text: string, at: number, maxParams = 32): Params | undefined {
  let next = skipBlank(text, at);
  if (next === text.length) return NO_PARAMS;
  const params = new Map<string, string>();
  while (next < text.length) {
    if (text[next] !== ';' || params.size === maxParams) return undefined;
    next = skipBlank(text, next + 1);
    TOKEN_AT.lastIndex = next;
    const token = TOKEN_AT.exec(text);
    if (token === null) return undefined;
    const name = token[0].toLowerCase();
    if (params.has(name)) return undefined;
    next = skipBlank(text, TOKEN_AT.lastIndex);
    let value = '';
    if (text[next] === '=') {
      const start = skipBlank(text, next + 1);
      const end = valueEnd(text, start);
      if (end === -1) return undefined;
      value = text[start] === '"' ? unquote(text.slice(start, end)) : text.slice(start, end);
      next = skipBlank(text, end);
    }
    params.set(name, value);
  }
  return params;
}

function valueEnd(text: string, at: number): number {
  if (text[at] === '"') return quotedEnd(text, at);
  VALUE_AT.lastIndex = at;
  return VALUE_AT.test(text) ? VALUE_AT.lastIndex : -1;
}

/** `;name=value` of each, quoted where a token cannot hold the value. */
export function printParams(params: Iterable<readonly [name: string, value: string]>): string {
  let text = '';
  for (const [name, value] of params) text += value === '' ? `;${name}` : `;${name}=${isToken(value) ? value : quote(value)}`;
  return text;
}

/**
 * Splits a value at its top-level commas: those outside quotes and angle brackets. RFC 3261 §7.3.1.
 * @returns the trimmed parts; undefined when a part is empty, a quote or bracket stays open, or there are more than `maxItems`
 */
export function splitList(value: string, maxItems = 128): readonly string[] | undefined {
  if (!value.includes(',')) {
    const only = value.trim();
    return only === '' ? undefined : [only];
  }
  const items: string[] = [];
  let start = 0;
  let angle = false;
  for (let at = 0; at <= value.length; at++) {
    const char = value[at];
    if (char === '"' && !angle) {
      const end = quotedEnd(value, at);
      if (end === -1) return undefined;
      at = end - 1;
    } else if (char === '<') angle = true;
    else if (char === '>') angle = false;
    else if (at === value.length || (char === ',' && !angle)) {
      const item = value.slice(start, at).trim();
      if (item === '' || angle || items.length === maxItems) return undefined;
      items.push(item);
      start = at + 1;
    }
  }
  return items;
}

/** Splits every header line of one name. An absent header gives an empty list. */
export function splitLines(lines: readonly string[], maxItems = 128): readonly string[] | undefined {
  if (lines.length === 1) return splitList(lines[0]!, maxItems);
  const items: string[] = [];
  for (const line of lines) {
    const more = items.length < maxItems ? splitList(line, maxItems - items.length) : undefined;
    if (more === undefined) return undefined;
    items.push(...more);
  }
  return items;
}
