// One SIP connection: the only file of this shore that touches a socket. Bytes in, whole messages out to the owner; printed
// bytes in, written out in one go when the work of the moment is done (DESIGN 12: never with setImmediate). It also keeps time
// for its peer: RFC 5626 §3.5.1 and §4.4.1 keep-alives, heads and bodies that do not come, answers that are not read.

import type { Duplex } from 'node:stream';
import { reason } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Side } from '../../model/event.ts';
import type { Clock, Link, Peer } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import { CONNECTION_LIMITS, type ConnectionLimits, SlowPeer, WriteStall } from './connection-limits.ts';
import { Cork } from './cork.ts';
import type { Frame, FramingLimits } from './frame.ts';
import { faultOf } from './frame-fault.ts';
import { SipFramer } from './framing.ts';
import { parseCSeq } from './headers/cseq.ts';
import { parseVias } from './headers/via.ts';
import type { Heartbeat } from './heartbeat.ts';
import { KeepAlive } from './keep-alive.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { parseMessage } from './parse.ts';
import type { ParseError } from './parse-error.ts';
import { type ClientResult, ClientTransactions } from './transaction-client.ts';
import { SERVER_DEADLINE_MS, ServerTransactions } from './transaction-server.ts';

/** The room that owns the connection: shore.ts. Called inside the data callback; must not throw. */
export interface ConnectionOwner {
  request(connection: SipConnection, request: SipRequest): void;
  /** A request that could not be read. The owner answers where it can; `fatal`: nothing follows, close afterwards. */
  malformed(connection: SipConnection, fault: ParseError, fatal: boolean): void;
  closed(connection: SipConnection, why: Reason): void;
}

export interface ConnectionParts {
  readonly clock: Clock;
  readonly heartbeat: Heartbeat;
  readonly log: Log;
  readonly limits?: Partial<ConnectionLimits>;
  readonly framing?: Partial<FramingLimits>;
}

const PING = Buffer.from('\r\n\r\n');
const PONG = Buffer.from('\r\n');

export class SipConnection {
  readonly id: string;
  readonly link: Link;
  readonly peer: Peer;
  readonly side: Side;
  readonly clients = new ClientTransactions();
  readonly servers: ServerTransactions;
  readonly #socket: Duplex;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #owner: ConnectionOwner;
  readonly #limits: ConnectionLimits;
  readonly #framer: SipFramer;
  readonly #stopBeat: () => void;
  readonly #keepAlive: KeepAlive;
  readonly #slow: SlowPeer;
  readonly #stall: WriteStall;
  readonly #cork: Cork;
  readonly #openedMs: number;
  #closedWhy: Reason | undefined;
  /** Why, once it does. */
  #draining: Reason | undefined;
  #lastDataMs: number;
  #lastMessageMs: number;
  #heard = false;
  #paused = false;

