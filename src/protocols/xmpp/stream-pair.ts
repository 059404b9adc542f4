// The one road from a domain of ours to a partner domain: at most one sending stream, what waits while it is being made, and
// the ping barrier over it. A partner's own stream with both directions (XEP-0288) is adopted only when there is none.
//
//   idle --send--> connecting --opened--> open --gone--> idle        idle --adopt--> open

import { reason } from '../../errors.ts';
import type { Timer } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import { dial, type Pair } from './dial.ts';
import type { Element } from './element.ts';
import type { PartnerRoute } from './locate.ts';
import { type BarrierResult, PingBarrier } from './ping.ts';
import { printElement } from './print.ts';
import type { SendingStream } from './sending-stream.ts';
import { REQUEST_ACK } from './stream-management.ts';
import type { Wire } from './wire.ts';

export type SendResult =
  /** On an open stream. `number` counts the stanzas of this pair: `barrier` up to it says what became of it. */
  { readonly kind: 'written'; readonly number: number; readonly connection: string } | { readonly kind: 'failed'; readonly reason: Reason };

export interface SendOptions {
  /** Kept by the outbox: waits as long as it takes to connect or fail. Otherwise at most 100 wait, for 30 s. */
  readonly durable?: boolean;
  readonly signal?: AbortSignal;
}

interface Waiting {
  readonly element: Element;
  readonly durable: boolean;
  readonly since: number;
  resolve(result: SendResult): void;
}

type State =
  | { readonly is: 'idle' }
  | { readonly is: 'connecting'; readonly abort: AbortController }
  | { readonly is: 'open'; readonly stream: SendingStream };

/** After a failure, what is not durable fails at once for so long: doubling, with this start and end. */
const HOLD_FIRST_MS = 1000;
const HOLD_LAST_MS = 60_000;
/** A sanity bound on durable stanzas that wait; the outbox has a window of its own far below it. */
const DURABLE_WAITING = 10_000;

export class StreamPair {
  readonly ourDomain: string;
  readonly theirDomain: string;
  readonly #wire: Wire;
  readonly #barrier: PingBarrier;
  #state: State = { is: 'idle' };
  #waiting: Waiting[] = [];
  #expiry: Timer | undefined;
  #keepAlive: Timer | undefined;
  #lastUsedAt = 0;
  #partner: PartnerRoute | undefined;
  #ackMark = 0;
  #hold: { readonly until: number; readonly ms: number; readonly reason: Reason } | undefined;
  #draining = false;

  constructor(wire: Wire, pair: Pair) {
    this.#wire = wire;
    this.ourDomain = pair.ourDomain;
    this.theirDomain = pair.theirDomain;
    const road = {
      write: (ping: Element): boolean => this.#writePing(ping),
      acknowledged: (): boolean => this.#acknowledged(),
      silent: (acknowledged: boolean, unsure: boolean): void => this.#silent(acknowledged, unsure),
      back: (): void => wire.roadBack(pair.ourDomain, pair.theirDomain),
    };
    this.#barrier = new PingBarrier(pair.ourDomain, pair.theirDomain, road, wire.clock, wire.ids);
  }

  get state(): State['is'] {
    return this.#state.is;
  }
  get stream(): SendingStream | undefined {
    return this.#state.is === 'open' ? this.#state.stream : undefined;
  }
  get waiting(): number {
    return this.#waiting.length;
  }
  /** Nothing would be lost by forgetting this pair. */
  get isDisposable(): boolean {
    const held = this.#hold !== undefined && this.#hold.until > this.#wire.clock.monotonic();
    return this.#state.is === 'idle' && this.#waiting.length === 0 && !this.#barrier.waiting && !held;
  }

