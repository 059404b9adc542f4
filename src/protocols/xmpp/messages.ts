// im.* events to XMPP users: the stanza is written, a ping follows it, and whichever comes first - an error stanza about it or
// the ping's answer - is the outcome (DESIGN 8, docs/decisions/004).

import { LRUCache } from 'lru-cache';
import { type Address, bare, bareKey, sameBare } from '../../model/address.ts';
import { atMost } from '../../model/at-most.ts';
import type { ImComposing, ImReceipt, ImSent } from '../../model/event.ts';
import { delivered, failed, HANDED_OVER, type Outcome, refused } from '../../model/outcome.ts';
import type { Clock, Delivery, Ids } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import { writeMessage } from './from-model/im.ts';
import { toJid } from './jid.ts';
import type { BarrierResult } from './ping.ts';
import type { XmppShore } from './shore.ts';

export interface MessagesDeps {
  readonly shore: Pick<XmppShore, 'send' | 'barrier'>;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** A chat with a contact counts as under way for so long after its last sign, ms (sip-xmpp.md §4 "type"). */
const CHAT_MS = 30 * 60_000;
const MAX_CHATS = 50_000;

interface Waiting {
  readonly to: Address;
  answer(why: Reason): void;
}

export class Messages {
  readonly #deps: MessagesDeps;
  /** Stanzas whose outcome is not known yet, by stanza id. */
  readonly #waiting = new Map<string, Waiting>();
  /** Monotonic ms of the last sign of a chat, by contact. */
  readonly #chats = new LRUCache<string, number>(atMost(MAX_CHATS));

  constructor(deps: MessagesDeps) {
    this.#deps = deps;
  }

  /** The contact writes `chat` stanzas or chat states. */
  chatting(contact: Address): void {
    this.#chats.set(bareKey(contact), this.#deps.clock.monotonic());
  }

  /** An error stanza with this id came from that user. @returns false when no stanza of ours waits for it */
  answered(id: string, from: Address, why: Reason): boolean {
    const waiting = this.#waiting.get(id);
    // Only who was written to can answer; their server may answer with the bare address.
    if (waiting === undefined || !sameBare(waiting.to, from)) return false;
    waiting.answer(why);
    return true;
  }

  async deliver(delivery: Delivery, event: ImSent | ImComposing | ImReceipt): Promise<Outcome> {
    const { hop } = delivery;
    const from = toJid(event.from);
    const to = toJid(event.to);
    if (typeof from !== 'string') return refused(from);
    if (typeof to !== 'string') return refused(to);
    const wire = delivery.wire ?? { stanzaId: this.#deps.ids.event() };
    const element = writeMessage(event, wire, { from, to, chat: this.#isChat(event.to), partner: hop.side === 'edge' });
    const durable = event.kind !== 'im.composing';
    const id = element.attrs.id ?? wire.stanzaId;
    const refusal = durable ? this.#refusalOf(id, bare(event.to)) : undefined;
    try {
      const sent = await this.#deps.shore.send(hop.ourDomain, hop.theirDomain, hop.partner, element, { durable, signal: delivery.signal });
      if (sent.kind === 'failed') return failed(sent.reason);
      delivery.written();
      if (refusal === undefined) return HANDED_OVER;
      const barrier = this.#deps.shore.barrier(hop.ourDomain, hop.theirDomain, sent.number);
      const first = await Promise.race([refusal.promise, barrier]);
      return 'code' in first ? outcomeOfRefusal(first) : outcomeOfBarrier(first);
    } finally {
      refusal?.end();
    }
  }

  #isChat(contact: Address): boolean {
    const last = this.#chats.get(bareKey(contact));
    return last !== undefined && this.#deps.clock.monotonic() - last < CHAT_MS;
  }

  #refusalOf(id: string, to: Address): { readonly promise: Promise<Reason>; end(): void } {
    const { promise, resolve } = Promise.withResolvers<Reason>();
    this.#waiting.set(id, { to, answer: resolve });
    return { promise, end: () => void this.#waiting.delete(id) };
  }
}

/** RFC 6120 §8.3.2: an error of type `wait` may go away; everything else is final. */
function outcomeOfRefusal(why: Reason): Outcome {
  return why.retry === 'never' ? refused(why) : failed(why);
}

function outcomeOfBarrier(result: BarrierResult): Outcome {
  switch (result.kind) {
    case 'covered':
      return delivered(result.evidence);
    case 'noReturnPath':
      // DESIGN 8: without a road back, and only then, the peer's XEP-0198 count is taken as delivery.
      return result.acknowledged ? delivered('XEP-0198 acknowledged, no return path') : failed(result.reason);
    case 'closed':
      return failed(result.reason);
  }
}
