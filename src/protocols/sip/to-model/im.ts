// A MESSAGE request (RFC 3428) to an event: im.sent, im.composing or im.receipt, by what its body is (RFC 7572 §5,
// RFC 3862 CPIM, RFC 3994 typing, RFC 5438 receipts). Pure: who sent it has been proven before.

import { createHash } from 'node:crypto';
import { type Address, sameBare } from '../../../model/address.ts';
import type { ImComposing, ImReceipt, ImSent, Origin, SenderIds } from '../../../model/event.ts';
import { toAddress } from '../address.ts';
import { carriable, decodeText } from '../documents/charset.ts';
import { type Cpim, parseCpim } from '../documents/cpim.ts';
import { htmlToText } from '../documents/html-text.ts';
import { IMDN_TYPE, parseImdn } from '../documents/imdn.ts';
import { ISCOMPOSING_TYPE, parseIsComposing } from '../documents/iscomposing.ts';
import { textPart } from '../documents/multipart.ts';
import { type ContentType, parseContentType } from '../headers/content-type.ts';
import type { SipRequest } from '../message.ts';
import { parseSipUri } from '../uri.ts';

/** What the exchange knows of a MESSAGE before its body is looked at. */
export interface MessageFacts {
  readonly id: string;
  readonly at: number;
  readonly origin: Origin;
  readonly from: Address;
  readonly to: Address;
  readonly callId: string;
  readonly cseq: number;
  readonly fromTag: string;
  readonly branch: string;
  readonly maxForwards: number;
}

export type MessageReading =
  /** `refreshSeconds`: how long typing lasts without a refresh. `inWords`: its formatting stayed behind. */
  | {
      readonly kind: 'event';
      readonly event: ImSent | ImComposing | ImReceipt;
      readonly refreshSeconds?: number;
      readonly inWords?: 'html';
    }
  /** Understood and of no consequence, e.g. an IMDN `forbidden`: answered 200, nothing crosses. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refused'; readonly status: 400 | 415; readonly phrase: string };

/** The body types a MESSAGE may have, for Accept. */
export const ACCEPTED_BODIES = ['text/plain', 'text/html', 'message/cpim', 'multipart/alternative', ISCOMPOSING_TYPE, IMDN_TYPE] as const;

/** Reads one MESSAGE. Nesting (CPIM, multipart) is followed two levels deep. */
export function readMessage(request: SipRequest, facts: MessageFacts): MessageReading {
  const declared = request.headers.get('content-type');
  if (declared === undefined) return request.body.length === 0 ? { kind: 'nothing' } : bad('Content-Type is missing');
  // RFC 3261 §20.12: what is packed is not ours to unpack, and would be shown as noise.
  if (!/^(?:identity)?$/i.test(request.headers.get('content-encoding')?.trim() ?? '')) return unsupported();
  const lang = request.headers.get('content-language')?.split(',')[0]?.trim();
  const subject = request.headers.get('subject');
  return readBody(declared, request.body, facts, { lang, subject, digest: request.body }, 0);
}

interface Around {
  readonly lang: string | undefined;
  readonly subject: string | undefined;
  /** The whole body as it was on the wire, for the dedup key. */
  readonly digest: Uint8Array;
  readonly cpim?: Cpim;
}

