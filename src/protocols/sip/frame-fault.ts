// A frame that framing.ts refused, as the fault its request is answered with. RFC 3261 §8.2.6: a response names the request, so
// it needs what could be saved of the head; §8.1.3, §17.1: a response that cannot be read is not answered.

import type { Frame } from './frame.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { parseMessage } from './parse.ts';
import type { ParseError } from './parse-error.ts';

/** The fault to answer; undefined when no head was saved or it is that of a response. */
export function faultOf(frame: Extract<Frame, { kind: 'refused' }>): ParseError | undefined {
  if (frame.head === undefined) return undefined;
  const parsed = parseMessage(frame.head, Buffer.alloc(0));
  if (parsed.kind === 'response' || (parsed.kind === 'error' && parsed.of === 'response')) return undefined;
  const { headers } = parsed;
  const { status, phrase } = frame;
  const fault: ParseError = { kind: 'error', code: 'START_LINE_MALFORMED', status, phrase, byteOffset: 0, message: phrase, of: 'request' };
  return headers === undefined ? fault : { ...fault, headers, ...methodOf(parsed) };
}

function methodOf(parsed: SipRequest | SipResponse | ParseError): { method: string } | Record<never, never> {
  return 'method' in parsed && parsed.method !== undefined ? { method: parsed.method } : {};
}
