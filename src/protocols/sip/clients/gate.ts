// Who is this client? Every request that does something must come from a user of ours: by digest (RFC 8760), or on a connection
// inside TLS on which the user has signed in before. From must be the user's own address; what else claims an identity
// (P-Asserted-Identity and the like) is never read. Unknown users and wrong passwords get the same answer.

import { LRUCache } from 'lru-cache';
import { type Address, bareKey, sameBare, show } from '../../../model/address.ts';
import { atMost } from '../../../model/at-most.ts';
import type { SignIn } from '../../../model/core.ts';
import type { Clock } from '../../../model/ports.ts';
import { toAddress } from '../address.ts';
import type { OutgoingReply } from '../exchange.ts';
import type { SipRequest } from '../message.ts';
import { safeHeaderValue } from '../print.ts';
import type { SipUri } from '../uri.ts';
import { ALGORITHMS, type DigestCredentials, fits, parseCredentials, printChallenge } from './digest.ts';
import type { Flow } from './flow.ts';
import type { Nonces } from './nonces.ts';

export interface GateParts {
  readonly signIn: SignIn;
  readonly nonces: Nonces;
  readonly clock: Clock;
  readonly serves: Serves;
}

/** The domain by any of its names, when its users sign in here (`served: core`). */
export type Serves = (domain: string) => string | undefined;

export type Admission = { readonly kind: 'user'; readonly user: Address } | { readonly kind: 'answer'; readonly reply: OutgoingReply };

/** Failed sign-ins of one connection before it is closed. */
export const MAX_FAILURES = 5;
const MAX_ASKED = 32;
/** Authorization headers looked at. */
const MAX_CREDENTIALS = 4;

/**
 * By User-Agent: clients from before RFC 8760 that give up at an algorithm they do not know, wherever it stands, and come back
 * half a minute later. What they know is all they are offered.
 */
const MD5_ALONE: readonly RegExp[] = [/^baresip v[01]\./];

/** Users' clients that have turned out to be such. */
const MAX_REMEMBERED = 20_000;

export class Gate {
  readonly #parts: GateParts;
  /** By user and User-Agent: offered MD5 alone, it signed in. */
  readonly #md5Only = new LRUCache<string, true>(atMost(MAX_REMEMBERED));

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** @param fromUri the From URI of the request, read */
  async admit(flow: Flow, request: SipRequest, fromUri: SipUri): Promise<Admission> {
    const claimed = ownAddress(fromUri, this.#parts.serves);
    // A domain that is none of ours: no realm to ask for a password of. RFC 3261 §22.1.
    if (claimed === undefined) return refuse(403, `${fromUri.host === '' ? 'the sender' : fromUri.host} has no users here`);
    const given = this.#credentials(request, claimed.domain);
    if (given === undefined) {
      if (flow.connection.link.secure && flow.signedIn.has(bareKey(claimed))) return { kind: 'user', user: claimed };
      this.#noteUnanswered(flow, request.headers.get('call-id') ?? '');
      return this.#challenge(flow, request, claimed);
    }
    // RFC 7616 §3.4.6: the credentials are for this request and no other.
    if (given.uri !== request.uri) return refuse(400, 'the digest is for another Request-URI');
    const now = this.#parts.clock.monotonic();
    const verdict = this.#parts.nonces.check(given.nonce, flow.connection.id, given.realm, now);
    const fresh = verdict === 'good' && (given.counted === undefined || flow.nonces.take(given.nonce, given.counted.nc));
    if (!fresh) return this.#challenge(flow, request, claimed, true);
    return this.#judge(flow, request, claimed, given);
  }

  async #judge(flow: Flow, request: SipRequest, claimed: Address, given: DigestCredentials): Promise<Admission> {
    const user: Address = { local: localOf(given.username, this.#parts.serves), domain: claimed.domain };
    const { ha1s } = await this.#parts.signIn.digest(user, given.realm, given.algorithm);
    const proven = fits(ha1s, given, request.method);
    if (!proven || !flow.signedIn.has(bareKey(user))) {
      const { connection } = flow;
      const from = { face: 'sip', address: connection.peer.address, connection: connection.id } as const;
      const done = await this.#parts.signIn.finish(user, proven, from);
      if (!done.ok) {
        flow.failures += 1;
        if (done.reason.code === 'LIMIT_SIGN_IN') return refuse(403, done.reason.text, [['Retry-After', '300']]);
        return this.#challenge(flow, request, claimed);
      }
      flow.failures = 0;
      flow.signedIn.add(bareKey(user));
      if (flow.md5Only) this.#md5Only.set(clientKey(user, request), true);
    }
    // RFC 3261 §22.4, §10.3: the password proves one user, and only that user may be named in From.
    if (!sameBare(user, claimed)) return refuse(403, `signed in as ${show(user)}, which is not the sender`);
    return { kind: 'user', user };
  }

  #credentials(request: SipRequest, realm: string): DigestCredentials | undefined {
    const values = [...request.headers.all('authorization'), ...request.headers.all('proxy-authorization')];
    for (const value of values.slice(0, MAX_CREDENTIALS)) {
      const read = parseCredentials(value);
      if (read?.realm === realm) return read;
    }
    return undefined;
  }

  /**
   * RFC 8760 §2.4 lets a client take the first challenge it knows; some from before it give up at one they do not know, and come
   * back after a while as if nothing had been said (seen with baresip 1.0.0). Such a client is offered MD5 alone.
   */
  #noteUnanswered(flow: Flow, callId: string): void {
    if (flow.asked.has(callId)) flow.md5Only = true;
    flow.asked.add(callId);
    for (const oldest of flow.asked) {
      if (flow.asked.size <= MAX_ASKED) break;
      flow.asked.delete(oldest);
    }
  }

