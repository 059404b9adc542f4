// What one connection may cost us before it is closed (security.md 5), and the two stop-watches that notice: a message that
// does not become whole, and answers that nobody reads. Pure: time comes in as a number.

export interface ConnectionLimits {
  /** From the first byte of a head to its end. */
  readonly headMs: number;
  /** A body must come at least this fast, after `bodyGraceMs`. */
  readonly bodyBytesPerSecond: number;
  readonly bodyGraceMs: number;
  /** An inbound connection says something within this time: with the wait for TLS and the last words it is gone within 30 s. */
  readonly firstMessageMs: number;
  /** What may wait to be written. */
  readonly maxWriteBytes: number;
  /** Without one byte taken by the peer. */
  readonly writeStallMs: number;
  /** RFC 5626 §4.4.1: 95 to 120 s on streams. */
  readonly keepAliveMs: number;
  /** RFC 5626 §4.4.1: the pong comes within 10 s. */
  readonly pongMs: number;
  /** A request unanswered for so long, on a connection without a byte, makes us ask for a pong. */
  readonly doubtMs: number;
  /** A request that waited this long for nothing shows a dead connection. */
  readonly silentMs: number;
  /** Without a message. */
  readonly idleMs: { readonly in: number; readonly out: number };
  /** What is under way when an operator ends the connection has so long to finish. */
  readonly goodbyeMs: number;
  /** After our FIN. */
  readonly lingerMs: number;
  /** Requests of the peer being worked on at once. */
  readonly maxOpenRequests: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  headMs: 10_000,
  bodyBytesPerSecond: 1024,
  bodyGraceMs: 5_000,
  firstMessageMs: 25_000,
  maxWriteBytes: 4 * 1024 * 1024,
  writeStallMs: 20_000,
  keepAliveMs: 95_000,
  pongMs: 8_000,
  doubtMs: 8_000,
  silentMs: 30_000,
  idleMs: { in: 3_600_000, out: 900_000 },
  goodbyeMs: 5_000,
  lingerMs: 2_000,
  maxOpenRequests: 2_000,
};

/** Watches a message become whole. */
export class SlowPeer {
  readonly #limits: ConnectionLimits;
  #phase: 'nothing' | 'head' | 'body' = 'nothing';
  #sinceMs = 0;
  #bytes = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** @param finished something became whole in this chunk, so what is awaited now began with it */
  received(awaiting: 'nothing' | 'head' | 'body', bytes: number, finished: boolean, nowMs: number): void {
    if (awaiting === this.#phase && !finished) {
      this.#bytes += bytes;
      return;
    }
    this.#phase = awaiting;
    this.#sinceMs = nowMs;
    this.#bytes = 0;
  }

  /** We stopped reading ourselves: the peer is not to blame. */
  forget(): void {
    this.#phase = 'nothing';
  }

  tooSlow(nowMs: number): boolean {
    const elapsedMs = nowMs - this.#sinceMs;
    if (this.#phase === 'head') return elapsedMs >= this.#limits.headMs;
    if (this.#phase === 'body') {
      return (
        elapsedMs >= this.#limits.bodyGraceMs &&
        this.#bytes < ((elapsedMs - this.#limits.bodyGraceMs) / 1000 + 1) * this.#limits.bodyBytesPerSecond
      );
    }
    return false;
  }
}

/** Watches the peer read. */
export class WriteStall {
  readonly #limits: ConnectionLimits;
  #queued = 0;
  #taken = 0;
  #sinceMs = Number.NEGATIVE_INFINITY;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  queued(bytes: number): void {
    this.#queued += bytes;
  }

  /** @param waiting bytes still in the socket's buffer; called about once a second */
  stalled(waiting: number, nowMs: number): boolean {
    const taken = this.#queued - waiting;
    if (waiting === 0 || taken > this.#taken || this.#sinceMs === Number.NEGATIVE_INFINITY) {
      this.#taken = taken;
      this.#sinceMs = nowMs;
      return false;
    }
    return nowMs - this.#sinceMs >= this.#limits.writeStallMs;
  }
}
