// Outcome -> stanza error. SIP statuses by RFC 7247 Table 3 with our decisions (sip-xmpp.md 3.2), our own reasons by a
// total table, and the one uniform answer toward partners (DESIGN 7): service-unavailable, the same bytes each time.

import type { Address } from '../../model/address.ts';
import { ALIKE_CODES } from '../../model/alike.ts';
import type { Reason, ReasonCode } from '../../model/reason.ts';
import { type Element, element } from './element.ts';
import { toJid } from './jid.ts';

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** RFC 6120 §8.3.3: the 22 conditions. */
export const CONDITIONS = [
  'bad-request',
  'conflict',
  'feature-not-implemented',
  'forbidden',
  'gone',
  'internal-server-error',
  'item-not-found',
  'jid-malformed',
  'not-acceptable',
  'not-allowed',
  'not-authorized',
  'policy-violation',
  'recipient-unavailable',
  'redirect',
  'registration-required',
  'remote-server-not-found',
  'remote-server-timeout',
  'resource-constraint',
  'service-unavailable',
  'subscription-required',
  'undefined-condition',
  'unexpected-request',
] as const;
export type Condition = (typeof CONDITIONS)[number];
export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait';

type Row = readonly [condition: Condition, type: ErrorType];

/** sip-xmpp.md 3.2, by exact status; anything else by its class below. */
const STATUS_ROWS: ReadonlyMap<number, Row> = new Map<number, Row>([
  [301, ['gone', 'cancel']],
  [380, ['not-acceptable', 'modify']],
  [401, ['not-authorized', 'auth']],
  [403, ['forbidden', 'auth']],
  [404, ['item-not-found', 'cancel']],
  [405, ['feature-not-implemented', 'cancel']],
  [406, ['not-acceptable', 'modify']],
  [407, ['registration-required', 'auth']],
  [408, ['remote-server-timeout', 'wait']],
  [410, ['gone', 'cancel']],
  [413, ['policy-violation', 'modify']],
  [414, ['policy-violation', 'modify']],
  [415, ['not-acceptable', 'modify']],
  [416, ['not-acceptable', 'modify']],
  [420, ['feature-not-implemented', 'cancel']],
  [421, ['not-acceptable', 'modify']],
  [423, ['resource-constraint', 'wait']],
  [424, ['not-authorized', 'auth']],
  [428, ['forbidden', 'auth']],
  [429, ['forbidden', 'auth']],
  [430, ['recipient-unavailable', 'wait']],
  [433, ['forbidden', 'auth']],
  [436, ['not-authorized', 'auth']],
  [437, ['not-authorized', 'auth']],
  [438, ['not-authorized', 'auth']],
  [439, ['feature-not-implemented', 'cancel']],
  [440, ['policy-violation', 'modify']],
  [480, ['recipient-unavailable', 'wait']],
  [481, ['item-not-found', 'cancel']],
  [482, ['not-acceptable', 'modify']],
  [483, ['not-acceptable', 'modify']],
  [484, ['item-not-found', 'cancel']],
  [485, ['item-not-found', 'cancel']],
  [486, ['recipient-unavailable', 'wait']],
  [487, ['recipient-unavailable', 'wait']],
  [488, ['not-acceptable', 'modify']],
  [489, ['policy-violation', 'modify']],
  [491, ['unexpected-request', 'wait']],
  [494, ['not-acceptable', 'modify']],
  [501, ['feature-not-implemented', 'cancel']],
  [502, ['remote-server-not-found', 'cancel']],
  [504, ['remote-server-timeout', 'wait']],
  [505, ['not-acceptable', 'modify']],
  [513, ['policy-violation', 'modify']],
  [580, ['policy-violation', 'modify']],
  [604, ['item-not-found', 'cancel']],
  [606, ['not-acceptable', 'modify']],
  [607, ['forbidden', 'auth']],
  [608, ['policy-violation', 'modify']],
]);
const CLASS_ROWS: Readonly<Record<number, Row>> = {
  3: ['redirect', 'modify'],
  4: ['bad-request', 'modify'],
  5: ['internal-server-error', 'wait'],
  6: ['recipient-unavailable', 'wait'],
};

/** RFC 7247 Table 3: the condition for a SIP status. Total over 300-699. */
export function conditionOfStatus(status: number): Row {
  return STATUS_ROWS.get(status) ?? CLASS_ROWS[Math.floor(status / 100)] ?? ['undefined-condition', 'cancel'];
}

