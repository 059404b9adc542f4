// Subscriptions of clients of ours (RFC 6665): to a person's presence (RFC 3856), to who watches them (presence.winfo, RFC 3857),
// to their whole contact list (RFC 4662). A dialog lives on its connection and asks the core for nothing but what it shows: whether
// one may see another is the contact list's business. The state of one dialog is notifier.ts'.

import type { Log } from '../../../log.ts';
import { type Address, bare, bareKey, sameBare, show } from '../../../model/address.ts';
import type { Contact, Item, Outsider } from '../../../model/core.ts';
import type { Clock, Ids } from '../../../model/ports.ts';
import type { PresenceDocument } from '../../../model/presence.ts';
import type { InboundRequest, OutgoingReply, SipAnswer } from '../exchange.ts';
import { type Input, step } from '../notifier.ts';
import { replyTo } from '../replies.ts';
import type { Endpoint } from './endpoint.ts';
import type { Flow } from './flow.ts';
import { refuse, type Serves } from './gate.ts';
import { Sight } from './sight.ts';
import { readClientSubscribe, readTerm } from './subscribe-request.ts';
import { accepted, leftMs, newWatch, notifyOf, type Watch } from './watch.ts';

export interface WatchesParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** A line of ours to the client's user, as if `from` had said it. */
  readonly notice: (endpoint: Endpoint, from: Address, words: string, sender?: Outsider) => void;
  readonly serves: Serves;
}

/** Of one client. */
const MAX_PER_ENDPOINT = 1100;
/** Requests to watch that one user is told of by a message, once each. */
const MAX_TOLD = 200;
/** What makes a list or a watcher list say itself again. */
const ANEW: PresenceDocument = { endpoints: [] };

interface Room {
  readonly sight: Sight;
  readonly watches: Set<Watch>;
}

export class Watches {
  readonly #parts: WatchesParts;
  readonly #rooms = new Map<Endpoint, Room>();
  /** By Call-ID and our own tag. */
  readonly #dialogs = new Map<string, { readonly endpoint: Endpoint; readonly watch: Watch }>();
  readonly #told = new Set<string>();

  constructor(parts: WatchesParts) {
    this.#parts = parts;
  }

