// The dialback side of one incoming stream (XEP-0220): answers `<db:verify/>` about keys that we made, and judges
// `<db:result/>` by the certificate (XEP-0344) or, where the partner's file says so, by asking the domain's own server on
// another connection. Never asks on the stream that carried the key.

import type { Link } from '../../model/ports.ts';
import { answerResult, answerVerify, type Dialback, isOurKey, readDialback, type Verdict } from './dialback.ts';
import type { Element } from './element.ts';
import type { PairRules } from './proven-pairs.ts';
import type { StreamError } from './stream-error.ts';
import type { Wire } from './wire.ts';

export interface DeskOwner {
  /** The connection the stream is on now. */
  link(): Link;
  /** The id that we gave the stream: what keys on it are made for. */
  streamId(): string;
  write(element: Element): void;
  proven(from: string, to: string, by: 'certificate' | 'dialback'): void;
  /** A key was false: XEP-0220 §2.1.2 ends the stream. */
  end(error?: StreamError): void;
}

/** Questions of one stream that may be open at once. */
const OPEN_QUESTIONS = 8;

export class DialbackDesk {
  readonly #wire: Wire;
  readonly #rules: PairRules;
  readonly #owner: DeskOwner;
  #open = 0;

  constructor(wire: Wire, rules: PairRules, owner: DeskOwner) {
    this.#wire = wire;
    this.#rules = rules;
    this.#owner = owner;
  }

  /** Takes one element of the dialback namespace. */
  async take(element: Element): Promise<void> {
    const dialback = readDialback(element);
    if (dialback?.kind === 'verifyAsked') this.#owner.write(this.#verify(dialback));
    else if (dialback?.kind === 'resultAsked') await this.#result(dialback);
    // We ask on connections of our own only: an answer here was never asked for.
    else this.#owner.end({ condition: 'policy-violation', text: 'this dialback element was not asked for' });
  }

  #verify(asked: Extract<Dialback, { kind: 'verifyAsked' }>): Element {
    const { from, to, id, key } = asked;
    if (!this.#rules.ours(to)) return answerVerify(to, from, id, { is: 'error', error: 'item-not-found' });
    const facts = { receiving: from, originating: to, streamId: id };
    return answerVerify(to, from, id, { is: isOurKey(this.#wire.dialbackSecret, facts, key) ? 'valid' : 'invalid' });
  }

  async #result(asked: Extract<Dialback, { kind: 'resultAsked' }>): Promise<void> {
    const { from, to } = asked;
    const error = (condition: Extract<Verdict, { is: 'error' }>['error']): void =>
      this.#owner.write(answerResult(to, from, { is: 'error', error: condition }));
    if (!this.#rules.ours(to)) return error('item-not-found');
    if (this.#rules.ours(from)) return this.#owner.end({ condition: 'invalid-from', text: 'this domain is served here' });
    const proof = await this.#owner.link().peer.proves(from, 'xmpp');
    if (proof.proven) {
      this.#owner.proven(from, to, 'certificate');
      return this.#owner.write(answerResult(to, from, { is: 'valid' }));
    }
    if (!this.#rules.dialback(from)) return error('not-authorized');
    if (this.#open >= OPEN_QUESTIONS) return error('resource-constraint');
    // Not awaited: stanzas of pairs that are proven go on meanwhile.
    void this.#callBack(asked);
  }

  async #callBack(asked: Extract<Dialback, { kind: 'resultAsked' }>): Promise<void> {
    const { from, to, key } = asked;
    this.#open++;
    let verdict = await this.#wire.verifyKey({ ourDomain: to, theirDomain: from, streamId: this.#owner.streamId(), key });
    this.#open--;
    // The file may have changed while we asked.
    if (verdict.is === 'valid' && !this.#rules.dialback(from)) verdict = { is: 'error', error: 'not-authorized' };
    if (verdict.is === 'valid') this.#owner.proven(from, to, 'dialback');
    this.#owner.write(answerResult(to, from, verdict));
    if (verdict.is === 'invalid') this.#owner.end();
  }
}