/** Our own reasons. Total: a new code asks for its row here. */
export const CODE_TO_CONDITION: Readonly<Record<ReasonCode, Row>> = {
  ROUTE_UNKNOWN_DOMAIN: ['remote-server-not-found', 'cancel'],
  ROUTE_DOMAIN_NOT_RESOLVED: ['remote-server-timeout', 'wait'],
  ROUTE_NOT_SERVED_YET: ['feature-not-implemented', 'cancel'],
  ROUTE_RELAY_REFUSED: ['not-allowed', 'cancel'],
  ROUTE_SAME_PROTOCOL: ['not-allowed', 'cancel'],
  ROUTE_LOOP: ['not-acceptable', 'modify'],
  POLICY_FEDERATION_OFF: ['not-allowed', 'cancel'],
  POLICY_PARTNER_UNLISTED: ['not-allowed', 'cancel'],
  POLICY_BLOCKED: ['not-allowed', 'cancel'],
  POLICY_MESSAGES_OFF: ['not-allowed', 'cancel'],
  POLICY_PRESENCE_OFF: ['not-allowed', 'cancel'],
  POLICY_RULE: ['not-allowed', 'cancel'],
  POLICY_FIRST_CONTACT: ['not-allowed', 'cancel'],
  PARTNER_OTHER_PROTOCOL: ['not-allowed', 'cancel'],
  PARTNER_PAUSED: ['remote-server-timeout', 'wait'],
  PARTNER_PROOF_REFUSED: ['not-allowed', 'cancel'],
  LIMIT_PARTNER_RATE: ['resource-constraint', 'wait'],
  LIMIT_SENDER_RATE: ['resource-constraint', 'wait'],
  LIMIT_PAIR_RATE: ['resource-constraint', 'wait'],
  LIMIT_TARGETS: ['not-allowed', 'cancel'],
  LIMIT_PENDING: ['resource-constraint', 'wait'],
  LIMIT_SIGN_IN: ['policy-violation', 'wait'],
  LIMIT_QUEUE_FULL: ['resource-constraint', 'wait'],
  CONTENT_TOO_LARGE: ['policy-violation', 'modify'],
  CONTENT_TYPE_UNSUPPORTED: ['not-acceptable', 'modify'],
  CONTENT_ENCRYPTED: ['policy-violation', 'modify'],
  CONTENT_UNSUPPORTED: ['feature-not-implemented', 'cancel'],
  CONTENT_MALFORMED: ['bad-request', 'modify'],
  CONTENT_FILTERED: ['policy-violation', 'modify'],
  CONTENT_UNCHECKED: ['resource-constraint', 'wait'],
  ADDRESS_MALFORMED: ['jid-malformed', 'modify'],
  AUTH_DOMAIN_NOT_PROVEN: ['not-authorized', 'auth'],
  AUTH_LOCAL_DOMAIN_OUTSIDE: ['forbidden', 'auth'],
  AUTH_NOT_AN_INSIDE_SERVER: ['forbidden', 'auth'],
  AUTH_SIGN_IN_FAILED: ['not-authorized', 'auth'],
  CERT_MISSING: ['remote-server-not-found', 'cancel'],
  CERT_PEER_EXPIRED: ['remote-server-not-found', 'cancel'],
  CERT_PEER_NOT_YET_VALID: ['remote-server-not-found', 'cancel'],
  CERT_PEER_UNTRUSTED: ['remote-server-not-found', 'cancel'],
  CERT_PEER_SELF_SIGNED: ['remote-server-not-found', 'cancel'],
  CERT_PEER_CHAIN_INCOMPLETE: ['remote-server-not-found', 'cancel'],
  CERT_PEER_CHAIN_INVALID: ['remote-server-not-found', 'cancel'],
  CERT_PEER_NAME_MISMATCH: ['remote-server-not-found', 'cancel'],
  CERT_PEER_REVOKED: ['remote-server-not-found', 'cancel'],
  CERT_PEER_REVOCATION_UNKNOWN: ['remote-server-not-found', 'cancel'],
  CERT_PEER_PIN_CHANGED: ['remote-server-not-found', 'cancel'],
  CERT_PEER_EKU: ['remote-server-not-found', 'cancel'],
  NET_DNS_NOT_FOUND: ['remote-server-not-found', 'cancel'],
  NET_DNS_FAILED: ['remote-server-timeout', 'wait'],
  NET_ADDRESS_REFUSED: ['remote-server-not-found', 'cancel'],
  NET_CONNECT_REFUSED: ['remote-server-timeout', 'wait'],
  NET_CONNECT_TIMEOUT: ['remote-server-timeout', 'wait'],
  NET_TLS_FAILED: ['remote-server-timeout', 'wait'],
  NET_CLOSED: ['remote-server-timeout', 'wait'],
  NET_STREAM_FAILED: ['remote-server-timeout', 'wait'],
  PEER_TIMEOUT: ['remote-server-timeout', 'wait'],
  PEER_UNKNOWN_USER: ['item-not-found', 'cancel'],
  PEER_UNAVAILABLE: ['recipient-unavailable', 'wait'],
  PEER_FORBIDDEN: ['forbidden', 'auth'],
  PEER_NOT_SUPPORTED: ['feature-not-implemented', 'cancel'],
  PEER_NOT_ACCEPTABLE: ['not-acceptable', 'modify'],
  PEER_GONE: ['gone', 'cancel'],
  PEER_OTHER_ADDRESS: ['gone', 'cancel'],
  PEER_BUSY: ['recipient-unavailable', 'wait'],
  PEER_ERROR: ['internal-server-error', 'wait'],
  XMPP_NO_RETURN_PATH: ['remote-server-timeout', 'wait'],
  QUEUE_EXPIRED: ['remote-server-timeout', 'wait'],
  QUEUE_DROPPED: ['recipient-unavailable', 'wait'],
  STORE_FULL: ['resource-constraint', 'wait'],
  STORE_NOT_ARCHIVED: ['resource-constraint', 'wait'],
  SHUTTING_DOWN: ['resource-constraint', 'wait'],
  US_BUG: ['internal-server-error', 'cancel'],
};

