// A request of ours on its way: from a hop to an answer. RFC 3263 §4.3: targets are tried in turn after a transport failure, a
// time-out or a 503, each try with a new branch (a new client transaction, RFC 3261 §8.1.3.1, §17.1) and everything else the
// same. A connection that was open already may have died unnoticed: such a target gets one fresh connection.

import { reason } from '../../errors.ts';
import type { Clock, Hop, Ids, Resolver } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { SipConnection } from './connection.ts';
import type { BuildRequest, RequestOptions, Route, SipAnswer } from './exchange.ts';
import { parseRetryAfter } from './headers/seconds.ts';
import { type Located, locate, type SipTarget } from './locate.ts';
import { type LoopGuard, requestIdentity } from './loop-guard.ts';
import type { SipResponse } from './message.ts';
import { BRANCH_COOKIE } from './names.ts';
import type { SipPool } from './pool.ts';
import { printRequest } from './print.ts';
import { TIMER_F_MS } from './transaction-client.ts';

const LOCATED_FOR_MS = 30_000;
const MAX_LOCATED = 2_000;

export interface OutgoingParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly resolver: Resolver;
  readonly pool: SipPool;
  readonly loops: LoopGuard;
  readonly random: () => number;
  /** `host[:port]` for Via and Contact on that side. */
  readonly hostOf: (side: Hop['side']) => string;
  /** An inside target has failed: it wants probing. */
  readonly targetFailed: (hop: Hop, target: SipTarget) => void;
}

type Try =
  | { readonly kind: 'response'; readonly response: SipResponse; readonly connection: SipConnection }
  | { readonly kind: 'failed'; readonly reason: Reason; readonly fresh: boolean; readonly over: boolean };

export class Outgoing {
  readonly #parts: OutgoingParts;
  readonly #located = new Map<string, { readonly hop: Hop; readonly untilMs: number; readonly found: Promise<Located> }>();

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
  }

  /** Sends a request and waits for what becomes of it. Never rejects for what a peer or the network does. */
  async request(hop: Hop, build: BuildRequest, options: RequestOptions = {}): Promise<SipAnswer> {
    const endMs = this.#parts.clock.monotonic() + Math.min(options.deadlineMs ?? TIMER_F_MS, TIMER_F_MS);
    const journey = { hop, build, options, endMs, tries: 0, written: false };
    const alias = this.#parts.pool.hasOffer(hop.theirDomain) ? await this.#parts.pool.alias(hop) : undefined;
    if (alias !== undefined) {
      const result = await this.#send(journey, alias, false);
      if (result.kind === 'response' && result.response.status !== 503) return answer(result, journey.tries);
      if (result.kind === 'failed' && result.over) return { kind: 'failed', reason: result.reason };
    }
    const located = await this.#locate(hop);
    if (located.kind === 'failed') return located;
    return this.#walk(journey, located.targets);
  }

  /** One request to one target and no other, for probes. */
  async requestTo(hop: Hop, target: SipTarget, build: BuildRequest, options: RequestOptions = {}): Promise<SipAnswer> {
    const endMs = this.#parts.clock.monotonic() + Math.min(options.deadlineMs ?? TIMER_F_MS, TIMER_F_MS);
    const journey = { hop, build, options, endMs, tries: 0, written: false };
    const result = await this.#try(journey, target);
    return result.kind === 'response' ? answer(result, journey.tries) : { kind: 'failed', reason: result.reason };
  }

  async #walk(journey: Journey, targets: readonly SipTarget[]): Promise<SipAnswer> {
    const { clock, pool } = this.#parts;
    const { health } = pool.farEnd(journey.hop);
    const probed = journey.hop.side !== 'edge' && targets.length > 1;
    let last: SipAnswer | undefined;
    for (const target of health.order(targets, clock.monotonic())) {
      let result = await this.#try(journey, target);
      if (result.kind === 'failed' && !result.over && !result.fresh) result = await this.#try(journey, target);
      if (result.kind === 'response' && result.response.status !== 503) {
        health.succeeded(target);
        return answer(result, journey.tries);
      }
      const over = result.kind === 'failed' && result.over;
      if (over && journey.options.signal?.aborted === true) return failed(result);
      // RFC 3261 §21.5.4: a 503 may say for how long.
      const retryAfter = result.kind === 'response' ? (parseRetryAfter(result.response.headers.get('retry-after') ?? '') ?? 0) : 0;
      health.failed(target, clock.monotonic(), probed, retryAfter * 1000);
      if (probed) this.#parts.targetFailed(journey.hop, target);
      last = mostTelling(last, result.kind === 'response' ? answer(result, journey.tries) : failed(result));
      if (over) break;
    }
    return last ?? { kind: 'failed', reason: reason('NET_DNS_NOT_FOUND', 'nothing to connect to') };
  }

  async #try(journey: Journey, target: SipTarget): Promise<Try> {
    const ready = this.#parts.pool.ready(journey.hop, target);
    if (ready !== undefined) return this.#send(journey, ready, false);
    const acquired = await this.#within(journey, this.#parts.pool.acquire(journey.hop, target));
    if (acquired === 'over') return { kind: 'failed', reason: overReason(journey), fresh: true, over: true };
    if (acquired.kind === 'failed') return { kind: 'failed', reason: acquired.reason, fresh: true, over: false };
    return this.#send(journey, acquired.connection, acquired.fresh);
  }

  async #send(journey: Journey, connection: SipConnection, fresh: boolean): Promise<Try> {
    const { clock, ids, loops } = this.#parts;
    const { options } = journey;
    const waitMs = journey.endMs - clock.monotonic();
    if (waitMs <= 0 || options.signal?.aborted === true) return { kind: 'failed', reason: overReason(journey), fresh: true, over: true };
    const host = this.#parts.hostOf(journey.hop.side);
    const branch = `${BRANCH_COOKIE}${ids.token()}`;
    const built = journey.build(routeOf(connection, host));
    // RFC 5923 §5: `alias` lets the peer send its requests back on this connection.
    const via: [string, string] = ['Via', `SIP/2.0/${connection.transport} ${host};branch=${branch};alias`];
    const request = { ...built, headers: [via, ['Max-Forwards', String(options.maxForwards ?? 70)] as const, ...built.headers] };
    const bytes = printRequest(request);
    const identity = identityOf(built.method, request.headers);
    if (identity !== undefined) loops.sent(identity, clock.monotonic());
    journey.tries += 1;
    const result = connection.request(bytes, branch, built.method, waitMs, options.signal);
    if (!journey.written && connection.usable) {
      journey.written = true;
      options.written?.();
    }
    const outcome = await result;
    switch (outcome.kind) {
      case 'response':
        return { kind: 'response', response: outcome.response, connection };
      case 'transportFailed':
        return { kind: 'failed', reason: outcome.reason, fresh, over: false };
      case 'timeout':
        return { kind: 'failed', reason: reason('PEER_TIMEOUT', `no answer within ${Math.round(waitMs / 1000)} s`), fresh, over: true };
      case 'abandoned':
        return { kind: 'failed', reason: overReason(journey), fresh, over: true };
      default:
        return outcome satisfies never;
    }
  }

  /** Waits for a shared attempt, but not longer than this request may. */
  async #within<T>(journey: Journey, wanted: Promise<T>): Promise<T | 'over'> {
    const { signal } = journey.options;
    let stop = () => {};
    const over = new Promise<'over'>((resolve) => {
      const timer = this.#parts.clock.after(Math.max(0, journey.endMs - this.#parts.clock.monotonic()), () => resolve('over'));
      const abort = () => resolve('over');
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted === true) abort();
      stop = () => {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
      };
    });
    return Promise.race([wanted, over]).finally(stop);
  }

  /** DNS is cached by the Resolver; this saves the walk through it for every message. */
  #locate(hop: Hop): Promise<Located> {
    const { clock, resolver, random } = this.#parts;
    const key = `${hop.side} ${hop.ourDomain} ${hop.theirDomain}`;
    const known = this.#located.get(key);
    const now = clock.monotonic();
    if (known !== undefined && now < known.untilMs && known.hop.partner === hop.partner && known.hop.own === hop.own) return known.found;
    if (this.#located.size >= MAX_LOCATED) this.#located.clear();
    const found = locate(hop, resolver, random);
    const entry = { hop, untilMs: now + LOCATED_FOR_MS, found };
    this.#located.set(key, entry);
    // A failure is not kept: the Resolver has its own, shorter memory for that.
    const forget = () => {
      if (this.#located.get(key) === entry) this.#located.delete(key);
    };
    found.then((answered) => answered.kind === 'failed' && forget(), forget);
    return found;
  }
}

