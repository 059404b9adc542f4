// The demo's XMPP side: one user on a small server of their own, with real s2s streams (STARTTLS, SASL EXTERNAL). It uses the
// stream code of this repository with its own certificate and its own table; nothing of Isthmus' policy, outbox or presence.

import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { type Edge, plainLink } from '../edge/link.ts';
import { SILENT } from '../log.ts';
import type { Connector, Resolver, TlsUpgrade } from '../model/ports.ts';
import type { Partner } from '../model/table.ts';
import { child, type Element, element } from '../protocols/xmpp/element.ts';
import { NS } from '../protocols/xmpp/names.ts';
import { XmppShore } from '../protocols/xmpp/shore.ts';
import type { Presence } from './organisation.ts';

export interface XmppOrganisationOptions {
  readonly domain: string;
  readonly user: string;
  /** Certificates, trust and connections of this organisation. */
  readonly parts: { readonly edge: Edge; readonly connector: Connector; readonly resolver: Resolver; readonly upgrade: TlsUpgrade };
  readonly isthmus: () => Partner;
  readonly partnerDomain: string;
  onStanza(stanza: Element): void;
}

export class XmppOrganisation {
  readonly #options: XmppOrganisationOptions;
  readonly #shore: XmppShore;
  readonly #server: Server;
  #state: Presence = { show: undefined, note: undefined };
  #seenBy: string[] = [];
  #count = 0;

  constructor(options: XmppOrganisationOptions) {
    this.#options = options;
    const { edge, connector, resolver, upgrade } = options.parts;
    this.#shore = new XmppShore({
      clock: edge.clock,
      ids: edge.ids,
      log: SILENT,
      connector,
      resolver,
      tlsUpgrade: upgrade,
      table: edge.table,
      dialbackSecret: 'not used: certificates on both sides',
      secret: () => '',
      random: Math.random,
    });
    this.#shore.handle({ onStanza: (stanza) => this.#take(stanza) });
    this.#server = createServer((socket) =>
      this.#shore.accept(plainLink(socket, { protocol: 'xmpp', side: 'edge', direction: 'in' }, edge), 'starttls'),
    );
  }

  /** Listens on loopback. @returns the port */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port)); // listening on TCP
    });
  }

  message(to: string, body: string): Promise<void> {
    return this.#send('message', { to, from: this.#jid('/pad'), type: 'chat' }, [element('body', NS.server, {}, [body])]);
  }

  composing(to: string): Promise<void> {
    return this.#send('message', { to, from: this.#jid('/pad'), type: 'chat' }, [element('composing', NS.chatStates)]);
  }

  subscribe(to: string): Promise<void> {
    return this.#send('presence', { to, from: this.#jid(), type: 'subscribe' });
  }

  /** Our user's state changes: everybody who was granted sees it. */
  async publish(state: Presence): Promise<void> {
    this.#state = state;
    for (const watcher of this.#seenBy) await this.#show(watcher);
  }

  async close(): Promise<void> {
    this.#shore.drain();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #take(stanza: Element): void {
    const { from = '', type } = stanza.attrs;
    this.#options.onStanza(stanza);
    if (stanza.name === 'presence' && type === 'subscribe') {
      // RFC 6121 §3.1.5: our user approves; the contact sees the present state at once.
      this.#seenBy.push(from);
      void this.#send('presence', { to: from, from: this.#jid(), type: 'subscribed' }).then(() => this.#show(from));
    }
    if (stanza.name === 'presence' && type === 'probe') void this.#show(from);
    if (stanza.name === 'message' && child(stanza, 'request', NS.receipts) !== undefined)
      void this.#send('message', { to: from, from: this.#jid('/pad') }, [element('received', NS.receipts, { id: stanza.attrs.id })]);
  }

  #show(to: string): Promise<void> {
    const { show, note } = this.#state;
    const children = [
      ...(show === undefined ? [] : [element('show', NS.server, {}, [show])]),
      ...(note === undefined ? [] : [element('status', NS.server, {}, [note])]),
    ];
    return this.#send('presence', { to, from: this.#jid('/pad') }, children);
  }

  async #send(name: string, attrs: Record<string, string>, children: readonly Element[] = []): Promise<void> {
    const { domain, partnerDomain, isthmus } = this.#options;
    const id = `${name}-${++this.#count}`;
    const sent = await this.#shore.send(domain, partnerDomain, isthmus(), element(name, NS.server, { id, ...attrs }, children), {
      durable: true,
    });
    if (sent.kind === 'failed') throw new Error(`${domain} could not send: ${sent.reason.text}`);
  }

  #jid(resource = ''): string {
    return `${this.#options.user}@${this.#options.domain}${resource}`;
  }
}
