// Waiting in tests: always for something that can be observed, with a deadline and words, never a fixed sleep.

import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** How long a scene waits for one thing unless it says otherwise. Generous: the machine may be busy. */
export const PATIENCE_MS = 15_000;

/**
 * Asks `look` every few milliseconds until it gives something other than undefined or false, and returns that.
 * @param what what is awaited, for the error's sentence
 */
export async function until<T>(what: string, look: () => T | Promise<T>, withinMs = PATIENCE_MS): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
    await pause(15);
  }
}

/** Does somebody accept TCP connections there? */
export function listens(host: string, port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect({ host, port });
    const end = (open: boolean): void => {
      socket.destroy();
      answer(open);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/** Things that arrived and were not yet asked for; `next` takes the first that fits and leaves the others. */
export class Inbox<T> {
  readonly #items: T[] = [];
  readonly #what: string;
  /** Why nothing more will come, once that is so: `next` then fails at once with it. */
  #ended: Error | undefined;

  constructor(what: string) {
    this.#what = what;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  end(why: Error): void {
    this.#ended ??= why;
  }

  /** Everything that waits, oldest first. */
  waiting(): readonly T[] {
    return this.#items;
  }

  /** Throws away what waits, so that the next `next` sees only news. */
  clear(): void {
    this.#items.length = 0;
  }

  /** Takes the first item that fits, waiting for it. */
  next(what: string, fits: (item: T) => boolean = () => true, withinMs = PATIENCE_MS): Promise<T> {
    return until(
      `${what} at ${this.#what}`,
      () => {
        const index = this.#items.findIndex(fits);
        if (index >= 0) return { item: this.#items.splice(index, 1)[0] as T };
        if (this.#ended !== undefined) throw this.#ended;
        return undefined;
      },
      withinMs,
    ).then((found) => found.item);
  }
}
