// The only file with a socket: bytes of one Link in, frames out; text in, bytes out. It owns the reader and every timer that
// watches bytes (a peer that stops in the middle of an element, or never reads). What frames mean is its owner's business.

import type { Clock, Link, Timer } from '../../model/ports.ts';
import { type StreamFrame, XmlStreamReader } from './framing.ts';
import { NS } from './names.ts';
import { STREAM_CLOSE } from './print.ts';
import type { StreamLimits } from './stream-limits.ts';

export interface ConnectionLimits {
  /** Bytes written and not taken by the peer; at the cap the connection is dropped. */
  readonly unsentBytes: number;
  /** How long a peer may take nothing while something waits for it. */
  readonly stallMs: number;
  /** An element that has begun must go on with at least this many bytes a second... */
  readonly progressBytesPerSecond: number;
  /** ...looked at this often. */
  readonly progressMs: number;
  /** How long the peer may take to answer our closing tag. */
  readonly closeMs: number;
}
export const CONNECTION_LIMITS: ConnectionLimits = {
  unsentBytes: 1024 * 1024,
  stallMs: 30_000,
  progressBytesPerSecond: 1024,
  progressMs: 10_000,
  closeMs: 3000,
};

/** Why the socket is gone, in words for a log line. */
export type Ended = 'closed' | 'peerClosed' | 'reset' | 'neverReads' | 'tooSlow';

export interface ConnectionOwner {
  /** One frame; while a returned promise is open nothing further is read. */
  frame(frame: StreamFrame): void | Promise<void>;
  /** Our own code failed on a frame; the owner logs it and ends the stream. */
  broken(error: unknown): void;
  /** The peer sends an element too slowly; the owner says goodbye and closes. */
  slow(): void;
  /** Called once. */
  ended(how: Ended): void;
}

export class XmlConnection {
  readonly #owner: ConnectionOwner;
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;
  readonly #contentNs: string;
  readonly #before: StreamLimits;
  #link: Link;
  #reader: XmlStreamReader;
  /** Counts streams on this connection: frames of an earlier one are void. */
  #stream = 0;
  #inbox: { readonly stream: number; readonly frame: StreamFrame }[] = [];
  #waiting = false;
  #upgrading = false;
  #inData = false;
  #out = '';
  #scheduled = false;
  #gone = false;
  #closing = false;
  #stall: Timer | undefined;
  #progress: Timer | undefined;
  #partialSince: number | undefined;
  #received = 0;
  #lastReceivedAt: number;

  constructor(
    link: Link,
    owner: ConnectionOwner,
    clock: Clock,
    limits: ConnectionLimits,
    before: StreamLimits,
    contentNs: string = NS.server,
  ) {
    this.#link = link;
    this.#owner = owner;
    this.#clock = clock;
    this.#limits = limits;
    this.#contentNs = contentNs;
    this.#before = before;
    this.#reader = new XmlStreamReader(before, contentNs);
    this.#lastReceivedAt = clock.monotonic();
    this.#attach();
  }

  get link(): Link {
    return this.#link;
  }
  /** Monotonic ms of the last byte received. */
  get lastReceivedAt(): number {
    return this.#lastReceivedAt;
  }
  get gone(): boolean {
    return this.#gone;
  }

  /** RFC 6120 §4.3.3: the next bytes are a new stream; what the old one still held is void. */
  restart(limits: StreamLimits): void {
    this.#stream++;
    this.#reader = new XmlStreamReader(limits, this.#contentNs);
  }

  /** Other limits within the same stream. */
  relax(limits: StreamLimits): void {
    this.#reader.limits = limits;
  }

