// Requests to responses: what is copied, what is added. RFC 3261 §8.2.6.2 (Via, From, To with a tag, Call-ID, CSeq), §12.1.1
// (Record-Route), §18.2.1 and RFC 3581 §4 (received, rport). Lines of others come back as they were, in order: some sign them.

import type { OutgoingReply } from './exchange.ts';
import { parseNameAddr } from './headers/name-addr.ts';
import { parseVias, stampVia, type Via } from './headers/via.ts';
import type { SipHeaders } from './message.ts';
import { phraseOf } from './names.ts';
import { printResponse, safeHeaderValue } from './print.ts';

/** Where the request came from. */
export interface Source {
  readonly address: string;
  readonly port: number;
}

/** What intake has read already. */
export interface ReadAlready {
  readonly via: Via;
  readonly to: { readonly tag?: string };
}

/**
 * The bytes of a response to the request with these headers.
 * @param tag for To, when the request's has none and the reply names none
 * @returns undefined when the request lacks a header that must be copied, or holds what cannot be printed: no answer then
 */
export function replyBytes(
  headers: SipHeaders,
  reply: OutgoingReply,
  source: Source,
  tag: () => string,
  read?: ReadAlready,
): Buffer | undefined {
  const vias = headers.all('via');
  const from = headers.get('from');
  const to = headers.get('to');
  const callId = headers.get('call-id');
  const cseq = headers.get('cseq');
  if (vias.length === 0 || from === undefined || to === undefined || callId === undefined || cseq === undefined) return undefined;
  const lines: [string, string][] = [];
  const top = read?.via ?? parseVias(vias)?.[0];
  for (const [index, line] of vias.entries()) {
    lines.push(['Via', index === 0 && top !== undefined ? stampVia(line, top, source.address, source.port) : line]);
  }
  for (const line of headers.all('record-route')) lines.push(['Record-Route', line]);
  lines.push(['From', from], ['To', hasTag(to, read) ? to : `${to};tag=${reply.toTag ?? tag()}`], ['Call-ID', callId], ['CSeq', cseq]);
  if (reply.headers !== undefined) for (const [name, value] of reply.headers) lines.push([name, value]);
  const phrase = safeHeaderValue(reply.phrase ?? phraseOf(reply.status), 200);
  try {
    return printResponse({ status: reply.status, phrase, headers: lines, ...(reply.body === undefined ? {} : { body: reply.body }) });
  } catch (error) {
    // A copied value that no printer may write, e.g. with a NUL: the peer gets nothing back. A defect in the reply's own
    // headers is ours and must be seen.
    if (error instanceof TypeError && !lines.some(([, value]) => value.includes('\0'))) throw error;
    return undefined;
  }
}

/** RFC 3261 §8.2.6.2: a tag that is there stays. */
function hasTag(to: string, read: ReadAlready | undefined): boolean {
  const address = read?.to ?? parseNameAddr(to);
  return address === undefined ? /;[ \t]*tag[ \t]*=/i.test(to) : address.tag !== undefined;
}
