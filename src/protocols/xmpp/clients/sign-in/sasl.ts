// One sign-in over SASL (RFC 6120 §6, XEP-0388): SCRAM with and without channel binding, PLAIN, tokens (XEP-0484). It keeps what a mechanism must remember
// between two messages; the arithmetic is in scram.ts, what is kept of passwords is the core's. Whoever does not exist, or is
// disabled, or has the wrong password, gets the same bytes after the same steps.

import { timingSafeEqual } from 'node:crypto';
import type { Address } from '../../../../model/address.ts';
import type { Person, ScramHash, ScramVerifier, SignIn, SignInFrom } from '../../../../model/core.ts';
import type { DeviceTokens } from '../../../../model/sign-in-tokens.ts';
import { toAddress } from '../../jid.ts';
import type { SaslFailure } from '../../negotiation/sasl-external.ts';
import type { BindingName } from './channel-binding.ts';
import { boundData, fitting, readHashed } from './fast.ts';
import type { SaslData, Wish } from './sasl2.ts';
import { type ClientFirst, printServerFirst, readClientFinal, readClientFirst, serverSignature } from './scram.ts';

export type ClientSaslFailure = SaslFailure | 'account-disabled' | 'credentials-expired' | 'malformed-request' | 'not-authorized';

export type SaslReply =
  | { readonly is: 'challenge'; readonly data: string }
  /** `data`: what the server proves in turn. */
  | { readonly is: 'success'; readonly person: Person; readonly data?: SaslData }
  | { readonly is: 'failure'; readonly condition: ClientSaslFailure; readonly text?: string };

export interface SaslParts {
  readonly signIn: SignIn;
  /** The domain of the stream. */
  readonly domain: string;
  readonly from: SignInFrom;
  /** Of this connection, in the order in which they are offered. */
  readonly bindings: ReadonlyMap<BindingName, Buffer>;
  /** Makes our half of the nonce. */
  nonce(): string;
  /** Of devices that have signed in before; absent: there are none. */
  readonly tokens?: DeviceTokens | undefined;
  /** What is asked for along with it (XEP-0388). */
  readonly wish?: Wish | undefined;
}

const HASHES: Readonly<Record<string, ScramHash>> = { 'SCRAM-SHA-256': 'SHA-256', 'SCRAM-SHA-1': 'SHA-1' };

/** What is offered on a connection, the best first. PLAIN only where TLS protects it. */
export function mechanismsFor(bindings: ReadonlyMap<BindingName, Buffer>, secure: boolean): readonly string[] {
  const plus = bindings.size > 0 ? Object.keys(HASHES).map((name) => `${name}-PLUS`) : [];
  return [...plus, ...Object.keys(HASHES), ...(secure ? ['PLAIN'] : [])];
}

interface Challenged {
  readonly user: Address;
  readonly first: ClientFirst;
  readonly serverFirst: string;
  readonly nonce: string;
  readonly verifier: ScramVerifier;
  /** What `c=` must be. */
  readonly channel: Buffer;
}

/** One try; made anew for each `<auth/>`. */
export class SaslExchange {
  readonly #parts: SaslParts;
  #challenged: Challenged | undefined;

  constructor(parts: SaslParts) {
    this.#parts = parts;
  }

