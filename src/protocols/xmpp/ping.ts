// XMPP ping (XEP-0199) and the barrier made of it (DESIGN 8): a ping from our domain to theirs follows the stanzas; its answer,
// result or error, comes after everything the peer had to say about them. One ping is in flight for each pair of domains, and
// covers all that was written before it. This room owns the timer of the answer; the sending stream belongs to stream-pair.ts.

import { reason } from '../../errors.ts';
import type { Clock, Ids, Timer } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import { child, type Element, element } from './element.ts';
import { NS } from './names.ts';
import { displayDomain } from './precis.ts';

/** What became of everything written before `cover` was called. */
export type BarrierResult =
  /** The peer has answered the ping behind it: what it did not refuse by then is delivered. */
  | { readonly kind: 'covered'; readonly evidence: string }
  /** No answer in time, and none ever before. `acknowledged`: the peer's XEP-0198 count says it took all of it. */
  | { readonly kind: 'noReturnPath'; readonly acknowledged: boolean; readonly reason: Reason }
  /** The stream ended first, or leads nowhere any more; what became of it is not known. */
  | { readonly kind: 'closed'; readonly reason: Reason };

const PING_TIMEOUT_MS = 20_000;
/** How long an answer may still come over the other stream after ours has ended. */
const GRACE_MS = 2000;
/** A peer that answered before and now does not is sent copies of the same at most so often; then the road back is gone. */
const MOST_SILENCES = 3;

/** `<iq type='get'><ping/></iq>`. Domains in A-labels. */
export function pingElement(from: string, to: string, id: string): Element {
  return element('iq', NS.server, { type: 'get', from: displayDomain(from), to: displayDomain(to), id }, [element('ping', NS.ping)]);
}
/** Is it a ping to be answered? */
export function isPing(stanza: Element): boolean {
  return stanza.name === 'iq' && stanza.attrs.type === 'get' && child(stanza, 'ping', NS.ping) !== undefined;
}
/** The answer to a ping. */
export function pong(ping: Element): Element {
  const { id, from, to } = ping.attrs;
  return element('iq', ping.ns, { type: 'result', from: to, to: from, id });
}

interface Waiter {
  readonly upTo: number;
  resolve(result: BarrierResult): void;
}
/** What the barrier needs of the stream it pings on. */
export interface BarrierRoad {
  /** Writes the ping; false when there is no open stream. */
  write(ping: Element): boolean;
  /** Asks for, and reads, the XEP-0198 count: has everything up to now been taken? */
  acknowledged(): boolean;
  /** Nothing came back: the stream may be half open. `unsure`: something is unconfirmed, and no ping was ever answered. */
  silent(acknowledged: boolean, unsure: boolean): void;
  /** An answer came after one had been missing: there is a road back after all. */
  back?(): void;
}

export class PingBarrier {
  readonly #ourDomain: string;
  readonly #theirDomain: string;
  readonly #road: BarrierRoad;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #timeoutMs: number;
  #written = 0;
  #covered = 0;
  #waiters: Waiter[] = [];
  /** A ping was answered once: there is a road back. */
  #returns = false;
  /** Pings in a row that something waited for and nobody answered. */
  #silences = 0;
  /** An answer was missing, and something was left unconfirmed for it. */
  #missed = false;
  #inFlight: { readonly id: string; readonly upTo: number; timer: Timer; lost?: Reason } | undefined;

  constructor(ourDomain: string, theirDomain: string, road: BarrierRoad, clock: Clock, ids: Ids, timeoutMs = PING_TIMEOUT_MS) {
    this.#ourDomain = ourDomain;
    this.#theirDomain = theirDomain;
    this.#road = road;
    this.#clock = clock;
    this.#ids = ids;
    this.#timeoutMs = timeoutMs;
  }

  /** Counts a stanza that was written; its number is covered by the next ping. */
  noteWritten(): number {
    return ++this.#written;
  }
  /** The highest number an answer has covered. */
  get covered(): number {
    return this.#covered;
  }
  /** The stream is gone and what was written to it is not settled yet: an answer may still come for a moment. */
  get isSettling(): boolean {
    return this.#inFlight?.lost !== undefined;
  }
  get waiting(): boolean {
    return this.#waiters.length > 0 || this.#inFlight !== undefined;
  }

