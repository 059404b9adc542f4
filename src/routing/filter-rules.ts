// The filters as they hold for one partner and one direction, and what they say about a text. Pure: no memory, no hook.

import { reason } from '../errors.ts';
import type { Crossing, Filters, PartnerFilters } from '../model/filters.ts';
import type { Reason } from '../model/reason.ts';
import type { Partner, Where } from '../model/table.ts';
import { findFile } from './filter-files.ts';
import { findLinks, MOST_LINKS } from './filter-links.ts';
import { filterText } from './filter-text.ts';

/** routes/filters.yaml with what the partner's file says otherwise; what does not look in this direction is off. */
export function filtersFor(filters: Filters, partner: Partner | undefined, crossing: Crossing): Filters {
  const own: PartnerFilters = partner?.filters ?? {};
  const at = (key: string, general: Where): Where => partner?.sources.get(`filters.${key}`) ?? general;
  const looks = (one: { readonly direction: Crossing | 'both' } | undefined): boolean =>
    one !== undefined && (one.direction === 'both' || one.direction === crossing);
  const { urls, files, length, disclaimer, externalMark, hook, conversationPauseMs } = filters;
  const most = own.length ?? length?.most;
  return {
    urls: {
      ...urls,
      action: looks(urls) ? (own.urls ?? urls.action) : 'off',
      ...(own.trusted !== undefined && { trusted: [...urls.trusted, ...own.trusted] }),
      ...(own.urls !== undefined && { where: at('urls', urls.where) }),
    },
    files: {
      ...files,
      action: looks(files) ? (own.files ?? files.action) : 'off',
      ...(own.files !== undefined && { where: at('files', files.where) }),
    },
    ...(most !== undefined &&
      (length === undefined || looks(length)) && {
        length: {
          most,
          direction: length?.direction ?? 'both',
          where: own.length === undefined && length !== undefined ? length.where : at('length', urls.where),
        },
      }),
    ...(disclaimer !== undefined && looks(disclaimer) && own.disclaimer !== false && { disclaimer }),
    ...(externalMark !== undefined && crossing === 'fromThem' && own.externalMark !== false && { externalMark }),
    ...(hook !== undefined && looks(hook) && own.hook !== false && { hook }),
    conversationPauseMs,
  };
}

/** What was done to a text, and the key that asked for it. */
export interface Remark {
  readonly action: 'allow' | 'warn';
  readonly what: 'urls' | 'files';
  readonly where: Where;
}

export interface Words {
  readonly body: string;
  readonly subject?: string;
}

export type Judged =
  | { readonly refused: Reason }
  /** `lines`: what stands before the body; it is not part of it yet. */
  | { readonly words: Words; readonly lines: readonly string[]; readonly remarks: readonly Remark[] };

/** Judges and rewrites. @param ours is this one of our domains, or below one? */
export function judge(words: Words, filters: Filters, ours: (domain: string) => boolean): Judged {
  const { urls, files, length } = filters;
  if (length !== undefined && charactersOf(words.body) > length.most)
    return refusal(`the message is longer than ${length.most} characters`, length.where);
  if (urls.action === 'off' && files.action === 'off') return { words, lines: [], remarks: [] };

  const texts = [words.body, ...(words.subject === undefined ? [] : [words.subject])].map((original) => {
    const text = filterText(original);
    return { text, links: findLinks(text, urls, ours) };
  });
  const lines: string[] = [];
  const remarks: Remark[] = [];
  if (urls.action !== 'off') {
    const count = texts.reduce((sum, { links }) => sum + links.length, 0);
    if (count > MOST_LINKS) return refusal(`the message has more than ${MOST_LINKS} links`, urls.where);
    if (texts.some(({ links }) => links.some((link) => !link.trusted))) {
      if (urls.action === 'block') return refusal('the message has a link, and links are not let through', urls.where);
      remarks.push({ action: urls.action, what: 'urls', where: urls.where });
      const line = urls.action === 'warn' ? urls.warnMessage : urls.allowMessage;
      if (line !== '') lines.push(line);
    }
  }
  if (files.action !== 'off') {
    const found = texts.map(({ text, links }) => findFile(text, links, files)).find((extension) => extension !== undefined);
    if (found !== undefined && files.action === 'block')
      return refusal(`the message names a file of the kind .${found}, which is not let through`, files.where);
    if (found !== undefined) {
      remarks.push({ action: 'warn', what: 'files', where: files.where });
      if (files.warnMessage !== '') lines.push(files.warnMessage);
    }
  }
  if (urls.action !== 'allow') return { words, lines, remarks };
  const [body, subject] = texts.map(({ text, links }) =>
    dead(
      text.original,
      links.map((link) => (link.trusted ? -1 : text.at(link.start))),
    ),
  );
  return { words: { body: body ?? words.body, ...(subject !== undefined && { subject }) }, lines, remarks };
}

function refusal(words: string, { file, key }: Where): Judged {
  return { refused: reason('CONTENT_FILTERED', words, { file, key }) };
}

/** Lync's way to make a link one that cannot be clicked: an underscore before it. @param places of links, -1 for those that stay */
function dead(original: string, places: readonly number[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const place of places) {
    if (place < from) continue;
    parts.push(original.slice(from, place));
    from = place;
  }
  return [...parts, original.slice(from)].join('_');
}

function charactersOf(text: string): number {
  let count = 0;
  for (const _one of text) count += 1;
  return count;
}
