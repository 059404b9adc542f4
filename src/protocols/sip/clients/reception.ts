// Requests of clients, from the connection to the room that answers them. In this order: readable (400), not one too many (500),
// hops left (483), extensions (420), method (405), who it is (401, 407, 403). Requests of one connection are admitted in the order
// in which they came; what takes long afterwards does not hold up the next.

import { reason } from '../../../errors.ts';
import type { Log } from '../../../log.ts';
import type { Address } from '../../../model/address.ts';
import type { Clock, Ids, Link } from '../../../model/ports.ts';
import type { Reason } from '../../../model/reason.ts';
import { type RequestCore, readRequest } from '../check-request.ts';
import { type ConnectionOwner, type ConnectionParts, SipConnection } from '../connection.ts';
import type { InboundRequest, OutgoingReply } from '../exchange.ts';
import { parseTokens, unknownTags } from '../headers/tokens.ts';
import type { SipRequest } from '../message.ts';
import { optionsReply } from '../options.ts';
import type { ParseError } from '../parse-error.ts';
import { keyOf } from '../reception.ts';
import { replyBytes } from '../responses.ts';
import { Flow, type FlowParts } from './flow.ts';
import { type Gate, MAX_FAILURES, warning } from './gate.ts';
import { Pace } from './pace.ts';

export type ClientMethod = 'REGISTER' | 'MESSAGE' | 'PUBLISH' | 'SUBSCRIBE';
/** Answers a request of a user who has signed in. */
export type ClientHandler = (flow: Flow, user: Address, request: InboundRequest) => OutgoingReply | Promise<OutgoingReply>;

export interface ReceptionParts extends ConnectionParts, FlowParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly gate: Gate;
  readonly handlers: Readonly<Record<ClientMethod, ClientHandler>>;
  readonly gone: (flow: Flow) => void;
}

/** Requests of one client that are being worked on at once. */
const MAX_OPEN = 64;
const METHODS: readonly ClientMethod[] = ['REGISTER', 'MESSAGE', 'PUBLISH', 'SUBSCRIBE'];
/** Extensions a client may insist on. */
const KNOWN_REQUIRE = ['outbound', 'gruu', 'eventlist', 'path'];
const DEFAULT_MAX_FORWARDS = 70;

interface Line {
  readonly flow: Flow;
  readonly pace: Pace;
  tail: Promise<void>;
}
interface Exchange {
  readonly line: Line;
  readonly message: SipRequest;
  readonly core: RequestCore;
  readonly key: string;
}

