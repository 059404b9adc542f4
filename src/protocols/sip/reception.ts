// Requests that come in, from the connection to the handler and back. Requests of one connection reach their handlers in the
// order in which they came, also when the peer's identity must be looked up first. RFC 3261 §8.2; the checks are intake.ts'.

import { reason } from '../../errors.ts';
import type { Clock, Ids, Link } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { Table } from '../../model/table.ts';
import { type MessageCore, readRequest } from './check-request.ts';
import { type ConnectionOwner, type ConnectionParts, SipConnection } from './connection.ts';
import { CONNECTION_LIMITS } from './connection-limits.ts';
import type { DialogTable } from './dialog-table.ts';
import type { Handler, InboundRequest, OutgoingReply } from './exchange.ts';
import { type Arrival, caller, type IntakeContext, judge, type Verdict } from './intake.ts';
import { type LoopGuard, requestIdentity, type SentBy } from './loop-guard.ts';
import type { SipRequest } from './message.ts';
import type { ParseError } from './parse-error.ts';
import { replyBytes } from './responses.ts';
import { serverKey } from './transaction-server.ts';

export interface ReceptionParts extends ConnectionParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly table: () => Table;
  readonly ours: readonly SentBy[];
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly dialogs: DialogTable;
  readonly loops: LoopGuard;
  /** A request was found in order: its connection speaks for its From domain. */
  readonly taken: (connection: SipConnection, request: InboundRequest, alias: boolean) => void;
  readonly gone: (connection: SipConnection) => void;
  /** Somebody who proved who they are called a user; the call has been refused. */
  readonly called: (request: InboundRequest) => void;
}

interface Exchange {
  readonly connection: SipConnection;
  readonly message: SipRequest;
  readonly core: MessageCore;
  readonly key: string;
}

/** What waits behind a request whose peer's identity is being looked up. */
interface Queue {
  waiting: number;
  tail: Promise<void> | undefined;
}
/** Requests waiting on one connection before we stop reading from it. */
const PAUSE_AT = 64;