  /** Handler of SUBSCRIBE. */
  async subscribe(flow: Flow, endpoint: Endpoint, request: InboundRequest): Promise<OutgoingReply> {
    if (request.toTag !== undefined) return this.#refresh(endpoint, request);
    const reading = readClientSubscribe(request, endpoint.user, this.#parts.serves);
    if (reading.kind === 'refused') return reading.reply;
    const room = this.#room(endpoint);
    if (room.watches.size >= MAX_PER_ENDPOINT) return refuse(403, `at most ${MAX_PER_ENDPOINT} subscriptions of one client`).reply;
    const watch = newWatch(reading, flow, request.message, this.#parts);
    if (watch === undefined) return refuse(400, 'Contact is missing or holds no SIP URI').reply;
    await room.sight.load(endpoint);
    // The list may have taken its time, and the client may have left meanwhile.
    if (endpoint.closed || flow.connection.closed) return { status: 480 };
    room.watches.add(watch);
    this.#dialogs.set(dialogKey(watch.dialog.callId, watch.dialog.localTag), { endpoint, watch });
    this.#arm(endpoint, watch);
    const refused = await this.#begin(endpoint, room, watch);
    if (refused !== undefined) {
      this.#remove(endpoint, watch);
      return refused;
    }
    // The 200 goes first (RFC 6665 §4.2.1.3).
    this.#parts.clock.after(0, () => this.#feed(endpoint, watch, { kind: 'decided' }));
    return accepted(watch, watch.dialog.localTag);
  }

  /** Presence of somebody, for those who watch them and for the list. */
  presence(endpoint: Endpoint, item: Extract<Item, { kind: 'presence' }>): void {
    const { sight, watches } = this.#room(endpoint);
    sight.presence(item, this.#parts.clock.now());
    const document = sight.document(item.from);
    for (const watch of [...watches]) {
      if (watch.kind === 'list') this.#feed(endpoint, watch, { kind: 'notified', document: ANEW });
      else if (watch.kind === 'presence' && document !== undefined && sameBare(watch.target, item.from))
        this.#feed(endpoint, watch, { kind: 'notified', document });
    }
  }

  /** An entry of the contact list changed: what may be seen with it. */
  contact(endpoint: Endpoint, contact: Contact, removed: boolean): void {
    const { sight, watches } = this.#room(endpoint);
    sight.contact(contact, removed);
    for (const watch of [...watches]) {
      if (watch.kind !== 'presence') this.#feed(endpoint, watch, { kind: 'notified', document: ANEW });
      else if (sameBare(watch.target, contact.address)) {
        if (sight.sees(contact.address)) this.#feed(endpoint, watch, { kind: 'granted' });
        else if (watch.machine.phase === 'active' && !sameBare(watch.target, endpoint.user))
          this.#feed(endpoint, watch, { kind: 'denied' });
      }
    }
  }

  async subscription(endpoint: Endpoint, { verb, from, message, sender }: Extract<Item, { kind: 'subscription' }>): Promise<boolean> {
    const { sight, watches } = this.#room(endpoint);
    const theirs = [...watches].filter((watch) => watch.kind === 'presence' && sameBare(watch.target, from));
    switch (verb) {
      case 'subscribed':
        for (const watch of theirs) this.#feed(endpoint, watch, { kind: 'granted' });
        return true;
      case 'unsubscribed':
        for (const watch of theirs) this.#feed(endpoint, watch, { kind: 'denied' });
        return true;
      case 'subscribe':
        sight.asks(from, true, sender?.name);
        this.#askUser(endpoint, from, theirs.length > 0, message, sender);
        break;
      case 'unsubscribe':
        sight.asks(from, false);
        break;
      default:
        return verb satisfies never;
    }
    this.#watchersChanged(endpoint);
    return true;
  }

  /** The endpoint is gone, and its dialogs with it: nobody is there to be told. */
  forget(endpoint: Endpoint): void {
    const room = this.#rooms.get(endpoint);
    if (room === undefined) return;
    for (const watch of [...room.watches]) this.#remove(endpoint, watch);
    this.#rooms.delete(endpoint);
  }

  #room(endpoint: Endpoint): Room {
    const known = this.#rooms.get(endpoint);
    if (known !== undefined) return known;
    const room: Room = { sight: new Sight(), watches: new Set() };
    this.#rooms.set(endpoint, room);
    return room;
  }

  /** What is known already, and what must be asked. @returns the refusal to answer with */
  async #begin(endpoint: Endpoint, { sight }: Room, watch: Watch): Promise<OutgoingReply | undefined> {
    const { session, user } = endpoint;
    if (watch.kind !== 'presence') {
      this.#feed(endpoint, watch, watch.machine.poll ? { kind: 'notified', document: ANEW } : { kind: 'granted' });
      return undefined;
    }
    const { target } = watch;
    // Who asks for somebody who has asked for them lets them in: a SIP client has no other word for yes.
    if (sight.isAsking(target)) this.#allow(endpoint, target);
    const self = sameBare(target, user);
    if (!self && !sight.sees(target)) {
      if (watch.machine.poll) {
        this.#feed(endpoint, watch, { kind: 'denied' });
        return undefined;
      }
      if (!sight.hasAsked(target)) {
        const outcome = await session.subscription('subscribe', bare(target));
        if (outcome.kind === 'refused' || outcome.kind === 'failed')
          return replyTo(outcome, { partner: false, endpoint: false, use6xx: false });
      }
      // It may have been granted at once, by an item that came meanwhile.
      if (!sight.sees(target)) return undefined;
    }
    this.#feed(endpoint, watch, { kind: 'granted' });
    const document = sight.document(target);
    if (document !== undefined) this.#feed(endpoint, watch, { kind: 'notified', document });
    else await session.probe(bare(target));
    return undefined;
  }

  /** A SUBSCRIBE inside a dialog: a refresh, or the end. */
  #refresh(endpoint: Endpoint, request: InboundRequest): OutgoingReply {
    const found = this.#dialogs.get(dialogKey(request.callId, request.toTag ?? ''));
    // RFC 3261 §12.2.2. Only the client that founded the dialog may speak in it.
    if (found === undefined || found.endpoint !== endpoint || found.watch.machine.phase === 'terminated') return { status: 481 };
    const { watch } = found;
    const term = readTerm(request.message.headers);
    if (typeof term !== 'number') return term.reply;
    const wrong = watch.dialog.receive(request.message);
    if (wrong !== undefined) return { status: wrong };
    watch.expiresS = term;
    const { clock } = this.#parts;
    if (term === 0) clock.after(0, () => this.#feed(endpoint, watch, { kind: 'left' }));
    else {
      const expiresAt = clock.monotonic() + term * 1000;
      clock.after(0, () => this.#feed(endpoint, watch, { kind: 'refreshed', expiresAt }));
    }
    return accepted(watch);
  }

  #feed(endpoint: Endpoint, watch: Watch, input: Input): void {
    if (!this.#room(endpoint).watches.has(watch)) return;
    const [next, actions] = step(watch.machine, input);
    watch.machine = next;
    if (input.kind === 'refreshed' || next.phase === 'terminated') this.#arm(endpoint, watch);
    for (const action of actions) {
      if (action.do === 'notify') void this.#notify(endpoint, watch);
      else if (action.do === 'forget') this.#remove(endpoint, watch);
      // The core need not know that a dialog is over: who may see whom has not changed.
    }
  }

  async #notify(endpoint: Endpoint, watch: Watch): Promise<void> {
    const answer = await this.#send(endpoint, watch);
    if (answer?.kind !== 'response') {
      this.#feed(endpoint, watch, { kind: 'answered' });
      return;
    }
    const { status, headers } = answer.response;
    if (status >= 200 && status < 300) watch.dialog.refreshTarget(answer.response);
    else {
      const about = { watcher: bareKey(endpoint.user), presentity: bareKey(watch.target), status };
      this.#parts.log.info({ event: 'presence.notifyRefused', ...about }, 'a client refused a NOTIFY');
    }
    this.#feed(endpoint, watch, { kind: 'answered', status, retryAfter: headers.get('retry-after') !== undefined });
  }

  async #send(endpoint: Endpoint, watch: Watch): Promise<SipAnswer | undefined> {
    try {
      return await watch.flow.request(notifyOf(watch, this.#room(endpoint).sight, endpoint.user, this.#parts));
    } catch (error) {
      // A value that no printer may write: the dialog is as good as unanswered.
      this.#parts.log.error(
        { event: 'presence.failed', watcher: bareKey(endpoint.user), error: String(error) },
        'a NOTIFY could not be written',
      );
      return undefined;
    }
  }

  #arm(endpoint: Endpoint, watch: Watch): void {
    watch.timer?.cancel();
    if (watch.machine.phase === 'terminated') return; // its last NOTIFY has the deadline of every request
    const ms = leftMs(watch, this.#parts.clock.monotonic());
    watch.timer = this.#parts.clock.after(ms, () => this.#feed(endpoint, watch, { kind: 'lapsed' }));
  }

  #remove(endpoint: Endpoint, watch: Watch): void {
    watch.timer?.cancel();
    this.#rooms.get(endpoint)?.watches.delete(watch);
    this.#dialogs.delete(dialogKey(watch.dialog.callId, watch.dialog.localTag));
  }

