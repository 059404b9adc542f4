// One authority as a place to send requests to (RFC 8555 §6 and §7.1.1): directory, nonces, signed POSTs, problem documents.
// Bounded: one request at a time, so many bytes, so much time, five tries for a stale nonce. It never retries by itself for
// any other reason: how often an authority is asked is decided in renewal/schedule.ts alone.

import type { Web, WebAnswer } from '../../edge/web.ts';
import type { Clock } from '../../model/ports.ts';
import { ConnectError } from '../../model/ports.ts';
import { AcmeError, codeOfProblem, problemOf, showProblem } from './fault.ts';
import { type AccountKey, type JwsSigner, signJws } from './jws.ts';

const REQUEST_MS = 30_000;
const MAX_BYTES = 512 * 1024;
const NONCE_TRIES = 5;
/** A CA that asks for more patience than this is asked again at the next round. */
const LONGEST_RETRY_AFTER_MS = 7 * 86_400_000;

/** What is used of a directory. */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  /** RFC 9773 §4: the CA says when to renew. */
  readonly renewalInfo?: string;
  readonly termsOfService?: string;
  readonly externalAccountRequired: boolean;
  /** Names of the profiles it offers; empty: it offers none. */
  readonly profiles: readonly string[];
}

/** A JSON answer. */
export interface AcmeAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly location?: string;
  /** ms from now; bounded. */
  readonly retryAfterMs?: number;
}

export interface AcmeClientOptions {
  readonly web: Web;
  readonly clock: Clock;
  readonly directoryUrl: string;
  readonly account: AccountKey;
  /** PEM: the only roots believed for the CA's HTTPS; absent: the system's and certs/trust/edge. */
  readonly roots?: readonly string[];
  readonly signal: AbortSignal;
}

export class AcmeClient {
  readonly #options: AcmeClientOptions;
  #directory: Directory | undefined;
  #nonce: string | undefined;
  /** The account's URL, once known (RFC 8555 §7.3). */
  accountUrl: string | undefined;

  constructor(options: AcmeClientOptions) {
    this.#options = options;
  }

  get account(): AccountKey {
    return this.#options.account;
  }

  async directory(): Promise<Directory> {
    if (this.#directory !== undefined) return this.#directory;
    const url = this.#options.directoryUrl;
    const answer = await this.get(url);
    const { body } = answer;
    const meta = record(body.meta);
    const link = (key: string): string => {
      const value = text(body[key]);
      if (value === undefined || !URL.canParse(value)) {
        throw new AcmeError('ACME_UNREACHABLE', `${url} is not an ACME directory: it has no ${key}`);
      }
      return value;
    };
    const renewalInfo = text(body.renewalInfo);
    const terms = text(meta.termsOfService);
    this.#directory = {
      newNonce: link('newNonce'),
      newAccount: link('newAccount'),
      newOrder: link('newOrder'),
      ...(renewalInfo !== undefined && URL.canParse(renewalInfo) && { renewalInfo }),
      ...(terms !== undefined && { termsOfService: terms.slice(0, 500) }),
      externalAccountRequired: meta.externalAccountRequired === true,
      profiles: Object.keys(record(meta.profiles)).slice(0, 50),
    };
    return this.#directory;
  }

  /** An unsigned GET: the directory and renewal information only (RFC 8555 §6.3, RFC 9773 §4.1). */
  async get(url: string): Promise<AcmeAnswer> {
    return this.#judge(await this.#send(url, 'GET'), url);
  }

  /** A signed POST. @param payload undefined: POST-as-GET. @param signer default: the account's URL */
  async post(url: string, payload: unknown, signer?: JwsSigner): Promise<AcmeAnswer> {
    for (let attempt = 1; ; attempt++) {
      const nonce = this.#nonce ?? (await this.#newNonce());
      this.#nonce = undefined;
      const by = signer ?? { kid: this.accountUrl ?? '' };
      const answer = await this.#send(url, 'POST', JSON.stringify(signJws(this.#options.account, by, url, nonce, payload)));
      try {
        return this.#judge(answer, url);
      } catch (error) {
        // RFC 8555 §6.5: with the fresh nonce of the refusal, the same request again.
        if (!(error instanceof AcmeError && error.problem === 'badNonce') || attempt >= NONCE_TRIES) throw error;
      }
    }
  }