interface Journey {
  readonly hop: Hop;
  readonly build: BuildRequest;
  readonly options: RequestOptions;
  readonly endMs: number;
  tries: number;
  written: boolean;
}

function routeOf(connection: SipConnection, host: string): Route {
  const { side, id, transport } = connection;
  // RFC 3261 §19.1.1: `sip:` with transport=tls; `sips:` would ask for TLS to the last hop.
  const contactUri = (user?: string) => `sip:${user === undefined ? '' : `${user}@`}${host};transport=${transport.toLowerCase()}`;
  return { side, connection: id, transport, contactUri };
}

/** Requests inside a dialog are not watched for loops: their numbers say enough. */
function identityOf(method: string, headers: readonly (readonly [string, string])[]): string | undefined {
  const value = (name: string) => headers.find(([each]) => each === name)?.[1] ?? '';
  if (/;tag=/i.test(value('To'))) return undefined;
  const fromTag = /;tag=([^;]+)/i.exec(value('From'))?.[1];
  return requestIdentity(method, value('Call-ID'), fromTag ?? '', Number.parseInt(value('CSeq'), 10));
}

function overReason(journey: Journey): Reason {
  return journey.options.signal?.aborted === true
    ? reason('SHUTTING_DOWN', 'the exchange was given up')
    : reason('PEER_TIMEOUT', 'no connection and no answer in time');
}

function answer(result: Extract<Try, { kind: 'response' }>, tries: number): SipAnswer {
  return { kind: 'response', response: result.response, connection: result.connection.id, tries };
}

function failed(result: Try): SipAnswer {
  return result.kind === 'failed' ? { kind: 'failed', reason: result.reason } : answer(result, 1);
}

/** Of several failures: an answer of the peer before our own words, a certificate's fault before a closed port. */
function mostTelling(before: SipAnswer | undefined, now: SipAnswer): SipAnswer {
  if (before === undefined || now.kind === 'response') return now;
  if (before.kind === 'response') return before;
  return before.reason.code.startsWith('CERT_') || before.reason.code.startsWith('AUTH_') ? before : now;
}
