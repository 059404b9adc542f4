// One connection of a client and what has been proven on it. Requests to the client travel on it and on no other: a client's
// Contact names a place we could seldom reach and should not try to (RFC 5626 §1, DESIGN 6).

import type { Clock, Ids } from '../../../model/ports.ts';
import type { SipConnection } from '../connection.ts';
import type { Route, SipAnswer } from '../exchange.ts';
import type { HeaderList } from '../message.ts';
import { BRANCH_COOKIE } from '../names.ts';
import { printRequest } from '../print.ts';
import { TIMER_F_MS } from '../transaction-client.ts';
import type { Endpoint } from './endpoint.ts';
import { NonceCounts } from './nonces.ts';

/** What sending needs. */
export interface FlowParts {
  readonly clock: Clock;
  readonly ids: Ids;
  /** `host[:port]` that Via and Contact carry toward clients. */
  readonly host: string;
}

export interface FlowRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: HeaderList;
  readonly body?: Uint8Array | string;
}

export class Flow {
  readonly connection: SipConnection;
  readonly nonces = new NonceCounts();
  /** Bare keys of the users who have shown their password here. */
  readonly signedIn = new Set<string>();
  /** What each of them uses this connection for. */
  readonly endpoints = new Map<string, Endpoint>();
  /** Sign-ins that failed since the last that did not. */
  failures = 0;
  /** Call-IDs of requests that were asked for a password; the newest only. */
  readonly asked = new Set<string>();
  /** It came back without an answer: it can make nothing of two challenges. */
  md5Only = false;
  readonly #parts: FlowParts;

  constructor(connection: SipConnection, parts: FlowParts) {
    this.connection = connection;
    this.#parts = parts;
  }

  get route(): Route {
    const { side, id, transport } = this.connection;
    const contactUri = (user?: string): string =>
      `sip:${user === undefined ? '' : `${user}@`}${this.#parts.host};transport=${transport.toLowerCase()}`;
    return { side, connection: id, transport, contactUri };
  }

  /** Sends a request to the client and waits for its final answer, at most `waitMs`. */
  async request(request: FlowRequest, waitMs: number = TIMER_F_MS): Promise<SipAnswer> {
    const { connection } = this;
    const branch = `${BRANCH_COOKIE}${this.#parts.ids.token()}`;
    const via: [string, string] = ['Via', `SIP/2.0/${connection.transport} ${this.#parts.host};branch=${branch}`];
    const bytes = printRequest({ ...request, headers: [via, ['Max-Forwards', '70'], ...request.headers] });
    const result = await connection.request(bytes, branch, request.method, waitMs);
    if (result.kind === 'response') return { kind: 'response', response: result.response, connection: connection.id, tries: 1 };
    const text = result.kind === 'transportFailed' ? result.reason.text : 'the client did not answer in time';
    const code = result.kind === 'transportFailed' ? 'NET_CLOSED' : 'PEER_TIMEOUT';
    return { kind: 'failed', reason: { code, blame: 'network', retry: 0, text } };
  }
}
