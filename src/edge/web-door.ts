// The web door: HTTP/1.1 (RFC 9112) and the handshakes of WebSockets (RFC 6455) on links that a Listener has accepted. Rooms hand
// in their routes (model/web-route.ts); here they are found, bounded and answered. Nothing here knows what a route is for.

import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Log } from '../log.ts';
import type { Clock, Link } from '../model/ports.ts';
import type { WebAnswer, WebRequest, WebRoute, WebSocketRoute } from '../model/web-route.ts';
import { NOT_ALLOWED, NOT_FOUND, preflight, type Shown, TOO_LARGE, WRONG, writeAnswer } from './web-door-answer.ts';
import { BodyTooLarge, bodyOf } from './web-door-body.ts';
import { Pace } from './web-door-pace.ts';
import { headersOf, targetOf } from './web-door-request.ts';
import { openSocket } from './web-door-socket.ts';

/** Every bound of a connection, in ms, bytes or counts. */
export interface WebLimits {
  /** From the handshake, and from each answer, to the whole head of a request. */
  readonly headMs: number;
  readonly headBytes: number;
  /** A body that is read and an answer that is written must move by so much... */
  readonly paceBytes: number;
  /** ...in each of these. */
  readonly paceMs: number;
  readonly requestsPerConnection: number;
  /** A WebSocket is asked so often whether it is there; one that has not answered by then is gone. */
  readonly pingMs: number;
}
const WEB_LIMITS: WebLimits = {
  headMs: 15_000,
  headBytes: 16 * 1024,
  paceBytes: 2048,
  paceMs: 10_000,
  requestsPerConnection: 1000,
  pingMs: 50_000,
};

export interface WebDoorOptions {
  readonly routes: readonly WebRoute[];
  readonly sockets: readonly WebSocketRoute[];
  /** Names (Host) that are asked for here; every other is answered like a path that is not there. */
  readonly serves: (host: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<WebLimits>;
}

/** One connection of a client. */
interface Visit {
  readonly link: Link;
  readonly pace: Pace;
  busy: boolean;
}

export class WebDoor {
  readonly #options: WebDoorOptions;
  readonly #limits: WebLimits;
  readonly #routes: readonly WebRoute[];
  readonly #sockets: ReadonlyMap<string, { readonly route: WebSocketRoute; readonly server: WebSocketServer }>;
  readonly #server: Server;
  readonly #visits = new Map<Duplex, Visit>();
  #closing = false;

