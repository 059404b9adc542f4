// The catalogue of everything that can be refused or can fail: one row a code, with whose doing it is, whether trying
// again makes sense, and what an operator can do. Shores translate codes into statuses and conditions in replies.ts.

import type { Address } from './model/address.ts';
import type { FinerCode } from './model/diagnosis.ts';
import type { Blame, PeerAnswer, Reason, ReasonCode, Retry } from './model/reason.ts';

interface Entry {
  readonly blame: Blame;
  /** `later`: the outbox's own back-off decides. */
  readonly retry: 'never' | 'later';
  /** What it means, for `explain` and the operators' documentation. */
  readonly meaning: string;
  /** What to do about it. */
  readonly advice: string;
}

const row = (blame: Blame, retry: Entry['retry'], meaning: string, advice: string): Entry => ({ blame, retry, meaning, advice });

export const ERRORS: Readonly<Record<ReasonCode, Entry>> = {
  ROUTE_UNKNOWN_DOMAIN: row(
    'peer',
    'never',
    'The domain is neither ours nor a partner we know.',
    'Check the spelling; add a file in routes/partners/ if it should be a partner.',
  ),
  ROUTE_DOMAIN_NOT_RESOLVED: row(
    'network',
    'later',
    'DNS did not answer for the domain.',
    'Look at the resolver; `isthmus partner test DOMAIN` shows what DNS says.',
  ),
  ROUTE_NOT_SERVED_YET: row(
    'operator',
    'never',
    'The domain is listed, but what serves it is not part of this version.',
    'See the table "works today / not yet" in the README.',
  ),
  ROUTE_RELAY_REFUSED: row(
    'policy',
    'never',
    'Neither end is a domain of ours: partner to partner is never relayed.',
    'Nothing to do; the sender is using the wrong server.',
  ),
  ROUTE_SAME_PROTOCOL: row(
    'policy',
    'never',
    'Both ends speak the same protocol and the domain does not say sameProtocol.',
    'Point that SRV record at the internal server, or set sameProtocol: true in routes/domains.yaml.',
  ),
  ROUTE_LOOP: row('peer', 'never', 'The message has been here before.', 'Two gateways point at each other; look at the routes of both.'),
  POLICY_FEDERATION_OFF: row(
    'policy',
    'never',
    'Federation is switched off.',
    'Set federation: closed or discovered in routes/policy.yaml.',
  ),
  POLICY_PARTNER_UNLISTED: row(
    'policy',
    'never',
    'Only listed partners are accepted and this domain has no file.',
    'isthmus init shows how; add routes/partners/<domain>.yaml.',
  ),
  POLICY_BLOCKED: row(
    'policy',
    'never',
    'The domain, user or address is on the block list.',
    'Remove the entry in routes/policy.yaml if it is wrong.',
  ),
  POLICY_MESSAGES_OFF: row(
    'policy',
    'never',
    'Messages in this direction are not allowed with this partner.',
    "Change allow.messages in the partner's file.",
  ),
  POLICY_PRESENCE_OFF: row(
    'policy',
    'never',
    'Presence in this direction is not allowed with this partner.',
    "Change allow.theySee or allow.weSee in the partner's file.",
  ),
  POLICY_RULE: row('policy', 'never', 'A rule in routes/policy.yaml forbids it.', 'The reason names the rule.'),
  POLICY_FIRST_CONTACT: row(
    'policy',
    'never',
    'A stranger wrote first where a local user must invite first.',
    '`isthmus request list` shows what waits; approve or deny it.',
  ),
  PARTNER_OTHER_PROTOCOL: row(
    'policy',
    'never',
    'The partner has proven itself over the other protocol, which is kept.',
    'It changes after 30 idle days, or by a file in routes/partners/ with prefer.',
  ),
  PARTNER_PAUSED: row('operator', 'later', 'The partner is paused by its file.', "Remove paused: in the partner's file."),
  PARTNER_PROOF_REFUSED: row(
    'policy',
    'never',
    'The partner proved itself in a way its file does not allow.',
    "proof: in the partner's file names what is accepted.",
  ),
  LIMIT_PARTNER_RATE: row(
    'capacity',
    'later',
    'The partner sends more messages a second than allowed.',
    "Raise limits.messagesPerSecond in the partner's file if it is wanted.",
  ),
  LIMIT_SENDER_RATE: row(
    'capacity',
    'later',
    'One sender sends more messages a second than allowed.',
    "Usually a script or a loop at the sender's side.",
  ),
  LIMIT_PAIR_RATE: row(
    'capacity',
    'later',
    'One pair of users exchanges more messages a second than allowed.',
    'Usually a script or a loop.',
  ),
  LIMIT_TARGETS: row(
    'policy',
    'never',
    'A discovered partner has addressed more different users of ours than allowed.',
    'List the partner in routes/partners/ if it is trusted.',
  ),
  LIMIT_SIGN_IN: row(
    'capacity',
    'later',
    'Too many sign-ins failed: the user, or the address they come from, must wait.',
    'Wait 15 minutes; isthmus audit list and the log (user.signInFailed) show who tried.',
  ),
  LIMIT_PENDING: row(
    'capacity',
    'later',
    'Too many unanswered subscription requests from this domain.',
    'Look at the partner: this is how address books are harvested.',
  ),
  LIMIT_QUEUE_FULL: row(
    'capacity',
    'later',
    'Too much waits for this partner already.',
    'The partner is slow or down; `isthmus partner test DOMAIN` shows which.',
  ),
  CONTENT_TOO_LARGE: row('peer', 'never', 'The message is larger than allowed.', "limits.messageSize in the partner's file."),
  CONTENT_TYPE_UNSUPPORTED: row('peer', 'never', 'The kind of content cannot be carried.', 'Text, HTML and CPIM are carried.'),
  CONTENT_ENCRYPTED: row(
    'peer',
    'never',
    'The message is encrypted end to end and cannot be translated.',
    'The sender must switch encryption off for this contact.',
  ),
  CONTENT_UNSUPPORTED: row('peer', 'never', 'The far side has nothing that could show this.', 'See the table of what crosses in docs/.'),
  CONTENT_MALFORMED: row('peer', 'never', 'The content does not follow its own format.', "The sender's software is at fault."),
  CONTENT_FILTERED: row(
    'policy',
    'never',
    'What the message says is not let across the border: a link, the name of a file, its length, or the filter hook said no.',
    "The reason names the key in routes/filters.yaml; filters: in the partner's file makes an exception for one partner.",
  ),
  CONTENT_UNCHECKED: row(
    'operator',
    'later',
    'The filter hook gave no answer, and nothing passes unchecked (onFailure: refuse).',
    'Look at the service that hook.url in routes/filters.yaml names; the log has filter.hookFailed with the cause.',
  ),
  ADDRESS_MALFORMED: row('peer', 'never', 'The address cannot exist on the other side.', 'Check the spelling of the address.'),
  AUTH_DOMAIN_NOT_PROVEN: row(
    'peer',
    'never',
    "The connection did not prove that it speaks for the sender's domain.",
    "The partner's certificate must name the domain, or its file must list the name it shows.",
  ),
  AUTH_LOCAL_DOMAIN_OUTSIDE: row(
    'peer',
    'never',
    'Somebody outside claims to come from a domain of ours.',
    'A forged sender, or our own traffic leaving and coming back.',
  ),
  AUTH_SIGN_IN_FAILED: row(
    'peer',
    'never',
    'The address or the password of a user of ours is wrong, or the user is disabled.',
    'isthmus user show ADDRESS; isthmus user password ADDRESS sets a new one.',
  ),
  AUTH_NOT_AN_INSIDE_SERVER: row(
    'peer',
    'never',
    'The inside listener does not know this server for that domain.',
    'Name it in acceptFrom in routes/domains.yaml.',
  ),
  CERT_MISSING: row(
    'peer',
    'never',
    'The peer showed no certificate.',
    'Federation needs mutual TLS: the partner must present its certificate as client too.',
  ),
  CERT_PEER_EXPIRED: row('peer', 'later', "The peer's certificate has expired.", "Tell the partner's administrator to renew it."),
  CERT_PEER_NOT_YET_VALID: row('peer', 'later', "The peer's certificate is not valid yet.", 'Compare the clocks of both sides.'),
  CERT_PEER_UNTRUSTED: row(
    'peer',
    'later',
    "The peer's certificate was issued by an authority we do not trust.",
    'Put its root into certs/trust/partners/<domain>/ if you trust it for this partner.',
  ),
  CERT_PEER_SELF_SIGNED: row(
    'peer',
    'later',
    "The peer's certificate is self-signed.",
    'Put it into certs/trust/partners/<domain>/ if you have verified it.',
  ),
  CERT_PEER_CHAIN_INCOMPLETE: row(
    'peer',
    'later',
    'The peer did not send an intermediate certificate.',
    'The partner must send its full chain.',
  ),
  CERT_PEER_CHAIN_INVALID: row(
    'peer',
    'later',
    "The peer's chain breaks a rule of RFC 5280.",
    'The reason names the rule; the issuing authority must correct it.',
  ),
  CERT_PEER_NAME_MISMATCH: row(
    'peer',
    'later',
    "The peer's certificate does not name the domain.",
    "List the name it shows in names: of the partner's file if it may speak for the domain.",
  ),
  CERT_PEER_REVOKED: row('peer', 'later', "The peer's certificate has been revoked.", 'The partner must replace it.'),
  CERT_PEER_REVOCATION_UNKNOWN: row(
    'peer',
    'later',
    "Nobody said whether the peer's certificate has been revoked, and the partner's file wants to know.",
    "Let us reach the responder or list that the reason names, or set revocation: soft in the partner's file.",
  ),
  CERT_PEER_PIN_CHANGED: row(
    'peer',
    'later',
    "The peer's certificate is not the pinned one.",
    'Verify the new one with the partner, then change the pin.',
  ),
  CERT_PEER_EKU: row(
    'peer',
    'later',
    "The peer's certificate is not made for this use.",
    "clientEku in the partner's file decides what is accepted.",
  ),
  NET_DNS_NOT_FOUND: row(
    'network',
    'later',
    'DNS has no record that leads to the domain.',
    'The partner must publish SRV records, or list hosts: in its file.',
  ),
  NET_DNS_FAILED: row('network', 'later', 'DNS did not answer.', 'Look at the resolver.'),
  NET_ADDRESS_REFUSED: row(
    'policy',
    'later',
    'DNS leads to a private or local address.',
    "Set allowPrivateAddresses: true in the partner's file if that is meant.",
  ),
  NET_CONNECT_REFUSED: row(
    'network',
    'later',
    'Nobody listens there, or a firewall refuses.',
    'Check the port and the firewalls of both sides.',
  ),
  NET_CONNECT_TIMEOUT: row(
    'network',
    'later',
    'The connection was not answered in time.',
    'A firewall that drops packets is the usual cause.',
  ),
  NET_TLS_FAILED: row('network', 'later', 'The TLS handshake failed.', '`isthmus partner test DOMAIN` shows at which step.'),
  NET_CLOSED: row(
    'network',
    'later',
    'The connection closed before the answer.',
    'It is tried again; if it repeats, the log at the far end says why.',
  ),
  NET_STREAM_FAILED: row('peer', 'later', 'The peer ended the XMPP stream with an error.', 'The reason carries the stream error.'),
  PEER_TIMEOUT: row(
    'peer',
    'later',
    'The peer did not answer in time.',
    'It is tried again; if it repeats, ask whether their server is well.',
  ),
  PEER_UNKNOWN_USER: row('peer', 'never', 'The far end does not know the user.', 'Check the address.'),
  PEER_UNAVAILABLE: row('peer', 'never', 'The user cannot be reached now.', 'Try later.'),
  PEER_FORBIDDEN: row('peer', 'never', 'The far end does not allow it.', "Ask the partner's administrator; their policy decides."),
  PEER_NOT_SUPPORTED: row('peer', 'never', 'The far end does not support it.', 'Nothing to do here.'),
  PEER_NOT_ACCEPTABLE: row('peer', 'never', 'The far end does not accept this content.', 'Nothing to do here.'),
  PEER_OTHER_ADDRESS: row(
    'peer',
    'never',
    'The address is another one of a user of ours; nothing is delivered to it.',
    'Write to the address that the answer names. isthmus user show lists the other addresses of a user.',
  ),
  PEER_GONE: row('peer', 'never', 'The user has gone for good.', 'Remove the contact.'),
  PEER_BUSY: row('peer', 'later', 'The far end is overloaded.', 'It is tried again.'),
  PEER_ERROR: row('peer', 'later', 'The far end reported an error of its own.', 'It is tried again.'),
  XMPP_NO_RETURN_PATH: row(
    'peer',
    'later',
    'The partner takes our stanzas but cannot reach us, so nothing confirms them.',
    'The partner must be able to connect to us: check our SRV records and its firewall.',
  ),
  QUEUE_EXPIRED: row('network', 'never', 'It waited for the partner longer than retention.queued allows.', 'The sender has been told.'),
  QUEUE_DROPPED: row('operator', 'never', 'It was taken out of the queue before it was sent.', 'Its sender has been told.'),
  STORE_FULL: row('us', 'later', 'The database could not be written.', 'Free space on the disk of data:.'),
  STORE_NOT_ARCHIVED: row(
    'us',
    'later',
    'The message should be archived and could not be, and nothing passes that is not archived (blockOnFailure in records/archive.yaml).',
    'isthmus archive status and the log (archive.failed) say why; a full disk or an unreadable var/records.key is the usual cause.',
  ),
  SHUTTING_DOWN: row('us', 'later', 'Isthmus is stopping.', 'It is tried again after the start.'),
  US_BUG: row('us', 'never', 'A defect of Isthmus.', 'Please report it with the log line of this id.'),
};

/**
 * Builds a Reason of one code.
 * @param text one sentence: what was found and what would be right; never message text
 * @param facts file and key when policy decided, the peer's own answer, or another retry than the catalogue's (ms)
 */
export function reason(
  code: ReasonCode,
  text: string,
  facts: {
    readonly file?: string;
    readonly key?: string;
    readonly peer?: PeerAnswer;
    readonly newAddress?: Address;
    readonly retry?: Retry;
    readonly finer?: FinerCode;
  } = {},
): Reason {
  const entry = ERRORS[code];
  return { code, blame: entry.blame, retry: entry.retry === 'never' ? 'never' : 0, text, ...facts };
}
