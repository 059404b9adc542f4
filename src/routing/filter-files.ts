// Names of files in a message, in its links and in its words, by their extension.

import type { FileFilter } from '../model/filters.ts';
import type { Link } from './filter-links.ts';
import { type FilterText, percentDecoded } from './filter-text.ts';

/**
 * Extensions that are domains or everyday words as well ("partner.com", "Node.js"): in words they count only with a folder before
 * them, in links always.
 */
const ALSO_WORDS: ReadonlySet<string> = new Set([
  'com',
  'app',
  'pl',
  'sh',
  'py',
  'ps',
  'zip',
  'js',
  'ws',
  'pub',
  'cab',
  'mad',
  'cpl',
  'bas',
]);
/** The longest extension that is looked for, and how far back its folder may stand. Characters. */
const EXTENSION_CHARS = 16;
const LOOK_BACK = 256;
/** Of one link. Characters. */
const READ_CHARS = 4096;

const IN_WORDS = new RegExp(`\\.([a-z0-9]{1,${EXTENSION_CHARS}})(?=$|[\\s"'\`<>()[\\]{},;:!?*|]|\\.(?:$|[\\s.,;]))`, 'g');
const IN_LINKS = new RegExp(`\\.([a-z0-9]{1,${EXTENSION_CHARS}})(?=$|[\\s"'\`<>()[\\]{},;:!?*|/\\\\#&=+]|\\.(?:$|[^a-z0-9]))`, 'g');

/** The first extension that the filter names; undefined: none. Linear in the length of the text. */
export function findFile(text: FilterText, links: readonly Link[], filter: FileFilter): string | undefined {
  if (filter.names.includes('links')) {
    for (const link of outermost(links)) {
      const found = inLink(text.plain.slice(link.start, Math.min(link.end, link.start + READ_CHARS)), filter);
      if (found !== undefined) return found;
    }
  }
  return filter.names.includes('texts') ? inWords(text.plain, links, filter) : undefined;
}

/** Links inside links are read with them. */
function outermost(links: readonly Link[]): readonly Link[] {
  return links.filter((link, index) => index === 0 || links[index - 1]!.end !== link.end);
}

/** Path and query; the host is no file. */
function inLink(link: string, filter: FileFilter): string | undefined {
  const rest = /^(?:[a-z][a-z0-9+.-]{0,31}:)?[/\\]{0,3}[^/\\?#]{0,300}/.exec(link)?.[0] ?? '';
  const path = link.startsWith('file:') ? link : link.slice(rest.length);
  // A query may hold an encoded path, and that one a name: twice.
  for (const [, extension] of percentDecoded(path, 2).matchAll(IN_LINKS))
    if (extension !== undefined && filter.extensions.has(extension)) return extension;
  return undefined;
}

function inWords(plain: string, links: readonly Link[], filter: FileFilter): string | undefined {
  let next = 0;
  for (const match of plain.matchAll(IN_WORDS)) {
    const [, extension] = match;
    if (extension === undefined || !filter.extensions.has(extension)) continue;
    if (match.index === 0 || /[\s.]/.test(plain[match.index - 1]!)) continue; // "an .exe" names no file
    while (next < links.length && links[next]!.end <= match.index) next += 1;
    const link = links[next];
    if (link !== undefined && link.start <= match.index) continue; // links are read as links
    if (!ALSO_WORDS.has(extension) || hasFolder(plain, match.index)) return extension;
  }
  return undefined;
}

/** Is there a slash in the word that ends here? */
function hasFolder(plain: string, end: number): boolean {
  for (let at = end - 1; at >= Math.max(0, end - LOOK_BACK); at -= 1) {
    const char = plain[at]!;
    if (char === '/' || char === '\\') return true;
    if (/\s/.test(char)) return false;
  }
  return false;
}