  constructor(options: WebDoorOptions) {
    this.#options = options;
    const limits = (this.#limits = { ...WEB_LIMITS, ...options.limits });
    // The longest path that fits comes first.
    this.#routes = options.routes.toSorted((a, b) => b.path.length - a.path.length);
    this.#sockets = new Map(options.sockets.map((route) => [route.path, { route, server: socketServer(route) }]));
    this.#server = createServer({
      maxHeaderSize: limits.headBytes,
      // Time is kept by Pace: node's own checks run only for a server that listens itself.
      headersTimeout: 0,
      requestTimeout: 0,
      keepAliveTimeout: 0,
      joinDuplicateHeaders: true,
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    });
    this.#server.maxRequestsPerSocket = limits.requestsPerConnection;
    this.#server.on('request', (request, response) => void this.#request(request, response));
    // The client waits to be told that it may send its body: it is told when somebody reads it (RFC 9110 §10.1.1).
    this.#server.on('checkContinue', (request, response) => void this.#request(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** A connection whose TLS stands. */
  accept(link: Link): void {
    if (this.#closing) {
      link.socket.destroy();
      return;
    }
    const { socket } = link;
    const visit: Visit = { link, busy: false, pace: new Pace(socket, this.#options.clock, this.#limits) };
    this.#visits.set(socket, visit);
    socket.once('close', () => {
      visit.pace.end();
      this.#visits.delete(socket);
    });
    visit.pace.awaitHead();
    this.#server.emit('connection', socket);
  }

  /** Ends connections on which nothing is under way, and after `graceMs` all others. WebSockets are ended by who speaks on them. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    for (const { link, busy } of this.#visits.values()) if (!busy) link.socket.destroy();
    const { clock } = this.#options;
    const until = clock.monotonic() + graceMs;
    while (this.#visits.size > 0 && clock.monotonic() < until) await new Promise<void>((done) => clock.after(20, done));
    for (const socket of this.#visits.keys()) socket.destroy();
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const visit = this.#visits.get(request.socket);
    // Nobody who asks before the last answer is here (RFC 9112 §9.3.2 lets a client, browsers do not) would be bounded.
    if (visit === undefined || visit.busy) {
      request.socket.destroy();
      return;
    }
    const { link, pace } = visit;
    visit.busy = true;
    pace.begin();
    const gone = new AbortController();
    response.once('close', () => {
      visit.busy = false;
      gone.abort();
      if (this.#closing || !request.complete) request.socket.destroy();
      else pace.awaitHead();
    });
    if (this.#closing) response.shouldKeepAlive = false;
    const facts = { link, pace, signal: gone.signal };
    const shown = await this.#answer(request, response, facts).catch((error: unknown): Shown => {
      if (error instanceof BodyTooLarge) return { answer: TOO_LARGE };
      if (!gone.signal.aborted) this.#log(link).error({ event: 'us.bug', err: error }, 'a request could not be answered');
      return { answer: WRONG };
    });
    if (!request.complete) response.shouldKeepAlive = false;
    pace.writing();
    await writeAnswer(request, response, shown, () => this.#linger(request)).catch((error: unknown) => {
      if (!gone.signal.aborted) this.#log(link).warn({ event: 'web.cut', err: error }, 'an answer ended before its end');
      request.socket.destroy();
    });
    this.#log(link).debug({ event: 'web.answered', method: request.method, status: shown.answer.status }, 'a request was answered');
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    { link, pace, signal }: { readonly link: Link; readonly pace: Pace; readonly signal: AbortSignal },
  ): Promise<Shown> {
    const target = targetOf(request, this.#options.serves);
    const route = target && this.#routes.find(({ path }) => fits(path, target.path));
    if (target === undefined || route === undefined) return { answer: NOT_FOUND };
    const method = request.method ?? '';
    const crossOrigin = route.crossOrigin === true;
    if (method === 'OPTIONS' && crossOrigin && !route.methods.includes(method)) return { answer: preflight(route.methods), crossOrigin };
    const asked = method === 'HEAD' && !route.methods.includes(method) ? 'GET' : method;
    if (!route.methods.includes(asked)) return { answer: NOT_ALLOWED(route.methods), crossOrigin };
    const length = Number(request.headers['content-length'] ?? 0);
    if (length > route.bodyBytes) return { answer: TOO_LARGE, crossOrigin };
    const given: WebRequest = {
      ...target,
      method: asked,
      headers: headersOf(request),
      body: bodyOf(request, response, route.bodyBytes, pace),
      address: link.peer.address,
      connection: link.id,
      signal,
    };
    const answer: WebAnswer = await route.answer(given);
    return { answer, crossOrigin };
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const visit = this.#visits.get(socket);
    const target = targetOf(request, this.#options.serves);
    const found = target && this.#sockets.get(target.path);
    if (visit === undefined || visit.busy || this.#closing) {
      socket.destroy();
      return;
    }
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((word) => word.trim());
    // RFC 7395 §3.1: without the subprotocol there is nothing to talk about.
    if (found === undefined || !protocols.includes(found.route.protocol)) {
      refuse(socket, found === undefined ? 404 : 400);
      return;
    }
    visit.busy = true;
    visit.pace.end();
    // Frames have heads of their own, and a chunk may hold the end of one message and the start of another.
    const bounds = { messageBytes: found.route.messageBytes + SOCKET_CHUNK_BYTES, pingMs: this.#limits.pingMs };
    found.server.handleUpgrade(request, socket, head, (ws: WebSocket) => {
      found.route.accept(openSocket(ws, visit.link, this.#options.clock, bounds));
    });
  }

  /** Reads what is left of a body and forgets it, until the client has heard the answer and stops. */
  #linger(request: IncomingMessage): Promise<void> {
    return new Promise((done) => {
      const timer = this.#options.clock.after(LINGER_MS, done);
      request.once('close', () => {
        timer.cancel();
        done();
      });
      request.resume();
    });
  }

  #log({ id, peer }: Link): Log {
    return this.#options.log.child({ connection: id, address: peer.address, network: 'web' });
  }
}

/** A client that is refused goes on sending at most so long. */
const LINGER_MS = 5000;
/** The most that one read of a socket brings. */
const SOCKET_CHUNK_BYTES = 64 * 1024;

function socketServer({ protocol, messageBytes }: WebSocketRoute): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // RFC 7692 would keep a window for each connection, and let a small message become a large one.
    perMessageDeflate: false,
    maxPayload: messageBytes,
    maxFragments: 1024,
    maxBufferedChunks: 4096,
    handleProtocols: () => protocol,
  });
}

/** A path, or everything below it. */
function fits(path: string, asked: string): boolean {
  return path.endsWith('/') ? asked.startsWith(path) : asked === path;
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
