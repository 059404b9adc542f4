// A SIP message with what is secret overwritten octet by octet: Content-Length stays true. Headers that place and route a
// message are shown; all others, and the body, are masked. Text is latin1: one character is one octet.

import { masked, maskXml } from './xml-mask.ts';

/** RFC 3261 §7.3.3, RFC 6665, RFC 3841: compact forms. */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};
const SHOWN: ReadonlySet<string> = new Set(
  `accept accept-encoding accept-language allow allow-events call-id contact content-disposition content-encoding content-language
  content-length content-type cseq date event expires from max-forwards mime-version min-expires ms-diagnostics ms-diagnostics-public
  p-asserted-identity path privacy proxy-require reason record-route require retry-after route server sip-etag sip-if-match
  subscription-state supported timestamp to unsupported user-agent via warning`.split(/\s+/),
);

/** Longer lines are not shown. */
const MAX_SHOWN = 2000;

/** The canonical name of a header, lower case. */
export function headerName(written: string): string {
  const name = written.trim().toLowerCase();
  return COMPACT[name] ?? name;
}

/** @param bodies true: the body as it is; of headers nothing more is shown, but for Subject */
export function maskSip(head: string, body: string, bodies: boolean): string {
  let shown = true;
  let type = '';
  const lines = head.split('\r\n').map((line, index) => {
    // A bare CR or LF may hide a header inside another.
    if (/[\r\n\0]/.test(line)) return masked(line);
    if (index === 0) return maskUris(line);
    // RFC 3261 §7.3.1: a line that begins with white space goes on with the header before.
    if (/^[ \t]/.test(line)) return shown ? maskUris(line) : masked(line);
    const colon = line.indexOf(':');
    if (colon === -1) return masked(line);
    const name = headerName(line.slice(0, colon));
    if (name === 'content-type')
      type = line
        .slice(colon + 1)
        .trim()
        .toLowerCase();
    shown = SHOWN.has(name) || (bodies && name === 'subject');
    const value = line.slice(colon + 1);
    return `${line.slice(0, colon + 1)}${shown ? maskUris(value) : masked(value)}`;
  });
  return `${lines.join('\r\n')}${maskBody(body, type, bodies)}`;
}

function maskBody(body: string, type: string, bodies: boolean): string {
  if (/^application\/[\w.-]+\+xml/.test(type)) return maskXml(body, bodies);
  return bodies ? body : masked(body);
}

/** RFC 3261 §19.1.1: passwords and header parts of URIs, and parameters whose name says what they are. */
function maskUris(text: string): string {
  // What looks for secrets may take the square of a line's length; a line that nobody reads is masked instead.
  if (text.length > MAX_SHOWN) return masked(text);
  return text
    .replaceAll(/(\bsips?:[^\s:@<>;?]*:)([^\s@<>]*)(?=@)/gi, (_, before: string, password: string) => before + masked(password))
    .replaceAll(/(\bsips?:[^\s<>?]*\?)([^\s<>]*)/gi, (_, before: string, headers: string) => before + masked(headers))
    .replaceAll(
      /([;,\s]\s*[\w.+-]*(?:token|secret|passw|pwd|key|auth|ticket|sig|cred|nonce|cookie)[\w.-]*\s*=\s*)("[^"]*"?|[^\s;,<>]*)/gi,
      (_, before: string, value: string) => before + masked(value),
    );
}
