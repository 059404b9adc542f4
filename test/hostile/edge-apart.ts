// The running edge in a process of its own, so that what it holds and what its attackers hold are counted apart.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Callers, type Reachable } from './callers.ts';

/** What the edge's process says of itself, bytes. */
export interface Footprint {
  /** Heap and buffers, after a collection. */
  readonly held: number;
  readonly rss: number;
  /** The most that was ever resident. */
  readonly peak: number;
}

export class EdgeApart extends Callers implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, at: Reachable) {
    super(at);
    this.#child = child;
  }

  static async open(): Promise<EdgeApart> {
    const child = fork(join(import.meta.dirname, 'edge-process.ts'), { execArgv: ['--expose-gc'] });
    const [at] = (await once(child, 'message')) as [Reachable]; // edge-process.ts says this first
    return new EdgeApart(child, at);
  }

  footprint(): Promise<Footprint> {
    return this.#ask('footprint') as Promise<Footprint>;
  }

  /** How many stanzas and requests have reached anybody inside. */
  delivered(): Promise<number> {
    return this.#ask('delivered') as Promise<number>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    const ended = once(this.#child, 'exit');
    this.#child.send('end');
    await ended;
  }

  async #ask(what: 'footprint' | 'delivered'): Promise<unknown> {
    const answer = once(this.#child, 'message');
    this.#child.send(what);
    return (await answer)[0];
  }
}
