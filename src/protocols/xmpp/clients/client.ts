// One XMPP client of a user of the core, for as long as its session lasts: over one stream after another when it resumes
// (XEP-0198). What it says is heard in order; what the core hands it is printed, and written or kept until it can be.

import type { Log } from '../../../log.ts';
import { type Address, bare, bareKey, sameBare } from '../../../model/address.ts';
import type { Client, Item, Person, Session } from '../../../model/core.ts';
import type { Timer } from '../../../model/ports.ts';
import type { PushNews } from '../../../model/push.ts';
import type { Reason } from '../../../model/reason.ts';
import { type Element, element } from '../element.ts';
import { toAddress, toJid } from '../jid.ts';
import { NS } from '../names.ts';
import { printElement } from '../print.ts';
import { goodbye, type StreamError } from '../stream-error.ts';
import { contactPush } from './contacts.ts';
import { type HearingGround, hear, refuseForUs, type Speaker } from './hearing.ts';
import { printSaid } from './messages.ts';
import { printPresence, printVerb } from './presence.ts';
import { HeldBack } from './road/held-back.ts';
import { InHand } from './road/in-hand.ts';
import { type Road, Roads, smFailed } from './road/road.ts';

/** What clients share; made once in clients.ts. */
export interface ClientGround extends HearingGround {
  readonly log: Log;
  /** How long a session waits for its client after the connection is lost, ms. */
  readonly resumeMs: number;
  /** Stanzas of one client that are handled at once. */
  readonly inHand: number;
  /** The XMPP clients of a user. */
  clientsOf(user: Address): readonly XmppClient[];
  /** For those that are told otherwise while they are away (XEP-0357). */
  readonly push: PushNews | undefined;
  gone(client: XmppClient): void;
}

/** Binds a client; a Reason: no more of its user's may be opened. @param resource wished for */
export function openClient(ground: ClientGround, road: Road, person: Person, resource: string | undefined): XmppClient | Reason {
  const client = new XmppClient(ground, road, person);
  const session = ground.core.open(client.user, resource, client);
  if ('code' in session) return session;
  client.begin(session);
  return client;
}

export class XmppClient implements Client, Speaker {
  readonly face = 'xmpp';
  readonly user: Address;
  readonly wants: Client['wants'];
  carbons = false;
  interested = false;
  /** Opened again under the same resource: its stream ends with a conflict. */
  replaced = false;
  readonly #ground: ClientGround;
  readonly #log: Log;
  readonly #roads: Roads;
  readonly #inHand: InHand;
  readonly #heldBack = new HeldBack();
  #session: Session | undefined;
  #jid = '';
  #resumption: string | undefined;
  #handledBefore = 0;
  #waiting: Timer | undefined;
  #ended = false;

  /** Use `openClient`. */
  constructor(ground: ClientGround, road: Road, person: Person) {
    this.#ground = ground;
    this.user = bare(person.address);
    this.#roads = new Roads(road, () => this.#finish({ condition: 'policy-violation', text: 'too much waits for an acknowledgement' }));
    this.#inHand = new InHand(ground.clock, ground.inHand);
    this.#log = ground.log.child({ connection: road.connection, user: bareKey(this.user), network: 'xmpp' });
    const self = this;
    this.wants = {
      get contacts() {
        return self.interested;
      },
      get copies() {
        return self.carbons;
      },
      presence: true,
    };
  }

  /** The core has opened its session. */
  begin(session: Session): void {
    this.#session = session;
    const jid = toJid({ ...this.user, resource: session.resource });
    this.#jid = typeof jid === 'string' ? jid : '';
    this.#ground.push?.awake(this.user, session.resource);
  }