function readBody(declared: string, body: Uint8Array, facts: MessageFacts, around: Around, depth: number): MessageReading {
  const type = parseContentType(declared);
  if (type === undefined) return bad('Content-Type cannot be read');
  switch (`${type.type}/${type.subtype}`) {
    case 'text/plain':
      return withText(body, type, facts, around, (text) => text);
    case 'text/html':
      return inWords(withText(body, type, facts, around, htmlToText));
    case ISCOMPOSING_TYPE: {
      const composing = parseIsComposing(decodeText(body) ?? '');
      if (composing === undefined) return bad('the iscomposing document cannot be read');
      // sip-xmpp.md §6, Table 4: active -> composing, idle -> active.
      return {
        kind: 'event',
        event: { ...base(facts), kind: 'im.composing', state: composing.state === 'active' ? 'composing' : 'active', thread: facts.callId },
        refreshSeconds: composing.refreshSeconds,
      };
    }
    case IMDN_TYPE: {
      const imdn = parseImdn(decodeText(body) ?? '');
      if (imdn === undefined) return { kind: 'nothing' };
      return { kind: 'event', event: { ...base(facts), kind: 'im.receipt', about: imdn.messageId, status: imdn.status } };
    }
    case 'message/cpim': {
      const cpim = depth < 2 ? parseCpim(body) : undefined;
      if (cpim === undefined) return bad('the CPIM wrapper cannot be read');
      // sip-xmpp.md §4: wrapper headers count only where they agree with the SIP From.
      if (!agrees(cpim.headers.get('from'), facts.from)) return bad('the CPIM From differs from the SIP From');
      return readBody(
        cpim.contentType,
        cpim.content,
        facts,
        { ...around, cpim, subject: around.subject ?? cpim.headers.get('subject') },
        depth + 1,
      );
    }
    case 'multipart/alternative':
    case 'multipart/mixed': {
      const part = depth < 2 ? textPart(body, type.params.get('boundary')) : undefined;
      return part === undefined ? unsupported() : readBody(part.contentType, part.content, facts, around, depth + 1);
    }
    default:
      return unsupported();
  }
}

function withText(
  body: Uint8Array,
  type: ContentType,
  facts: MessageFacts,
  around: Around,
  convert: (text: string) => string,
): MessageReading {
  const decoded = decodeText(body, type.params.get('charset') ?? 'utf-8');
  if (decoded === undefined) return bad('the body is not valid in its charset');
  const disposition =
    around.cpim?.headers
      .get('imdn.disposition-notification')
      ?.toLowerCase()
      .split(/\s*,\s*/) ?? [];
  const messageId = around.cpim?.headers.get('imdn.message-id');
  const event: ImSent = {
    ...base(facts),
    kind: 'im.sent',
    body: carriable(convert(decoded)),
    ...(around.lang !== undefined && /^[A-Za-z0-9-]{1,64}$/.test(around.lang) && { lang: around.lang }),
    ...(around.subject !== undefined && { subject: carriable(around.subject) }),
    thread: facts.callId,
    style: 'normal', // RFC 7572 §5: pager mode produces type normal; the XMPP shore knows when a chat is under way
    wants: { delivered: disposition.includes('positive-delivery'), displayed: disposition.includes('display') },
    ids: senderIds(facts, around.digest, messageId),
    // sip-xmpp.md §1: what crosses carries one hop less.
    hopsLeft: Math.max(0, facts.maxForwards - 1),
  };
  return { kind: 'event', event };
}

function inWords(reading: MessageReading): MessageReading {
  return reading.kind === 'event' ? { ...reading, inWords: 'html' } : reading;
}

function senderIds(facts: MessageFacts, body: Uint8Array, messageId: string | undefined): SenderIds {
  const digest = createHash('sha256').update(body).digest('base64url');
  return {
    wireId: facts.branch,
    callId: facts.callId,
    cseq: facts.cseq,
    ...(messageId !== undefined && { messageId }),
    // DESIGN 8: Call-ID + CSeq + From-tag + SHA-256 of the body.
    dedupKey: `sip ${facts.callId} ${facts.cseq} ${facts.fromTag} ${digest}`,
  };
}

function base(facts: MessageFacts): Pick<ImSent, 'id' | 'at' | 'origin' | 'from' | 'to'> {
  return { id: facts.id, at: facts.at, origin: facts.origin, from: facts.from, to: facts.to };
}

function agrees(cpimFrom: string | undefined, from: Address): boolean {
  if (cpimFrom === undefined) return true;
  const uri = /<([^>]*)>\s*$/.exec(cpimFrom)?.[1] ?? cpimFrom;
  if (/^sip:anonymous@|^im:anonymous@/i.test(uri)) return true;
  const parsed = parseSipUri(uri.replace(/^im:/i, 'sip:'));
  const address = parsed === undefined ? undefined : toAddress(parsed);
  return address?.kind === 'address' && sameBare(address.address, from);
}

function bad(phrase: string): MessageReading {
  return { kind: 'refused', status: 400, phrase };
}
function unsupported(): MessageReading {
  return { kind: 'refused', status: 415, phrase: 'Unsupported Media Type' };
}
