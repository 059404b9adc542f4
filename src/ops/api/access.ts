// Who calls over TCP: a client certificate, a bearer token that `admin:` names, or one of its OpenID issuer, and nobody else. There is no password and
// no default; what fails is counted, slowed down and audited.

import { createHash, timingSafeEqual, type X509Certificate } from 'node:crypto';
import type { AdminClient, AdminToken } from '../../config/admin.ts';
import type { Actor } from '../../model/audit.ts';
import type { Caller, Refusal } from './api.ts';
import type { Throttle } from './throttle.ts';

/** A certificate that the caller has the key of, and whether an authority in certs/trust/admin/ issued it. */
export interface ShownClient {
  readonly certificate: X509Certificate;
  readonly trusted: boolean;
}

/** What an OpenID issuer's token is worth. */
export type BearerVerdict =
  | Known
  /** `known`: it is good, and whoever it is of may do nothing here. */
  | { readonly refused: string; readonly known?: true }
  /** It cannot be judged now. */
  | { readonly unavailable: string; readonly retryAfterSeconds: number };

export interface AccessParts {
  /** Judges what is no token of the home's own; undefined: it is none of an issuer either. Absent: there is no issuer. */
  readonly issued?: (token: string) => Promise<BearerVerdict | undefined>;
  readonly tokens: readonly AdminToken[];
  readonly clients: readonly AdminClient[];
  /** Reads a secret, so that a new one counts at once. @throws when it is not there */
  secret(name: string): string;
  shown(caller: Caller): ShownClient | undefined;
  /** Wall ms. */
  now(): number;
  readonly throttle: Throttle;
  /** Is told of each refused call, for the audit log. */
  refused(address: string, why: string): Promise<void>;
}

/** A shorter secret could be guessed; it is nobody's. */
const MIN_TOKEN_CHARS = 20;
const MAX_TOKEN_CHARS = 4096;

/** Settles who calls; a certificate that is named goes before a token. */
export async function whoCalls(parts: AccessParts, caller: Caller): Promise<Actor | Refusal> {
  const { address } = caller;
  const wait = parts.throttle.waitSeconds(address);
  if (wait > 0) {
    const text = `Too many failed attempts from ${address}. Try again in ${wait} s.`;
    return { status: 429, fault: { error: 'limited', text }, retryAfterSeconds: wait };
  }
  const found = byCertificate(parts, caller) ?? byToken(parts, caller);
  if (typeof found === 'object') return { name: found.name, role: found.role, via: 'api', address };
  const sent = bearerOf(caller);
  const issued = sent === undefined ? undefined : await parts.issued?.(sent);
  if (issued !== undefined && 'role' in issued) return { name: issued.name, role: issued.role, via: 'api', address };
  if (issued !== undefined && 'unavailable' in issued) {
    const { unavailable, retryAfterSeconds } = issued;
    return { status: 503, fault: { error: 'unavailable', text: `The token cannot be judged now: ${unavailable}.` }, retryAfterSeconds };
  }
  if (issued?.known !== true) parts.throttle.failed(address);
  await parts.refused(address, issued?.refused ?? found);
  if (issued !== undefined)
    return issued.known === true
      ? { status: 403, fault: { error: 'forbidden', text: `${issued.refused}.` } }
      : { status: 401, fault: { error: 'unauthorized', text: sentence(issued.refused) } };
  const nobody = parts.tokens.length === 0 && parts.clients.length === 0 && parts.issued === undefined;
  const text = nobody
    ? 'Nobody may use this: isthmus.yaml names neither tokens, clients nor oidc under admin:.'
    : 'Send a token that isthmus.yaml names (Authorization: Bearer ...), or show a client certificate that it names.';
  return { status: 401, fault: { error: 'unauthorized', text } };
}

interface Known {
  readonly name: string;
  readonly role: Actor['role'];
}

function byCertificate({ clients, shown, now }: AccessParts, caller: Caller): Known | undefined {
  const client = shown(caller);
  if (client === undefined) return undefined;
  const { certificate, trusted } = client;
  if (certificate.validFromDate.getTime() > now() || certificate.validToDate.getTime() < now()) return undefined;
  return clients.find(({ match }) => {
    if ('fingerprint' in match) return fingerprintOf(certificate) === match.fingerprint;
    if (!trusted) return false;
    return 'subject' in match ? subjectOf(certificate) === canonicalSubject(match.subject) : carries(certificate, match.san);
  });
}

/** SHA-256, lower-case hex. */
function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Every part of it, in an order of our own: tools print a subject from either end. */
function subjectOf(certificate: X509Certificate): string {
  return certificate.subject.split('\n').sort().join(', ');
}

function canonicalSubject(written: string): string {
  return written
    .split(',')
    .map((part) => part.trim())
    .sort()
    .join(', ');
}

function carries(certificate: X509Certificate, san: string): boolean {
  if (san.includes('@')) return certificate.checkEmail(san, { subject: 'never' }) !== undefined;
  return certificate.checkHost(san, { subject: 'never', wildcards: false, partialWildcards: false }) !== undefined;
}

/** @returns why not, for the audit log, when it is nobody */
function byToken({ tokens, secret }: AccessParts, caller: Caller): Known | string {
  if (caller.headers.authorization === undefined) return 'no token';
  const sent = bearerOf(caller);
  if (sent === undefined) return 'no bearer token';
  if (sent.length > MAX_TOKEN_CHARS) return 'a token that nobody has';
  const digest = digestOf(sent);
  let found: Known | undefined;
  // Every token is compared, and in constant time, so that the time tells nothing.
  for (const token of tokens) {
    const expected = readSecret(secret, token.secret);
    const same = timingSafeEqual(digest, digestOf(expected ?? ''));
    if (same && expected !== undefined) found ??= token;
  }
  return found ?? 'a token that nobody has';
}

function bearerOf({ headers }: Caller): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function readSecret(secret: (name: string) => string, name: string): string | undefined {
  try {
    const value = secret(name);
    return value.length >= MIN_TOKEN_CHARS ? value : undefined;
  } catch {
    return undefined;
  }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
