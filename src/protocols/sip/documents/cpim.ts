// message/cpim (RFC 3862) with the IMDN headers of RFC 5438: a wrapper round one MIME part. Read totally, written plainly.

/** An unwrapped CPIM message. */
export interface Cpim {
  /** Header values by lower-case name, with the namespace prefix resolved: `imdn.message-id`. The first of each counts. */
  readonly headers: ReadonlyMap<string, string>;
  readonly contentType: string;
  readonly content: Uint8Array;
}

const MAX_HEADERS = 32;
const IMDN_NS = 'urn:ietf:params:imdn';

/** Reads a CPIM body; undefined when it is not one. Bounded: 32 headers in each of its two sections. */
export function parseCpim(body: Uint8Array): Cpim | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const first = section(bytes, 0);
  if (first === undefined) return undefined;
  // RFC 3862 §2: message headers, a blank line, then the encapsulated MIME headers, a blank line, the content.
  const second = section(bytes, first.end);
  if (second === undefined) return undefined;
  const prefixes = new Map<string, string>();
  for (const [name, value] of first.lines) {
    // RFC 3862 §3.4: NS: imdn <urn:ietf:params:imdn>
    const declared = name === 'ns' ? /^(\S{1,64})\s*<([^>]{1,256})>$/.exec(value) : null;
    if (declared !== null) prefixes.set((declared[1] ?? '').toLowerCase(), declared[2] ?? '');
  }
  const headers = new Map<string, string>();
  for (const [name, value] of first.lines) {
    const dot = name.indexOf('.');
    const prefix = dot === -1 ? undefined : name.slice(0, dot);
    // RFC 3862 §3.4: a prefix means what NS says; one that is not IMDN's means nothing here.
    if (prefix !== undefined && prefixes.get(prefix) !== IMDN_NS) continue;
    const key = prefix === undefined ? name : `imdn.${name.slice(dot + 1)}`;
    if (!headers.has(key)) headers.set(key, value);
  }
  const type = second.lines.find(([name]) => name === 'content-type')?.[1] ?? 'text/plain;charset=us-ascii';
  return { headers, contentType: type, content: bytes.subarray(second.end) };
}

/** Writes a CPIM body. Header values must hold no line breaks: they are cut out. */
export function printCpim(
  headers: readonly (readonly [name: string, value: string])[],
  contentType: string,
  content: string,
  parts: readonly (readonly [string, string])[] = [],
): string {
  const line = ([name, value]: readonly [string, string]): string => `${name}: ${value.replace(/[\r\n\u0000]+/g, ' ')}\r\n`;
  return `${headers.map(line).join('')}\r\n${line(['Content-Type', contentType])}${parts.map(line).join('')}\r\n${content}`;
}

function section(bytes: Buffer, from: number): { lines: readonly (readonly [string, string])[]; end: number } | undefined {
  const lines: [string, string][] = [];
  let at = from;
  while (lines.length <= MAX_HEADERS) {
    const end = bytes.indexOf(0x0a, at);
    if (end === -1 || end - at > 4096) return undefined;
    const line = bytes.toString('utf8', at, end).replace(/\r$/, '');
    at = end + 1;
    if (line === '') return { lines, end: at };
    const colon = line.indexOf(':');
    if (colon <= 0) return undefined;
    lines.push([line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]);
  }
  return undefined;
}
