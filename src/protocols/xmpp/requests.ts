// Requests of ours to addresses elsewhere (RFC 6120 §8.2.3): sent over the stream to that domain, and matched with what comes
// back. Only who was asked can answer.

import { type Address, sameBare } from '../../model/address.ts';
import type { Clock, Ids, Timer } from '../../model/ports.ts';
import type { Element } from './element.ts';
import { toAddress } from './jid.ts';
import type { XmppShore } from './shore.ts';

/** Requests that wait for an answer at once. */
const MOST = 2000;

export type Answered = { readonly kind: 'answer'; readonly stanza: Element } | { readonly kind: 'failed'; readonly text: string };

interface Waiting {
  readonly to: Address;
  readonly timer: Timer;
  settle(answer: Answered): void;
}

export class Requests {
  readonly #shore: Pick<XmppShore, 'send'>;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #waiting = new Map<string, Waiting>();

  constructor(shore: Pick<XmppShore, 'send'>, clock: Clock, ids: Ids) {
    this.#shore = shore;
    this.#clock = clock;
    this.#ids = ids;
  }

  /** Never rejects. @param iq of type get or set with its addresses; the id is ours to give @param withinMs for the answer */
  async ask(ourDomain: string, to: Address, iq: Element, withinMs: number): Promise<Answered> {
    if (this.#waiting.size >= MOST) return { kind: 'failed', text: 'too many requests wait for an answer' };
    const id = `q-${this.#ids.token(12)}`;
    const { promise, resolve } = Promise.withResolvers<Answered>();
    const settle = (answer: Answered): void => {
      timer.cancel();
      if (this.#waiting.delete(id)) resolve(answer);
    };
    const timer = this.#clock.after(withinMs, () => settle({ kind: 'failed', text: `no answer within ${Math.round(withinMs / 1000)} s` }));
    this.#waiting.set(id, { to, timer, settle });
    const sent = await this.#shore.send(ourDomain, to.domain, undefined, { ...iq, attrs: { ...iq.attrs, id } });
    if (sent.kind === 'failed') settle({ kind: 'failed', text: sent.reason.text });
    return promise;
  }

  /** Takes an iq of type result or error. False: nobody waits for it. */
  answered(stanza: Element): boolean {
    const waiting = this.#waiting.get(stanza.attrs.id ?? '');
    const from = toAddress(stanza.attrs.from ?? '');
    if (waiting === undefined || 'code' in from || !sameBare(from, waiting.to)) return false;
    waiting.settle({ kind: 'answer', stanza });
    return true;
  }
}
