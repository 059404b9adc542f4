// The one table of words on the SIP wire: header names with their compact forms, default ports and status phrases.
// RFC 3261 §20 and §21, RFC 6665, RFC 3903, RFC 3428, and what Microsoft peers add.

/** Compact form to long lower-case name. RFC 3261 §7.3.3, RFC 6665 (o, u), RFC 3515 (r), RFC 3892 (b), RFC 3841 (a, d, j), RFC 4028 (x), RFC 8224 (y). */
export const COMPACT_FORMS: ReadonlyMap<string, string> = new Map([
  ['a', 'accept-contact'],
  ['b', 'referred-by'],
  ['c', 'content-type'],
  ['d', 'request-disposition'],
  ['e', 'content-encoding'],
  ['f', 'from'],
  ['i', 'call-id'],
  ['j', 'reject-contact'],
  ['k', 'supported'],
  ['l', 'content-length'],
  ['m', 'contact'],
  ['o', 'event'],
  ['r', 'refer-to'],
  ['s', 'subject'],
  ['t', 'to'],
  ['u', 'allow-events'],
  ['v', 'via'],
  ['x', 'session-expires'],
  ['y', 'identity'],
]);

/** Header names as we spell them. */
const HEADER_NAMES = [
  'Accept',
  'Accept-Contact',
  'Accept-Encoding',
  'Accept-Language',
  'Allow',
  'Allow-Events',
  'Authorization',
  'Call-ID',
  'Call-Info',
  'Contact',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Type',
  'CSeq',
  'Date',
  'Error-Info',
  'Event',
  'Expires',
  'From',
  'History-Info',
  'Identity',
  'In-Reply-To',
  'Max-Forwards',
  'MIME-Version',
  'Min-Expires',
  'Organization',
  'P-Asserted-Identity',
  'P-Preferred-Identity',
  'Path',
  'Priority',
  'Privacy',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Require',
  'Reason',
  'Record-Route',
  'Refer-To',
  'Referred-By',
  'Reject-Contact',
  'Reply-To',
  'Request-Disposition',
  'Require',
  'Retry-After',
  'Route',
  'Server',
  'Session-Expires',
  'SIP-ETag',
  'SIP-If-Match',
  'Subject',
  'Subscription-State',
  'Supported',
  'Timestamp',
  'To',
  'Unsupported',
  'User-Agent',
  'Via',
  'Warning',
  'WWW-Authenticate',
] as const;

const LONG_NAMES: ReadonlyMap<string, string> = new Map([
  ...HEADER_NAMES.map((name): [string, string] => [name, name.toLowerCase()]),
  ...HEADER_NAMES.map((name): [string, string] => [name.toLowerCase(), name.toLowerCase()]),
  ...COMPACT_FORMS,
  ...[...COMPACT_FORMS].map(([letter, name]): [string, string] => [letter.toUpperCase(), name]),
]);

/** The long form in lower case of a header name as received: `v` and `VIA` are `via`. Names we do not know are only lower-cased. */
export function longName(name: string): string {
  return LONG_NAMES.get(name) ?? foldedName(name.toLowerCase());
}

function foldedName(name: string): string {
  return LONG_NAMES.get(name) ?? name;
}

/** Headers of which a message may hold one only. RFC 3261 §7.3.1 and table 2: those that are not comma-separated lists. */
export const SINGLE_HEADERS: ReadonlySet<string> = new Set([
  'call-id',
  'content-type',
  'cseq',
  'event',
  'expires',
  'from',
  'max-forwards',
  'subscription-state',
  'to',
]);

/** RFC 3261 §19.1.2 and §18: the port when none is written. */
export const DEFAULT_PORTS = { sip: 5060, sips: 5061, tcp: 5060, tls: 5061 } as const;

/** RFC 3261 §8.1.1.7: every branch of a sender that follows it begins so. */
export const BRANCH_COOKIE = 'z9hG4bK';

const PHRASES: ReadonlyMap<number, string> = new Map([
  [100, 'Trying'],
  [180, 'Ringing'],
  [181, 'Call Is Being Forwarded'],
  [182, 'Queued'],
  [183, 'Session Progress'],
  [200, 'OK'],
  [202, 'Accepted'],
  [204, 'No Notification'],
  [300, 'Multiple Choices'],
  [301, 'Moved Permanently'],
  [302, 'Moved Temporarily'],
  [305, 'Use Proxy'],
  [380, 'Alternative Service'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [402, 'Payment Required'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [406, 'Not Acceptable'],
  [407, 'Proxy Authentication Required'],
  [408, 'Request Timeout'],
  [410, 'Gone'],
  [412, 'Conditional Request Failed'],
  [413, 'Request Entity Too Large'],
  [414, 'Request-URI Too Long'],
  [415, 'Unsupported Media Type'],
  [416, 'Unsupported URI Scheme'],
  [417, 'Unknown Resource-Priority'],
  [420, 'Bad Extension'],
  [421, 'Extension Required'],
  [422, 'Session Interval Too Small'],
  [423, 'Interval Too Brief'],
  [429, 'Provide Referrer Identity'],
  [430, 'Flow Failed'],
  [433, 'Anonymity Disallowed'],
  [436, 'Bad Identity Info'],
  [437, 'Unsupported Credential'],
  [438, 'Invalid Identity Header'],
  [439, 'First Hop Lacks Outbound Support'],
  [480, 'Temporarily Unavailable'],
  [481, 'Call/Transaction Does Not Exist'],
  [482, 'Loop Detected'],
  [483, 'Too Many Hops'],
  [484, 'Address Incomplete'],
  [485, 'Ambiguous'],
  [486, 'Busy Here'],
  [487, 'Request Terminated'],
  [488, 'Not Acceptable Here'],
  [489, 'Bad Event'],
  [491, 'Request Pending'],
  [493, 'Undecipherable'],
  [494, 'Security Agreement Required'],
  [500, 'Server Internal Error'],
  [501, 'Not Implemented'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Server Time-out'],
  [505, 'Version Not Supported'],
  [513, 'Message Too Large'],
  [580, 'Precondition Failure'],
  [600, 'Busy Everywhere'],
  [603, 'Decline'],
  [604, 'Does Not Exist Anywhere'],
  [606, 'Not Acceptable'],
]);
const CLASS_PHRASES = ['', 'Progress', 'OK', 'Redirected', 'Request Failure', 'Server Failure', 'Global Failure'];

/** The usual phrase of a status; a word for its class when we know none. */
export function phraseOf(status: number): string {
  return PHRASES.get(status) ?? CLASS_PHRASES[Math.floor(status / 100)] ?? '';
}