/** The same, by the far end's own word (model/alike.ts has ours). */
const ALIKE_STATUSES: ReadonlySet<number> = new Set([301, 302, 401, 403, 404, 405, 407, 410, 433, 480, 484, 485, 501, 603, 604, 607]);

/** The stanza error for a refusal or failure. @param partner the sender is a partner's user, so our users answer alike */
export function errorOf(why: Reason, partner: boolean): Element {
  const { peer } = why;
  if (partner && (peer?.network === 'sip' ? ALIKE_STATUSES.has(peer.status) : ALIKE_CODES.has(why.code)))
    return stanzaError('service-unavailable', 'cancel');
  if (peer?.network === 'sip') {
    const [condition, type] = conditionOfStatus(peer.status);
    // RFC 7247 §7.2 [M]: 301 -> gone with the new address, 410 -> gone without.
    const moved = peer.status === 301 && peer.contact !== undefined ? peer.contact.replace(/^sips?:/i, 'xmpp:') : undefined;
    const wait = peer.retryAfterMs === undefined ? '' : ` Try again in ${Math.ceil(peer.retryAfterMs / 1000)} s.`;
    return stanzaError(condition, type, `${peer.status} ${peer.phrase}${wait}`.slice(0, 240), moved);
  }
  const [condition, type] = CODE_TO_CONDITION[why.code];
  // RFC 6120 §8.3.3.5: `gone` may name the address at which they are reached.
  return stanzaError(condition, type, `${why.code}: ${why.text}`, uriOf(why.newAddress));
}

/** RFC 5122 §2.2. */
function uriOf(address: Address | undefined): string | undefined {
  const jid = address && toJid(address);
  return typeof jid === 'string' ? `xmpp:${encodeURI(jid)}` : undefined;
}

/** `<error/>` of RFC 6120 §8.3. */
export function stanzaError(condition: Condition, type: ErrorType, text?: string, newAddress?: string): Element {
  const children = [element(condition, STANZAS, {}, newAddress === undefined ? [] : [newAddress])];
  if (text !== undefined) children.push(element('text', STANZAS, { 'xml:lang': 'en' }, [text]));
  return element('error', 'jabber:server', { type }, children);
}

/** The condition, type and text of an error stanza that a peer sent; `undefined-condition` when it names none we know. */
export function readError(stanza: Element): { condition: Condition; type: string; text?: string; newAddress?: string } {
  const error = stanza.children.find((node): node is Element => typeof node !== 'string' && node.name === 'error');
  let condition: Condition = 'undefined-condition';
  let text: string | undefined;
  let newAddress: string | undefined;
  for (const node of error?.children ?? []) {
    if (typeof node === 'string' || node.ns !== STANZAS) continue;
    const said = node.children.filter((part): part is string => typeof part === 'string').join('');
    if (node.name === 'text') text = said.slice(0, 200);
    else if ((CONDITIONS as readonly string[]).includes(node.name)) {
      condition = node.name as Condition; // checked against the table just above
      if (said !== '') newAddress = said.slice(0, 1024);
    }
  }
  return {
    condition,
    type: error?.attrs.type ?? 'cancel',
    ...(text !== undefined && { text }),
    ...(newAddress !== undefined && { newAddress }),
  };
}