  /** Writes the element, connecting first when there is no stream. Never rejects. */
  send(partner: PartnerRoute, element: Element, options: SendOptions = {}): Promise<SendResult> {
    this.#partner = partner;
    if (this.#state.is === 'open' && !(options.durable === true && this.#barrier.isSettling)) {
      const { stream } = this.#state;
      if (stream.isOpen) return Promise.resolve(this.#write(stream, element));
      // It is closing: what it still had to say is lost, and the next one is made now.
      this.#lost(stream, reason('NET_CLOSED', `the stream to ${this.theirDomain} is closing`));
    }
    const durable = options.durable === true;
    // DESIGN 8: switching waits. What follows an unsettled message must not overtake it on the next stream.
    if (durable && this.#barrier.isSettling) {
      const why = reason('NET_CLOSED', `what was written to the last stream to ${this.theirDomain} is not settled yet`);
      return Promise.resolve({ kind: 'failed', reason: why });
    }
    const refused = this.#refusal(durable);
    if (refused !== undefined) return Promise.resolve({ kind: 'failed', reason: refused });
    return new Promise((resolve) => {
      const { signal } = options;
      const waiting: Waiting = { element, durable, since: this.#wire.clock.monotonic(), resolve };
      this.#waiting.push(waiting);
      signal?.addEventListener('abort', () => this.#giveUp(waiting, 'its time was over before a stream was open'), { once: true });
      if (!durable) this.#watchExpiry();
      if (this.#state.is !== 'connecting') void this.#connect(partner);
    });
  }

  /** Resolves when what became of everything up to `number` (default: all written so far) is known. Never rejects. */
  barrier(number?: number): Promise<BarrierResult> {
    return this.#barrier.cover(number);
  }
  /** An iq answer from their domain to ours; true when it was the barrier's. */
  pingAnswered(id: string): boolean {
    return this.#barrier.answered(id);
  }

  /** Takes a partner's stream that agreed to both directions; false when there is, or will be, one of ours. */
  adopt(stream: SendingStream): boolean {
    if (this.#state.is !== 'idle' || this.#draining || !stream.isOpen) return false;
    this.#opened(stream);
    return true;
  }

  /** Closes the stream by the book; nothing is sent afterwards. */
  drain(): void {
    this.#draining = true;
    if (this.#state.is === 'open') this.#state.stream.close();
    else if (this.#state.is === 'connecting') this.#state.abort.abort();
    this.#failWaiting(reason('SHUTTING_DOWN', 'Isthmus is stopping'));
  }

  #refusal(durable: boolean): Reason | undefined {
    if (this.#draining) return reason('SHUTTING_DOWN', 'Isthmus is stopping');
    const { settings, clock } = this.#wire;
    const already = this.#waiting.reduce((sum, each) => sum + (each.durable === durable ? 1 : 0), 0);
    const full = already >= (durable ? DURABLE_WAITING : settings.waitingElements);
    if (full) return reason('LIMIT_QUEUE_FULL', `too much waits for a connection to ${this.theirDomain}`);
    const hold = this.#hold;
    if (!durable && this.#state.is === 'idle' && hold !== undefined && clock.monotonic() < hold.until) return hold.reason;
    return undefined;
  }

  async #connect(partner: PartnerRoute): Promise<void> {
    const abort = new AbortController();
    this.#state = { is: 'connecting', abort };
    const result = await dial(this.#wire, this, partner, abort.signal);
    if (result.kind === 'open') {
      if (!this.#draining && result.stream.isOpen) return this.#opened(result.stream);
      result.stream.close();
    }
    this.#state = { is: 'idle' };
    const why = result.kind === 'failed' ? result.reason : reason('NET_CLOSED', `the stream to ${this.theirDomain} closed at once`);
    const ms = Math.min((this.#hold?.ms ?? HOLD_FIRST_MS / 2) * 2, HOLD_LAST_MS);
    this.#hold = { until: this.#wire.clock.monotonic() + ms, ms, reason: why };
    this.#wire.log.warn(
      { event: 'stream.failed', from: this.ourDomain, to: this.theirDomain, code: why.code, reason: why.text },
      'no stream',
    );
    this.#failWaiting(why);
  }

  #opened(stream: SendingStream): void {
    this.#state = { is: 'open', stream };
    this.#hold = undefined;
    this.#lastUsedAt = this.#wire.clock.monotonic();
    stream.onGone((why) => this.#lost(stream, why));
    this.#watchSilence(stream);
    for (const each of this.#takeWaiting()) each.resolve(this.#write(stream, each.element));
  }

  #write(stream: SendingStream, element: Element): SendResult {
    const text = printElement(element);
    const { maxBytes } = stream.peerLimits;
    // XEP-0478: a larger one would end the stream and everything else on it. UTF-8 is at most three bytes a UTF-16 unit.
    if (maxBytes !== undefined && text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) {
      return { kind: 'failed', reason: reason('CONTENT_TOO_LARGE', `${this.theirDomain} accepts at most ${maxBytes} bytes a stanza`) };
    }
    stream.write(text);
    stream.management.noteSent();
    if (element.name !== 'iq') stream.notes.counted('out');
    this.#lastUsedAt = this.#wire.clock.monotonic();
    return { kind: 'written', number: this.#barrier.noteWritten(), connection: stream.id };
  }

  #writePing(ping: Element): boolean {
    if (this.#state.is !== 'open' || !this.#state.stream.isOpen) return false;
    const { stream } = this.#state;
    stream.write(printElement(ping));
    stream.management.noteSent();
    this.#ackMark = stream.management.sent;
    if (stream.management.enabled) stream.write(printElement(REQUEST_ACK));
    return true;
  }

  #acknowledged(): boolean {
    const management = this.stream?.management;
    return management?.enabled === true && management.acknowledged >= this.#ackMark;
  }

  /** No answer to a ping: a peer that does not even count our stanzas may be gone without a word (half-open TCP). */
  #silent(acknowledged: boolean, unsure: boolean): void {
    const { stream } = this;
    if (stream === undefined || acknowledged) return;
    const { log } = this.#wire;
    log.warn({ event: 'stream.silent', connection: stream.id, from: this.ourDomain, to: this.theirDomain }, 'no answer to a ping');
    stream.close({ condition: 'connection-timeout', text: 'no answer to a ping' });
    // Was it this stream, or is there no road back at all? A ping on another one tells, and what was parked goes again.
    if (unsure && this.#partner !== undefined) void this.#ask(this.#partner);
  }

  async #ask(partner: PartnerRoute): Promise<void> {
    if (this.#state.is === 'open') this.#lost(this.#state.stream, reason('NET_CLOSED', `the stream to ${this.theirDomain} is closing`));
    if (this.#state.is === 'idle' && !this.#draining) await this.#connect(partner);
    this.#barrier.probe();
  }

  #watchSilence(stream: SendingStream): void {
    const { clock, settings, random } = this.#wire;
    this.#keepAlive?.cancel();
    // A little apart from each other, so that many roads are not pinged in one tick.
    const wait = settings.keepAliveMs * (0.9 + 0.2 * random());
    this.#keepAlive = clock.after(wait, () => {
      if (this.stream !== stream) return;
      // Only a road of ours is closed for idleness; an adopted one is the partner's to close.
      if (stream.direction === 'out' && clock.monotonic() - this.#lastUsedAt >= settings.idleMs) {
        stream.close();
        return;
      }
      if (clock.monotonic() - stream.lastReceivedAt >= wait) this.#barrier.probe();
      this.#watchSilence(stream);
    });
  }

  #lost(stream: SendingStream, why: Reason): void {
    if (this.stream !== stream) return;
    this.#state = { is: 'idle' };
    this.#keepAlive?.cancel();
    this.#barrier.streamLost(why, stream.bothWays);
  }

  /** What is not durable waits so long and no longer; the oldest stands first. */
  #watchExpiry(): void {
    const oldest = this.#waiting.find((each) => !each.durable);
    if (this.#expiry !== undefined || oldest === undefined) return;
    const { clock, settings } = this.#wire;
    this.#expiry = clock.after(Math.max(1, oldest.since + settings.waitingMs - clock.monotonic()), () => {
      this.#expiry = undefined;
      const late = this.#waiting.filter((each) => !each.durable && clock.monotonic() - each.since >= settings.waitingMs);
      for (const each of late) this.#giveUp(each, `no stream to ${this.theirDomain} within ${settings.waitingMs / 1000} s`);
      this.#watchExpiry();
    });
  }

  #giveUp(waiting: Waiting, text: string): void {
    const at = this.#waiting.indexOf(waiting);
    if (at === -1) return;
    this.#waiting.splice(at, 1);
    waiting.resolve({ kind: 'failed', reason: reason('PEER_TIMEOUT', text) });
  }

  #takeWaiting(): Waiting[] {
    this.#expiry?.cancel();
    this.#expiry = undefined;
    return this.#waiting.splice(0);
  }
  #failWaiting(why: Reason): void {
    for (const each of this.#takeWaiting()) each.resolve({ kind: 'failed', reason: why });
  }
}