  #allow(endpoint: Endpoint, watcher: Address): void {
    endpoint.session.subscription('subscribed', watcher).catch((error: unknown) => {
      this.#parts.log.error({ event: 'presence.failed', watcher: bareKey(watcher), error: String(error) }, 'a watcher could not be let in');
    });
  }

  #watchersChanged(endpoint: Endpoint): void {
    for (const watch of [...this.#room(endpoint).watches])
      if (watch.kind === 'winfo') this.#feed(endpoint, watch, { kind: 'notified', document: ANEW });
  }

  /**
   * Somebody asks to see the user. A client that watches its watchers is told there; any other by a message, once. Whom the user
   * watches on this client already is let in: that client could not say yes otherwise.
   */
  #askUser(endpoint: Endpoint, from: Address, watched: boolean, message: string | undefined, sender: Outsider | undefined): void {
    if ([...this.#room(endpoint).watches].some(({ kind }) => kind === 'winfo')) return;
    if (watched) {
      this.#allow(endpoint, bare(from));
      return;
    }
    const once = `${bareKey(endpoint.user)} ${bareKey(from)}`;
    if (this.#told.has(once) || endpoint.bindings.length === 0) return;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.add(once);
    const who = show(bare(from));
    const words = [
      `${who} asks to see when you are here. To allow it, add ${who} to your contacts.`,
      ...(sender === undefined ? [] : [sender.vouched]),
      ...(message === undefined || message === '' ? [] : [`They say: ${message.replaceAll(/\s+/g, ' ')}`]),
    ];
    this.#parts.notice(endpoint, bare(from), words.join('\n'), sender);
  }
}

function dialogKey(callId: string, localTag: string): string {
  return `${callId} ${localTag}`;
}
