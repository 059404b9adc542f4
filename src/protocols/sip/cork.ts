// Everything written to a socket in one turn of the loop leaves in one piece, when the microtasks it started are done too
// (DESIGN 12: never with setImmediate).

import type { Duplex } from 'node:stream';

export class Cork {
  readonly #socket: Duplex;
  #held = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** What is written from now on waits for the end of the turn. */
  hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.#socket.cork();
    process.nextTick(() => this.release());
  }

  /** What waits leaves now. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#socket.uncork();
  }
}
