// The core as the neck sees it: one more gateway. What arrives for a user of ours is answered as an internal server would
// answer it; who is no user, is blocked, or does not want to be disturbed is an outcome with a reason, and the edge's error
// tables say it to partners (DESIGN 7).

import { reason } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Address, bare, bareKey, fromBareKey, show } from '../model/address.ts';
import type { Said } from '../model/core.ts';
import type { PresenceEvent } from '../model/event.ts';
import { failed, HANDED_OVER, type Outcome, refused } from '../model/outcome.ts';
import type { Clock, Delivery, Gateway } from '../model/ports.ts';
import type { OpenClients } from './clients.ts';
import type { Subscribing } from './contacts/subscribing.ts';
import { type Messages, notStored } from './messaging/messages.ts';
import type { Partners } from './partners.ts';
import type { People } from './people/people.ts';
import type { Views } from './presence/views.ts';

export interface CoreGatewayParts {
  readonly clock: Clock;
  readonly log: Log;
  /** The address under the main name of its domain. */
  home(address: Address): Address;
  readonly clients: OpenClients;
  readonly people: People;
  readonly messages: Messages;
  readonly subscribing: Subscribing;
  readonly partners: Partners;
  readonly views: Views;
  /** How long after the start nobody is shown as gone, ms. */
  readonly graceMs: number;
}

export class CoreGateway implements Gateway {
  readonly network = 'core';
  /** A lane of the outbox waits for one outcome after the other; they come from memory and one commit. */
  readonly keepsWriteOrder = false;
  readonly #is: CoreGatewayParts;
  readonly #startedAt: number;
  /** Watchers of users who were not there yet when they asked, after a start: `user watcher`. */
  readonly #owed = new Set<string>();

  constructor(is: CoreGatewayParts) {
    this.#is = is;
    this.#startedAt = is.clock.monotonic();
  }

  /** Never rejects: what fails here is a defect of ours, and the sender is told so. */
  async deliver(delivery: Delivery): Promise<Outcome> {
    try {
      return await this.#deliver(delivery);
    } catch (error) {
      const { id, kind, to } = delivery.event;
      this.#is.log.error({ event: 'core.failed', what: kind, id, user: bareKey(to), error: String(error) });
      return failed(reason('US_BUG', `The core could not take it: ${String(error)}`));
    }
  }

  async #deliver(delivery: Delivery): Promise<Outcome> {
    const { wire } = delivery;
    const event = { ...delivery.event, to: this.#is.home(delivery.event.to) };
    delivery.written();
    switch (event.kind) {
      case 'im.sent': {
        // The id that a receipt of ours has to name, and the conversation in this user's own words.
        const thread = wire?.thread ?? event.thread;
        const named = { ...event, ids: { ...event.ids, messageId: wire?.stanzaId ?? event.id }, ...(thread !== undefined && { thread }) };
        const said: Said = { event: named, ...(delivery.possibleCopy === true && { possibleCopy: true }) };
        return this.#is.messages.deliver(said);
      }
      case 'im.composing':
      case 'im.receipt':
        return this.#is.messages.deliver({ event });
      default:
        return this.#presence(event);
    }
  }

  /** The grace after a start is over: who asked before is told how it is. */
  graceOver(): void {
    for (const key of this.#owed) {
      const [user, watcher] = key.split(' ');
      if (user !== undefined && watcher !== undefined) void this.#showWatcher(fromBareKey(user), fromBareKey(watcher));
    }
    this.#owed.clear();
  }

  async #presence(event: PresenceEvent): Promise<Outcome> {
    const { people, subscribing, partners } = this.#is;
    const { from, to } = event;
    const user = bareKey(to);
    if (!(await people.isUser(to))) return refused(reason('PEER_UNKNOWN_USER', `${show(bare(to))} is no user here.`));
    const blocked = (await people.profile(user)).blocks(from);
    const asks = event.kind === 'presence.requested' || event.kind === 'presence.probed' || event.kind === 'presence.watcherOnline';
    if (blocked && asks) return refused(reason('PEER_UNKNOWN_USER', `${show(bare(to))} is no user here.`));
    try {
      switch (event.kind) {
        case 'presence.requested':
          return await subscribing.hear(to, 'subscribe', from, event.message);
        case 'presence.granted':
          return await subscribing.hear(to, 'subscribed', from);
        case 'presence.denied':
          return await subscribing.hear(to, 'unsubscribed', from);
        case 'presence.ended':
          if (event.by === 'watcher') return await subscribing.hear(to, 'unsubscribe', from);
          // What passes is none of the watcher's business; somebody who is not there is (sip-xmpp.md §5.2).
          if (event.reason === 'noresource' || event.reason === 'rejected') return await subscribing.hear(to, 'unsubscribed', from);
          partners.hide(user, from);
          return HANDED_OVER;
        case 'presence.notified':
          if (!blocked) partners.take(event);
          return HANDED_OVER;
        case 'presence.probed':
        case 'presence.watcherOnline':
          return await this.#watched(to, from);
        case 'presence.watcherOffline':
          this.#owed.delete(`${user} ${bareKey(from)}`);
          return HANDED_OVER;
      }
    } catch (error) {
      return notStored(error);
    }
    return event satisfies never;
  }

  /** A watcher is there: shown the whole, unless everybody may still be on their way back after a start. */
  async #watched(user: Address, watcher: Address): Promise<Outcome> {
    const early = this.#is.clock.monotonic() - this.#startedAt < this.#is.graceMs;
    if (early && this.#is.clients.of(bareKey(user)).size === 0) this.#owed.add(`${bareKey(user)} ${bareKey(watcher)}`);
    else await this.#showWatcher(bare(user), bare(watcher));
    return HANDED_OVER;
  }

  async #showWatcher(user: Address, watcher: Address): Promise<void> {
    const { views, partners } = this.#is;
    const seen = await views.seenBy(bareKey(user), watcher);
    if (seen !== undefined) partners.show(user, watcher, seen.composed.document);
    // The contact list knows of no grant: the neck's record follows.
    else partners.tellLightly({ kind: 'presence.denied', from: user, to: watcher });
  }
}
