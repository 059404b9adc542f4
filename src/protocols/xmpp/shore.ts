// The wire half of the XMPP shore as the rest of it and assembly/ see it: links come in, stanzas go out and come back with a
// proven sender. It holds the streams that partners opened, one StreamPair for each (domain of ours, partner domain), and one
// Component for each internal server.

import { reason } from '../../errors.ts';
import type { ProofWord } from '../../model/event.ts';
import type { Link, Timer } from '../../model/ports.ts';
import { insideOf } from '../../model/table.ts';
import { Component } from './component.ts';
import { acceptComponent } from './component-in.ts';
import type { StanzaHandler } from './context.ts';
import { askVerdict } from './dial.ts';
import type { Verdict } from './dialback.ts';
import type { Element } from './element.ts';
import type { PartnerRoute } from './locate.ts';
import type { BarrierResult } from './ping.ts';
import { StreamIn } from './stream-in.ts';
import { type SendOptions, type SendResult, StreamPair } from './stream-pair.ts';
import { type KeyQuestion, type Wire, XMPP_SETTINGS, type XmppPorts } from './wire.ts';

/** One stream, for `status`. */
export interface StreamStatus {
  readonly connection: string;
  readonly direction: 'in' | 'out' | 'component';
  readonly state: string;
  readonly ours: string | undefined;
  readonly theirs: string | undefined;
  readonly proof: ProofWord | 'none';
  readonly bothWays: boolean;
  /** Stanzas that wait for it. */
  readonly waiting: number;
}

export interface XmppHandlers {
  readonly onStanza: StanzaHandler;
  /** A partner has opened a proven stream to us: what waits for it may be tried at once. */
  readonly onPartnerOpened?: (ourDomain: string, theirDomain: string) => void;
}

/** How often pairs that hold nothing are forgotten. */
const SWEEP_MS = 60_000;

export class XmppShore {
  readonly #wire: Wire;
  readonly #ports: XmppPorts;
  readonly #pairs = new Map<string, StreamPair>();
  readonly #incoming = new Set<StreamIn>();
  readonly #components = new Map<string, Component>();
  #handlers: XmppHandlers = { onStanza: () => {} };
  #sweep: Timer;
  #draining = false;

