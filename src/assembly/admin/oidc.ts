// Tokens of an OpenID issuer for the API (`admin: oidc:`): a JWT is believed when a key that the issuer publishes has signed it, for
// us, now. Keys are fetched when they are needed, kept, and fetched anew when a token names one that is not known - at most
// every half minute, so that made-up tokens cost the issuer nothing. OpenID Connect Discovery 1.0, RFC 7515, 7517, 7519, 9068.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JSONWebKeySet, JWTPayload } from 'jose';
import type { AdminOidc } from '../../config/admin.ts';
import type { Web } from '../../edge/web.ts';
import type { Log } from '../../log.ts';
import { issuedName, ROLES, type Role } from '../../model/audit.ts';
import type { Clock } from '../../model/ports.ts';
import type { BearerVerdict } from '../../ops/api/access.ts';

export interface OidcParts {
  /** The home's folder. */
  readonly dir: string;
  readonly web: Web;
  readonly clock: Clock;
  readonly log: Log;
}

/** RFC 8725 §3.1: what may sign. No `none`, and nothing with a shared secret, so that no public key can be taken for one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
/** RFC 9068 §2.1 and RFC 7519 §5.1; a token for something else (a logout token, a proof) says so here. */
const TYPES: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/at+jwt', 'application/jwt'];
/** Clocks differ by so much, s. */
const SKEW_S = 60;
const KEYS_FRESH_MS = 10 * 60_000;
/** While the issuer cannot be asked its last keys go on counting for so long. */
const KEYS_STALE_MS = 24 * 3_600_000;
/** Between two questions about a key that was not among them, and after a failure. */
const ASK_AGAIN_MS = 30_000;
const MAX_DOCUMENT = 256 * 1024;
const MAX_KEYS = 100;
const MAX_TOKEN_CHARS = 8192;

interface Keys {
  readonly set: JSONWebKeySet;
  /** Monotonic ms. */
  readonly at: number;
}

/** Judges bearer tokens; undefined for what is none of its business (no JWT). */
export type OidcDesk = (token: string, settings: AdminOidc) => Promise<BearerVerdict | undefined>;

