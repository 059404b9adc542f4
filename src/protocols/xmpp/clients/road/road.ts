// How text gets to one client, over one stream after another (XEP-0198): written, counted, kept until it is acknowledged, and
// written again when the client has come back.

import { type Element, element } from '../../element.ts';
import { NS } from '../../names.ts';
import { printElement } from '../../print.ts';
import type { StreamError } from '../../stream-error.ts';
import { Unacked } from './unacked.ts';

/** The stream that a client is on now. */
export interface Road {
  readonly connection: string;
  readonly address: string;
  /** xml:lang of the client's header. */
  readonly language?: string | undefined;
  write(text: string): void;
  counted(direction: 'in' | 'out'): void;
  close(error?: StreamError): void;
}

const REQUEST = printElement(element('r', NS.sm));

/** The refusal of an `<enable/>` or a `<resume/>`. */
export function smFailed(condition: 'unexpected-request' | 'item-not-found'): Element {
  return element('failed', NS.sm, {}, [element(condition, NS.stanzas)]);
}

export class Roads {
  #now: Road | undefined;
  #last: Road;
  /** Present once stream management is enabled. */
  #unacked: Unacked | undefined;
  #asked = false;
  #closed = false;
  readonly #full: () => void;

  /** @param full called when more waits for an acknowledgement than may wait */
  constructor(road: Road, full: () => void) {
    this.#now = road;
    this.#last = road;
    this.#full = full;
  }

  get now(): Road | undefined {
    return this.#now;
  }
  /** The one it was on last. */
  get last(): Road {
    return this.#last;
  }
  /** Messages that the client may not have got. */
  get messages(): number {
    return this.#unacked?.awaited ?? 0;
  }
  /** Is stream management enabled? */
  get counts(): boolean {
    return this.#unacked !== undefined;
  }

  /** Not counted: elements that are no stanzas. */
  write(node: Element): void {
    this.#now?.write(printElement(node));
  }

  /** Writes a stanza, or keeps it for a client that may come back. False: there is nobody to write to. */
  send(text: string, settle?: (taken: boolean) => void): boolean {
    if (this.#closed) {
      settle?.(false);
      return false;
    }
    this.#unacked?.add(text, settle);
    if (this.#unacked?.full === true) {
      this.#full();
      return false;
    }
    this.#now?.write(text);
    this.#ask();
    return this.#now !== undefined || this.#unacked !== undefined;
  }

  /** Resolves when the client has it, as far as that can be known: it is acknowledged, or without stream management written. */
  deliver(text: string): Promise<boolean> {
    this.#now?.counted('out');
    if (this.#unacked === undefined) return Promise.resolve(this.send(text));
    return new Promise((resolve) => {
      this.send(text, resolve);
    });
  }

  count(): void {
    this.#unacked ??= new Unacked();
  }

  /** Takes an `<a/>`. @returns the stream error that it deserves, if any */
  acknowledge(h: string | undefined): StreamError | undefined {
    this.#asked = false;
    const error = this.#unacked?.acknowledge(h);
    if (error === undefined) this.#ask();
    return error;
  }

  /** The client has come back. @param h what it has of ours @param tell writes what it is told first @returns an error: nothing has changed */
  change(road: Road, h: string | undefined, tell: () => void): StreamError | undefined {
    const error = this.#unacked?.acknowledge(h);
    if (error !== undefined) return error;
    const before = this.#now;
    this.#now = road;
    this.#last = road;
    this.#asked = false;
    before?.close({ condition: 'conflict', text: 'resumed over another stream' });
    tell();
    for (const text of this.#unacked?.texts() ?? []) road.write(text);
    this.#ask();
    return undefined;
  }

  /** The stream is gone. False: it was not this client's any more. */
  lost(road: Road): boolean {
    if (this.#now !== road) return false;
    this.#now = undefined;
    return true;
  }

  /** For good. What is not acknowledged was not taken. */
  close(error?: StreamError): void {
    this.#closed = true;
    const road = this.#now;
    this.#now = undefined;
    road?.close(error);
    this.#unacked?.drop();
  }

  /** One `<r/>` for everything that is written in this turn, and one at a time. */
  #ask(): void {
    const road = this.#now;
    if (this.#asked || road === undefined || (this.#unacked?.size ?? 0) === 0) return;
    this.#asked = true;
    queueMicrotask(() => road.write(REQUEST));
  }
}