export class Reception implements ConnectionOwner {
  readonly #parts: ReceptionParts;
  readonly #connections = new Map<SipConnection, Queue>();
  readonly #maxOpen: number;

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
    this.#maxOpen = parts.limits?.maxOpenRequests ?? CONNECTION_LIMITS.maxOpenRequests;
  }

  get connections(): Iterable<SipConnection> & { readonly size: number } {
    return { size: this.#connections.size, [Symbol.iterator]: () => this.#connections.keys() };
  }

  /** Begins to serve a link. */
  open(link: Link): SipConnection {
    const connection = new SipConnection(link, this, this.#parts);
    this.#connections.set(connection, { waiting: 0, tail: undefined });
    return connection;
  }

  request(connection: SipConnection, message: SipRequest): void {
    const core = readRequest(message);
    if (core.kind === 'error') {
      this.malformed(connection, core, false);
      return;
    }
    const key = keyOf(message, core);
    if (message.method === 'ACK') {
      connection.servers.ack(key);
      return;
    }
    if (connection.servers.receive(key, message.method, this.#parts.clock.monotonic()) !== 'new') return;
    const exchange: Exchange = { connection, message, core, key };
    if (connection.servers.size > this.#maxOpen) {
      // Not 503: Microsoft edges would take the whole of us for dead (sip-xmpp.md 0).
      this.#reply(exchange, { status: 500, headers: [['Retry-After', '5']] });
      return;
    }
    const queue = this.#connections.get(connection);
    if (queue === undefined) return;
    if (queue.tail !== undefined) {
      this.#enqueue(connection, queue, async () => this.#act(exchange, await this.#judge(exchange)));
      return;
    }
    const verdict = this.#judge(exchange);
    if (verdict instanceof Promise) this.#enqueue(connection, queue, async () => this.#act(exchange, await verdict));
    else this.#act(exchange, verdict);
  }

  malformed(connection: SipConnection, fault: ParseError, fatal: boolean): void {
    connection.log.info(
      { event: 'sip.request.malformed', code: fault.code, status: fault.status, byteOffset: fault.byteOffset },
      fault.message,
    );
    // RFC 3261 §17: an ACK is never answered.
    if (fault.headers !== undefined && fault.method !== 'ACK') {
      const bytes = replyBytes(fault.headers, { status: fault.status, phrase: fault.phrase }, connection.peer, () =>
        this.#parts.ids.token(),
      );
      if (bytes !== undefined) connection.send(bytes);
    }
    if (fatal) connection.end(reason('CONTENT_MALFORMED', fault.message));
  }

  closed(connection: SipConnection, why: Reason): void {
    this.#connections.delete(connection);
    connection.log.info({ event: 'sip.connection.closed', code: why.code, why: why.text }, 'SIP connection closed');
    this.#parts.gone(connection);
  }

  #judge({ connection, message, core }: Exchange): Verdict | Promise<Verdict> {
    return judge(message, core, arrivalOn(connection), this.#context());
  }

  #context(): IntakeContext {
    const { table, ours, handlers, dialogs, loops, clock } = this.#parts;
    return { table: table(), ours, handlers, dialogs, loops, nowMs: clock.monotonic() };
  }

  async #tellCallee({ connection, message, core }: Exchange): Promise<void> {
    const request = await caller(message, core, arrivalOn(connection), this.#context());
    if (request !== undefined) this.#parts.called(request);
  }

  /** Keeps the order of one connection while an identity is looked up; a peer that sends much meanwhile is read no further. */
  #enqueue(connection: SipConnection, queue: Queue, run: () => Promise<void>): void {
    queue.waiting += 1;
    if (queue.waiting >= PAUSE_AT) connection.pause();
    const turn = (queue.tail ?? Promise.resolve()).then(run).catch((error: unknown) => this.#defect(connection, error));
    queue.tail = turn;
    void turn.then(() => {
      queue.waiting -= 1;
      if (queue.tail === turn) queue.tail = undefined;
      if (queue.waiting < PAUSE_AT / 2) connection.resume();
    });
  }

  #act(exchange: Exchange, verdict: Verdict): void {
    const { connection, core } = exchange;
    if (verdict.kind === 'answer') {
      const { why } = verdict;
      if (why !== undefined) {
        connection.log.info(
          { event: 'sip.request.refused', method: exchange.message.method, code: why.code, from: core.from.uri, callId: core.callId },
          why.text,
        );
      }
      this.#reply(exchange, verdict.reply);
      if (exchange.message.method === 'INVITE' && verdict.reply.status === 405)
        void this.#tellCallee(exchange).catch((error: unknown) => this.#defect(connection, error));
      return;
    }
    const { request } = verdict;
    connection.link.notes.counted('in');
    this.#parts.taken(connection, request, core.via.alias);
    // RFC 3261 §8.2.2.2: merged requests. A MESSAGE that comes twice is told apart by the dedup behind us, which gives both the same answer.
    const merged = request.toTag === undefined && exchange.message.method !== 'MESSAGE';
    const identity = requestIdentity(exchange.message.method, request.callId, request.fromTag, request.cseq);
    if (merged && !this.#parts.loops.begin(identity)) {
      this.#reply(exchange, { status: 482 });
      return;
    }
    void this.#handle(exchange, verdict.request, verdict.handler).finally(() => merged && this.#parts.loops.finish(identity));
  }

  async #handle(exchange: Exchange, request: InboundRequest, handler: Handler): Promise<void> {
    try {
      this.#reply(exchange, await handler(request));
    } catch (error) {
      this.#defect(exchange.connection, error);
      this.#reply(exchange, { status: 500 });
    }
  }

  #reply({ connection, message, core, key }: Exchange, reply: OutgoingReply): void {
    const bytes = replyBytes(message.headers, reply, connection.peer, () => this.#parts.ids.token(), core);
    if (bytes !== undefined) connection.respond(key, reply.status, bytes);
  }

  #defect(connection: SipConnection, error: unknown): void {
    connection.log.error(
      { event: 'us.bug', stack: error instanceof Error ? error.stack : String(error) },
      'a request could not be handled',
    );
  }
}

/** The key of a request's server transaction (RFC 3261 §17.2.3). */
export function keyOf(message: SipRequest, core: MessageCore): string {
  const { via } = core;
  return serverKey({
    method: message.method,
    branch: via.branch ?? '',
    sentBy: `${via.host}:${via.port ?? ''}`,
    topVia: message.headers.get('via') ?? '',
    uri: message.uri,
    callId: core.callId,
    cseq: core.cseq.number,
    fromTag: core.from.tag ?? '',
  });
}

function arrivalOn(connection: SipConnection): Arrival {
  return { connection: connection.id, side: connection.side, peer: connection.peer };
}