  get session(): Session {
    if (this.#session === undefined) throw new Error('the client has no session yet');
    return this.#session;
  }
  get resource(): string {
    return this.session.resource;
  }
  get jid(): string {
    return this.#jid;
  }
  get connection(): string {
    return this.#roads.last.connection;
  }
  get address(): string {
    return this.#roads.last.address;
  }
  get awake(): boolean {
    return this.#roads.now !== undefined;
  }
  /** Of the words it is shown: that of its stream (RFC 6120 §4.7.4). */
  get language(): string | undefined {
    return this.#roads.last.language;
  }
  /** What a resumption must name; undefined: it cannot be resumed. */
  get resumption(): string | undefined {
    return this.#resumption;
  }
  siblings(): readonly XmppClient[] {
    return this.#ground.clientsOf(this.user);
  }

  // --- from the client ----------------------------------------------------------------------------------------

  /**
   * Takes one stanza of the client.
   * @param said with names in `jabber:server`; @param raw the same as it came
   * @returns the stream error that it deserves, or when the next may be read
   */
  said(said: Element, raw: Element): Promise<void> | StreamError | undefined {
    const { from } = said.attrs;
    // RFC 6120 §8.1.2.1: a client speaks for itself.
    if (from !== undefined && !this.#isOwn(from)) return { condition: 'invalid-from', text: 'from is not you' };
    const done = this.#inHand.take();
    const stanza: Element = { ...said, attrs: { ...said.attrs, from: this.jid } };
    if (stanza.name !== 'iq') this.#roads.now?.counted('in');
    hear(stanza, raw, this, this.#ground)
      .catch((error: unknown) => {
        this.#log.error({ event: 'stanza.failed', err: error }, 'a stanza could not be handled');
        refuseForUs(stanza, this);
      })
      .finally(done);
    return this.#inHand.room();
  }

  #isOwn(from: string): boolean {
    const address = toAddress(from);
    return !('code' in address) && sameBare(address, this.user) && (address.resource ?? this.resource) === this.resource;
  }

  /** XEP-0352: what can wait is held back while nobody looks. */
  attend(active: boolean): void {
    if (!active) this.#heldBack.begin();
    else for (const text of this.#heldBack.end()) this.send(text);
  }

  // --- to the client ------------------------------------------------------------------------------------------

  async take(item: Item): Promise<boolean> {
    if (this.#ended) return false;
    switch (item.kind) {
      case 'said': {
        if (item.event.kind === 'im.composing' && this.#heldBack.holds) return true;
        const text = printSaid(item, this.jid, this.user);
        return text === undefined || this.#roads.deliver(text);
      }
      case 'presence': {
        const text = printPresence(item.from, item.presence, this.jid, this.#ground.clock.now(), this.language);
        if (text === undefined || this.#heldBack.hold(item.from, text)) return true;
        this.#roads.now?.counted('out');
        return this.#roads.send(text);
      }
      case 'subscription': {
        if (item.verb === 'subscribed') this.#ground.personal?.met(this, item.from);
        const text = printVerb(item.verb, item.from, this.user, item.message, item.sender);
        return text === undefined || this.#roads.deliver(text);
      }
      case 'contact': {
        const push = contactPush(item.contact, item.removed, item.version);
        if (push !== undefined && this.interested) this.push(push);
        return true;
      }
      default:
        return item satisfies never;
    }
  }

  send(text: string): void {
    this.#roads.send(text);
  }

  push(payload: Element): void {
    const attrs = { type: 'set', id: `push-${this.#ground.ids.token(4)}`, to: this.jid };
    this.send(printElement(element('iq', NS.server, attrs, [payload])));
  }

  // --- stream management --------------------------------------------------------------------------------------

  /** Takes an element of XEP-0198 on an open stream. @returns the stream error that it deserves, if any */
  manage(received: Element): StreamError | undefined {
    switch (received.name) {
      case 'enable':
        this.#roads.write(this.enable(received));
        return undefined;
      case 'r':
        this.#inHand.whenHandled(() => this.#roads.write(element('a', NS.sm, { h: this.#h(this.#inHand.handled) })));
        return undefined;
      case 'a':
        return this.#roads.acknowledge(received.attrs.h);
      case 'resume':
        this.#roads.write(smFailed('unexpected-request'));
        return undefined;
      default:
        return { condition: 'unsupported-stanza-type', text: `<${received.name}/> of stream management is not known` };
    }
  }

  /** XEP-0198 §3. @returns the answer */
  enable(received: Element): Element {
    if (this.#roads.counts) return smFailed('unexpected-request');
    this.#roads.count();
    this.#handledBefore = this.#inHand.received;
    const resumable = received.attrs.resume === 'true' || received.attrs.resume === '1';
    if (resumable) this.#resumption = this.#ground.ids.token(16);
    const max = String(Math.floor(this.#ground.resumeMs / 1000));
    return element('enabled', NS.sm, resumable ? { id: this.#resumption, resume: 'true', max } : {});
  }

  #h(handled: number): string {
    return String(Math.max(0, handled - this.#handledBefore) % 2 ** 32);
  }

  /**
   * The client has come back over another stream.
   * @param h what it has of ours @param tell writes that it is resumed; default: as an element of its own
   * @returns an error: it stays as it was
   */
  resume(
    road: Road,
    h: string | undefined,
    tell: (resumed: Element) => void = (resumed) => road.write(printElement(resumed)),
  ): StreamError | undefined {
    // What has come is in our hands, handled or not: it need not be sent again.
    const resumed = element('resumed', NS.sm, { previd: this.#resumption, h: this.#h(this.#inHand.received) });
    const error = this.#roads.change(road, h, () => tell(resumed));
    if (error === undefined) {
      this.#waiting?.cancel();
      this.#ground.push?.awake(this.user, this.resource);
      this.#log.info({ event: 'client.resumed', connection: road.connection }, 'the client is back');
    }
    return error;
  }

  // --- the end ------------------------------------------------------------------------------------------------

  /** Its stream is gone. @param farewell the client has closed it properly: it will not come back */
  lost(road: Road, farewell: boolean): void {
    if (!this.#roads.lost(road) || this.#ended) return;
    if (farewell || this.#resumption === undefined) {
      this.#finish();
      return;
    }
    this.#log.info({ event: 'client.waits', resumeMs: this.#ground.resumeMs }, 'the connection is lost; the session waits');
    this.#ground.push?.asleep(this.user, this.resource, this.#roads.messages);
    this.#waiting?.cancel();
    this.#waiting = this.#ground.clock.after(this.#ground.resumeMs, () => this.#finish());
  }

  /** The core ends it. */
  end(why: Reason): void {
    this.#finish(this.replaced ? { condition: 'conflict', text: 'signed in elsewhere under the same resource' } : goodbye(why));
  }

  #finish(error?: StreamError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting?.cancel();
    this.#resumption = undefined;
    this.#roads.close(error);
    this.#ground.gone(this);
    this.#session?.close();
  }
}