export class Reception implements ConnectionOwner {
  readonly #parts: ReceptionParts;
  readonly #lines = new Map<SipConnection, Line>();

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
  }

  get connections(): readonly SipConnection[] {
    return [...this.#lines.keys()];
  }

  open(link: Link): void {
    const connection = new SipConnection(link, this, this.#parts);
    this.#lines.set(connection, { flow: new Flow(connection, this.#parts), pace: new Pace(), tail: Promise.resolve() });
  }

  request(connection: SipConnection, message: SipRequest): void {
    const line = this.#lines.get(connection);
    if (line === undefined) return;
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
    const now = this.#parts.clock.monotonic();
    if (connection.servers.receive(key, message.method, now) !== 'new') return;
    const exchange: Exchange = { line, message, core, key };
    const early = line.pace.take(now) && connection.servers.working <= MAX_OPEN ? before(message) : slower();
    if (early !== undefined) {
      this.#reply(exchange, early);
      return;
    }
    line.tail = line.tail.then(() => this.#admit(exchange)).catch((error: unknown) => this.#defect(exchange, error));
  }

  malformed(connection: SipConnection, fault: ParseError, fatal: boolean): void {
    const { code, status, byteOffset } = fault;
    connection.log.info({ event: 'sip.request.malformed', code, status, byteOffset }, fault.message);
    if (fault.headers !== undefined && fault.method !== 'ACK') {
      const bytes = replyBytes(fault.headers, { status, phrase: fault.phrase }, connection.peer, () => this.#parts.ids.token());
      if (bytes !== undefined) connection.send(bytes);
    }
    if (fatal) connection.end(reason('CONTENT_MALFORMED', fault.message));
  }

  closed(connection: SipConnection, why: Reason): void {
    const line = this.#lines.get(connection);
    this.#lines.delete(connection);
    connection.log.info({ event: 'sip.connection.closed', code: why.code, why: why.text }, 'SIP connection closed');
    if (line !== undefined) this.#parts.gone(line.flow);
  }

  async #admit(exchange: Exchange): Promise<void> {
    const { line, message, core } = exchange;
    const { flow } = line;
    if (flow.connection.closed) return;
    const admission = await this.#parts.gate.admit(flow, message, core.fromUri);
    if (flow.connection.closed) return;
    if (admission.kind === 'answer') {
      this.#reply(exchange, admission.reply);
      if (flow.failures >= MAX_FAILURES) flow.connection.end(reason('AUTH_SIGN_IN_FAILED', 'too many sign-ins failed on one connection'));
      return;
    }
    flow.connection.link.notes.counted('in');
    const handler = this.#parts.handlers[message.method as ClientMethod]; // `before` let no other through
    // Begun in order; its answer is waited for elsewhere.
    void this.#handle(exchange, () => handler(flow, admission.user, inbound(exchange)));
  }

  async #handle(exchange: Exchange, run: () => OutgoingReply | Promise<OutgoingReply>): Promise<void> {
    try {
      this.#reply(exchange, await run());
    } catch (error) {
      this.#defect(exchange, error);
    }
  }

  #reply({ line, message, core, key }: Exchange, reply: OutgoingReply): void {
    const { connection } = line.flow;
    const bytes = replyBytes(message.headers, reply, connection.peer, () => this.#parts.ids.token(), core);
    if (bytes !== undefined) connection.respond(key, reply.status, bytes);
  }

  #defect(exchange: Exchange, error: unknown): void {
    const { log } = exchange.line.flow.connection;
    log.error({ event: 'us.bug', stack: error instanceof Error ? error.stack : String(error) }, 'a request could not be handled');
    this.#reply(exchange, { status: 500 });
  }
}

/** What is answered whoever asks. */
function before({ method, headers }: SipRequest): OutgoingReply | undefined {
  if (method === 'OPTIONS') return optionsReply(METHODS);
  if (Number(headers.get('max-forwards') ?? DEFAULT_MAX_FORWARDS) === 0) return { status: 483 };
  if (method === 'CANCEL') return { status: 481 };
  const unknown = unknownTags(parseTokens([...headers.all('require'), ...headers.all('proxy-require')]) ?? [], KNOWN_REQUIRE);
  if (unknown.length > 0) return { status: 420, headers: [['Unsupported', unknown.join(', ')]] };
  if ((METHODS as readonly string[]).includes(method)) return undefined;
  const words = method === 'INVITE' ? 'no calls here yet: messages and presence only' : `${method} is not served here`;
  return { status: 405, headers: [['Allow', [...METHODS, 'OPTIONS'].join(', ')], warning(words)] };
}

function slower(): OutgoingReply {
  return { status: 500, headers: [['Retry-After', '5'], warning('too many requests at once')] };
}

function inbound({ line, message, core }: Exchange): InboundRequest {
  const { connection } = line.flow;
  return {
    message,
    connection: connection.id,
    side: 'local',
    peer: connection.peer,
    from: core.from,
    to: core.to,
    fromUri: core.fromUri,
    uri: core.requestUri,
    fromDomain: core.fromUri.host,
    toDomain: core.requestUri.host,
    proof: 'account',
    callId: core.callId,
    cseq: core.cseq.number,
    fromTag: core.from.tag ?? '',
    ...(core.to.tag === undefined ? {} : { toTag: core.to.tag }),
    branch: core.via.branch ?? '',
    maxForwards: core.maxForwards ?? DEFAULT_MAX_FORWARDS,
  };
}
