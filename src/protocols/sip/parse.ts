// Frame to message. RFC 3261 §7: the start line is read strictly, headers lazily (lazy-headers.ts), the body not at all.
// What a request must hold besides is asked of check-request.ts, because a response to it may still be owed.

import { LazyHeaders } from './lazy-headers.ts';
import type { SipMessage } from './message.ts';
import { type ParseError, parseError } from './parse-error.ts';

export interface ParseLimits {
  /** Header lines of one message. */
  readonly maxHeaders: number;
  /** Request-URI length in bytes. */
  readonly maxUriBytes: number;
}
const PARSE_LIMITS: ParseLimits = { maxHeaders: 128, maxUriBytes: 4096 };

// Request-Line = Method SP Request-URI SP SIP-Version CRLF
// Status-Line  = SIP-Version SP Status-Code SP Reason-Phrase CRLF
const METHOD = /^[A-Za-z0-9\-.!%*_+`'~]{1,64}$/;
const URI_BYTES = /^[\x21-\x7e\x80-\xff]+$/;
const VERSION = /^SIP\/\d{1,9}\.\d{1,9}$/i;
const STATUS_LINE = /^SIP\/2\.0 ([1-6]\d\d) ([^\x00-\x08\x0a-\x1f\x7f]*)$/i;

/**
 * Reads one framed message. Nothing is copied but the head as a string.
 * @param head start line and header lines, each with its CRLF; the empty line may follow
 * @returns the message, or what is wrong and which status says so
 */
export function parseMessage(head: Buffer, body: Buffer, limits: ParseLimits = PARSE_LIMITS): SipMessage | ParseError {
  const text = head.toString('latin1', 0, head.length);
  const found = text.indexOf('\r\n');
  const lineEnd = found === -1 ? text.length : found;
  const headers = LazyHeaders.scan(head, text, Math.min(lineEnd + 2, text.length), limits.maxHeaders);
  // `SIP/` cannot begin a request: `/` is no token character.
  if (/^SIP\//i.test(text)) {
    const status = STATUS_LINE.exec(text.slice(0, lineEnd));
    if (headers instanceof LazyHeaders === false) return { ...headers, of: 'response' };
    if (status === null) {
      return parseError('START_LINE_MALFORMED', 400, 'not a status line: SIP/2.0, three digits, a phrase', { of: 'response' });
    }
    return { kind: 'response', status: Number(status[1]), phrase: utf8(status[2]!), headers, body };
  }
  return parseRequest(head, text, lineEnd, headers, body, limits);
}

function parseRequest(
  head: Buffer,
  text: string,
  lineEnd: number,
  headers: LazyHeaders | ParseError,
  body: Buffer,
  limits: ParseLimits,
): SipMessage | ParseError {
  const methodEnd = text.indexOf(' ');
  const method = text.slice(0, Math.max(methodEnd, 0));
  const facts = headers instanceof LazyHeaders ? { headers, method } : { method };
  if (methodEnd === -1 || methodEnd > lineEnd || !METHOD.test(method)) {
    return parseError('START_LINE_MALFORMED', 400, 'not a request line: method, URI and SIP/2.0 with one space between');
  }
  // RFC 3261 §7.1: no white space inside the Request-URI, single spaces around it, nothing behind the version.
  const uriEnd = text.indexOf(' ', methodEnd + 1);
  const version = text.slice(uriEnd + 1, lineEnd);
  if (uriEnd === -1 || uriEnd > lineEnd || !VERSION.test(version)) {
    return parseError('START_LINE_MALFORMED', 400, 'not a request line: method, URI and SIP/2.0 with one space between', {
      ...facts,
      byteOffset: methodEnd + 1,
    });
  }
  if (version.toUpperCase() !== 'SIP/2.0') {
    return parseError('VERSION_UNSUPPORTED', 505, 'the version is not SIP/2.0', { ...facts, byteOffset: uriEnd + 1 });
  }
  const uri = text.slice(methodEnd + 1, uriEnd);
  if (uri.length > limits.maxUriBytes) {
    return parseError('URI_MALFORMED', 414, `the Request-URI is longer than ${limits.maxUriBytes} bytes`, facts);
  }
  if (!URI_BYTES.test(uri)) {
    return parseError('URI_MALFORMED', 400, 'the Request-URI is empty or holds control characters', {
      ...facts,
      byteOffset: methodEnd + 1,
    });
  }
  if (headers instanceof LazyHeaders === false) {
    // What stands before the line that is none is enough, with usual senders, to tell them so.
    const before = LazyHeaders.scan(head, text.slice(0, headers.byteOffset), lineEnd + 2, limits.maxHeaders);
    return { ...headers, method, ...(before instanceof LazyHeaders && { headers: before }) };
  }
  return { kind: 'request', method, uri: utf8(uri), headers, body };
}

/** Latin1 as cut from the head to what its bytes mean. */
function utf8(bytes: string): string {
  return /[\x80-\xff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}
