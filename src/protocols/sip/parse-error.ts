// How the codec says no: a value, never an exception. The exchange layer turns it into a response where one may be sent.

import type { SipHeaders } from './message.ts';
import { phraseOf } from './names.ts';

export type ParseErrorCode =
  | 'START_LINE_MALFORMED'
  | 'VERSION_UNSUPPORTED'
  | 'HEADER_LINE_MALFORMED'
  | 'HEADER_TOO_MANY'
  | 'HEADER_MISSING'
  | 'HEADER_REPEATED'
  | 'HEADER_MALFORMED'
  | 'CSEQ_MISMATCH'
  | 'URI_MALFORMED'
  | 'URI_SCHEME_UNSUPPORTED';

export interface ParseError {
  readonly kind: 'error';
  readonly code: ParseErrorCode;
  /** What a request is answered with. A malformed response is dropped instead: see `of`. */
  readonly status: number;
  readonly phrase: string;
  /** Where in the head, in bytes; 0 when it is about the whole. */
  readonly byteOffset: number;
  /** For logs: what was found and what would be right. Holds no header value. */
  readonly message: string;
  /** RFC 3261 §8.1.3, §17.1: nobody answers a response, so a bad one is dropped without a word. */
  readonly of: 'request' | 'response';
  /** Present when a response can be built: the headers could be told apart although something else is wrong. */
  readonly headers?: SipHeaders;
  /** Method of the refused request, when the start line gave one. */
  readonly method?: string;
}

/** Makes a ParseError with the usual phrase of its status. */
export function parseError(
  code: ParseErrorCode,
  status: number,
  message: string,
  facts: { readonly byteOffset?: number; readonly of?: ParseError['of']; readonly headers?: SipHeaders; readonly method?: string } = {},
): ParseError {
  return { kind: 'error', code, status, phrase: phraseOf(status), message, byteOffset: 0, of: 'request', ...facts };
}
