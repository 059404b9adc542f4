// What the wire half of this shore hands to its to-model half: a stanza whose sender is proven, and the road back.

import type { ProofWord, Side } from '../../model/event.ts';
import type { Element } from './element.ts';
import type { Stanza } from './parse.ts';

export interface StanzaContext {
  /** `edge`: from a partner's stream. `inside`: from the internal server behind our component. */
  readonly side: Extract<Side, 'edge' | 'inside'>;
  /** Domain of the stanza's `from`, proven on this connection. A-labels. */
  readonly fromDomain: string;
  /** Domain of its `to`. A-labels. */
  readonly toDomain: string;
  /** Which of the two is ours: `toDomain` on the edge, `fromDomain` inside. */
  readonly ourDomain: string;
  readonly theirDomain: string;
  /** For Origin: the partner's domain, or the name of our component. */
  readonly peer: string;
  readonly proof: ProofWord;
  /** Id of the connection, as in the logs. */
  readonly connection: string;
  /** The peer's IP address, from outside: a block list may name it. */
  readonly address?: string;
  /** The stanza's addresses, already read. */
  readonly stanza: Stanza;
  /** Sends an element back to where it came from, not durable; `to` and `from` are the element's own. */
  reply(element: Element): void;
}

/**
 * Takes one stanza. A promise means: not handled before it settles. XEP-0198 counts and our answer to a later ping wait for
 * it (at most 10 s), so that a partner's own barrier means what ours means.
 */
export type StanzaHandler = (element: Element, context: StanzaContext) => void | Promise<void>;
