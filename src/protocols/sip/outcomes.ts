// A peer's final response -> outcome: delivered, refused for good, or failed for now. The other half, Outcome -> status,
// is replies.ts. The peer's own status travels in the reason, so that the XMPP shore can translate it (RFC 7247 Table 3).

import { reason } from '../../errors.ts';
import { delivered, failed, type Outcome, refused } from '../../model/outcome.ts';
import type { PeerAnswer, ReasonCode } from '../../model/reason.ts';
import { parseNameAddr } from './headers/name-addr.ts';
import type { SipResponse } from './message.ts';

/** Statuses after which the same request may succeed later (RFC 3261 §21, RFC 4320, reliability.md). */
const LATER: ReadonlySet<number> = new Set([408, 423, 430, 491, 500, 502, 503, 504, 580]);

const CODES: Readonly<Record<number, ReasonCode>> = {
  401: 'PEER_FORBIDDEN',
  403: 'PEER_FORBIDDEN',
  404: 'PEER_UNKNOWN_USER',
  405: 'PEER_NOT_SUPPORTED',
  406: 'PEER_NOT_ACCEPTABLE',
  407: 'PEER_FORBIDDEN',
  408: 'PEER_TIMEOUT',
  410: 'PEER_GONE',
  413: 'CONTENT_TOO_LARGE',
  415: 'PEER_NOT_ACCEPTABLE',
  480: 'PEER_UNAVAILABLE',
  481: 'PEER_UNKNOWN_USER',
  482: 'ROUTE_LOOP',
  486: 'PEER_UNAVAILABLE',
  487: 'PEER_UNAVAILABLE',
  488: 'PEER_NOT_ACCEPTABLE',
  501: 'PEER_NOT_SUPPORTED',
  504: 'PEER_TIMEOUT',
  600: 'PEER_UNAVAILABLE',
  603: 'PEER_FORBIDDEN',
  604: 'PEER_UNKNOWN_USER',
  606: 'PEER_NOT_ACCEPTABLE',
};

/** @param resend the request had been written before, so 482 (merged) says that the first copy arrived (DESIGN 8) */
export function outcomeOf(response: SipResponse, resend: boolean): Outcome {
  const { status, phrase } = response;
  if (status >= 200 && status < 300) return delivered(`SIP ${status}`);
  if (status === 482 && resend) return delivered('SIP 482 on a resend: the first copy arrived');
  const peer = peerAnswer(response);
  const code = CODES[status] ?? (status < 500 ? 'PEER_NOT_ACCEPTABLE' : 'PEER_ERROR');
  const words = `the SIP peer answered ${status} ${phrase.slice(0, 120)}`;
  if (!LATER.has(status)) return refused(reason(code, words, { peer, retry: 'never' }));
  const retryAfter = peer.network === 'sip' ? peer.retryAfterMs : undefined;
  return failed(reason(status === 503 ? 'PEER_BUSY' : code, words, { peer, retry: retryAfter ?? 0 }));
}

/** The status, phrase, Retry-After and new address of a response. */
function peerAnswer(response: SipResponse): PeerAnswer {
  const retryAfter = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
  const contact = response.status < 400 ? parseNameAddr(response.headers.get('contact') ?? '')?.uri : undefined;
  return {
    network: 'sip',
    status: response.status,
    phrase: response.phrase,
    // RFC 3261 §20.33; bounded to a day, so that a peer cannot park a row for good.
    ...(retryAfter >= 0 && { retryAfterMs: Math.min(retryAfter, 86_400) * 1000 }),
    ...(contact !== undefined && { contact }),
  };
}