  /** 401 to the registrar's clients, 407 to everybody else's requests (RFC 3261 §22.2, §22.3): clients expect a proxy there. */
  #challenge(flow: Flow, request: SipRequest, claimed: Address, stale = false): Admission {
    const realm = claimed.domain;
    const [status, name] = request.method === 'REGISTER' ? [401, 'WWW-Authenticate'] : [407, 'Proxy-Authenticate'];
    const nonce = this.#parts.nonces.mint(flow.connection.id, realm, this.#parts.clock.monotonic());
    const agent = request.headers.get('user-agent') ?? '';
    flow.md5Only ||= MD5_ALONE.some((known) => known.test(agent)) || this.#md5Only.has(clientKey(claimed, request));
    const offered = flow.md5Only ? (['MD5'] as const) : ALGORITHMS;
    const headers = offered.map((algorithm) => [name, printChallenge({ realm, nonce, algorithm, stale })] as [string, string]);
    return { kind: 'answer', reply: { status: status as number, headers } };
  }
}

/**
 * The address of a user of ours as clients write it: `sips:` says no more than that they came by TLS, and any name of their domain
 * means the domain itself. Passwords are kept for its realm, so that is the realm they are asked for (RFC 7616 §3.4.2).
 */
export function ownAddress(uri: SipUri, serves: Serves): Address | undefined {
  const read = toAddress(uri.scheme === 'sips' ? { ...uri, scheme: 'sip' } : uri);
  if (read.kind !== 'address' || read.address.local === '') return undefined;
  const domain = serves(read.address.domain);
  return domain === undefined ? undefined : { local: read.address.local, domain };
}

function clientKey(user: Address, { headers }: SipRequest): string {
  return `${bareKey(user)} ${headers.get('user-agent') ?? ''}`;
}

/** Clients write their name or their whole address. */
function localOf(username: string, serves: Serves): string {
  const at = username.lastIndexOf('@');
  const own = at > 0 && serves(username.slice(at + 1).toLowerCase()) !== undefined;
  return (own ? username.slice(0, at) : username).toLowerCase();
}

/** @param words for the client's user; stands in a Warning (RFC 3261 §20.43) */
export function refuse(status: number, words: string, more: readonly (readonly [string, string])[] = []): Admission & { kind: 'answer' } {
  return { kind: 'answer', reply: { status, headers: [...more, warning(words)] } };
}

export function warning(words: string): readonly [string, string] {
  return ['Warning', `399 isthmus "${safeHeaderValue(words, 240).replace(/["\\]/g, "'")}"`];
}
