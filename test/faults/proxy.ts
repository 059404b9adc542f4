// A TCP proxy that does what networks do at their worst: reset, swallow, slow down, split. It stands between the edge and
// one of its peers and knows nothing of what it carries. Programmed for each connection, or while it runs.

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What happens to one connection. */
export interface Plan {
  /** Reset both ends after so many bytes in one direction: mostly in the middle of something. */
  readonly resetAfterBytes?: number;
  /** Pass on pieces of at most so many bytes, each as a segment of its own. */
  readonly splitBytes?: number;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  swallow: boolean;
}

export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  /** Connections so far. */
  connections = 0;
  resets = 0;
  /** Asked for each new connection, with its number from 0. */
  plan: (index: number) => Plan = () => ({});
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #target: number;
  #refusing = false;
  #bytesPerSecond: number | undefined;
  /** The least time at which a slow connection may write again. */
  #freeAt = 0;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as AddressInfo).port; // listening on TCP
    server.on('connection', (near) => this.#accept(near));
  }

  /** Listens on a free loopback port in front of `target`. */
  static async open(target: number): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: false });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return new FaultProxy(server, target);
  }

  /** Where new connections lead. */
  set target(port: number) {
    this.#target = port;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** New connections are closed at once, and those that are open are reset: the peer is down. */
  refuse(on: boolean): void {
    this.#refusing = on;
    if (on) this.reset();
  }

  /** Resets every open connection. */
  reset(): void {
    for (const pair of this.#pairs) this.#reset(pair);
  }

  /** From now on nothing passes on the connections that are open, and nobody is told: half-open TCP. New ones are whole. */
  swallow(): void {
    for (const pair of this.#pairs) pair.swallow = true;
  }

  /** All connections together pass so many bytes a second in each piece; undefined: as fast as can be. */
  slow(bytesPerSecond: number | undefined): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.reset();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(near: Socket): void {
    near.on('error', () => near.destroy());
    if (this.#refusing) {
      abort(near);
      return;
    }
    const plan = this.plan(this.connections++);
    const far = connect({ host: '127.0.0.1', port: this.#target, noDelay: true });
    near.setNoDelay(true);
    // The edge's process keeps this one; sockets that were reset must not.
    near.unref();
    far.unref();
    const pair: Pair = { near, far, swallow: false };
    this.#pairs.add(pair);
    far.on('error', () => this.#reset(pair));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#carry(pair, one, other, plan);
      one.on('close', () => {
        if (!this.#pairs.has(pair)) return;
        if (pair.swallow) return; // the other end never hears of it
        this.#pairs.delete(pair);
        other.end();
        setTimeout(() => other.destroy(), 1000).unref();
      });
    }
  }

  #carry(pair: Pair, from: Socket, to: Socket, plan: Plan): void {
    let passed = 0;
    from.on('data', (chunk: Buffer) => {
      if (pair.swallow) return;
      const left = plan.resetAfterBytes === undefined ? chunk.length : plan.resetAfterBytes - passed;
      const piece = chunk.length > left ? chunk.subarray(0, Math.max(0, left)) : chunk;
      passed += piece.length;
      this.#write(piece, from, to, plan);
      if (plan.resetAfterBytes === undefined || passed < plan.resetAfterBytes) return;
      from.pause();
      // What came before the cut has left; then both ends see a reset.
      setTimeout(() => this.#reset(pair), 5);
    });
  }

  #write(piece: Buffer, from: Socket, to: Socket, plan: Plan): void {
    if (to.destroyed || piece.length === 0) return;
    if (this.#bytesPerSecond !== undefined) {
      const now = performance.now();
      this.#freeAt = Math.max(now, this.#freeAt) + (piece.length / this.#bytesPerSecond) * 1000;
      from.pause();
      setTimeout(() => {
        if (!to.destroyed) to.write(piece);
        from.resume();
      }, this.#freeAt - now);
      return;
    }
    const size = plan.splitBytes ?? piece.length;
    let roomy = true;
    for (let at = 0; at < piece.length; at += size) roomy = to.write(piece.subarray(at, at + size));
    if (roomy) return;
    from.pause();
    to.once('drain', () => from.resume());
  }

  #reset(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    this.resets += 1;
    abort(pair.near);
    abort(pair.far);
  }
}

/**
 * RST. A socket that is already saying goodbye cannot be reset and is destroyed; libuv keeps the handle of some that were, so
 * they must not keep this process.
 */
export function abort(socket: Socket): void {
  socket.unref();
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
