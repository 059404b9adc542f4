// Stream management (XEP-0198) without resumption: counts of stanzas on one stream, in both directions. Our outbox resends by
// itself, so a broken stream is never resumed; `a` says only that the peer took a stanza, not that it could deliver it.

import { type Element, element } from './element.ts';
import { NS } from './names.ts';
import type { StreamError } from './stream-error.ts';

const MODULUS = 2 ** 32;

export class StreamManagement {
  #enabled = false;
  #sent = 0;
  #acknowledged = 0;
  #receivedBefore = 0;

  get enabled(): boolean {
    return this.#enabled;
  }
  /** How many stanzas we sent since it was enabled, and how many of them the peer has taken. */
  get sent(): number {
    return this.#sent;
  }
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Both sides count from here. @param handled stanzas handled on this stream so far */
  enable(handled: number): void {
    this.#enabled = true;
    this.#receivedBefore = handled;
  }

  /** A stanza was written. */
  noteSent(): void {
    if (this.#enabled) this.#sent++;
  }

  /** The `<a/>` for a peer that asks. @param handled stanzas handled on this stream in all */
  answer(handled: number): Element {
    return element('a', NS.sm, { h: String((handled - this.#receivedBefore) % MODULUS) });
  }

  /** Takes a peer's `<a/>`. @returns a stream error when it counts more than was sent */
  take(received: Element): StreamError | undefined {
    const value = received.attrs.h ?? '';
    if (!/^\d{1,10}$/.test(value)) return { condition: 'policy-violation', text: 'h is not a number' };
    // XEP-0198 §4: h wraps at 2^32.
    const ahead = (Number(value) - (this.#acknowledged % MODULUS) + MODULUS) % MODULUS;
    if (this.#acknowledged + ahead > this.#sent) {
      return { condition: 'undefined-condition', text: `h is ${value}, but only ${this.#sent} stanzas were sent` };
    }
    this.#acknowledged += ahead;
    return undefined;
  }
}

/** Asks the peer how many stanzas it has taken. */
export const REQUEST_ACK: Element = element('r', NS.sm);
const ENABLED: Element = element('enabled', NS.sm);

/** The refusal of a second `<enable/>`, or of a `<resume/>`: nothing is ever resumed. */
function smFailed(condition: 'unexpected-request' | 'item-not-found'): Element {
  return element('failed', NS.sm, {}, [element(condition, NS.stanzas)]);
}

/**
 * Takes an element of the stream management namespace that a peer sent on an open stream.
 * @param intake counts of the stanzas that came over it
 * @returns the stream error it deserves, if any
 */
export function manage(
  element: Element,
  management: StreamManagement,
  intake: Handled,
  write: (element: Element) => void,
): StreamError | undefined {
  switch (element.name) {
    case 'enable':
      if (management.enabled) write(smFailed('unexpected-request'));
      else {
        management.enable(intake.received);
        write(ENABLED);
      }
      return undefined;
    case 'resume':
      write(smFailed('item-not-found'));
      return undefined;
    case 'r':
      intake.whenHandled(intake.received, () => write(management.answer(intake.handled)));
      return undefined;
    case 'a':
      return management.take(element);
    default:
      return { condition: 'unsupported-stanza-type', text: `<${element.name}/> of stream management is not known` };
  }
}

/** What stream management needs of intake.ts. */
export interface Handled {
  readonly received: number;
  readonly handled: number;
  whenHandled(upTo: number, run: () => void): void;
}
