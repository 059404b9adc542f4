// The stanzas that wait, in their order, while an internal server is being reached.

import type { Reason } from '../../model/reason.ts';
import type { Element } from './element.ts';
import type { SendResult } from './stream-pair.ts';

/** Stanzas that may wait while the server is away. */
const MOST = 1000;

interface Waiting {
  readonly domain: string;
  readonly stanza: Element;
  resolve(result: SendResult): void;
}

export class WaitingStanzas {
  readonly #waiting: Waiting[] = [];

  get isFull(): boolean {
    return this.#waiting.length >= MOST;
  }

  /** Resolves with what became of it once the stanzas are written or given up. */
  add(domain: string, stanza: Element): Promise<SendResult> {
    return new Promise((resolve) => this.#waiting.push({ domain, stanza, resolve }));
  }

  /** The server is there: every stanza is written, the oldest first. */
  writeAll(write: (domain: string, stanza: Element) => SendResult): void {
    for (const each of this.#waiting.splice(0)) each.resolve(write(each.domain, each.stanza));
  }

  /** The server was not reached. */
  failAll(why: Reason): void {
    for (const each of this.#waiting.splice(0)) each.resolve({ kind: 'failed', reason: why });
  }
}