  /** Resolves when everything up to `upTo` (default: all written so far) is covered, or cannot be. Never rejects. */
  cover(upTo = this.#written): Promise<BarrierResult> {
    if (upTo <= this.#covered) return Promise.resolve(covered());
    return new Promise((resolve) => {
      this.#waiters.push({ upTo, resolve });
      if (this.#inFlight === undefined) this.#ping();
    });
  }

  /** Pings although nothing waits, to see whether the road still leads anywhere. */
  probe(): void {
    if (this.#inFlight === undefined) this.#ping();
  }

  /** A result or error with this id came from their domain to ours. True: it was the answer to our ping. */
  answered(id: string): boolean {
    const inFlight = this.#inFlight;
    if (inFlight === undefined || inFlight.id !== id) return false;
    inFlight.timer.cancel();
    this.#inFlight = undefined;
    this.#covered = Math.max(this.#covered, inFlight.upTo);
    this.#returns = true;
    this.#silences = 0;
    if (this.#missed) this.#road.back?.();
    this.#missed = false;
    this.#settle((waiter) => waiter.upTo <= inFlight.upTo, covered());
    if (inFlight.lost !== undefined) this.#settle(() => true, { kind: 'closed', reason: inFlight.lost });
    else if (this.#waiters.length > 0) this.#ping();
    return true;
  }

  /** The sending stream is gone. An answer may still come over the peer's own stream for a moment, unless it was one road. */
  streamLost(why: Reason, sameRoad: boolean): void {
    const inFlight = this.#inFlight;
    if (inFlight === undefined || sameRoad) {
      inFlight?.timer.cancel();
      this.#inFlight = undefined;
      this.#settle(() => true, { kind: 'closed', reason: why });
      return;
    }
    if (inFlight.lost !== undefined) return;
    inFlight.timer.cancel();
    inFlight.lost = why;
    inFlight.timer = this.#clock.after(GRACE_MS, () => {
      this.#inFlight = undefined;
      this.#settle(() => true, { kind: 'closed', reason: why });
    });
  }

  #ping(): void {
    const id = `ping-${this.#ids.token()}`;
    const upTo = this.#written;
    if (!this.#road.write(pingElement(this.#ourDomain, this.#theirDomain, id))) {
      this.#settle(() => true, {
        kind: 'closed',
        reason: reason('NET_CLOSED', `the stream to ${this.#theirDomain} closed before the answer`),
      });
      return;
    }
    this.#inFlight = { id, upTo, timer: this.#clock.after(this.#timeoutMs, () => this.#expired()) };
  }

  #expired(): void {
    this.#inFlight = undefined;
    const acknowledged = this.#road.acknowledged();
    const halfOpen = this.#returns && this.#silences < MOST_SILENCES && !acknowledged;
    const unsure = this.#waiters.length > 0 && !acknowledged && !halfOpen;
    const text = `${this.#theirDomain} did not answer a ping within ${this.#timeoutMs / 1000} s`;
    if (halfOpen) {
      // It did answer: this stream is half open, or the answer was lost on theirs. What was written goes again on another.
      if (this.#waiters.length > 0) this.#silences += 1;
      this.#settle(() => true, { kind: 'closed', reason: reason('NET_CLOSED', `${text} as it did before; the stream leads nowhere`) });
    } else {
      this.#missed ||= unsure;
      this.#settle(() => true, { kind: 'noReturnPath', acknowledged, reason: reason('XMPP_NO_RETURN_PATH', text) });
    }
    this.#road.silent(acknowledged, unsure);
  }

  #settle(which: (waiter: Waiter) => boolean, result: BarrierResult): void {
    const done = this.#waiters.filter(which);
    this.#waiters = this.#waiters.filter((waiter) => !which(waiter));
    for (const waiter of done) waiter.resolve(result);
  }
}

function covered(): BarrierResult {
  return { kind: 'covered', evidence: 'XMPP ping answered after it' };
}
