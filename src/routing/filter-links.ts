// Links in a message: where each begins, and whose it is. What a link is, the operator's prefixes say; how it may be written, the
// receiving clients decide, so whatever could be read as a link is one, and only a link that is read without doubt is trusted.

import { domainToASCII } from 'node:url';
import type { UrlFilter } from '../model/filters.ts';
import type { FilterText } from './filter-text.ts';

/** Lync's own figure: a message with more of them is always refused. */
export const MOST_LINKS = 1000;
/** Of one link; what follows cannot change whose it is. Characters. */
const READ_CHARS = 2048;
/** These may stand inside a word and are live all the same, when two slashes follow. */
const ANYWHERE = /^[a-z][a-z0-9+.-]*:$/;

export interface Link {
  /** In the text as read, from the first character of its prefix. */
  readonly start: number;
  readonly end: number;
  /** Nobody has to be warned of it. */
  readonly trusted: boolean;
}

type Pattern = { readonly regex: RegExp; readonly prefixes: readonly string[] };
/** The lists of a table are made once and live as long as it. */
const patterns = new WeakMap<readonly string[], Pattern>();

/**
 * Every link, in order, at most one more than `MOST_LINKS`; one inside another is one of its own. Linear in the length of the text.
 * @param ours is this one of our domains, or below one?
 */
export function findLinks(text: FilterText, filter: UrlFilter, ours: (domain: string) => boolean): readonly Link[] {
  const { plain } = text;
  const { regex } = patternOf(filter.prefixes);
  const links: Link[] = [];
  let end = 0;
  regex.lastIndex = 0;
  for (let match = regex.exec(plain); match !== null && links.length <= MOST_LINKS; match = regex.exec(plain)) {
    const start = match.index;
    regex.lastIndex = start + 1; // the next may begin inside this one
    if (!begins(plain, start, match[0])) continue;
    if (end <= start) end = endOf(plain, start);
    links.push({ start, end, trusted: isTrusted(text, start, end, filter, ours) });
    regex.lastIndex = start + match[0].length;
  }
  return links;
}

/** One alternative a prefix, each of bounded length: no position of the text is read more than that often. */
function patternOf(prefixes: readonly string[]): Pattern {
  const known = patterns.get(prefixes);
  if (known !== undefined) return known;
  const alternatives = [...prefixes].sort((a, b) => b.length - a.length).map(alternative);
  const pattern = { regex: new RegExp(alternatives.length === 0 ? '(?!)' : alternatives.join('|'), 'g'), prefixes };
  patterns.set(prefixes, pattern);
  return pattern;
}

/** `https:` with something after it, `ftp.` with a name after it, `www*` as www., www2.; anything else as `href =`. */
function alternative(prefix: string): string {
  const literal = prefix.replace(/\*$/, '').replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
  if (prefix.endsWith('*')) return `${literal}[a-z0-9-]{0,16}\\.(?=[^\\s.])`;
  if (prefix.endsWith('.')) return `${literal}(?=[^\\s.])`;
  return prefix.endsWith(':') ? `${literal}(?=\\S)` : `${literal}\\s{0,8}[=:](?=\\s{0,8}\\S)`;
}

/** At the beginning of a word, or a scheme with two slashes anywhere: clients look for those inside words too. */
function begins(plain: string, start: number, match: string): boolean {
  if (start === 0 || !/[a-z0-9_]/.test(plain[start - 1]!)) return true;
  return ANYWHERE.test(match) && /^[/\\]{2}$/.test(plain.slice(start + match.length, start + match.length + 2));
}

function endOf(plain: string, start: number): number {
  const delimiter = /[\s<>"\x00-\x1f\x7f]/g;
  delimiter.lastIndex = start;
  return delimiter.exec(plain)?.index ?? plain.length;
}

const SCHEME = /^[a-z][a-z0-9+.-]{0,31}:\/\//;
/** `www*` and `ftp.`: a name without a scheme. */
const NAME = /^(?:www[a-z0-9-]{0,16}|ftp)\.[^\s.]/;
const MAILBOX_SCHEME = /^(?:mailto|sips?|xmpp|im|pres):/;
/** Nothing that two programs could read in two ways: no user, no backslash, no escape, no bracket. */
const HOST = /^([^\s/?#@\\:%<>"'`{}|^[\](),;!&=]{1,255})(?::\d{1,5})?$/;
const MAILBOX = /^[^\s@?<>"%:,;/\\]{1,255}@([^\s@?;&>,<"/\\:%#]{1,255})$/;
/** What a sentence puts behind a link. */
const PUNCTUATION = `.,;:!?)]}'*_`;

function isTrusted(text: FilterText, start: number, end: number, filter: UrlFilter, ours: (domain: string) => boolean): boolean {
  if (filter.trusted.length === 0 && !filter.ignoreLocal) return false;
  const link = text.plain.slice(start, Math.min(end, start + READ_CHARS));
  const scheme = SCHEME.exec(link)?.[0] ?? MAILBOX_SCHEME.exec(link)?.[0] ?? '';
  const mailbox = MAILBOX_SCHEME.test(scheme);
  if (scheme === '' && !NAME.test(link)) return false; // tel:123 is no host with a port
  const authority = authorityOf(link, scheme.length, mailbox ? '?;' : '/?#');
  const match = authority.length > 600 ? null : (mailbox ? MAILBOX : HOST).exec(authority);
  if (match === null) return false;
  // Hidden characters and escapes in front of the path: what is shown is not what is opened.
  const read = scheme.length + authority.length;
  if (text.original.slice(text.at(start), text.at(start + read)).toLowerCase() !== link.slice(0, read)) return false;
  const host = domainToASCII(match[1]!);
  if (host === '') return false;
  if (filter.trusted.some((domain) => host === domain || host.endsWith(`.${domain}`))) return true;
  // Digits alone and 0x... are addresses (WHATWG URL, the host parser); a name without a dot has a letter.
  return filter.ignoreLocal && (ours(host) || (!mailbox && /^(?!0x)[a-z0-9-]*[a-z][a-z0-9-]*$/.test(host)));
}

/** From `from` to the first of `stops`; where there is none, without the punctuation of the sentence around it. */
function authorityOf(link: string, from: number, stops: string): string {
  for (let at = from; at < link.length; at += 1) if (stops.includes(link[at]!)) return link.slice(from, at);
  let end = link.length;
  while (end > from && PUNCTUATION.includes(link[end - 1]!)) end -= 1;
  return link.slice(from, end);
}
