// The face the SIP shore shows to routing: messages and typing go to messages.ts, presence to the notifier (its watcher is a
// SIP user) or the subscriber (its presentity is one).

import type { Event } from '../../model/event.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Delivery, Gateway, PresenceFace } from '../../model/ports.ts';
import type { Messages } from './messages.ts';

export class SipGateway implements Gateway {
  readonly network = 'sip';
  /** Two MESSAGE requests in flight may overtake each other at the far end, so a lane waits for the answer. */
  readonly keepsWriteOrder = false;
  readonly #messages: Messages;
  readonly #presence: PresenceFace;

  constructor(messages: Messages, presence: PresenceFace) {
    this.#messages = messages;
    this.#presence = presence;
  }

  deliver(delivery: Delivery): Promise<Outcome> {
    const event: Event = delivery.event;
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
