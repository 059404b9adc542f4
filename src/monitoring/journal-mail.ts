// One line of the archive as a mail for a journal mailbox: between whom and when it was said stands in the headers as if they
// had written to each other, what was said in the body, everything else in an attachment for programs. Pure.

import { createHash } from 'node:crypto';
import type { ArchiveLine } from '../model/archive.ts';
import { encodedWord, mailbox, mailDate, quotedPrintable } from '../model/mail-text.ts';

/** Octets of base64 in one line (RFC 2045 §6.8). */
const BASE64_LINE = 76;

/**
 * The mail as it goes over the wire, in ASCII. The same line is the same mail, byte by byte: a mailbox that has it already
 * can tell by Message-ID.
 * @param host what this Isthmus is called
 * @param refused instead of the content, why there is none: what the mail server said to the mail with it
 */
export function journalMail(line: ArchiveLine, host: string, refused?: string): string {
  const { id, number, at, scope, from, to, event } = line;
  const boundary = `isthmus-${createHash('sha256').update(`${id} ${number}`).digest('hex').slice(0, 32)}`;
  const subject = event?.subject === undefined || event.subject === '' ? `Message from ${from} to ${to}` : event.subject;
  const parts = refused === undefined && event !== undefined ? contentOf(line, event) : [textPart(whyNone(line, refused))];
  return [
    `From: ${mailbox(from)}`,
    `To: ${mailbox(to)}`,
    `Date: ${mailDate(at)}`,
    `Subject: ${encodedWord(subject.replaceAll(/[\x00-\x1f\x7f]+/g, ' '))}`,
    `Message-ID: ${journalId(line, host, refused !== undefined)}`,
    'Auto-Submitted: auto-generated', // RFC 3834 §5: no out-of-office answers, please
    `X-Isthmus-Event: ${/^[\w.-]{1,200}$/.test(id) ? id : encodedWord(id)}`,
    `X-Isthmus-Line: ${number}`,
    `X-Isthmus-Scope: ${scope}`,
    ...(event === undefined ? [] : [`X-Isthmus-Network: ${event.origin.network}`]),
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    ...parts.flatMap((part) => [`--${boundary}`, part]),
    `--${boundary}--`,
    '',
  ].join('\r\n');
}

/** The id of the event where it fits into a header; one mail in place of a refused one is another mail. */
function journalId({ id }: Pick<ArchiveLine, 'id'>, host: string, inPlace = false): string {
  const left = /^[\w-]{1,200}$/.test(id) ? id : createHash('sha256').update(id).digest('hex');
  return `<${left}${inPlace ? '.refused' : ''}@${/^[\w.-]+$/.test(host) ? host : 'isthmus.invalid'}>`;
}

function contentOf({ number, id, at, scope, from, to }: ArchiveLine, event: NonNullable<ArchiveLine['event']>): string[] {
  const json = JSON.stringify({ number, id, at: new Date(at).toISOString(), scope, from, to, event }, null, 1);
  return [
    textPart(event.body),
    [
      'Content-Type: application/json; name="message.json"',
      'Content-Disposition: attachment; filename="message.json"',
      'Content-Transfer-Encoding: base64',
      '',
      ...(Buffer.from(json)
        .toString('base64')
        .match(new RegExp(`.{1,${BASE64_LINE}}`, 'g')) ?? []),
    ].join('\r\n'),
  ];
}

function whyNone({ number }: ArchiveLine, refused: string | undefined): string {
  const why =
    refused === undefined
      ? 'its row is damaged, or the key of the records is another one'
      : `the mail server has refused it for good: ${refused.replaceAll(/[\x00-\x1f\x7f]+/g, ' ').slice(0, 500)}`;
  return `This message is not in the journal: ${why}. It stands in the archive as line ${number} (isthmus archive export).`;
}

function textPart(text: string): string {
  const body = quotedPrintable(text).replace(/\r\n$/, '');
  return ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable', '', body].join('\r\n');
}
