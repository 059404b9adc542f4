// One client of a user, as the core sees it: a session, the flows it can be reached on, and what it has shown that it
// understands. What comes for it is handed to the rooms that speak of it; messages go out on the newest flow that works.

import { type Address, bareKey } from '../../../model/address.ts';
import type { Client, Item, Session } from '../../../model/core.ts';
import type { Reason } from '../../../model/reason.ts';
import type { SipAnswer } from '../exchange.ts';
import type { Flow, FlowRequest } from './flow.ts';

/** Where the client can be reached, as its REGISTER said. */
export interface Binding {
  readonly uri: string;
  readonly flow: Flow;
  readonly callId: string;
  readonly cseq: number;
  /** Monotonic ms. */
  readonly expiresAt: number;
  readonly instance?: string;
  readonly regId?: number;
}

/** The rooms an endpoint's items go to. */
export interface EndpointRooms {
  said(endpoint: Endpoint, item: Extract<Item, { kind: 'said' }>): Promise<boolean>;
  presence(endpoint: Endpoint, item: Extract<Item, { kind: 'presence' }>): void;
  subscription(endpoint: Endpoint, item: Extract<Item, { kind: 'subscription' }>): Promise<boolean>;
  contact(endpoint: Endpoint, item: Extract<Item, { kind: 'contact' }>): void;
  /** The endpoint is gone: its dialogs and publications go too. */
  gone(endpoint: Endpoint): void;
}

export interface EndpointFacts {
  readonly user: Address;
  /** `+sip.instance`, or the Contact URI; what tells this client from the user's others. */
  readonly key: string;
  /** Where it came first. */
  readonly flow: Flow;
  /** The answer to its REGISTER is out: what waits for the user may follow. */
  readonly answered: Promise<void>;
}

export class Endpoint implements Client {
  readonly face = 'sip';
  readonly user: Address;
  readonly key: string;
  readonly connection: string;
  readonly address: string;
  /** Copies of what other clients said cannot be told from messages of others in SIP. */
  readonly wants: Client['wants'];
  session!: Session;
  /** Newest first. */
  bindings: readonly Binding[] = [];
  /** Wraps messages in CPIM, so that receipts can be asked for. */
  cpim = false;
  /** Answered typing with an error: it is not sent again. */
  noTyping = false;
  closed = false;
  readonly #flow: Flow;
  readonly #answered: Promise<void>;
  readonly #rooms: EndpointRooms;

  constructor(facts: EndpointFacts, rooms: EndpointRooms) {
    this.user = facts.user;
    this.key = facts.key;
    this.#flow = facts.flow;
    this.#answered = facts.answered;
    this.connection = facts.flow.connection.id;
    this.address = facts.flow.connection.peer.address;
    this.#rooms = rooms;
    const self = this;
    this.wants = {
      contacts: true,
      copies: false,
      presence: true,
      get messages() {
        return self.bindings.length > 0;
      },
    };
  }

  async take(item: Item): Promise<boolean> {
    if (this.closed) return false;
    switch (item.kind) {
      case 'said':
        return this.#rooms.said(this, item);
      case 'presence':
        this.#rooms.presence(this, item);
        return true;
      case 'subscription':
        return this.#rooms.subscription(this, item);
      case 'contact':
        this.#rooms.contact(this, item);
        return true;
    }
    return item satisfies never;
  }

  /** The core ends it: the client may register again, if it can still sign in. */
  end(_why: Reason): void {
    for (const flow of this.#over()) flow.signedIn.delete(bareKey(this.user));
  }

  /** The client is gone, or has said so. */
  close(): void {
    if (this.closed) return;
    this.#over();
    this.session.close();
  }

  /** @returns the flows it was on */
  #over(): readonly Flow[] {
    this.closed = true;
    const flows = [this.#flow, ...this.bindings.map(({ flow }) => flow)];
    const user = bareKey(this.user);
    for (const { endpoints } of flows) if (endpoints.get(user) === this) endpoints.delete(user);
    this.bindings = [];
    this.#rooms.gone(this);
    return flows;
  }

  /** Sends a request to the client itself: its Contact, on its newest flow; on the next when one turns out to be dead. */
  async request(build: (binding: Binding) => FlowRequest, waitMs?: number): Promise<SipAnswer | undefined> {
    await this.#answered;
    let last: SipAnswer | undefined;
    for (const binding of this.bindings) {
      if (!binding.flow.connection.usable) continue;
      last = await binding.flow.request(build(binding), waitMs);
      // RFC 5626 §5.3: a flow that failed is tried no more, the device's next one is.
      if (last.kind === 'response' && last.response.status !== 430) return last;
    }
    return last;
  }
}
