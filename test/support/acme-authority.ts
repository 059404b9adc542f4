// An ACME authority (RFC 8555, RFC 9773) in memory, behind the port that everything of ours speaks HTTP through: it checks
// signatures, nonces and addresses as strictly as the RFC lets it, and can be told to fail. Control over names it believes.

import { createHmac, createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { CertificationRequest, Extensions, GeneralNames } from 'pkijs';
import type { Web, WebAnswer, WebRequest } from '../../src/edge/web.ts';
import { reason } from '../../src/errors.ts';
import { ConnectError } from '../../src/model/ports.ts';
import { type Ca, makeCa } from './ca.ts';
import { altNames, caExtension, extendedKeyUsage, keyUsage, newKey, OID, signCertificate } from './certificate-builder.ts';

interface Problem {
  readonly status: number;
  readonly type: string;
  readonly detail?: string;
  readonly retryAfter?: string;
  readonly subproblems?: readonly object[];
}

export interface AuthorityOptions {
  readonly host: string;
  readonly now: () => number;
  readonly lifeMs: number;
  /** kid -> HMAC key (base64url). */
  readonly desk?: Readonly<Record<string, string>>;
  /** Offers renewal information. */
  readonly ari?: boolean;
}

/** One authority; `web` reaches it and nothing else. */
export class FakeAuthority {
  readonly ca: Ca;
  readonly options: AuthorityOptions;
  /** Every request, `METHOD path`. */
  readonly requests: string[] = [];
  /** Bodies of new orders. */
  readonly orders: {
    readonly identifiers: readonly { readonly value: string }[];
    readonly replaces?: string;
    readonly profile?: string;
  }[] = [];
  readonly issued: X509Certificate[] = [];
  /** Asked before each request: what it answers instead. `dead`: nobody is there. */
  fails: (path: string) => Problem | 'dead' | undefined = () => undefined;
  /** What it says of the suggested window. */
  window: { readonly start: number; readonly end: number; readonly explanationURL?: string } | undefined;
  informationRetryAfter = '21600';
  /** How the CA has seen a challenge. */
  challengeProblem: { readonly type: string; readonly detail: string } | undefined;
  /** Signs for other keys or names than were asked. */
  mistake: 'key' | 'names' | undefined;
  readonly #nonces = new Set<string>();
  readonly #accounts = new Map<string, { readonly key: KeyObject; contact: unknown }>();
  #count = 0;
  readonly #open = new Map<string, { names: readonly string[]; der?: Uint8Array<ArrayBuffer>; chain?: string; answered: Set<string> }>();

  constructor(options: AuthorityOptions) {
    this.options = options;
    this.ca = makeCa(options.host);
  }

  get directory(): string {
    return `https://${this.options.host}/directory`;
  }

  answer(url: string, request: WebRequest): WebAnswer {
    const path = new URL(url).pathname;
    this.requests.push(`${request.method} ${path}`);
    const failure = this.fails(path);
    if (failure === 'dead') throw new ConnectError(reason('NET_CONNECT_REFUSED', `${this.options.host} refused the connection.`));
    try {
      if (failure !== undefined) throw new Refusal(failure);
      return this.#route(path, url, request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, type, detail, retryAfter, subproblems } = error.problem;
      const body = { type: `urn:ietf:params:acme:error:${type}`, detail: detail ?? type, ...(subproblems && { subproblems }) };
      return this.#reply(status, body, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
    }
  }

  #route(path: string, url: string, request: WebRequest): WebAnswer {
    const at = (rest: string): string => `https://${this.options.host}${rest}`;
    if (request.method === 'GET' && path === '/directory') {
      return this.#reply(200, {
        newNonce: at('/nonce'),
        newAccount: at('/accounts'),
        newOrder: at('/orders'),
        ...(this.options.ari && { renewalInfo: at('/info') }),
        meta: {
          externalAccountRequired: this.options.desk !== undefined,
          termsOfService: at('/terms'),
          profiles: { classic: 'x', shortlived: 'y' },
        },
      });
    }
    if (path === '/nonce') return this.#reply(200, undefined);
    if (request.method === 'GET' && path.startsWith('/info/')) {
      if (this.window === undefined) throw new Refusal({ status: 404, type: 'malformed' });
      const { start, end, explanationURL } = this.window;
      const body = { suggestedWindow: { start: new Date(start).toISOString(), end: new Date(end).toISOString() }, explanationURL };
      return this.#reply(200, body, { 'retry-after': this.informationRetryAfter });
    }
    const { payload, account } = this.#verified(url, request);
    if (path === '/accounts') return this.#account(account, payload, at);
    if (path.startsWith('/accounts/')) return this.#reply(200, {});
    if (path === '/orders') {
      const id = String(++this.#count);
      const order = payload as FakeAuthority['orders'][number];
      this.orders.push(order);
      this.#open.set(id, { names: order.identifiers.map(({ value }) => value), answered: new Set() });
      return this.#reply(201, this.#order(id, at), { location: at(`/order/${id}`) });
    }
    const [, kind = '', id = '', index = '0'] = path.split('/');
    const order = this.#open.get(id);
    if (order === undefined) throw new Refusal({ status: 404, type: 'malformed' });
    if (kind === 'order') return this.#reply(200, this.#order(id, at));
    if (kind === 'authorization' || kind === 'challenge') {
      const name = order.names[Number(index)]!;
      if (kind === 'challenge') order.answered.add(name);
      const done = order.answered.has(name);
      const status = !done ? 'pending' : this.challengeProblem === undefined ? 'valid' : 'invalid';
      const challenge = {
        type: 'http-01',
        url: at(`/challenge/${id}/${index}`),
        token: 'a'.repeat(43),
        status,
        ...(status === 'invalid' && {
          error: { ...this.challengeProblem, type: `urn:ietf:params:acme:error:${this.challengeProblem?.type}` },
        }),
      };
      return this.#reply(
        200,
        kind === 'challenge' ? challenge : { status, identifier: { type: 'dns', value: name }, challenges: [challenge] },
      );
    }
    if (kind === 'finalize') {
      order.chain = this.#issue(Buffer.from(String((payload as { csr: string }).csr), 'base64url'), order.names);
      return this.#reply(200, this.#order(id, at));
    }
    if (kind === 'certificate' && order.chain !== undefined) return this.#raw(200, order.chain);
    throw new Refusal({ status: 404, type: 'malformed' });
  }

  #order(id: string, at: (rest: string) => string): object {
    const { names, chain, answered } = this.#open.get(id)!;
    const status = chain !== undefined ? 'valid' : answered.size === names.length ? 'ready' : 'pending';
    return {
      status,
      authorizations: names.map((_, index) => at(`/authorization/${id}/${index}`)),
      finalize: at(`/finalize/${id}`),
      ...(chain !== undefined && { certificate: at(`/certificate/${id}`) }),
    };
  }

  #account(known: string | undefined, payload: unknown, at: (rest: string) => string): WebAnswer {
    const { onlyReturnExisting, termsOfServiceAgreed, externalAccountBinding, contact } = payload as Record<string, unknown>;
    const thumb = this.#lastKey!;
    const existing = known ?? [...this.#accounts].find(([, { key }]) => key.equals(thumb))?.[0];
    if (existing !== undefined) return this.#reply(200, { status: 'valid', contact }, { location: at(`/accounts/${existing}`) });
    if (onlyReturnExisting === true) throw new Refusal({ status: 400, type: 'accountDoesNotExist' });
    if (termsOfServiceAgreed !== true) throw new Refusal({ status: 403, type: 'userActionRequired' });
    if (this.options.desk !== undefined) {
      const binding = externalAccountBinding as { protected: string; payload: string; signature: string } | undefined;
      if (binding === undefined) throw new Refusal({ status: 403, type: 'externalAccountRequired' });
      const { kid, alg, url } = JSON.parse(Buffer.from(binding.protected, 'base64url').toString()) as {
        kid: string;
        alg: string;
        url: string;
      };
      const key = this.options.desk[kid];
      const mac =
        key && createHmac('sha256', Buffer.from(key, 'base64url')).update(`${binding.protected}.${binding.payload}`).digest('base64url');
      if (alg !== 'HS256' || url !== at('/accounts') || mac !== binding.signature) throw new Refusal({ status: 403, type: 'unauthorized' });
    }
    const id = String(this.#accounts.size + 1);
    this.#accounts.set(id, { key: thumb, contact });
    return this.#reply(201, { status: 'valid', contact }, { location: at(`/accounts/${id}`) });
  }

  #lastKey: KeyObject | undefined;

  /** RFC 8555 §6.2 to §6.5. */
  #verified(url: string, request: WebRequest): { readonly payload: unknown; readonly account?: string } {
    if (request.method !== 'POST' || request.headers?.['content-type'] !== 'application/jose+json')
      throw new Refusal({ status: 405, type: 'malformed' });
    const jws = JSON.parse(String(request.body)) as { protected: string; payload: string; signature: string };
    const head = JSON.parse(Buffer.from(jws.protected, 'base64url').toString()) as {
      alg: string;
      nonce: string;
      url: string;
      kid?: string;
      jwk?: Record<string, string>;
    };
    if (!this.#nonces.delete(head.nonce)) throw new Refusal({ status: 400, type: 'badNonce' });
    if (head.url !== url || head.alg !== 'ES256') throw new Refusal({ status: 400, type: 'malformed' });
    const account = head.kid?.split('/').at(-1);
    const key = head.jwk !== undefined ? createPublicKey({ key: head.jwk, format: 'jwk' }) : this.#accounts.get(account ?? '')?.key;
    if (key === undefined) throw new Refusal({ status: 400, type: 'accountDoesNotExist' });
    const bytes = Buffer.from(`${jws.protected}.${jws.payload}`);
    if (!verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(jws.signature, 'base64url')))
      throw new Refusal({ status: 400, type: 'malformed', detail: 'bad signature' });
    this.#lastKey = key;
    const payload: unknown = jws.payload === '' ? {} : JSON.parse(Buffer.from(jws.payload, 'base64url').toString());
    return { payload, ...(account !== undefined && { account }) };
  }

  #issue(der: Buffer, ordered: readonly string[]): string {
    const request = CertificationRequest.fromBER(new Uint8Array(der));
    const wanted = request.attributes?.flatMap(({ values }) => {
      const { extensions } = new Extensions({ schema: values[0] as never }); // the one attribute we ask with holds extensions
      return extensions.flatMap(({ extnValue }) =>
        GeneralNames.fromBER(extnValue.valueBlock.valueHexView.slice()).names.map(({ value }) => String(value)),
      );
    });
    if (JSON.stringify([...(wanted ?? [])].sort()) !== JSON.stringify([...ordered].sort()))
      throw new Refusal({ status: 403, type: 'badCSR' });
    const spki = createPublicKey({ key: Buffer.from(request.subjectPublicKeyInfo.toSchema().toBER()), format: 'der', type: 'spki' });
    const { now, lifeMs } = this.options;
    const names = this.mistake === 'names' ? ordered.slice(1) : ordered;
    const pem = signCertificate({
      cn: names[0] ?? 'none',
      publicKey: this.mistake === 'key' ? newKey().publicKey : spki,
      signer: { cn: this.ca.issuing.cn, key: this.ca.issuing.key },
      notBefore: new Date(now() - 3_600_000),
      notAfter: new Date(now() + lifeMs),
      extensions: [
        caExtension(false),
        keyUsage('leaf'),
        extendedKeyUsage([OID.serverAuth]),
        altNames({ dns: names, uris: [], ips: [], srvIds: [], xmppAddrs: [] })!,
      ],
    });
    this.issued.push(new X509Certificate(pem));
    return pem + this.ca.issuingPem;
  }

  #reply(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): WebAnswer {
    return this.#raw(status, body === undefined ? '' : JSON.stringify(body), headers);
  }

  #raw(status: number, body: string, headers: Readonly<Record<string, string>> = {}): WebAnswer {
    const nonce = `nonce-${++this.#count}`;
    this.#nonces.add(nonce);
    return { status, body: Buffer.from(body), url: '', headers: new Map(Object.entries({ ...headers, 'replay-nonce': nonce })) };
  }
}

class Refusal extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.type);
    this.problem = problem;
  }
}

/** HTTP that leads to these authorities. */
export function webTo(...authorities: readonly FakeAuthority[]): Web {
  return {
    async fetch(url, request = {}) {
      const found = authorities.find(({ options }) => options.host === new URL(url).host);
      if (found === undefined) throw new ConnectError(reason('NET_DNS_NOT_FOUND', `${new URL(url).host} does not exist.`));
      return found.answer(url, request);
    },
  };
}
