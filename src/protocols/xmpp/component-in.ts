// An internal XMPP server that dials us (`inside.component`): we are the accepting side of XEP-0114. Until its handshake is
// right the connection is a stranger's and has a stranger's limits; then it is handed to its Component.

import { timingSafeEqual } from 'node:crypto';
import type { Log } from '../../log.ts';
import type { Link } from '../../model/ports.ts';
import type { Component } from './component.ts';
import { componentHandshake } from './component-plan.ts';
import { type ConnectionOwner, type Ended, XmlConnection } from './connection.ts';
import { type Element, element, text } from './element.ts';
import type { StreamFrame } from './framing.ts';
import { NS } from './names.ts';
import { Patience } from './patience.ts';
import { displayDomain } from './precis.ts';
import { printElement, printStreamOpen } from './print.ts';
import { goodbye, type StreamError, streamErrorElement } from './stream-error.ts';
import type { Wire } from './wire.ts';

/** Who takes the connection once it has proven itself; undefined: no such component. */
export type FindComponent = (name: string) => Component | undefined;

/** Takes one connection of the `inside.component` listeners. */
export function acceptComponent(wire: Wire, link: Link, find: FindComponent): void {
  new ComponentIn(wire, link, find);
}

class ComponentIn implements ConnectionOwner {
  readonly #wire: Wire;
  readonly #log: Log;
  readonly #find: FindComponent;
  readonly #connection: XmlConnection;
  readonly #patience: Patience;
  readonly #streamId: string;
  #component: Component | undefined;
  /** Set once the handshake is right: everything is the component's from then on. */
  #owner: ConnectionOwner | undefined;

  constructor(wire: Wire, link: Link, find: FindComponent) {
    const { clock, settings, ids } = wire;
    this.#wire = wire;
    this.#find = find;
    this.#streamId = ids.token(16);
    this.#log = wire.log.child({ connection: link.id, address: link.peer.address, direction: 'in', network: 'xmpp' });
    this.#connection = new XmlConnection(link, this, clock, settings.connection, settings.before, NS.component);
    this.#patience = new Patience(clock, settings.negotiationMs, () => this.#end({ condition: 'connection-timeout' }));
    this.#patience.await(settings.headerMs);
    link.notes.endsBy((why) => this.#end(goodbye(why)));
  }

  frame(frame: StreamFrame): void | Promise<void> {
    if (this.#owner !== undefined) return this.#owner.frame(frame);
    switch (frame.kind) {
      case 'open':
        return void this.#header(frame.attrs.to);
      case 'element':
        return void this.#handshake(frame.element);
      case 'close':
        return void this.#connection.close('');
      case 'refused':
        return void this.#end({ condition: frame.condition, text: frame.text });
      default:
        return frame satisfies never;
    }
  }
  broken(error: unknown): void {
    if (this.#owner !== undefined) {
      this.#owner.broken(error);
      return;
    }
    this.#log.error({ event: 'us.bug', err: error }, 'a frame could not be handled');
    this.#end({ condition: 'internal-server-error' });
  }
  slow(): void {
    if (this.#owner !== undefined) this.#owner.slow();
    else this.#end({ condition: 'connection-timeout', text: 'an element came too slowly' });
  }
  ended(how: Ended): void {
    this.#patience.end();
    this.#owner?.ended(how);
  }

  /** XEP-0114 §3: the dialling side says which component it wants; we answer with the id that the digest is made of. */
  #header(to: string | undefined): void {
    if (this.#component !== undefined) {
      this.#end({ condition: 'bad-format', text: 'a second stream header' });
      return;
    }
    this.#component = to === undefined ? undefined : this.#find(to.toLowerCase());
    const from = this.#component?.plan.name ?? to;
    this.#connection.write(printStreamOpen({ id: this.#streamId, ...(from !== undefined && { from: displayDomain(from) }) }, NS.component));
    if (this.#component === undefined)
      this.#refused('host-unknown', `no component of this name is awaited here: ${to ?? 'none was named'}`);
    else this.#patience.await(this.#wire.settings.headerMs);
  }

  #handshake(received: Element): void {
    const component = this.#component;
    if (component === undefined) {
      this.#end({ condition: 'not-authorized', text: 'the stream header comes first' });
      return;
    }
    const secret = component.secret();
    if (secret === undefined) {
      this.#end({ condition: 'internal-server-error' });
      return;
    }
    const right = Buffer.from(componentHandshake(this.#streamId, secret));
    const given = Buffer.from(text(received).trim().toLowerCase());
    const isHandshake = received.name === 'handshake' && received.ns === NS.component;
    if (!isHandshake || given.length !== right.length || !timingSafeEqual(given, right)) {
      this.#refused('not-authorized', `the handshake for ${component.plan.name} is wrong: both sides need the same secret`);
      return;
    }
    this.#patience.end();
    this.#connection.write(printElement(element('handshake', NS.component), NS.component));
    this.#owner = component.adopt(this.#connection);
  }

  #refused(condition: StreamError['condition'], words: string): void {
    this.#log.warn({ event: 'stream.refused', open: false, condition, text: words }, 'an internal server was not let in');
    this.#end({ condition, text: words });
  }
  #end(error: StreamError): void {
    this.#connection.close(printElement(streamErrorElement(error), NS.component));
  }
}
