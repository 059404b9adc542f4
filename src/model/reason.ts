// Why something was refused or failed: one shape for operators, peers and logs.
// The codes' texts and advice stand in errors.ts; the shores map codes to SIP statuses and stanza conditions.

import type { Address } from './address.ts';
import type { FinerCode } from './diagnosis.ts';

/** Whose doing it is. */
export type Blame = 'peer' | 'network' | 'policy' | 'operator' | 'capacity' | 'us';

/**
 * What a refusal or failure is called everywhere. `AREA_WHAT`; the shores' tables in replies.ts are total over it.
 * ROUTE: no way there. POLICY and PARTNER: not allowed. LIMIT: too much. PEER: what the far end answered.
 * CONTENT: what was said cannot cross. AUTH/CERT: who the peer is. NET: it could not be reached. STORE, US: our side.
 */
export type ReasonCode =
  | 'ROUTE_UNKNOWN_DOMAIN'
  | 'ROUTE_DOMAIN_NOT_RESOLVED'
  | 'ROUTE_NOT_SERVED_YET'
  | 'ROUTE_RELAY_REFUSED'
  | 'ROUTE_SAME_PROTOCOL'
  | 'ROUTE_LOOP'
  | 'POLICY_FEDERATION_OFF'
  | 'POLICY_PARTNER_UNLISTED'
  | 'POLICY_BLOCKED'
  | 'POLICY_MESSAGES_OFF'
  | 'POLICY_PRESENCE_OFF'
  | 'POLICY_RULE'
  | 'POLICY_FIRST_CONTACT'
  | 'PARTNER_OTHER_PROTOCOL'
  | 'PARTNER_PAUSED'
  | 'PARTNER_PROOF_REFUSED'
  | 'LIMIT_PARTNER_RATE'
  | 'LIMIT_SENDER_RATE'
  | 'LIMIT_PAIR_RATE'
  | 'LIMIT_TARGETS'
  | 'LIMIT_PENDING'
  | 'LIMIT_SIGN_IN'
  | 'LIMIT_QUEUE_FULL'
  | 'CONTENT_TOO_LARGE'
  | 'CONTENT_TYPE_UNSUPPORTED'
  | 'CONTENT_ENCRYPTED'
  | 'CONTENT_UNSUPPORTED'
  | 'CONTENT_MALFORMED'
  | 'CONTENT_FILTERED'
  | 'CONTENT_UNCHECKED'
  | 'ADDRESS_MALFORMED'
  | 'AUTH_DOMAIN_NOT_PROVEN'
  | 'AUTH_LOCAL_DOMAIN_OUTSIDE'
  | 'AUTH_NOT_AN_INSIDE_SERVER'
  | 'AUTH_SIGN_IN_FAILED'
  | 'CERT_MISSING'
  | 'CERT_PEER_EXPIRED'
  | 'CERT_PEER_NOT_YET_VALID'
  | 'CERT_PEER_UNTRUSTED'
  | 'CERT_PEER_SELF_SIGNED'
  | 'CERT_PEER_CHAIN_INCOMPLETE'
  | 'CERT_PEER_CHAIN_INVALID'
  | 'CERT_PEER_NAME_MISMATCH'
  | 'CERT_PEER_REVOKED'
  | 'CERT_PEER_REVOCATION_UNKNOWN'
  | 'CERT_PEER_PIN_CHANGED'
  | 'CERT_PEER_EKU'
  | 'NET_DNS_NOT_FOUND'
  | 'NET_DNS_FAILED'
  | 'NET_ADDRESS_REFUSED'
  | 'NET_CONNECT_REFUSED'
  | 'NET_CONNECT_TIMEOUT'
  | 'NET_TLS_FAILED'
  | 'NET_CLOSED'
  | 'NET_STREAM_FAILED'
  | 'PEER_TIMEOUT'
  | 'PEER_UNKNOWN_USER'
  | 'PEER_UNAVAILABLE'
  | 'PEER_FORBIDDEN'
  | 'PEER_NOT_SUPPORTED'
  | 'PEER_NOT_ACCEPTABLE'
  | 'PEER_GONE'
  | 'PEER_OTHER_ADDRESS'
  | 'PEER_BUSY'
  | 'PEER_ERROR'
  | 'XMPP_NO_RETURN_PATH'
  | 'QUEUE_EXPIRED'
  | 'QUEUE_DROPPED'
  | 'STORE_FULL'
  | 'STORE_NOT_ARCHIVED'
  | 'SHUTTING_DOWN'
  | 'US_BUG';

/** When trying again makes sense: `never`, or after so many milliseconds (0: the caller's own back-off). */
export type Retry = 'never' | number;

/** What the far end itself answered, kept so that the error tables can translate it faithfully. */
export type PeerAnswer =
  | { readonly network: 'sip'; readonly status: number; readonly phrase: string; readonly retryAfterMs?: number; readonly contact?: string }
  | { readonly network: 'xmpp'; readonly condition: string; readonly type: string; readonly text?: string; readonly newAddress?: string };

/** One refusal or failure, with the facts an operator needs. */
export interface Reason {
  readonly code: ReasonCode;
  readonly blame: Blame;
  readonly retry: Retry;
  /** One sentence for people: what was found, what would be right. Never message text. */
  readonly text: string;
  /** The file and key of the home that decided, when policy did: `routes/policy.yaml`, `/federation`. */
  readonly file?: string;
  readonly key?: string;
  readonly peer?: PeerAnswer;
  /** Where they are reached instead. Only for who may know it. */
  readonly newAddress?: Address;
  /** What exactly it was, for diagnoses; peers never learn it. */
  readonly finer?: FinerCode;
}
