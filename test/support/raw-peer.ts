// One end of a TCP connection that speaks SIP as a test tells it to.

import type { Socket } from 'node:net';
import { header, printSip, SipCutter, type SipText } from './sip-message.ts';

/** Things that arrive, without polling: these tests are many. */
export class Arrivals<T> {
  readonly #items: T[] = [];
  readonly #what: string;
  #wake: (() => void)[] = [];

  constructor(what: string) {
    this.#what = what;
  }

  get waiting(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    this.#items.push(item);
    for (const wake of this.#wake.splice(0)) wake();
  }

  async next(fits: (item: T) => boolean = () => true, withinMs = 3000): Promise<T> {
    const end = performance.now() + withinMs;
    for (;;) {
      const index = this.#items.findIndex(fits);
      if (index >= 0) return this.#items.splice(index, 1)[0] as T;
      const left = end - performance.now();
      if (left <= 0) throw new Error(`waited ${withinMs} ms in vain for ${this.#what}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}

/** One end of a TCP connection that speaks what a test tells it to. */
export class RawPeer {
  readonly socket: Socket;
  readonly messages = new Arrivals<SipText>('a SIP message');
  readonly closed: Promise<void>;
  /** Everything received. */
  bytes = '';
  readonly #cutter = new SipCutter();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.bytes += chunk.toString('utf8');
      for (const message of this.#cutter.push(chunk)) this.messages.push(message);
    });
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  next(fits: (message: SipText) => boolean = () => true): Promise<SipText> {
    return this.messages.next(fits);
  }

  /** Answers a request with the headers that must be copied. */
  answer(request: SipText, start: string, more: readonly string[] = [], body = ''): void {
    const copied = request.headers
      .filter(([name]) => /^(via|from|call-id|cseq|record-route)$/i.test(name))
      .map(([name, value]) => `${name}: ${value}`);
    const to = header(request, 'to');
    this.send(printSip(`SIP/2.0 ${start}`, [...copied, `To: ${to}${/;tag=/.test(to) ? '' : ';tag=peer1'}`, ...more], body));
  }
}
