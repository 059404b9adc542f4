// How long the other end of a web connection is waited for: for the head of a request, and for bytes of a body or an answer that
// is on its way. While the door itself is at work, nobody is to blame.

import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../model/ports.ts';

export interface PaceLimits {
  readonly headMs: number;
  readonly paceBytes: number;
  readonly paceMs: number;
}

export class Pace {
  readonly #socket: Duplex;
  readonly #clock: Clock;
  readonly #limits: PaceLimits;
  #timer: Timer | undefined;
  #moves: 'in' | 'out' | undefined;
  #seen = 0;

  constructor(socket: Duplex, clock: Clock, limits: PaceLimits) {
    this.#socket = socket;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** The next request: its head must be whole in time. */
  awaitHead(): void {
    this.end();
    this.#timer = this.#clock.after(this.#limits.headMs, () => this.#socket.destroy());
  }

  /** A request has come. */
  begin(): void {
    this.end();
    this.#look();
  }
  /** The route waits for more of its body. */
  reading(): void {
    this.#moves = 'in';
  }
  /** The client waits for us. */
  waiting(): void {
    this.#moves = undefined;
  }
  /** The answer is written. */
  writing(): void {
    this.#moves = 'out';
  }
  end(): void {
    this.#timer?.cancel();
    this.#moves = undefined;
  }

  #look(): void {
    const before = this.#moves;
    this.#seen = this.#moved();
    this.#timer = this.#clock.after(this.#limits.paceMs, () => {
      const slow = before !== undefined && this.#moves === before && this.#moved() - this.#seen < this.#limits.paceBytes;
      if (slow) this.#socket.destroy();
      else this.#look();
    });
  }

  #moved(): number {
    return this.#socket instanceof Socket ? this.#socket.bytesRead + this.#socket.bytesWritten : 0;
  }
}
