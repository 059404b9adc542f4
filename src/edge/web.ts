// HTTP out: certificate status, POSH, webhooks, authorities that issue. Bounded in bytes, time and redirects. The address
// that is connected to is the one that was judged (connect.ts has the same rule), so that a name that changes its mind
// between two look-ups (DNS rebinding) leads nowhere. Answers of any status come back; what cannot be had is a ConnectError.

import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import tls, { type SecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { reason } from '../errors.ts';
import { hostPort } from '../model/host-port.ts';
import { type Clock, ConnectError, type Resolver } from '../model/ports.ts';
import type { HostPort } from '../model/table.ts';
import { isForbiddenTarget, plainAddress } from './address-ranges.ts';
import { machineAddresses } from './connect.ts';

export interface WebRequest {
  /** Default GET. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Lower-case names. `authorization` and `cookie` do not follow a redirect to another origin. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Of the answer's body; more is a failure. Default 256 KiB. */
  readonly maxBytes?: number;
  /** For everything together, redirects too. Default 10 s. */
  readonly timeoutMs?: number;
  /** How many are followed, 0 to 3. Default 0: a redirect is an answer like another. */
  readonly redirects?: number;
  /** Also http://, at the start and after a redirect. Default: https:// only. */
  readonly allowHttp?: boolean;
  /** The operator named this URL: it may lead to private and local addresses. Never for a URL that came from a peer. */
  readonly allowPrivateAddresses?: boolean;
  /** PEM certificates; they alone are trusted. Default: what `makeWeb` was given. */
  readonly roots?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface WebAnswer {
  readonly status: number;
  /** Lower-case names; several of one name are joined with a comma. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Where it really came from, after redirects. */
  readonly url: string;
}

/** Bounded HTTP. One for a process. */
export interface Web {
  /** Rejects with ConnectError only. */
  fetch(url: string, request?: WebRequest): Promise<WebAnswer>;
}

export interface WebOptions {
  readonly resolver: Resolver;
  readonly clock: Clock;
  /**
   * `outbound.httpProxy` of isthmus.yaml. The proxy resolves names itself; literal addresses and names that lead to
   * private addresses are refused before it is asked. A private address that the operator named is reached directly.
   */
  readonly httpProxy?: HostPort;
  /** Addresses we listen on; besides every address of this machine's interfaces. */
  readonly ownAddresses?: () => ReadonlySet<string>;
  /** PEM of the roots that are trusted; default: the system's. */
  readonly roots?: () => readonly string[];
}

const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 3;
const MAX_ADDRESSES = 8;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const KEPT_CONTEXTS = 16;

/** Makes the port through which everything of ours speaks HTTP. */
export function makeWeb(options: WebOptions): Web {
  const contextOf = rememberedContexts(options.roots ?? (() => tls.getCACertificates('system')));
  return {
    async fetch(url, request = {}) {
      const ended = new AbortController();
      const timeoutMs = request.timeoutMs ?? TIMEOUT_MS;
      const late = options.clock.after(timeoutMs, () =>
        ended.abort(failed('NET_CONNECT_TIMEOUT', `${shown(url)} did not answer within ${timeoutMs} ms.`)),
      );
      const given = request.signal;
      const onAbort = (): void => ended.abort(failed('NET_CLOSED', `The request to ${shown(url)} was given up by us.`));
      if (given?.aborted) onAbort();
      given?.addEventListener('abort', onAbort, { once: true });
      try {
        return await follow(url, request, options, contextOf, ended.signal);
      } catch (error) {
        if (ended.signal.aborted && ended.signal.reason instanceof ConnectError) throw ended.signal.reason;
        throw error instanceof ConnectError ? error : failure(url, error);
      } finally {
        late.cancel();
        given?.removeEventListener('abort', onAbort);
      }
    },
  };
}

type ContextOf = (roots: readonly string[] | undefined) => SecureContext;

async function follow(start: string, request: WebRequest, options: WebOptions, contextOf: ContextOf, signal: AbortSignal) {
  let url = readUrl(start, request);
  let { method = 'GET', headers = {}, body } = request;
  const left = Math.min(request.redirects ?? 0, MAX_REDIRECTS);
  for (let followed = 0; ; followed += 1) {
    const answer = await once(url, { ...request, method, headers, ...(body === undefined ? {} : { body }) }, options, contextOf, signal);
    const location = answer.headers.get('location');
    if (followed >= left || location === undefined || !REDIRECTS.has(answer.status)) return answer;
    const next = readUrl(URL.parse(location, url)?.href ?? location, request);
    // RFC 9110 §15.4: 303 means GET; what was posted is posted again only where the method must not change.
    if (answer.status === 303 || (answer.status < 303 && method === 'POST')) {
      method = 'GET';
      body = undefined;
    }
    if (next.origin !== url.origin) {
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(authorization|cookie)$/i.test(name)));
    }
    url = next;
  }
}

