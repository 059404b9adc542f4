// One conversation as a file: HTML for reading, EML (RFC 5322) for mail archives, JSON for programs. Pure: lines in, text out,
// piece by piece, so that a long conversation is never held whole.

import { createHash } from 'node:crypto';
import type { HistoryLine } from '../../model/history.ts';
import { encodedWord, mailbox, mailDate, quotedPrintable } from '../../model/mail-text.ts';
import { lineView, wordsOf } from './history-given.ts';

export const FORMATS = ['html', 'eml', 'json'] as const;
export type Format = (typeof FORMATS)[number];

export interface Conversation {
  readonly owner: string;
  readonly peer: string;
}

/** How one format writes a conversation. */
export interface FormatWriter {
  /** A file for each day (UTC), or one for all. */
  readonly daily: boolean;
  /** Receipts are of interest too. */
  readonly receipts: boolean;
  begin(about: Conversation, first: HistoryLine): string;
  /** @param index of the line in its file */
  line(line: HistoryLine, about: Conversation, index: number): string;
  end(): string;
}

const time = (at: number): string => new Date(at).toISOString().slice(11, 19);
const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
const senderOf = (line: HistoryLine, { owner, peer }: Conversation): string => (line.direction === 'out' ? owner : peer);

const HTML_SPECIAL: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const html = (text: string): string =>
  text.replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g, '\ufffd').replaceAll(/[&<>"']/g, (char) => HTML_SPECIAL[char] ?? char);

const HTML_WRITER: FormatWriter = {
  daily: false,
  receipts: false,
  // Nothing in it may run or be fetched, whatever somebody wrote.
  begin: ({ owner, peer }) =>
    [
      '<!doctype html>',
      '<html lang="en"><head><meta charset="utf-8">',
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
      `<title>${html(owner)} and ${html(peer)}</title>`,
      '<style>body{font:15px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}time{color:#666}p{margin:.3em 0;padding-left:2em;text-indent:-2em;white-space:pre-wrap}.out b{color:#046}</style>',
      '</head><body>',
      `<h1>${html(owner)} and ${html(peer)}</h1>\n`,
    ].join('\n'),
  line(line, about) {
    const stamp = new Date(line.at).toISOString();
    const shown = `${day(line.at)} ${time(line.at)}`;
    const who = html(senderOf(line, about));
    return `<p class="${line.direction}" id="${html(line.id)}"><time datetime="${stamp}">${shown}</time> <b>${who}</b> <span dir="auto">${html(wordsOf(line))}</span></p>\n`;
  },
  end: () => '</body></html>\n',
};

/** What somebody wrote in several lines stands in from the time and the name: nobody writes a line in the name of another. */
const indented = (text: string): string => text.split(/\r\n|[\r\n\v\f\x85\u2028\u2029]/).join('\n    ');

const EML_WRITER: FormatWriter = {
  daily: true,
  receipts: false,
  begin(about, first) {
    const { owner, peer } = about;
    const id = createHash('sha256').update(`${owner} ${peer} ${first.id}`).digest('hex').slice(0, 32);
    return [
      `From: ${mailbox(senderOf(first, about))}`,
      `To: ${mailbox(first.direction === 'out' ? peer : owner)}`,
      `Date: ${mailDate(first.at)}`,
      `Subject: ${encodedWord(`Conversation of ${owner} with ${peer}, ${day(first.at)}`)}`,
      `Message-ID: <${id}@${owner.slice(owner.lastIndexOf('@') + 1)}>`,
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      '',
    ].join('\r\n');
  },
  line: (line, about) => quotedPrintable(`[${time(line.at)}] ${senderOf(line, about)}: ${indented(wordsOf(line))}`),
  end: () => '',
};

const JSON_WRITER: FormatWriter = {
  daily: false,
  receipts: true,
  begin: () => '[',
  line: (line, { owner }, index) => `${index === 0 ? '' : ','}\n${JSON.stringify(lineView(line, owner))}`,
  end: () => '\n]\n',
};

export const WRITERS: Readonly<Record<Format, FormatWriter>> = { html: HTML_WRITER, eml: EML_WRITER, json: JSON_WRITER };
