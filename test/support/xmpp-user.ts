// A person with an XMPP client (on @xmpp/client): signs in, writes, subscribes, changes presence, and remembers what came.

import { client, type XmppElement, type XmppEntity, xml } from '@xmpp/client';
import { Inbox } from './wait.ts';

export interface XmppUserOptions {
  readonly user: string;
  readonly domain: string;
  readonly password: string;
  readonly resource?: string;
  /** Where its server listens for clients. */
  readonly address: string;
  /** Over a WebSocket instead: `wss://` and where. */
  readonly webSocket?: string;
}

export class XmppUser {
  readonly jid: string;
  readonly messages: Inbox<XmppElement>;
  readonly presences: Inbox<XmppElement>;
  readonly #entity: XmppEntity;

  private constructor(options: XmppUserOptions) {
    this.jid = `${options.user}@${options.domain}`;
    this.messages = new Inbox(`the messages of ${this.jid}`);
    this.presences = new Inbox(`the presence of ${this.jid}`);
    this.#entity = client({
      service: options.webSocket ?? `xmpp://${options.address}:5222`,
      domain: options.domain,
      resource: options.resource ?? 'desk',
      username: options.user,
      password: options.password,
      timeout: 15_000, // a machine with much to do
    });
    this.#entity.reconnect.stop();
    this.#entity.on('error', () => undefined); // a server that is restarted under us is part of the scenes
    this.#entity.on('stanza', (stanza) => {
      if (stanza.name === 'message') this.messages.push(stanza);
      // our own presence comes back from our server
      if (stanza.name === 'presence' && !bare(stanza.attrs.from).startsWith(this.jid)) this.presences.push(stanza);
    });
  }

  /** Signs in, fetches the contact list and says it is there. */
  static async signIn(options: XmppUserOptions): Promise<XmppUser> {
    const user = new XmppUser(options);
    await user.#entity.start();
    await user.#entity.iqCaller.request(xml('iq', { type: 'get' }, xml('query', { xmlns: 'jabber:iq:roster' })), 10_000);
    await user.present();
    return user;
  }

  /** Sends a chat message. @returns its stanza id */
  async write(
    to: string,
    body: string,
    more: { readonly thread?: string; readonly children?: readonly XmppElement[] } = {},
  ): Promise<string> {
    const id = crypto.randomUUID();
    const thread = more.thread === undefined ? [] : [xml('thread', {}, more.thread)];
    await this.#entity.send(xml('message', { to, type: 'chat', id }, xml('body', {}, body), ...thread, ...(more.children ?? [])));
    return id;
  }

  /** Sends a message stanza without a body: a chat state, a receipt. */
  async signal(to: string, ...children: readonly XmppElement[]): Promise<void> {
    await this.#entity.send(xml('message', { to, type: 'chat', id: crypto.randomUUID() }, ...children));
  }

  /** Tells everybody who may know: available, with `show` and `status` when given. */
  async present(show?: string, status?: string): Promise<void> {
    const children = [...(show === undefined ? [] : [xml('show', {}, show)]), ...(status === undefined ? [] : [xml('status', {}, status)])];
    await this.#entity.send(xml('presence', {}, ...children));
  }

  /** Sends a request. @returns its result; rejects with the error */
  ask(type: 'get' | 'set', payload: XmppElement, to?: string): Promise<XmppElement> {
    return this.#entity.iqCaller.request(xml('iq', { type, ...(to !== undefined && { to }) }, payload), 10_000);
  }

  async leave(): Promise<void> {
    await this.#entity.send(xml('presence', { type: 'unavailable' }));
  }

  async presence(type: 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed' | 'probe', to: string): Promise<void> {
    await this.#entity.send(xml('presence', { type, to }));
  }

  /** Waits for a message, by default one with a body from that bare address. */
  message(from: string, fits: (stanza: XmppElement) => boolean = hasBody, withinMs?: number): Promise<XmppElement> {
    return this.messages.next(`a message from ${from}`, (stanza) => bare(stanza.attrs.from) === from && fits(stanza), withinMs);
  }

  /** Waits for presence of a type (`available` for none) from that bare address. */
  presenceOf(from: string, type: string, fits: (stanza: XmppElement) => boolean = () => true, withinMs?: number): Promise<XmppElement> {
    return this.presences.next(
      `presence '${type}' from ${from}`,
      (stanza) => bare(stanza.attrs.from) === from && (stanza.attrs.type ?? 'available') === type && fits(stanza),
      withinMs,
    );
  }

  async signOut(): Promise<void> {
    await this.#entity.stop().catch(() => undefined);
  }
}

export function bare(jid: string | undefined): string {
  return (jid ?? '').split('/')[0] ?? '';
}

function hasBody(stanza: XmppElement): boolean {
  return stanza.attrs.type !== 'error' && stanza.getChild('body') !== undefined;
}

/** The condition of an error stanza. */
export function conditionOf(stanza: XmppElement): string | undefined {
  return stanza
    .getChild('error')
    ?.getChildElements()
    .find((one) => one.name !== 'text' && one.getNS() === 'urn:ietf:params:xml:ns:xmpp-stanzas')?.name;
}