function readUrl(text: string, request: WebRequest): URL {
  const url = URL.parse(text);
  const right = request.allowHttp ? 'an https:// or http:// address' : 'an https:// address';
  if (url === null || !(url.protocol === 'https:' || (request.allowHttp && url.protocol === 'http:'))) {
    throw failed('NET_ADDRESS_REFUSED', `${shown(text)} is not ${right}.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw failed('NET_ADDRESS_REFUSED', `${url.origin} carries a name or a password; ${right} without one would be right.`);
  }
  return url;
}

async function once(
  url: URL,
  request: WebRequest & { readonly method: NonNullable<WebRequest['method']>; readonly headers: Readonly<Record<string, string>> },
  options: WebOptions,
  contextOf: ContextOf,
  signal: AbortSignal,
): Promise<WebAnswer> {
  const { addresses, isPrivate } = await addressesOf(url, request, options);
  const { Agent, ProxyAgent, request: send } = await import('undici'); // loaded when first needed
  const secureContext = contextOf(request.roots);
  signal.throwIfAborted();
  const proxy = options.httpProxy;
  const timeout = request.timeoutMs ?? TIMEOUT_MS;
  // One connection for one request: these are rare, and a kept one would have been judged under an older look-up.
  const dispatcher: Dispatcher =
    proxy !== undefined && !isPrivate
      ? new ProxyAgent({
          uri: `http://${hostPort(proxy)}`,
          requestTls: { secureContext, allowH2: false, timeout },
          proxyTunnel: false, // http:// in absolute form, as every proxy takes it; https:// always by CONNECT
        })
      : new Agent({
          connections: 1,
          connect: {
            secureContext,
            timeout,
            allowH2: false,
            autoSelectFamily: true,
            // The addresses that were judged, and no others.
            lookup: (_name, wanted, done) => {
              const found = addresses.map((address) => ({ address, family: isIP(address) }));
              if (wanted.all) done(null, found);
              else done(null, found[0]!.address, found[0]!.family); // there is always one
            },
          },
        });
  try {
    const answer = await send(url, {
      dispatcher,
      method: request.method,
      headers: { 'user-agent': 'isthmus', ...request.headers },
      body: request.body ?? null,
      signal,
      headersTimeout: timeout,
      bodyTimeout: timeout,
    });
    const maxBytes = request.maxBytes ?? MAX_BYTES;
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of answer.body) {
      bytes += (part as Buffer).length; // no encoding was set, so parts are buffers
      if (bytes > maxBytes) throw failed('PEER_ERROR', `${shown(url.href)} answered with more than ${maxBytes} bytes.`);
      parts.push(part as Buffer);
    }
    const headers = Object.entries(answer.headers).map(([name, value]): [string, string] => [
      name.toLowerCase(),
      [value].flat().join(', '),
    ]);
    return { status: answer.statusCode, headers: new Map(headers), body: Buffer.concat(parts), url: url.href };
  } finally {
    void dispatcher.destroy().catch(() => {}); // nothing is left to be told
  }
}

async function addressesOf(url: URL, request: WebRequest, options: WebOptions) {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const answer = await options.resolver.addresses(host);
  // Behind a proxy that resolves for us, our own DNS may know no outside names.
  const unknown = answer.kind !== 'addresses' || answer.addresses.length === 0;
  if (unknown && options.httpProxy !== undefined) return { addresses: [], isPrivate: false };
  if (answer.kind === 'failed') throw new ConnectError(answer.reason);
  if (unknown) throw failed('NET_DNS_NOT_FOUND', `${host} has no address in DNS (A or AAAA).`);
  const found = answer.addresses.filter((address) => isIP(address) !== 0).map(plainAddress);
  const own = new Set([...machineAddresses(), ...(options.ownAddresses?.() ?? [])]);
  const outside = found.filter((address) => !isForbiddenTarget(address) && !own.has(address));
  if (request.allowPrivateAddresses) return { addresses: found.slice(0, MAX_ADDRESSES), isPrivate: outside.length === 0 };
  // security.md 3 (SSRF).
  if (outside.length === 0) {
    const text = `${shown(url.href)} leads to ${found.slice(0, 4).join(', ')}: a private, local or own address, where it may not lead.`;
    throw failed('NET_ADDRESS_REFUSED', text);
  }
  return { addresses: outside.slice(0, MAX_ADDRESSES), isPrivate: false };
}

/** A context takes some 20 ms to make from 150 roots; the same roots give the same one. */
function rememberedContexts(standard: () => readonly string[]): ContextOf {
  const known = new Map<string, SecureContext>();
  return (roots) => {
    const pems = roots ?? standard();
    const key = pems.join('\n');
    const context = known.get(key) ?? tls.createSecureContext({ ca: pems.filter(readable), minVersion: 'TLSv1.2' });
    if (known.size >= KEPT_CONTEXTS) known.clear();
    known.set(key, context);
    return context;
  };
}
function readable(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false; // a root this OpenSSL cannot read vouches for nobody
  }
}

function failure(url: string, error: unknown): ConnectError {
  const { code, message } = wordsOf(error);
  const words = `${shown(url)} cannot be fetched (${code === '' ? message : `${code}: ${message}`}).`;
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EADDRNOTAVAIL)$/.test(code)) return failed('NET_CONNECT_REFUSED', words, error);
  if (/TIMEOUT|ETIMEDOUT/.test(code)) return failed('NET_CONNECT_TIMEOUT', words, error);
  if (/CERT|TLS|SSL|SIGNED|ISSUER|VERIFY|EPROTO|INVALID_PURPOSE|INVALID_CA/.test(code)) return failed('NET_TLS_FAILED', words, error);
  return failed('NET_CLOSED', words, error);
}
function wordsOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: '', message: String(error).slice(0, 200) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  const message = error.message === '' && first instanceof Error ? first.message : error.message;
  return { code, message: message.slice(0, 200).replaceAll(/[^\x20-\x7e]/g, ' ') };
}
/** Without the query, which may carry a token. */
function shown(url: string): string {
  return url
    .slice(0, 200)
    .replace(/[?#].*$/s, '')
    .replaceAll(/[^\x20-\x7e]/g, '?');
}
function failed(code: Parameters<typeof reason>[0], text: string, cause?: unknown): ConnectError {
  return new ConnectError(reason(code, text), cause === undefined ? undefined : { cause });
}
