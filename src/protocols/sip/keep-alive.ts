// Is the other end still there? RFC 5626 §3.5.1: the side that opened the connection sends a double CRLF now and then and the
// other answers with one. Peers need not know that, so silence counts only from one that has answered before. Between the
// regular pings, a request that waits too long on a silent connection makes us ask (reliability.md F5: noticed in 20 s).

import type { ConnectionLimits } from './connection-limits.ts';

/** The first ping comes early, so that we know whether the peer answers. */
const FIRST_PING_MS = 5_000;

export class KeepAlive {
  readonly #limits: ConnectionLimits;
  readonly #ours: boolean;
  #nextPingMs: number;
  #pingMs: number | undefined;
  #answers = false;

  /** @param ours we opened the connection, so the regular pings are ours to send */
  constructor(limits: ConnectionLimits, nowMs: number, ours: boolean) {
    this.#limits = limits;
    this.#ours = ours;
    this.#nextPingMs = nowMs + Math.min(FIRST_PING_MS, limits.keepAliveMs);
  }

  pong(): void {
    if (this.#pingMs === undefined) return;
    this.#answers = true;
    this.#pingMs = undefined;
  }

  /**
   * @param lastDataMs when the last byte came
   * @param oldestMs when the oldest unanswered request was sent
   */
  beat(nowMs: number, lastDataMs: number, oldestMs: number | undefined): 'ping' | 'dead' | undefined {
    if (this.#pingMs !== undefined) {
      if (nowMs - this.#pingMs < this.#limits.pongMs) return undefined;
      // Other bytes after the ping are a sign of life too.
      if (this.#answers && lastDataMs <= this.#pingMs) return 'dead';
      this.#pingMs = undefined;
    }
    const doubt = oldestMs !== undefined && nowMs - Math.max(oldestMs, lastDataMs) >= this.#limits.doubtMs;
    if (!(this.#ours && nowMs >= this.#nextPingMs) && !doubt) return undefined;
    this.#pingMs = nowMs;
    this.#nextPingMs = nowMs + this.#limits.keepAliveMs;
    return 'ping';
  }
}