  constructor(ports: XmppPorts) {
    const handlers = (): XmppHandlers => this.#handlers;
    this.#ports = ports;
    this.#wire = {
      clock: ports.clock,
      ids: ports.ids,
      log: ports.log,
      connector: ports.connector,
      tlsUpgrade: ports.tlsUpgrade,
      resolver: ports.resolver,
      table: () => ports.table(),
      dialbackSecret: ports.dialbackSecret,
      secret: (name) => ports.secret(name),
      random: () => ports.random(),
      settings: { ...XMPP_SETTINGS, ...ports.settings },
      onStanza: (element, context) => handlers().onStanza(element, context),
      pingAnswered: (ours, theirs, id) => this.#pingAnswered(ours, theirs, id),
      roadBack: (ours, theirs) => handlers().onPartnerOpened?.(ours, theirs),
      reply: (ours, theirs, element) => void this.send(ours, theirs, undefined, element),
      verifyKey: (question) => this.#verifyKey(question),
    };
    this.#sweep = ports.clock.after(SWEEP_MS, () => this.#forget());
  }

  /** Sets who takes stanzas. Before it is called they are dropped. */
  handle(handlers: XmppHandlers): void {
    this.#handlers = handlers;
  }

  /** Takes a connection of the edge's XMPP listeners. @param mode `direct`: TLS is done (XEP-0368) */
  accept(link: Link, mode: 'starttls' | 'direct'): void {
    if (this.#draining || link.secure !== (mode === 'direct')) {
      link.socket.destroy();
      return;
    }
    const stream = new StreamIn(this.#wire, link, {
      opened: (opened) => this.#opened(opened),
      gone: (gone) => this.#incoming.delete(gone),
    });
    this.#incoming.add(stream);
  }

  /** Takes a connection of `inside.component`: an internal server that dials us (XEP-0114). */
  acceptComponent(link: Link): void {
    if (this.#draining) link.socket.destroy();
    else
      acceptComponent(this.#wire, link, (name) =>
        [...this.#components.values()].find(({ plan }) => plan.dial === undefined && plan.name === name),
      );
  }

  /**
   * Writes an element to the sending stream of (our domain, their domain), connecting first when there is none; to a domain
   * of our own that is `served: xmpp`, over its component. Never rejects.
   * @param ourDomain whose certificate and name we show; A-labels
   * @param theirDomain a partner's domain, or our own (inside); A-labels
   * @param partner the partner's entry; undefined: as in the table, else as a discovered one
   */
  send(
    ourDomain: string,
    theirDomain: string,
    partner: PartnerRoute | undefined,
    element: Element,
    options?: SendOptions,
  ): Promise<SendResult> {
    const inside = this.#componentOf(theirDomain);
    if (inside !== undefined) return inside.send(theirDomain, element);
    if (this.#wire.table().domains.has(theirDomain)) {
      const why = reason('ROUTE_NOT_SERVED_YET', `${theirDomain} has no internal XMPP server`);
      return Promise.resolve({ kind: 'failed', reason: why });
    }
    return this.#pair(ourDomain, theirDomain).send(partner ?? this.#routeTo(theirDomain), element, options);
  }

  /**
   * Resolves when what became of the stanzas written to this pair is known: `covered` once a ping behind them is answered
   * (an error stanza about one of them has been handed to `onStanza` before), else `noReturnPath` or `closed`. Never rejects.
   * @param number of the last stanza it is about, from `send`; default: all written so far
   */
  barrier(ourDomain: string, theirDomain: string, number?: number): Promise<BarrierResult> {
    const inside = this.#componentOf(theirDomain);
    if (inside !== undefined) return inside.barrier(theirDomain, number);
    return this.#pair(ourDomain, theirDomain).barrier(number);
  }

  /** Dials, or awaits, the components of the table in effect, and leaves those that are no longer in it. Call at start and after a reload. */
  syncComponents(): void {
    const wanted = new Map<string, Component['plan']>();
    for (const whole of new Set(this.#wire.table().domains.values())) {
      const own = insideOf(whole);
      const { component } = own;
      if (own.served !== 'xmpp' || component === undefined) continue;
      const { name, secret, dial } = component;
      const key = `${name}@${dial === undefined ? 'dials us' : `${dial.host}:${dial.port}`}#${secret}`;
      const domains = [...(wanted.get(key)?.domains ?? []), own.domain, ...own.aliases];
      wanted.set(key, { name, secret, domains, ...(dial !== undefined && { dial }) });
    }
    for (const [key, component] of this.#components) {
      const plan = wanted.get(key);
      if (plan !== undefined && plan.domains.join() === component.plan.domains.join()) continue;
      component.drain();
      this.#components.delete(key);
    }
    for (const [key, plan] of wanted) if (!this.#components.has(key)) this.#components.set(key, new Component(this.#wire, plan));
  }

  /** Every stream there is, for `status`. */
  streams(): StreamStatus[] {
    const incoming = [...this.#incoming].flatMap((stream): StreamStatus[] => {
      const base = {
        connection: stream.id,
        direction: 'in',
        state: stream.waitsFor,
        ours: stream.ourDomain,
        bothWays: stream.bothWays,
        waiting: 0,
      } as const;
      const proven = [...stream.proven];
      if (proven.length === 0) return [{ ...base, theirs: stream.theirDomain, proof: 'none' }];
      return proven.map(([theirs, proof]) => ({ ...base, theirs, proof }));
    });
    const outgoing = [...this.#pairs.values()].map((pair): StreamStatus => {
      const { stream } = pair;
      const base = {
        connection: stream?.id ?? '',
        direction: 'out',
        state: pair.state,
        ours: pair.ourDomain,
        theirs: pair.theirDomain,
      } as const;
      return { ...base, proof: stream?.proof ?? 'none', bothWays: stream?.bothWays ?? false, waiting: pair.waiting };
    });
    const inside = [...this.#components.values()].map(({ plan, state }): StreamStatus => {
      return {
        connection: '',
        direction: 'component',
        state,
        ours: plan.name,
        theirs: plan.domains.join(' '),
        proof: 'inside',
        bothWays: true,
        waiting: 0,
      };
    });
    return [...incoming, ...outgoing, ...inside];
  }

  /** Closes every stream by the book and takes no more. */
  drain(): void {
    this.#draining = true;
    this.#sweep.cancel();
    for (const pair of this.#pairs.values()) pair.drain();
    for (const stream of this.#incoming) stream.close({ condition: 'system-shutdown' });
    for (const component of this.#components.values()) component.drain();
  }

  #opened(stream: StreamIn): void {
    const { ourDomain, theirDomain } = stream;
    if (ourDomain === undefined || theirDomain === undefined) return;
    const open = [...this.#incoming].filter((each) => each.isOpen && each.theirDomain === theirDomain).length;
    if (open > this.#wire.settings.streamsPerPartner) {
      // security.md 5: one partner's many addresses must not take every place there is.
      stream.close({ condition: 'resource-constraint', text: `${theirDomain} has ${open - 1} streams open already` });
      return;
    }
    if (stream.bothWays && stream.link.showsOurs(ourDomain, 'xmpp')) this.#pair(ourDomain, theirDomain).adopt(stream);
    this.#handlers.onPartnerOpened?.(ourDomain, theirDomain);
  }

  #pair(ourDomain: string, theirDomain: string): StreamPair {
    // A space stands in no domain name.
    const key = `${ourDomain} ${theirDomain}`;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      pair = new StreamPair(this.#wire, { ourDomain, theirDomain });
      this.#pairs.set(key, pair);
    }
    return pair;
  }

  #forget(): void {
    for (const [key, pair] of this.#pairs) if (pair.isDisposable) this.#pairs.delete(key);
    this.#sweep = this.#wire.clock.after(SWEEP_MS, () => this.#forget());
  }

  #componentOf(domain: string): Component | undefined {
    for (const component of this.#components.values()) if (component.plan.domains.includes(domain)) return component;
    return undefined;
  }

  #pingAnswered(ours: string, theirs: string, id: string): boolean {
    const pair = this.#pairs.get(`${ours} ${theirs}`);
    if (pair?.pingAnswered(id) === true) return true;
    return this.#componentOf(theirs)?.pingAnswered(theirs, id) ?? false;
  }

  #verifyKey(question: KeyQuestion): Promise<Verdict> {
    return askVerdict(this.#wire, question, this.#routeTo(question.theirDomain));
  }

  /** The table's entry, or what a domain without one gets: DNS, certificate, no private addresses. */
  #routeTo(domain: string): PartnerRoute {
    return this.#ports.table().partners.get(domain) ?? UNLISTED;
  }
}

const UNLISTED: PartnerRoute = {
  xmpp: {
    hosts: [],
    names: [],
    clientEku: 'ignore',
    pins: [],
    tlsAtLeast: 'TLSv1.2',
    revocation: 'soft',
    proof: 'certificate',
    posh: false,
  },
  allowPrivateAddresses: false,
  discovered: true,
};
