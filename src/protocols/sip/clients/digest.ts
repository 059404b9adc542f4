// Digest access authentication in SIP: the challenge, the credentials, and their arithmetic. RFC 7616, RFC 8760 (SHA-256 in
// SIP), RFC 3261 §22. Pure: nonces are nonces.ts', and whose password fits is the core's.

import { createHash, timingSafeEqual } from 'node:crypto';
import { quote, unquote } from '../headers/grammar.ts';

export type DigestAlgorithm = 'MD5' | 'SHA-256';

/** RFC 8760 §2.4: what the server prefers comes first. */
export const ALGORITHMS: readonly DigestAlgorithm[] = ['SHA-256', 'MD5'];

/** What a client answers. */
export interface DigestCredentials {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  /** Lower-case hex. */
  readonly response: string;
  readonly algorithm: DigestAlgorithm;
  /** Absent: the form of RFC 2069, without `nc` and `cnonce`, which some clients still write. */
  readonly counted?: { readonly nc: number; readonly ncText: string; readonly cnonce: string };
}

const MAX_CHARS = 4096;
/** auth-param = token BWS "=" BWS ( token / quoted-string ), RFC 7235 §2.1. */
const PARAM = /[ \t]*([A-Za-z0-9!#$%&'*+\-.^_`|~]+)[ \t]*=[ \t]*("(?:[^"\\]|\\[\s\S])*"|[^\s",]*)[ \t]*(,|$)/y;

/** The value of WWW-Authenticate or Proxy-Authenticate. */
export function printChallenge(challenge: {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: DigestAlgorithm;
  readonly stale?: boolean;
}): string {
  const stale = challenge.stale === true ? ', stale=true' : '';
  return `Digest realm=${quote(challenge.realm)}, nonce=${quote(challenge.nonce)}, algorithm=${challenge.algorithm}, qop="auth"${stale}`;
}

/** Reads the value of Authorization; undefined for another scheme, an algorithm we did not offer, or what is malformed. */
export function parseCredentials(value: string): DigestCredentials | undefined {
  if (value.length > MAX_CHARS || !/^Digest[ \t]/i.test(value)) return undefined;
  const params = new Map<string, string>();
  PARAM.lastIndex = 'Digest '.length;
  while (PARAM.lastIndex < value.length) {
    const match = PARAM.exec(value);
    if (match === null) return undefined;
    const [, name = '', text = '', end] = match;
    const key = name.toLowerCase();
    if (params.has(key)) return undefined;
    params.set(key, text.startsWith('"') ? unquote(text) : text);
    if (end === '') break;
  }
  const [username, realm, nonce, uri] = ['username', 'realm', 'nonce', 'uri'].map((name) => params.get(name));
  const response = params.get('response')?.toLowerCase();
  const algorithm = algorithmOf(params.get('algorithm') ?? 'MD5');
  if (username === undefined || realm === undefined || nonce === undefined || uri === undefined) return undefined;
  if (algorithm === undefined || response === undefined || !/^[0-9a-f]{32,64}$/.test(response)) return undefined;
  const base = { username, realm, nonce, uri, response, algorithm };
  const qop = params.get('qop')?.toLowerCase();
  if (qop === undefined) return base;
  const ncText = params.get('nc') ?? '';
  const cnonce = params.get('cnonce');
  // RFC 7616 §3.4: nc is eight hexadecimal digits. `auth-int` was not offered.
  if (qop !== 'auth' || cnonce === undefined || !/^[0-9a-f]{8}$/i.test(ncText)) return undefined;
  return { ...base, counted: { nc: Number.parseInt(ncText, 16), ncText, cnonce } };
}

function algorithmOf(text: string): DigestAlgorithm | undefined {
  return ALGORITHMS.find((one) => one === text.toUpperCase());
}

/** The response that fits, lower-case hex. @param ha1 H(username ":" realm ":" password), RFC 7616 §3.4.2 */
export function responseFor(ha1: string, credentials: Omit<DigestCredentials, 'response'>, method: string): string {
  const { algorithm, nonce, uri, counted } = credentials;
  const hash = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const ha2 = hash(`${method}:${uri}`);
  // RFC 7616 §3.4.1, and RFC 2069 where there is no qop.
  return counted === undefined ? hash(`${ha1}:${nonce}:${ha2}`) : hash(`${ha1}:${nonce}:${counted.ncText}:${counted.cnonce}:auth:${ha2}`);
}

/** Does one of the passwords fit? Looks at all of them, so that time tells nothing. */
export function fits(ha1s: readonly string[], credentials: DigestCredentials, method: string): boolean {
  const given = Buffer.from(credentials.response);
  let found = false;
  for (const ha1 of ha1s) {
    const right = Buffer.from(responseFor(ha1, credentials, method));
    if (right.length === given.length && timingSafeEqual(right, given)) found = true;
  }
  return found;
}
