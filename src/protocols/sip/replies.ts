// Outcome -> final SIP response. Three tables: stanza conditions (RFC 7247 Table 2), our own reason codes, and the set
// of answers that must look alike toward partners (DESIGN 7). 503 is never produced: it would blackhole us (RFC 7247 §7.1).

import { ALIKE_CODES } from '../../model/alike.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { PeerAnswer, Reason, ReasonCode } from '../../model/reason.ts';
import { toSipUri } from './address.ts';
import { safeHeaderValue } from './print.ts';

export interface Reply {
  readonly status: number;
  readonly phrase: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Who asks, which decides how much is told. */
export interface Asker {
  /** A partner's request (edge): unknown, blocked and not permitted answer alike. */
  readonly partner: boolean;
  /** The request was for one endpoint (`gr`, full JID): 4xx; for the user (bare): 6xx where the partner wants it. */
  readonly endpoint: boolean;
  readonly use6xx: boolean;
}

/** RFC 7247 Table 2 with our decisions (sip-xmpp.md 3.1): [full JID, bare JID with use6xx, bare JID otherwise]. */
export const CONDITION_TO_STATUS: Readonly<Record<string, readonly [full: number, bare6xx: number, bare: number]>> = {
  'bad-request': [400, 400, 400],
  conflict: [400, 400, 400],
  'feature-not-implemented': [405, 501, 501],
  forbidden: [403, 603, 403],
  gone: [410, 410, 410], // 301 with a new address, below
  'internal-server-error': [500, 500, 500],
  'item-not-found': [404, 604, 404],
  'jid-malformed': [400, 400, 400],
  'not-acceptable': [406, 606, 406],
  'not-allowed': [403, 403, 403],
  'not-authorized': [403, 403, 403], // never a 401 without WWW-Authenticate
  'policy-violation': [403, 403, 403],
  'recipient-unavailable': [480, 600, 480],
  redirect: [302, 302, 302],
  'registration-required': [403, 403, 403], // as 401
  'remote-server-not-found': [404, 404, 404],
  'remote-server-timeout': [408, 408, 408],
  'resource-constraint': [500, 500, 500],
  'service-unavailable': [405, 403, 403], // RFC 7247 §7.1 note 5: never 503
  'subscription-required': [400, 400, 400],
  'undefined-condition': [400, 400, 400],
  'unexpected-request': [491, 400, 400],
};

/** Our own reasons. Total: a new code asks for its row here. */
export const CODE_TO_STATUS: Readonly<Record<ReasonCode, number>> = {
  ROUTE_UNKNOWN_DOMAIN: 404,
  ROUTE_DOMAIN_NOT_RESOLVED: 480,
  ROUTE_NOT_SERVED_YET: 501,
  ROUTE_RELAY_REFUSED: 403,
  ROUTE_SAME_PROTOCOL: 403,
  ROUTE_LOOP: 482,
  POLICY_FEDERATION_OFF: 403,
  POLICY_PARTNER_UNLISTED: 403,
  POLICY_BLOCKED: 403,
  POLICY_MESSAGES_OFF: 403,
  POLICY_PRESENCE_OFF: 403,
  POLICY_RULE: 403,
  POLICY_FIRST_CONTACT: 403,
  PARTNER_OTHER_PROTOCOL: 403,
  PARTNER_PAUSED: 480,
  PARTNER_PROOF_REFUSED: 403,
  LIMIT_PARTNER_RATE: 486,
  LIMIT_SENDER_RATE: 486,
  LIMIT_PAIR_RATE: 486,
  LIMIT_TARGETS: 403,
  LIMIT_PENDING: 486,
  LIMIT_SIGN_IN: 403,
  LIMIT_QUEUE_FULL: 480,
  CONTENT_TOO_LARGE: 413,
  CONTENT_TYPE_UNSUPPORTED: 415,
  CONTENT_ENCRYPTED: 493,
  CONTENT_UNSUPPORTED: 488,
  CONTENT_MALFORMED: 400,
  CONTENT_FILTERED: 403,
  CONTENT_UNCHECKED: 480,
  ADDRESS_MALFORMED: 404,
  AUTH_DOMAIN_NOT_PROVEN: 403,
  AUTH_LOCAL_DOMAIN_OUTSIDE: 403,
  AUTH_NOT_AN_INSIDE_SERVER: 403,
  AUTH_SIGN_IN_FAILED: 403,
  CERT_MISSING: 403,
  CERT_PEER_EXPIRED: 504,
  CERT_PEER_NOT_YET_VALID: 504,
  CERT_PEER_UNTRUSTED: 504,
  CERT_PEER_SELF_SIGNED: 504,
  CERT_PEER_CHAIN_INCOMPLETE: 504,
  CERT_PEER_CHAIN_INVALID: 504,
  CERT_PEER_NAME_MISMATCH: 504,
  CERT_PEER_REVOKED: 504,
  CERT_PEER_REVOCATION_UNKNOWN: 504,
  CERT_PEER_PIN_CHANGED: 504,
  CERT_PEER_EKU: 504,
  NET_DNS_NOT_FOUND: 404,
  NET_DNS_FAILED: 480,
  NET_ADDRESS_REFUSED: 404,
  NET_CONNECT_REFUSED: 504,
  NET_CONNECT_TIMEOUT: 504,
  NET_TLS_FAILED: 504,
  NET_CLOSED: 504,
  NET_STREAM_FAILED: 504,
  PEER_TIMEOUT: 408,
  PEER_UNKNOWN_USER: 404,
  PEER_UNAVAILABLE: 480,
  PEER_FORBIDDEN: 403,
  PEER_NOT_SUPPORTED: 501,
  PEER_NOT_ACCEPTABLE: 406,
  PEER_GONE: 410,
  PEER_OTHER_ADDRESS: 404, // 301 with the address, below
  PEER_BUSY: 486,
  PEER_ERROR: 500,
  XMPP_NO_RETURN_PATH: 504,
  QUEUE_EXPIRED: 480,
  QUEUE_DROPPED: 480,
  STORE_FULL: 500,
  STORE_NOT_ARCHIVED: 480,
  SHUTTING_DOWN: 480,
  US_BUG: 500,
};

/** The same, by the far end's own word (model/alike.ts has ours). */
const ALIKE_CONDITIONS: ReadonlySet<string> = new Set([
  'item-not-found',
  'forbidden',
  'not-allowed',
  'not-authorized',
  'registration-required',
  'subscription-required',
  'service-unavailable',
  'recipient-unavailable',
  'gone',
  'redirect',
]);

/** True when this refusal of something a partner asked of a user of ours must be the one uniform answer. */
export function answersAlike(reason: Reason): boolean {
  const { peer } = reason;
  if (peer?.network === 'xmpp') return ALIKE_CONDITIONS.has(peer.condition);
  return ALIKE_CODES.has(reason.code);
}

/** RFC 3261 §21 phrases for the statuses of the tables. */
const PHRASES: Readonly<Record<number, string>> = {
  200: 'OK',
  202: 'Accepted',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  410: 'Gone',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  480: 'Temporarily Unavailable',
  482: 'Loop Detected',
  486: 'Busy Here',
  488: 'Not Acceptable Here',
  491: 'Request Pending',
  493: 'Undecipherable',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  504: 'Server Time-out',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
};

/** The final response for an outcome. Total over outcomes, codes and conditions. */
export function replyTo(outcome: Outcome, asker: Asker): Reply {
  switch (outcome.kind) {
    case 'delivered':
    case 'handedOver':
      return plain(200);
    case 'queued':
      return plain(outcome.answer);
    case 'refused':
    case 'failed':
      return refusal(outcome.reason, asker);
  }
}

function refusal(reason: Reason, asker: Asker): Reply {
  if (asker.partner && answersAlike(reason)) return plain(403);
  if (reason.peer?.network === 'xmpp') return fromCondition(reason.peer, reason, asker);
  if (reason.newAddress !== undefined) {
    // RFC 3261 §21.3.2: found at another address from now on; RFC 7247 §7.1 has it for `gone`.
    const uri = toSipUri(reason.newAddress);
    if (CONTACT_URI.test(uri)) return { status: 301, phrase: PHRASES[301]!, headers: [['Contact', `<${uri}>`], explained(reason)] };
  }
  const retryAfter =
    typeof reason.retry === 'number' && reason.retry > 0 ? [['Retry-After', String(Math.ceil(reason.retry / 1000))] as const] : [];
  return {
    status: CODE_TO_STATUS[reason.code],
    phrase: PHRASES[CODE_TO_STATUS[reason.code]] ?? 'Error',
    headers: [...retryAfter, explained(reason)],
  };
}

const CONTACT_URI = /^sip:[^\s<>"]{1,512}$/;

function fromCondition(peer: Extract<PeerAnswer, { network: 'xmpp' }>, reason: Reason, asker: Asker): Reply {
  if ((peer.condition === 'gone' || peer.condition === 'redirect') && peer.newAddress !== undefined) {
    // RFC 7247 §7.1: the new address goes into Contact as a SIP URI.
    const uri = peer.newAddress.replace(/^xmpp:/i, 'sip:').replace(/[?;].*$/s, '');
    if (CONTACT_URI.test(uri)) {
      const status = peer.condition === 'gone' ? 301 : 302;
      return { status, phrase: PHRASES[status] as string, headers: [['Contact', `<${uri}>`]] };
    }
  }
  const row = CONDITION_TO_STATUS[peer.condition] ?? CONDITION_TO_STATUS['undefined-condition'];
  let status = (row as readonly [number, number, number])[asker.endpoint ? 0 : asker.use6xx ? 1 : 2];
  // sip-xmpp.md 3.1: a policy violation caused by size is 413.
  if (peer.condition === 'policy-violation' && reason.code === 'CONTENT_TOO_LARGE') status = 413;
  if (peer.condition === 'redirect' || (peer.condition === 'gone' && status === 301)) status = 410; // no usable address came with it
  const retryAfter = peer.condition === 'resource-constraint' ? [['Retry-After', '60'] as const] : [];
  // RFC 7247 §7: <text/> may become the Reason-Phrase; sanitised, 200 characters.
  const phrase = peer.text === undefined || peer.text === '' ? PHRASES[status] : safeHeaderValue(peer.text, 200);
  return { status, phrase: phrase ?? 'Error', headers: retryAfter };
}

/** Our words for the asker: RFC 3261 §20.43 Warning with code 399. */
function explained(reason: Reason): readonly [string, string] {
  const words = safeHeaderValue(`${reason.code}: ${reason.text}`, 240).replace(/["\\]/g, "'");
  return ['Warning', `399 isthmus "${words}"`];
}

function plain(status: number): Reply {
  return { status, phrase: PHRASES[status] ?? 'OK', headers: [] };
}
