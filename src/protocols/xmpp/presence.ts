// Presence of the XMPP shore, both ways. Stanzas that arrive are read, handed to the neck, and answered where it refuses;
// events become stanzas. XMPP keeps no state here: an authorization is the neck's record, and there are no dialogs (DESIGN 5).

import type { Log } from '../../log.ts';
import { show } from '../../model/address.ts';
import type { PresenceEvent } from '../../model/event.ts';
import { delivered, failed, HANDED_OVER, type Outcome, refused } from '../../model/outcome.ts';
import type { Delivery, Ids, PresenceFace, Submit } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { StanzaContext } from './context.ts';
import { type Element, element } from './element.ts';
import { writePresence } from './from-model/presence.ts';
import { NS } from './names.ts';
import { errorOf, readError, stanzaError } from './replies.ts';
import type { XmppShore } from './shore.ts';
import { bounce } from './stanzas.ts';
import type { StanzaFacts } from './to-model/im.ts';
import { readPresence, readPresenceError } from './to-model/presence.ts';

export interface XmppPresenceDeps {
  readonly shore: Pick<XmppShore, 'send' | 'barrier'>;
  readonly submit: Submit;
  readonly ids: Ids;
  readonly log: Log;
}

export class XmppPresence implements PresenceFace {
  readonly #deps: XmppPresenceDeps;

  constructor(deps: XmppPresenceDeps) {
    this.#deps = deps;
  }

  /** Takes a presence stanza with a proven sender. */
  readonly receive = async (stanza: Element, facts: StanzaFacts, context: StanzaContext): Promise<void> => {
    const { type, id } = stanza.attrs;
    const partner = context.side === 'edge';
    const reading = type === 'error' ? readPresenceError(id, readError(stanza), facts) : readPresence(stanza, facts);
    if (reading.kind === 'unknownType') return context.reply(bounce(stanza, stanzaError('bad-request', 'modify')));
    if (reading.kind === 'nothing') return;
    const { event } = reading;
    const outcome = await this.#deps.submit(event);
    if (outcome.kind !== 'refused' && outcome.kind !== 'failed') return;
    // RFC 6121 §4.3.2 and DESIGN 7: whoever probes without a right learns the same, whether the user exists or not.
    if (event.kind === 'presence.probed' && partner) return context.reply(unsubscribed(stanza, this.#deps.ids.event()));
    // RFC 6121 §8.5: other presence is never answered with an error.
    if (event.kind !== 'presence.requested' && event.kind !== 'presence.probed') return;
    if (partner && waitsSilently(outcome.reason)) {
      const fields = { event: 'presence.ignored', id: event.id, watcher: show(event.from), code: outcome.reason.code };
      this.#deps.log.debug(fields, "a partner's watcher is left waiting");
      return;
    }
    context.reply(bounce(stanza, errorOf(outcome.reason, partner)));
  };

  /** Writes an event. Subscription verbs wait for the ping barrier; what is merely shown is handed over. */
  async deliver(delivery: Delivery, event: PresenceEvent): Promise<Outcome> {
    const { hop, signal } = delivery;
    const id = delivery.wire?.stanzaId ?? this.#deps.ids.event();
    const stanzas = writePresence(event, { id, partner: hop.side === 'edge' });
    if ('code' in stanzas) return refused(stanzas);
    const durable = delivery.wire !== undefined;
    let number: number | undefined;
    for (const stanza of stanzas) {
      const sent = await this.#deps.shore.send(hop.ourDomain, hop.theirDomain, hop.partner, stanza, { durable, signal });
      if (sent.kind === 'failed') return failed(sent.reason);
      number = sent.number;
    }
    if (number === undefined) return durable ? delivered('nothing to be written') : HANDED_OVER;
    delivery.written();
    if (!durable) return HANDED_OVER;
    // An error stanza about it is an event of its own (to-model/presence.ts), not the outcome of this one.
    const barrier = await this.#deps.shore.barrier(hop.ourDomain, hop.theirDomain, number);
    if (barrier.kind === 'covered') return delivered(barrier.evidence);
    if (barrier.kind === 'noReturnPath' && barrier.acknowledged) return delivered('XEP-0198 acknowledged, no return path');
    return failed(barrier.reason);
  }
}

/** DESIGN 7: a partner's watcher waits, whether the user of ours is unknown, blocked or not permitted. */
function waitsSilently(why: Reason): boolean {
  const unknown = why.code === 'PEER_UNKNOWN_USER' || why.code === 'PEER_GONE';
  return unknown || why.blame === 'policy' || why.code === 'PEER_FORBIDDEN' || why.code === 'PEER_UNAVAILABLE';
}

/** The same bytes but for the id as from-model/presence.ts writes, when the neck says it of somebody whom policy lets through. */
function unsubscribed(stanza: Element, id: string): Element {
  const { to, from } = stanza.attrs;
  return element('presence', NS.server, { from: to?.split('/', 1)[0], to: from?.split('/', 1)[0], type: 'unsubscribed', id });
}
