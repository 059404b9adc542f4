// Elements and stream headers -> bytes. Output is built from values, never from text: every character that has a meaning
// in XML is escaped here and nowhere else, and what XML 1.0 cannot carry becomes U+FFFD (never silently dropped).

import type { Element } from './element.ts';
import { NS } from './names.ts';

// XML 1.0 §2.2 Char; a surrogate that stands alone is no character either.
const UNPRINTABLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const SPECIAL_TEXT = /[&<>\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/;
const SPECIAL_ATTRIBUTE = /[&<>'"\t\n\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
  // XML 1.0 §2.11, §3.3.3: a parser would turn these into LF or space if they stood as they are.
  '\r': '&#xD;',
  '\n': '&#xA;',
  '\t': '&#x9;',
};

/** Character data as it stands between tags. */
function escapeText(value: string): string {
  if (!SPECIAL_TEXT.test(value)) return value;
  return value.replace(UNPRINTABLE, '\ufffd').replace(/[&<>\r]/g, (char) => ESCAPES[char]!);
}

/** An attribute's value, to stand between apostrophes. */
export function escapeAttribute(value: string): string {
  if (!SPECIAL_ATTRIBUTE.test(value)) return value;
  return value.replace(UNPRINTABLE, '\ufffd').replace(/[&<>'"\t\n\r]/g, (char) => ESCAPES[char]!);
}

/** The same text with everything XML cannot carry replaced by U+FFFD: what the far side will read. */
export function printable(value: string): string {
  return SPECIAL_ATTRIBUTE.test(value) ? value.replace(UNPRINTABLE, '\ufffd') : value;
}

const PREFIXES: ReadonlyMap<string, string> = new Map([
  [NS.streams, 'stream:'],
  [NS.dialback, 'db:'],
  [NS.xml, 'xml:'],
]);

/**
 * Writes one element. `xmlns` is written where it differs from the parent's.
 * @param parentNs the default namespace where the element will stand: `jabber:server` for a stanza on an s2s stream.
 *   Elements of the streams and dialback namespaces get the prefixes that every stream header declares.
 */
export function printElement(node: Element, parentNs: string = NS.server): string {
  // RFC 6120 §4.8.5 and XEP-0220 §2.1.1: old peers accept only the prefixes `stream:` and `db:`.
  // Namespaces in XML §3: no other prefix, and no default, may be bound to the namespace of `xml:`.
  const prefix = PREFIXES.get(node.ns) ?? '';
  const name = prefix + node.name;
  const scope = prefix === '' ? node.ns : parentNs;
  let out = `<${name}`;
  if (scope !== parentNs) out += ` xmlns='${escapeAttribute(node.ns)}'`;
  for (const key in node.attrs) {
    const value = node.attrs[key];
    if (value !== undefined) out += ` ${key}='${escapeAttribute(value)}'`;
  }
  if (node.children.length === 0) return `${out}/>`;
  out += '>';
  for (const child of node.children) out += typeof child === 'string' ? escapeText(child) : printElement(child, scope);
  return `${out}</${name}>`;
}

/** The attributes of a stream header that are ours to set. */
export interface StreamHeader {
  readonly from?: string;
  readonly to?: string;
  readonly id?: string;
}

/** XML declaration and stream header (RFC 6120 §4.7), with `xmlns:db` so that dialback can be spoken (XEP-0220 §2.1.1). */
export function printStreamOpen(header: StreamHeader, contentNs: string = NS.server): string {
  let out = `<?xml version='1.0'?><stream:stream xmlns='${contentNs}' xmlns:stream='${NS.streams}'`;
  if (contentNs === NS.server) out += ` xmlns:db='${NS.dialback}'`;
  if (header.from !== undefined) out += ` from='${escapeAttribute(header.from)}'`;
  if (header.to !== undefined) out += ` to='${escapeAttribute(header.to)}'`;
  if (header.id !== undefined) out += ` id='${escapeAttribute(header.id)}'`;
  // XEP-0114 §3: a component's header carries no version.
  return contentNs === NS.component ? `${out}>` : `${out} version='1.0' xml:lang='en'>`;
}

/** The end of a stream. */
export const STREAM_CLOSE = '</stream:stream>';