  constructor(link: Link, owner: ConnectionOwner, parts: ConnectionParts) {
    this.id = link.id;
    this.link = link;
    this.peer = link.peer;
    this.side = link.peer.side;
    this.#socket = link.socket;
    this.#clock = parts.clock;
    this.#log = parts.log.child({ connection: link.id, direction: link.direction, peer: link.peer.address });
    this.#owner = owner;
    this.#limits = { ...CONNECTION_LIMITS, ...parts.limits };
    this.#framer = new SipFramer(parts.framing);
    this.servers = new ServerTransactions((bytes) => this.send(bytes));
    const now = parts.clock.monotonic();
    this.#openedMs = this.#lastDataMs = this.#lastMessageMs = now;
    this.#keepAlive = new KeepAlive(this.#limits, now, link.direction === 'out');
    this.#slow = new SlowPeer(this.#limits);
    this.#stall = new WriteStall(this.#limits);
    this.#cork = new Cork(link.socket);
    this.#stopBeat = parts.heartbeat.add((nowMs) => this.#beat(nowMs));
    link.notes.endsBy((why) => this.drain(this.#limits.goodbyeMs, why));
    this.#socket.on('data', (chunk: Buffer) => this.#data(chunk));
    this.#socket.on('end', () => this.drop(reason('NET_CLOSED', 'the peer closed the connection')));
    this.#socket.on('close', () => this.drop(reason('NET_CLOSED', 'the connection is closed')));
    this.#socket.on('error', (error: Error) => this.drop(reason('NET_CLOSED', `the connection broke: ${error.message}`)));
    // What was wrong before anybody listened is not announced again.
    if (this.#socket.destroyed || this.#socket.readableEnded)
      queueMicrotask(() => this.drop(reason('NET_CLOSED', 'the connection was closed at once')));
  }

  /** The word for Via: RFC 3261 §25.1 transport. */
  get transport(): 'TLS' | 'TCP' {
    return this.link.secure ? 'TLS' : 'TCP';
  }

  /** False: closed, closing, or the peer does not read. New requests go elsewhere. */
  get usable(): boolean {
    return this.#closedWhy === undefined && this.#draining === undefined;
  }

  get closed(): boolean {
    return this.#closedWhy !== undefined;
  }

  /** Exchanges that are not over, both ways. */
  get busy(): number {
    return this.clients.size + this.servers.working;
  }

  get log(): Log {
    return this.#log;
  }

  /** Writes printed bytes. False: the connection is gone; more than the peer may leave unread ends it. */
  send(bytes: Buffer): boolean {
    if (this.#closedWhy !== undefined) return false;
    if (this.#socket.writableLength + bytes.length > this.#limits.maxWriteBytes) {
      this.drop(reason('NET_CLOSED', `the peer does not read: more than ${this.#limits.maxWriteBytes} bytes wait to be written`));
      return false;
    }
    this.#cork.hold();
    this.link.notes.tap?.('out', bytes);
    this.#stall.queued(bytes.length);
    this.#socket.write(bytes);
    return true;
  }

  /**
   * Sends a request and waits for its final answer.
   * @param waitMs Timer F or less
   * @param signal gives up waiting; the bytes are out all the same
   */
  request(bytes: Buffer, branch: string, method: string, waitMs: number, signal?: AbortSignal): Promise<ClientResult> {
    return new Promise((resolve) => {
      if (!this.send(bytes)) {
        resolve({ kind: 'transportFailed', reason: this.#closedWhy ?? reason('NET_CLOSED', 'the connection is closed') });
        return;
      }
      if (method !== 'OPTIONS') this.link.notes.counted('out');
      const now = this.#clock.monotonic();
      const abandon = () => this.clients.abandon(branch, method);
      this.clients.start(branch, method, now, waitMs, (result) => {
        signal?.removeEventListener('abort', abandon);
        resolve(result);
        if (result.kind === 'timeout') this.#silent(now, waitMs);
      });
      signal?.addEventListener('abort', abandon, { once: true });
      if (signal?.aborted) abandon();
    });
  }

  /** Sends the answer to a request that came in here. False: too late, or the connection is gone. */
  respond(key: string, status: number, bytes: Buffer): boolean {
    const sent = this.servers.respond(key, status, bytes);
    this.#endWhenDrained();
    return sent;
  }

  /** Stops reading while the owner must think; the peer feels it through TCP. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#slow.forget();
    if (!this.closed) this.#socket.resume();
  }

  /** Takes no new requests of ours, closes as soon as nothing is open, and in any case after `graceMs`. */
  drain(graceMs: number, why: Reason = reason('SHUTTING_DOWN', 'the connection was drained')): void {
    if (this.#draining !== undefined || this.closed) return;
    this.#draining = why;
    if (this.busy === 0) this.end(why);
    else this.#clock.after(graceMs, () => this.end(why));
  }

  /** Closes after what was written has left. Open requests fail with `why` at once. */
  end(why: Reason): void {
    if (!this.#over(why)) return;
    this.#cork.release();
    this.#socket.end();
    this.#clock.after(this.#limits.lingerMs, () => this.#socket.destroy());
  }

  /** Closes at once. */
  drop(why: Reason): void {
    if (this.#over(why)) this.#socket.destroy();
  }

  #over(why: Reason): boolean {
    if (this.#closedWhy !== undefined) return false;
    this.#closedWhy = why;
    this.#stopBeat();
    this.clients.transportFailed(why);
    this.servers.transportFailed();
    this.#owner.closed(this, why);
    return true;
  }

  #data(chunk: Buffer): void {
    if (this.closed) return;
    this.link.notes.tap?.('in', chunk);
    const now = this.#clock.monotonic();
    this.#lastDataMs = now;
    this.#cork.hold();
    const frames = this.#framer.push(chunk);
    for (const frame of frames) {
      if (this.closed) return;
      this.#frame(frame, now);
    }
    this.#slow.received(this.#framer.awaiting, chunk.length, frames.length > 0, now);
  }

  #frame(frame: Frame, now: number): void {
    this.#heard = true;
    switch (frame.kind) {
      case 'ping':
        // RFC 5626 §4.4.1: a double CRLF is answered with a single one.
        this.send(PONG);
        return;
      case 'pong':
        this.#keepAlive.pong();
        return;
      case 'refused':
        this.#refused(frame);
        return;
      case 'message':
        this.#lastMessageMs = now;
        this.#message(frame.head, frame.body);
        if (frame.last) this.drain(SERVER_DEADLINE_MS);
        return;
      default:
        frame satisfies never;
    }
  }

  #message(head: Buffer, body: Buffer): void {
    const message = parseMessage(head, body);
    if (message.kind === 'request') this.#owner.request(this, message);
    else if (message.kind === 'response') this.#response(message);
    else if (message.of === 'request') this.#owner.malformed(this, message, message.code === 'HEADER_TOO_MANY');
    else this.#log.debug({ event: 'sip.response.dropped', code: message.code }, 'a response that cannot be read');
  }

  #refused(frame: Extract<Frame, { kind: 'refused' }>): void {
    this.#log.info({ event: 'sip.frame.refused', code: frame.code, byteOffset: frame.byteOffset }, 'the peer sent what is no SIP message');
    const fault = faultOf(frame);
    if (fault !== undefined) this.#owner.malformed(this, fault, true);
    this.end(reason('CONTENT_MALFORMED', `what arrived cannot be split into SIP messages: ${frame.phrase}`));
  }

  #response(response: SipResponse): void {
    // RFC 3261 §8.1.3.3: a response to us has one Via. §17.1.3: and the branch and method of something we sent.
    const vias = parseVias(response.headers.all('via'));
    const cseq = parseCSeq(response.headers.get('cseq') ?? '');
    const known = vias?.length === 1 && cseq !== undefined && this.clients.receive(vias[0]!.branch ?? '', cseq.method, response);
    if (!known) this.#log.debug({ event: 'sip.response.stray', status: response.status }, 'a response to nothing we asked was dropped');
    this.#endWhenDrained();
  }

  #endWhenDrained(): void {
    if (this.#draining !== undefined && this.busy === 0) this.end(this.#draining);
  }

  /** A whole Timer F without a byte: whatever is at the other end, it is not listening. */
  #silent(sentMs: number, waitMs: number): void {
    if (waitMs >= this.#limits.silentMs && this.#lastDataMs <= sentMs)
      this.drop(reason('PEER_TIMEOUT', 'the peer has been silent since the request'));
  }

  #beat(nowMs: number): void {
    this.clients.sweep(nowMs);
    this.servers.sweep(nowMs);
    if (this.closed) return;
    const limits = this.#limits;
    if (this.#stall.stalled(this.#socket.writableLength, nowMs)) {
      this.drop(reason('NET_CLOSED', `the peer has read nothing for ${limits.writeStallMs / 1000} s`));
    } else if (!this.#paused && this.#slow.tooSlow(nowMs)) {
      this.drop(reason('NET_CLOSED', 'the peer began a message and did not finish it in time'));
    } else if (!this.#heard && this.link.direction === 'in' && nowMs - this.#openedMs >= limits.firstMessageMs) {
      this.end(reason('NET_CLOSED', 'the peer connected and said nothing'));
    } else if (
      this.#draining !== undefined ? this.busy === 0 : this.busy === 0 && nowMs - this.#lastMessageMs >= limits.idleMs[this.link.direction]
    ) {
      this.end(reason('NET_CLOSED', 'the connection was idle'));
    } else {
      switch (this.#keepAlive.beat(nowMs, this.#lastDataMs, this.clients.oldestMs)) {
        case 'ping':
          this.send(PING);
          return;
        case 'dead':
          this.drop(reason('NET_CLOSED', 'the peer no longer answers keep-alives'));
      }
    }
  }
}
