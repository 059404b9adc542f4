// Who asks over HTTPS: digest access authentication (RFC 7616) with the verifiers, the nonces and the lock-out of SIP. A password
// proves one user of ours, and each count of a nonce is good once, whatever connection it comes on.

import { LRUCache } from 'lru-cache';
import { type Address, bareKey, show } from '../../../../model/address.ts';
import { atMost } from '../../../../model/at-most.ts';
import type { SignIn } from '../../../../model/core.ts';
import type { Clock } from '../../../../model/ports.ts';
import type { WebAnswer, WebRequest } from '../../../../model/web-route.ts';
import { ALGORITHMS, type DigestCredentials, fits, parseCredentials, printChallenge } from '../digest.ts';
import { Nonces } from '../nonces.ts';

export interface WebSignInParts {
  readonly signIn: SignIn;
  readonly clock: Clock;
}

export type WebAdmission = { readonly kind: 'user' } | { readonly kind: 'answer'; readonly answer: WebAnswer };

/** Nonces are bound to this door, not to a connection: HTTP clients come back on another. */
const DOOR = 'xcap';
const MAX_NONCES = 20_000;
/** For so long a proven nonce is believed without asking whether the user may still sign in, ms. */
const PROVEN_MS = 30_000;

interface Counted {
  last: number;
  /** Bare key, once it has proven its user. */
  proven?: { readonly user: string; readonly at: number };
}

export class WebSignIn {
  readonly #parts: WebSignInParts;
  readonly #nonces = new Nonces();
  readonly #counts = new LRUCache<string, Counted>(atMost(MAX_NONCES));

  constructor(parts: WebSignInParts) {
    this.#parts = parts;
  }

  /** Does the request come from this user of ours, and nobody else? @param user under the main name of the domain */
  async admit(user: Address, request: WebRequest): Promise<WebAdmission> {
    const given = parseCredentials(request.headers.authorization ?? '');
    if (given === undefined || given.realm !== user.domain) return this.#challenge(user.domain);
    // RFC 7616 §3.4.6: the credentials are for this request and no other.
    if (!isFor(given.uri, request)) return said(400, 'the digest is for another address');
    const now = this.#parts.clock.monotonic();
    const counted = this.#counts.get(given.nonce) ?? { last: 0 };
    const fresh = this.#nonces.check(given.nonce, DOOR, given.realm, now) === 'good' && (given.counted?.nc ?? 1) > counted.last;
    if (!fresh) return this.#challenge(user.domain, true);
    counted.last = given.counted?.nc ?? Number.MAX_SAFE_INTEGER;
    this.#counts.set(given.nonce, counted);
    return this.#judge(user, request, given, counted, now);
  }

  async #judge(user: Address, request: WebRequest, given: DigestCredentials, counted: Counted, now: number): Promise<WebAdmission> {
    const suffix = `@${user.domain}`;
    const name = given.username.toLowerCase();
    const claimed: Address = { local: name.endsWith(suffix) ? name.slice(0, -suffix.length) : name, domain: user.domain };
    const { ha1s } = await this.#parts.signIn.digest(claimed, given.realm, given.algorithm);
    const proven = fits(ha1s, given, request.method);
    const { proven: before } = counted;
    const believed = proven && before?.user === bareKey(claimed) && now - before.at < PROVEN_MS;
    if (!believed) {
      const from = { face: 'web', address: request.address, connection: request.connection } as const;
      const done = await this.#parts.signIn.finish(claimed, proven, from);
      if (!done.ok && done.reason.code === 'LIMIT_SIGN_IN') return said(429, done.reason.text, { 'retry-after': '300' });
      if (!done.ok) return this.#challenge(user.domain);
      counted.proven = { user: bareKey(claimed), at: now };
    }
    // RFC 4825 §5: everybody reads and writes their own documents alone.
    if (bareKey(claimed) !== bareKey(user)) return said(403, `signed in as ${show(claimed)}: these documents belong to somebody else`);
    return { kind: 'user' };
  }

  #challenge(realm: string, stale = false): WebAdmission {
    const nonce = this.#nonces.mint(DOOR, realm, this.#parts.clock.monotonic());
    const offered = ALGORITHMS.map((algorithm) => printChallenge({ realm, nonce, algorithm, stale })).join(', ');
    return said(401, 'sign in with the name and the password of your account', { 'www-authenticate': offered });
  }
}

/** The query may be written in another way, the path may not. */
function isFor(uri: string, { path, query }: WebRequest): boolean {
  const [own = '', asked = ''] = uri.replace(/^https:\/\/[^/]+/i, '').split('?', 2);
  return own === path && new URLSearchParams(asked).toString() === query.toString();
}

function said(status: number, words: string, headers: Readonly<Record<string, string>> = {}): WebAdmission {
  return { kind: 'answer', answer: { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: `${words}\n` } };
}