  /** Takes the initial response. Never rejects for what a client says. */
  async begin(mechanism: string, initial: Buffer | undefined): Promise<SaslReply> {
    if (this.#parts.wish?.fast !== undefined) return this.#token(mechanism, initial);
    if (!mechanismsFor(this.#parts.bindings, true).includes(mechanism)) return failure('invalid-mechanism');
    // Every mechanism here is client-first; RFC 6120 §6.4.2 lets the client send its first message after an empty challenge.
    if (initial === undefined) {
      this.#begun = mechanism;
      return { is: 'challenge', data: '' };
    }
    return mechanism === 'PLAIN' ? this.#plain(initial) : this.#first(mechanism, initial);
  }
  #begun: string | undefined;

  /** Takes an answer to our challenge. */
  async respond(response: Buffer): Promise<SaslReply> {
    const mechanism = this.#begun;
    this.#begun = undefined;
    if (mechanism !== undefined) return this.begin(mechanism, response);
    const challenged = this.#challenged;
    this.#challenged = undefined;
    if (challenged === undefined) return failure('malformed-request');
    const final = readClientFinal(response.toString('utf8'));
    if (final === undefined || final.nonce !== challenged.nonce) return failure('malformed-request');
    const bound = same(final.channel, challenged.channel);
    const signature = serverSignature(challenged.verifier, challenged.first.bare, challenged.serverFirst, final);
    const verdict = await this.#parts.signIn.finish(challenged.user, bound && signature !== undefined, this.#parts.from);
    if (!verdict.ok || signature === undefined) return refusal(verdict);
    return { is: 'success', person: verdict.person, data: `v=${signature.toString('base64')}` };
  }

  async #first(mechanism: string, initial: Buffer): Promise<SaslReply> {
    const plus = mechanism.endsWith('-PLUS');
    const hash = HASHES[plus ? mechanism.slice(0, -'-PLUS'.length) : mechanism];
    const first = readClientFirst(initial.toString('utf8'));
    if (hash === undefined || first === undefined) return failure('malformed-request');
    const { binding } = first;
    // RFC 5802 §6: `p` belongs to PLUS and to nothing else; `y` says that our offer of PLUS was taken away on the road.
    if ((binding.flag === 'p') !== plus) return failure('malformed-request');
    if (binding.flag === 'y' && this.#parts.bindings.size > 0)
      return failure('not-authorized', 'this server offers channel binding; somebody between us has hidden that');
    const data = binding.flag === 'p' ? [...this.#parts.bindings].find(([name]) => name === binding.name)?.[1] : Buffer.alloc(0);
    if (data === undefined) return failure('malformed-request', 'this channel binding is not available here');
    const user = this.#userOf(first.username);
    if (!this.#actsAs(first.authzid, user)) return failure('invalid-authzid');
    const verifier = await this.#parts.signIn.scram(user, hash);
    const nonce = first.nonce + this.#parts.nonce();
    const serverFirst = printServerFirst(nonce, verifier);
    const channel = Buffer.concat([Buffer.from(first.gs2Header, 'utf8'), data]);
    this.#challenged = { user, first, serverFirst, nonce, verifier, channel };
    return { is: 'challenge', data: serverFirst };
  }

  /** RFC 4616: authzid NUL authcid NUL password. */
  async #plain(initial: Buffer): Promise<SaslReply> {
    const [authzid, username, password, ...more] = initial.toString('utf8').split('\0');
    if (username === undefined || username === '' || password === undefined || password === '' || more.length > 0)
      return failure('malformed-request');
    const user = this.#userOf(username);
    if (!this.#actsAs(authzid === '' ? undefined : authzid, user)) return failure('invalid-authzid');
    const verdict = await this.#parts.signIn.password(user, password, this.#parts.from);
    return verdict.ok ? { is: 'success', person: verdict.person } : refusal(verdict);
  }

  /** XEP-0484 §3.4: a token of this device, for this mechanism. */
  async #token(mechanism: string, initial: Buffer | undefined): Promise<SaslReply> {
    const { tokens, wish, bindings, signIn, from } = this.#parts;
    const bound = boundData(mechanism, bindings);
    const device = wish?.device;
    if (tokens === undefined || bound === undefined) return failure('invalid-mechanism');
    const said = initial === undefined ? undefined : readHashed(initial);
    if (said === undefined || device === undefined) return failure('malformed-request');
    const user = this.#userOf(said.username);
    const found = fitting(await tokens.of(user, device, mechanism), said.proof, bound);
    const { count, invalidate = false } = wish?.fast ?? {};
    const proven = found !== undefined && (await tokens.used(user, device, found.used, count, invalidate));
    const verdict = await signIn.finish(user, proven, from);
    // XEP-0484 §4.2: the client goes on with a password.
    if (!verdict.ok) return verdict.reason.code === 'LIMIT_SIGN_IN' ? refusal(verdict) : failure('credentials-expired');
    return { is: 'success', person: verdict.person, ...(found !== undefined && { data: found.answer }) };
  }

  /** RFC 6120 §6.3.8: the simple user name is the localpart. One that can be nobody's is looked for all the same. */
  #userOf(username: string): Address {
    const { domain } = this.#parts;
    const address = /[@/]/.test(username) ? undefined : toAddress(`${username}@${domain}`);
    return address === undefined || 'code' in address ? { local: username, domain } : address;
  }

  /** RFC 6120 §6.3.8: a client may act as its own user only. */
  #actsAs(authzid: string | undefined, user: Address): boolean {
    if (authzid === undefined) return true;
    const wanted = toAddress(authzid);
    return !('code' in wanted) && wanted.local === user.local && wanted.domain === user.domain && wanted.resource === undefined;
  }
}

function failure(condition: ClientSaslFailure, text?: string): SaslReply {
  return { is: 'failure', condition, ...(text !== undefined && { text }) };
}

/** Wrong, unknown and disabled read alike; only who has tried too often is told to wait. */
function refusal(verdict: { readonly ok: boolean; readonly reason?: { readonly code: string } }): SaslReply {
  if (verdict.reason?.code === 'LIMIT_SIGN_IN') return failure('temporary-auth-failure', 'too many failed sign-ins; try again later');
  return failure('not-authorized');
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
