// The face the XMPP shore shows to routing: messages, typing and receipts go to messages.ts, presence to its own room.

import type { Outcome } from '../../model/outcome.ts';
import type { Delivery, Gateway, PresenceFace } from '../../model/ports.ts';
import type { Messages } from './messages.ts';

export class XmppGateway implements Gateway {
  readonly network = 'xmpp';
  /** One stream carries a pair of domains, and RFC 6120 §10.1 keeps its order: a lane may write on before the outcome. */
  readonly keepsWriteOrder = true;
  readonly #messages: Messages;
  readonly #presence: PresenceFace;

  constructor(messages: Messages, presence: PresenceFace) {
    this.#messages = messages;
    this.#presence = presence;
  }

  deliver(delivery: Delivery): Promise<Outcome> {
    const { event } = delivery;
    switch (event.kind) {
      case 'im.sent':
      case 'im.composing':
      case 'im.receipt':
        return this.#messages.deliver(delivery, event);
      default:
        return this.#presence.deliver(delivery, event);
    }
  }
}
