// The presence half of the SIP shore: SIP watchers are served by notifiers.ts, SIP presentities are watched by
// subscribers.ts. This file is the face both show to the gateway.

import type { PresenceEvent } from '../../model/event.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Delivery, PresenceFace } from '../../model/ports.ts';
import { Notifiers } from './notifiers.ts';
import type { SipPresenceDeps } from './presence-ground.ts';
import { Subscribers } from './subscribers.ts';

export class SipPresence implements PresenceFace {
  readonly #notifiers: Notifiers;
  readonly #subscribers: Subscribers;
  readonly #deps: SipPresenceDeps;

  /** Takes over SUBSCRIBE and NOTIFY of the shore. */
  constructor(deps: SipPresenceDeps) {
    this.#deps = deps;
    this.#notifiers = new Notifiers(deps);
    this.#subscribers = new Subscribers(deps);
    deps.shore.handle('SUBSCRIBE', this.#notifiers.subscribe);
    // RFC 6665 §4.4.1: a NOTIFY belongs to a dialog; the shore answers 481 to any other, but must know the method.
    deps.shore.handle('NOTIFY', async () => ({ status: 481 }));
  }

  /** Takes up the dialogs of the process before this one. Sends nothing to anybody who has not asked (spec 5.8). */
  async restore(): Promise<{ readonly notifiers: number; readonly subscribers: number }> {
    const records = await this.#deps.dialogs.all();
    return {
      notifiers: this.#notifiers.restore(records.filter((record) => record.role === 'notifier')),
      subscribers: this.#subscribers.restore(records.filter((record) => record.role === 'subscriber')),
    };
  }

  async deliver(delivery: Delivery, event: PresenceEvent): Promise<Outcome> {
    switch (event.kind) {
      case 'presence.requested':
      case 'presence.probed':
      case 'presence.watcherOnline':
      case 'presence.watcherOffline':
        return this.#subscribers.deliver(event, delivery.hop);
      case 'presence.granted':
      case 'presence.denied':
      case 'presence.notified':
        return this.#notifiers.deliver(event);
      case 'presence.ended':
        return event.by === 'watcher' ? this.#subscribers.deliver(event, delivery.hop) : this.#notifiers.deliver(event);
    }
    return event satisfies never;
  }

  /** Live dialogs, for operators. */
  get size(): { readonly notifiers: number; readonly subscribers: number } {
    return { notifiers: this.#notifiers.size, subscribers: this.#subscribers.size };
  }

  /** Stops the timers. Dialogs stay in the store and are taken up by the next process. */
  close(): void {
    this.#notifiers.close();
    this.#subscribers.close();
  }
}