  async #newNonce(): Promise<string> {
    const { newNonce } = await this.directory();
    this.#nonce = undefined;
    await this.#send(newNonce, 'HEAD');
    const nonce: string | undefined = this.#nonce;
    if (nonce === undefined) throw new AcmeError('ACME_ANSWER', `${newNonce} gave no Replay-Nonce`);
    return nonce;
  }

  async #send(url: string, method: 'GET' | 'HEAD' | 'POST', body?: string): Promise<WebAnswer> {
    const { web, roots, signal } = this.#options;
    if (signal.aborted) throw new AcmeError('ACME_STOPPED', 'interrupted');
    if (!url.startsWith('https://')) throw new AcmeError('ACME_ANSWER', `the CA sent ${url.slice(0, 200)}, which is not https`);
    let answer: WebAnswer;
    try {
      answer = await web.fetch(url, {
        method,
        // RFC 8555 §6.1 and §6.2: a User-Agent, and this media type.
        headers: { 'user-agent': 'isthmus', ...(body !== undefined && { 'content-type': 'application/jose+json' }) },
        ...(body !== undefined && { body }),
        maxBytes: MAX_BYTES,
        timeoutMs: REQUEST_MS,
        allowPrivateAddresses: true, // the operator named this authority, and a private one stands inside
        ...(roots !== undefined && { roots }),
        signal,
      });
    } catch (error) {
      throw notReached(error, url, signal);
    }
    const nonce = answer.headers.get('replay-nonce');
    if (nonce !== undefined && /^[A-Za-z0-9_-]{1,512}$/.test(nonce)) this.#nonce = nonce;
    return answer;
  }

  #judge(answer: WebAnswer, url: string): AcmeAnswer {
    const body = jsonOf(answer.body);
    const wall = this.#options.clock.now();
    const retryAfterMs = retryAfter(answer.headers.get('retry-after'), wall);
    if (answer.status >= 200 && answer.status < 300) {
      const location = answer.headers.get('location');
      return {
        status: answer.status,
        body,
        text: answer.body.toString('utf8'),
        ...(location !== undefined && { location: new URL(location, url).href }),
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      };
    }
    const problem = problemOf(body);
    const isProblem = problem.type !== '' || problem.detail !== '';
    const said = isProblem ? `the CA said: ${showProblem(problem)}` : `${url} answered HTTP ${answer.status}`;
    const limited = problem.type === 'rateLimited' || answer.status === 429;
    throw new AcmeError(limited ? 'ACME_LIMITED' : isProblem ? codeOfProblem(problem) : httpCode(answer.status), said, {
      problem: problem.type,
      about: problem.about ?? problem.subproblems[0]?.about,
      status: answer.status,
      ...(retryAfterMs !== undefined && (limited || answer.status >= 500) && { notBefore: wall + retryAfterMs }),
    });
  }
}

/** RFC 9110 §10.2.3: seconds or a date, as ms from now, bounded. */
export function retryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), LONGEST_RETRY_AFTER_MS) : undefined;
}

function httpCode(status: number): 'ACME_ANSWER' | 'ACME_UNREACHABLE' {
  return status >= 500 ? 'ACME_UNREACHABLE' : 'ACME_ANSWER';
}

function notReached(error: unknown, url: string, signal: AbortSignal): AcmeError {
  if (signal.aborted) return new AcmeError('ACME_STOPPED', 'interrupted', { cause: error });
  const origin = new URL(url).origin;
  if (!(error instanceof ConnectError)) return new AcmeError('ACME_UNREACHABLE', `${origin}: ${String(error)}`, { cause: error });
  const code = /^CERT_|TLS/.test(error.reason.code) ? 'ACME_TLS' : 'ACME_UNREACHABLE';
  return new AcmeError(code, `${origin}: ${error.reason.text}`, { cause: error });
}

function jsonOf(body: Buffer): Readonly<Record<string, unknown>> {
  if (body.length === 0 || (body[0] !== 0x7b && body[0] !== 0x20 && body[0] !== 0x0a && body[0] !== 0x0d)) return {};
  try {
    return record(JSON.parse(body.toString('utf8')));
  } catch {
    return {};
  }
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {}; // an object by the line itself
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
