// A SIP client's XCAP half: requests over HTTPS with digest access authentication (RFC 7616), whose arithmetic is its own.

import { createHash, randomBytes } from 'node:crypto';
import { request } from 'undici';

export interface XcapAnswer {
  readonly status: number;
  readonly etag: string | undefined;
  readonly type: string | undefined;
  readonly body: string;
  readonly challenge: string | undefined;
}

export interface XcapOptions {
  /** `https://host[:port]/xcap/` */
  readonly root: string;
  readonly user: string;
  readonly password: string;
  readonly algorithm?: 'MD5' | 'SHA-256';
}

export const LISTS_TYPE = 'application/resource-lists+xml';
export const RULES_TYPE = 'application/auth-policy+xml';

export class XcapClient {
  readonly #options: XcapOptions;
  #challenge: string | undefined;
  #count = 0;

  constructor(options: XcapOptions) {
    this.#options = options;
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<XcapAnswer> {
    return this.ask('GET', path, headers);
  }

  put(path: string, type: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<XcapAnswer> {
    return this.ask('PUT', path, { 'content-type': type, ...headers }, body);
  }

  remove(path: string, headers: Readonly<Record<string, string>> = {}): Promise<XcapAnswer> {
    return this.ask('DELETE', path, headers);
  }

  /** Answers the challenge, once for each request. */
  async ask(method: 'GET' | 'PUT' | 'DELETE', path: string, headers: Readonly<Record<string, string>>, body?: string): Promise<XcapAnswer> {
    const first = await this.once(method, path, { ...headers, ...this.#credentials(method, path) }, body);
    if (first.status !== 401 || first.challenge === undefined) return first;
    this.#challenge = first.challenge;
    this.#count = 0;
    return this.once(method, path, { ...headers, ...this.#credentials(method, path) }, body);
  }

  /** One request as it is. */
  async once(
    method: 'GET' | 'PUT' | 'DELETE',
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<XcapAnswer> {
    const answer = await request(this.#options.root + path, { method, headers, ...(body !== undefined && { body }) });
    const one = (name: string): string | undefined => {
      const value = answer.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    };
    const text = await answer.body.text();
    return { status: answer.statusCode, etag: one('etag'), type: one('content-type'), body: text, challenge: one('www-authenticate') };
  }

  #credentials(method: string, path: string): Readonly<Record<string, string>> {
    const { root, user, password, algorithm = 'SHA-256' } = this.#options;
    const challenge = (this.#challenge ?? '').split(/(?=Digest )/).find((one) => one.includes(`algorithm=${algorithm}`));
    if (challenge === undefined) return {};
    const field = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? '';
    const hash = (text: string): string =>
      createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
        .update(text)
        .digest('hex');
    this.#count += 1;
    const [realm, nonce, cnonce] = [field('realm'), field('nonce'), randomBytes(6).toString('hex')];
    const nc = this.#count.toString(16).padStart(8, '0');
    const url = new URL(root + path);
    const uri = url.pathname + url.search;
    const response = hash(`${hash(`${user}:${realm}:${password}`)}:${nonce}:${nc}:${cnonce}:auth:${hash(`${method}:${uri}`)}`);
    return {
      authorization: `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", algorithm=${algorithm}, qop=auth, nc=${nc}, cnonce="${cnonce}", response="${response}"`,
    };
  }
}
