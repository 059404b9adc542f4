// What every message must hold before the exchange layer can place it. RFC 3261 §8.1.1 (requests), §8.1.3.3 (responses),
// §16.3 (reasonable syntax); the statuses are those RFC 4475 asks for. Methods, extensions and hops are judged elsewhere.

import { isCallId } from './headers/call-id.ts';
import { type CSeq, parseCSeq } from './headers/cseq.ts';
import { splitLines } from './headers/grammar.ts';
import { type NameAddr, parseContacts, parseNameAddr } from './headers/name-addr.ts';
import { parseMaxForwards } from './headers/seconds.ts';
import { parseTopVia, type Via } from './headers/via.ts';
import { LazyHeaders } from './lazy-headers.ts';
import type { SipHeaders, SipRequest, SipResponse } from './message.ts';
import { SINGLE_HEADERS } from './names.ts';
import { type ParseError, type ParseErrorCode, parseError } from './parse-error.ts';
import { parseSipUri, type SipUri, schemeOf } from './uri.ts';

/** The headers that place a message, read once. */
export interface MessageCore {
  readonly kind: 'core';
  /** Top hop. */
  readonly via: Via;
  readonly from: NameAddr;
  readonly to: NameAddr;
  readonly callId: string;
  readonly cseq: CSeq;
  /** Absent from senders before RFC 3261. */
  readonly maxForwards?: number;
}

/** Of a request, the URIs too. */
export interface RequestCore extends MessageCore {
  readonly requestUri: SipUri;
  readonly fromUri: SipUri;
  readonly toUri: SipUri;
}

/** Via hops in one message, in as many lines or as few as the sender likes. */
const MAX_HOPS = 64;
const SCHEMES = ['sip', 'sips', 'tel', 'im', 'pres'];

/** The placing headers of a request; or what is wrong and which status says so. */
export function readRequest(request: SipRequest): RequestCore | ParseError {
  const core = readCore(request.headers);
  const { headers, method } = request;
  if (core.kind === 'error') return { ...core, headers, method };
  const wrong = (code: ParseErrorCode, status: number, message: string, header = ''): ParseError =>
    parseError(code, status, message, { headers, method, byteOffset: offsetOf(headers, header) });
  const wrongUri = (status: 400 | 416, what: string, header = ''): ParseError =>
    status === 400
      ? wrong('URI_MALFORMED', 400, `${what} is malformed`, header)
      : wrong('URI_SCHEME_UNSUPPORTED', 416, `the scheme of ${what} is not sip, sips, tel, im or pres`, header);
  // RFC 3261 §8.1.1.5: method names have case.
  if (core.cseq.method !== method) return wrong('CSEQ_MISMATCH', 400, 'the method in CSeq is not the method of the request', 'cseq');
  const requestUri = readUri(request.uri);
  if (typeof requestUri === 'number') return wrongUri(requestUri, 'the Request-URI');
  // RFC 3261 §19.1.1 table 1: no headers there.
  if (requestUri.headers !== undefined) return wrong('URI_MALFORMED', 400, 'the Request-URI holds headers');
  const fromUri = readUri(core.from.uri);
  if (typeof fromUri === 'number') return wrongUri(fromUri, 'the URI in From', 'from');
  const toUri = readUri(core.to.uri);
  if (typeof toUri === 'number') return wrongUri(toUri, 'the URI in To', 'to');
  const contacts = headers.all('contact');
  if (contacts.length > 0 && parseContacts(contacts) === undefined)
    return wrong('HEADER_MALFORMED', 400, 'Contact is malformed', 'contact');
  return { ...core, requestUri, fromUri, toUri };
}

/** A URI, or the status that says what is wrong. RFC 3261 §8.2.2.1: 416 for a scheme we do not know. */
function readUri(text: string): SipUri | 400 | 416 {
  const uri = parseSipUri(text);
  if (uri !== undefined) return uri;
  const scheme = schemeOf(text);
  return scheme === undefined || SCHEMES.includes(scheme) ? 400 : 416;
}

/** The placing headers of a response; an error means: drop it, a response is never answered. */
export function readResponse(response: SipResponse): MessageCore | ParseError {
  const core = readCore(response.headers);
  return core.kind === 'error' ? { ...core, of: 'response' } : core;
}

function readCore(headers: SipHeaders): MessageCore | ParseError {
  const wrong = (code: ParseErrorCode, name: string, message: string): ParseError =>
    parseError(code, 400, `${name} ${message}`, { byteOffset: offsetOf(headers, name) });
  const repeated = repeatedIn(headers);
  if (repeated !== undefined) return wrong('HEADER_REPEATED', repeated, 'stands more than once');
  const vias = headers.all('via');
  const viaText = vias[0];
  const fromText = headers.get('from');
  const toText = headers.get('to');
  const callId = headers.get('call-id');
  const cseqText = headers.get('cseq');
  if (viaText === undefined) return wrong('HEADER_MISSING', 'via', 'is missing');
  if (fromText === undefined) return wrong('HEADER_MISSING', 'from', 'is missing');
  if (toText === undefined) return wrong('HEADER_MISSING', 'to', 'is missing');
  if (callId === undefined) return wrong('HEADER_MISSING', 'call-id', 'is missing');
  if (cseqText === undefined) return wrong('HEADER_MISSING', 'cseq', 'is missing');
  // Many hops may stand in one line (RFC 3261 §7.3.1): the bound is on hops, however they are written.
  if (vias.some((line) => line.includes(',')) && splitLines(vias, MAX_HOPS) === undefined)
    return wrong('HEADER_TOO_MANY', 'via', `names more than ${MAX_HOPS} hops or is malformed`);
  const via = parseTopVia(viaText);
  if (via === undefined) return wrong('HEADER_MALFORMED', 'via', 'is malformed');
  const from = parseNameAddr(fromText);
  if (from === undefined) return wrong('HEADER_MALFORMED', 'from', 'is malformed');
  const to = parseNameAddr(toText);
  if (to === undefined) return wrong('HEADER_MALFORMED', 'to', 'is malformed');
  if (!isCallId(callId)) return wrong('HEADER_MALFORMED', 'call-id', 'is malformed');
  const cseq = parseCSeq(cseqText);
  if (cseq === undefined) return wrong('HEADER_MALFORMED', 'cseq', 'is not a number below 2^31 and a method');
  const hops = headers.get('max-forwards');
  const maxForwards = hops === undefined ? undefined : parseMaxForwards(hops);
  if (hops !== undefined && maxForwards === undefined) return wrong('HEADER_MALFORMED', 'max-forwards', 'is not a number from 0 to 255');
  return { kind: 'core', via, from, to, callId, cseq, ...(maxForwards !== undefined && { maxForwards }) };
}

function repeatedIn(headers: SipHeaders): string | undefined {
  if (headers instanceof LazyHeaders) return headers.repeated(SINGLE_HEADERS);
  for (const name of SINGLE_HEADERS) if (headers.all(name).length > 1) return name;
  return undefined;
}

function offsetOf(headers: SipHeaders, name: string): number {
  return headers instanceof LazyHeaders ? headers.offsetOf(name) : 0;
}