  /** Writes text; what is written in one tick leaves together. */
  write(text: string): void {
    if (this.#gone || this.#closing) return;
    this.#out += text;
    if (this.#inData || this.#scheduled) return;
    this.#scheduled = true;
    // Not setImmediate: that would wait for the other sockets of this turn of the loop.
    process.nextTick(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Puts TLS under the connection. Bytes that arrived before are thrown away (RFC 6120 §5.4.3.3). Rejects with ConnectError. */
  async upgrade(to: (link: Link) => Promise<Link>): Promise<void> {
    this.#flush();
    this.#upgrading = true;
    this.#inbox = [];
    this.#detach();
    try {
      this.#link = await to(this.#link);
    } catch (error) {
      this.#finish('reset');
      throw error;
    }
    this.#upgrading = false;
    if (this.#gone) {
      this.#link.socket.destroy();
      return;
    }
    this.restart(this.#before);
    this.#attach();
  }

  /** Sends the last words and the closing tag, and gives the peer a moment to answer it. */
  close(lastWords = ''): void {
    if (this.#gone || this.#closing) return;
    this.#out += lastWords + STREAM_CLOSE;
    this.#flush();
    this.#closing = true;
    if (this.#gone) return;
    this.#link.socket.end();
    this.#clock.after(this.#limits.closeMs, () => this.#finish('closed'));
  }

  /** Ends it at once, without words. */
  destroy(): void {
    this.#finish('closed');
  }

  #attach(): void {
    const { socket } = this.#link;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onClose);
    socket.on('error', this.#onError);
    socket.on('drain', this.#onDrain);
    // Not within the constructor: its owner is not ready to hear of it.
    if (socket.destroyed) process.nextTick(() => this.#finish('reset'));
  }

  #detach(): void {
    const { socket } = this.#link;
    // The error listener stays: a socket that fails later must not throw.
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('close', this.#onClose);
    socket.off('drain', this.#onDrain);
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#gone || this.#upgrading) return;
    this.#link.notes.tap?.('in', chunk);
    this.#received += chunk.length;
    const now = (this.#lastReceivedAt = this.#clock.monotonic());
    this.#inData = true;
    const stream = this.#stream;
    const frames = this.#reader.push(chunk, now);
    for (const frame of frames) this.#inbox.push({ stream, frame });
    this.#watchProgress(now, frames.length > 0);
    this.#drain();
    this.#inData = false;
    this.#flush();
  };

  #drain(): void {
    while (!this.#waiting && !this.#gone) {
      const next = this.#inbox.shift();
      if (next === undefined) return;
      if (next.stream !== this.#stream) continue;
      const work = this.#hand(next.frame);
      if (work === undefined) continue;
      this.#waiting = true;
      this.#link.socket.pause();
      const goOn = (): void => {
        this.#waiting = false;
        if (this.#gone) return;
        this.#drain();
        if (!this.#waiting) this.#link.socket.resume();
      };
      work.then(goOn, (error: unknown) => {
        this.#owner.broken(error);
        goOn();
      });
    }
  }

  #hand(frame: StreamFrame): void | Promise<void> {
    try {
      return this.#owner.frame(frame);
    } catch (error) {
      this.#owner.broken(error);
    }
  }

  #watchProgress(now: number, moved: boolean): void {
    if (moved || this.#reader.pendingBytes === 0) this.#partialSince = undefined;
    if (this.#reader.pendingBytes === 0) return;
    if (this.#partialSince !== undefined) return;
    this.#partialSince = now;
    this.#received = this.#reader.pendingBytes;
    if (this.#progress === undefined) this.#armProgress();
  }

  #armProgress(): void {
    this.#progress = this.#clock.after(this.#limits.progressMs, () => {
      this.#progress = undefined;
      if (this.#gone || this.#closing || this.#partialSince === undefined) return;
      const elapsed = this.#clock.monotonic() - this.#partialSince;
      // While we ourselves have paused the socket the peer is not to blame.
      if (elapsed >= this.#limits.progressMs && !this.#waiting && this.#received * 1000 < elapsed * this.#limits.progressBytesPerSecond) {
        this.#owner.slow();
      } else this.#armProgress();
    });
  }

  #flush(): void {
    if (this.#out === '' || this.#gone || this.#upgrading) return;
    const { socket } = this.#link;
    const text = this.#out;
    this.#out = '';
    this.#link.notes.tap?.('out', text);
    if (socket.write(text)) return;
    if (socket.writableLength > this.#limits.unsentBytes) {
      this.#finish('neverReads');
      return;
    }
    this.#stall ??= this.#clock.after(this.#limits.stallMs, () => this.#finish('neverReads'));
  }

  readonly #onDrain = (): void => {
    this.#stall?.cancel();
    this.#stall = undefined;
  };
  readonly #onEnd = (): void => this.#finish('peerClosed');
  readonly #onClose = (): void => this.#finish(this.#closing ? 'closed' : 'reset');
  readonly #onError = (): void => this.#finish('reset');

  #finish(how: Ended): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#stall?.cancel();
    this.#progress?.cancel();
    this.#inbox = [];
    if (!this.#upgrading) this.#detach();
    this.#link.socket.destroy();
    this.#owner.ended(how);
  }
}
