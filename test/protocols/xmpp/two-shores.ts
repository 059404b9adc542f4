// Two or more organisations on loopback, each with its own edge (TLS, certificates, who is who as in production) and its own
// XMPP shore: for tests of streams between them.

import { makeConnector } from '../../../src/edge/connect.ts';
import { systemClock } from '../../../src/edge/system-clock.ts';
import { makeTlsUpgrade } from '../../../src/edge/tls-upgrade.ts';
import { SILENT } from '../../../src/log.ts';
import type { Clock, Link } from '../../../src/model/ports.ts';
import type { Partner } from '../../../src/model/table.ts';
import type { StanzaContext } from '../../../src/protocols/xmpp/context.ts';
import { type Element, element } from '../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import { XmppShore } from '../../../src/protocols/xmpp/shore.ts';
import type { XmppSettings } from '../../../src/protocols/xmpp/wire.ts';
import { EdgeWorld } from '../../support/edge-world.ts';
import { ownDomain, partner, table } from '../../support/table.ts';
import { Inbox } from '../../support/wait.ts';

export interface Arrived {
  readonly element: Element;
  readonly context: StanzaContext;
}
export interface OrganisationOptions {
  /** Domains it serves; the first names it. */
  readonly domains: readonly string[];
  /** Names in its certificate; default: its domains. */
  readonly names?: readonly string[];
  readonly mode?: 'starttls' | 'direct';
  /** Default: a free port on 127.0.0.1. */
  readonly listenOn?: string;
  readonly clock?: Clock;
  readonly settings?: Partial<XmppSettings>;
  readonly secret?: string;
  /** Instead of noting stanzas in `inbox`. */
  readonly onStanza?: (element: Element, context: StanzaContext) => void | Promise<void>;
}

export class Organisation implements AsyncDisposable {
  readonly domain: string;
  readonly edge: EdgeWorld;
  readonly shore: XmppShore;
  readonly inbox: Inbox<Arrived>;
  readonly links: Link[] = [];
  readonly opened: string[] = [];
  readonly #mode: 'starttls' | 'direct';
  readonly #listenOn: string | undefined;
  #partners: Partner[] = [];
  readonly #domains: readonly string[];
  port = 0;

  constructor(options: OrganisationOptions) {
    this.#domains = options.domains;
    this.domain = options.domains[0] ?? '';
    this.#mode = options.mode ?? 'starttls';
    this.#listenOn = options.listenOn;
    this.edge = new EdgeWorld({ ours: options.names ?? options.domains });
    this.inbox = new Inbox(this.domain);
    this.shore = new XmppShore({
      clock: options.clock ?? systemClock,
      ids: this.edge.edge.ids,
      log: SILENT,
      connector: makeConnector({ edge: this.edge.edge }),
      tlsUpgrade: makeTlsUpgrade(this.edge.edge),
      resolver: this.edge.resolver,
      table: () => this.edge.table,
      dialbackSecret: options.secret ?? `secret of ${this.domain}`,
      secret: (name) => `password of ${name}`,
      random: () => 0.5,
      ...(options.settings === undefined ? {} : { settings: options.settings }),
    });
    this.shore.handle({
      onStanza: options.onStanza ?? ((received, context) => this.inbox.push({ element: received, context })),
      onPartnerOpened: (ours, theirs) => this.opened.push(`${ours} ${theirs}`),
    });
    this.#retable();
  }

  /** Opens its listener. */
  async listen(): Promise<this> {
    const at = this.#listenOn ?? '127.0.0.1:0';
    const text = this.#mode === 'starttls' ? `starttls://${at}` : `tls://${at}`;
    const { port, next } = await this.edge.listen(text, {
      protocol: 'xmpp',
      ...(this.#mode === 'direct' ? { alpn: ['xmpp-server'] } : {}),
    });
    this.port = port;
    const take = async (): Promise<void> => {
      for (;;) {
        const link = await next();
        this.links.push(link);
        this.shore.accept(link, this.#mode);
      }
    };
    void take();
    return this;
  }

  /** Writes a partner's file: where it is, and what else is said about it. */
  knows(other: Organisation, xmpp: Partial<Partner['xmpp']> = {}, trusted = true): this {
    if (trusted) {
      this.edge.write(`trust/edge/${other.domain}.pem`, other.edge.ourCa.rootPem);
      this.edge.trust.reload();
    }
    // By SRV, so that STARTTLS and direct TLS are told apart on any port.
    const service = other.#mode === 'starttls' ? '_xmpp-server' : '_xmpps-server';
    for (const domain of other.#domains) {
      const record = { target: '127.0.0.1', port: other.port, priority: 0, weight: 0 };
      this.edge.resolver.services.set(`${service}._tcp.${domain}`, { kind: 'records', records: [record] });
    }
    return this.lists(other.#domains, xmpp);
  }

  /** Writes a partner's file without saying where it is. */
  lists(domains: readonly string[], xmpp: Partial<Partner['xmpp']> = {}): this {
    const base = partner(domains[0] ?? '');
    this.#partners = [
      ...this.#partners.filter((each) => each.name !== base.name),
      { ...base, domains: [...domains], xmpp: { ...base.xmpp, ...xmpp } },
    ];
    this.#retable();
    return this;
  }

  /** Something of ours to them. */
  message(to: string, body: string, more: Record<string, string> = {}): Element {
    const attrs = { from: `nora@${this.domain}`, to, id: body, ...more };
    return element('message', NS.server, attrs, [element('body', NS.server, {}, [body])]);
  }
  send(other: Organisation, body: string): ReturnType<XmppShore['send']> {
    return this.shore.send(this.domain, other.domain, undefined, this.message(`li@${other.domain}`, body), { durable: true });
  }
  received(what: string): Promise<Arrived> {
    return this.inbox.next(what);
  }

  #retable(): void {
    const generation = (this.edge.table?.generation ?? 0) + 1;
    this.edge.table = {
      ...table(
        this.#domains.map((domain) => ownDomain(domain, 'sip')),
        this.#partners,
      ),
      generation,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.shore.drain();
    for (const link of this.links) link.socket.destroy();
    await this.edge[Symbol.asyncDispose]();
  }
}