/** One for a process. Never rejects. */
export function oidcDesk(parts: OidcParts): OidcDesk {
  const { clock, log } = parts;
  /** By issuer and authority: a reload may name others. */
  let known: { readonly of: string; keys?: Keys; asked?: number; asking?: Promise<Keys | string> } = { of: '' };

  const fetchKeys = async (settings: AdminOidc): Promise<Keys> => {
    const { issuer, ca } = settings;
    const roots = ca === undefined ? {} : { roots: [readFileSync(join(parts.dir, ca), 'utf8')] };
    const here = issuer.startsWith('http:');
    const document = async (url: string): Promise<Readonly<Record<string, unknown>>> => {
      const answer = await parts.web.fetch(url, {
        ...roots,
        maxBytes: MAX_DOCUMENT,
        allowPrivateAddresses: true, // the operator named it
        ...(here && { allowHttp: true }),
        headers: { accept: 'application/json' },
      });
      if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
      const read: unknown = JSON.parse(answer.body.toString('utf8'));
      if (!isObject(read)) throw new Error(`${url} has no JSON object`);
      return read;
    };
    // OpenID Connect Discovery 1.0 §4.1; §4.3: the document names the same issuer, or somebody answers for somebody else.
    const metadata = await document(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    if (metadata.issuer !== issuer) throw new Error(`its document is of the issuer ${String(metadata.issuer).slice(0, 200)}`);
    const { jwks_uri: address } = metadata;
    if (typeof address !== 'string' || !(address.startsWith('https:') || here))
      throw new Error('its document names no jwks_uri with https');
    const { keys } = await document(address);
    if (!Array.isArray(keys)) throw new Error(`${address} has no list of keys`);
    // RFC 7517 §4.2, §4.3: keys to sign with, of kinds that have a public half.
    const usable = keys.slice(0, MAX_KEYS).filter((key) => isObject(key) && key.kty !== 'oct' && (key.use ?? 'sig') === 'sig');
    log.info({ event: 'oidc.keys', issuer, keys: usable.length }, 'the keys of the OpenID issuer are known');
    return { set: { keys: usable }, at: clock.monotonic() };
  };

  /** @param anew a token names a key that is not among those we have @returns words when there is nothing to judge by */
  const keysOf = async (settings: AdminOidc, anew: boolean): Promise<Keys | string> => {
    const of = `${settings.issuer} ${settings.ca ?? ''}`;
    if (known.of !== of) known = { of };
    const mine = known;
    const now = clock.monotonic();
    const last = mine.keys !== undefined && now - mine.keys.at < KEYS_STALE_MS ? mine.keys : undefined;
    const soon = mine.asked !== undefined && now - mine.asked < ASK_AGAIN_MS;
    if (last !== undefined && (soon || (!anew && now - last.at < KEYS_FRESH_MS))) return last;
    if (mine.asking !== undefined) return mine.asking;
    if (soon) return `${settings.issuer} could not be asked for its keys a moment ago`;
    mine.asked = now;
    mine.asking = fetchKeys(settings)
      .then((keys) => (mine.keys = keys))
      .catch((error: unknown) => {
        const why = (error instanceof Error ? error.message : String(error)).slice(0, 300);
        log.warn({ event: 'oidc.failed', issuer: settings.issuer, reason: why }, 'the OpenID issuer could not be asked for its keys');
        return last ?? `${settings.issuer} cannot be asked for its keys: ${why}`;
      })
      .finally(() => {
        delete mine.asking;
      });
    return mine.asking;
  };

  const verified = async (token: string, settings: AdminOidc): Promise<BearerVerdict> => {
    const jose = await import('jose'); // loaded when first needed
    for (const anew of [false, true]) {
      const keys = await keysOf(settings, anew);
      if (typeof keys === 'string') return { unavailable: keys, retryAfterSeconds: ASK_AGAIN_MS / 1000 };
      try {
        const { payload } = await jose.jwtVerify(token, jose.createLocalJWKSet(keys.set), {
          algorithms: ALGORITHMS,
          issuer: settings.issuer,
          audience: [...settings.audience],
          clockTolerance: SKEW_S,
          requiredClaims: ['exp', 'sub'],
          currentDate: new Date(clock.now()),
        });
        return judged(payload, settings);
      } catch (error) {
        // RFC 7517 §4.5: another key may have been brought in since.
        if (error instanceof jose.errors.JWKSNoMatchingKey && !anew) continue;
        return { refused: wordsOf(error) };
      }
    }
    return { refused: 'the issuer has no such key' };
  };

  return async (token, settings) => {
    const seen = opened(token);
    if (seen === undefined) return undefined;
    if (token.length > MAX_TOKEN_CHARS) return { refused: `the token is longer than ${MAX_TOKEN_CHARS} characters` };
    // What cannot be right is told without a question to the issuer.
    const { alg, typ } = seen.header;
    if (typeof alg !== 'string' || !ALGORITHMS.includes(alg))
      return { refused: `a token signed with ${String(alg).slice(0, 20)} is not taken` };
    if (!TYPES.includes(typeof typ === 'string' ? typ.toLowerCase() : typ))
      return { refused: `typ ${String(typ).slice(0, 40)} is no access token` };
    if (seen.payload.iss !== settings.issuer) return { refused: `the token is of another issuer than ${settings.issuer}` };
    try {
      return await verified(token, settings);
    } catch (error) {
      log.error({ event: 'oidc.failed', issuer: settings.issuer, reason: String(error) }, 'a token could not be judged');
      return { unavailable: 'the token cannot be judged now', retryAfterSeconds: ASK_AGAIN_MS / 1000 };
    }
  };
}

/** Who it is and what they may, of a token that is good. */
function judged(payload: JWTPayload, { rolesClaim, roles }: AdminOidc): BearerVerdict {
  // RFC 7800 §3.1, RFC 9449 §7: a token that is bound to a key is nothing without the proof of that key.
  if (payload.cnf !== undefined) return { refused: 'the token is bound to a key (cnf), and no proof of it is taken here' };
  let held: unknown = payload;
  for (const name of rolesClaim) held = isObject(held) ? held[name] : undefined;
  const values = typeof held === 'string' ? held.split(' ') : Array.isArray(held) ? held : [];
  const mine = values.flatMap((value: unknown): Role[] => (typeof value === 'string' ? [roles.get(value) ?? []].flat() : []));
  const role = ROLES.findLast((one) => mine.includes(one));
  const name = nameOf(payload);
  if (role === undefined) {
    const claim = rolesClaim.join('.');
    return {
      refused: `${name} has no role here: ${claim} of the token holds none of ${[...roles.keys()].slice(0, 10).join(', ')}`,
      known: true,
    };
  }
  return { name, role };
}

/** OpenID Connect Core 1.0 §5.7: only `sub` is stable; the other name is for people who read the audit log. */
function nameOf({ sub, preferred_username: shown }: JWTPayload): string {
  const clean = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').slice(0, 90);
  return issuedName(clean(sub ?? ''), typeof shown === 'string' && shown !== sub ? clean(shown) : undefined);
}

/** The parts of a JWT as they claim to be; undefined: it is none. */
function opened(
  token: string,
): { readonly header: Readonly<Record<string, unknown>>; readonly payload: Readonly<Record<string, unknown>> } | undefined {
  const parts = token.split('.');
  if (parts.length !== 3 || token.length > 4 * MAX_TOKEN_CHARS) return undefined;
  try {
    const [header, payload] = parts.slice(0, 2).map((part): unknown => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')));
    return isObject(header) && isObject(payload) ? { header, payload } : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wordsOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const claim = error instanceof Error && 'claim' in error ? String(error.claim) : '';
  switch (code) {
    case 'ERR_JWT_EXPIRED':
      return 'the token has expired';
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      return claim === 'aud' ? 'the token is for somebody else (aud)' : `the claim ${claim} is missing or wrong`;
    case 'ERR_JWKS_NO_MATCHING_KEY':
      return 'the issuer has no such key';
    case 'ERR_JWKS_MULTIPLE_MATCHING_KEYS':
      return 'the token names no key (kid), and the issuer has several';
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return 'the signature is not of the issuer';
    default:
      return `the token is not taken (${code === '' ? 'it cannot be read' : code})`;
  }
}
