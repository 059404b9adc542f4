// The SIP face of the core: registrar, messages and presence for users of ours with SIP clients (RFC 3261 §10, RFC 3428,
// RFC 3856). It knows the core by its contract (model/core.ts) and clients by their connections; nothing here routes.

import type { Log } from '../../../log.ts';
import type { Core } from '../../../model/core.ts';
import type { Clock, Ids, Link } from '../../../model/ports.ts';
import { CONNECTION_LIMITS, type ConnectionLimits } from '../connection-limits.ts';
import type { InboundRequest, OutgoingReply } from '../exchange.ts';
import { Heartbeat } from '../heartbeat.ts';
import { Endpoint, type EndpointRooms } from './endpoint.ts';
import type { Flow } from './flow.ts';
import { Gate, type Serves } from './gate.ts';
import { Messaging } from './messaging.ts';
import { Nonces } from './nonces.ts';
import { Publishing } from './publishing.ts';
import { type ClientHandler, Reception } from './reception.ts';
import { EXPIRES } from './register-request.ts';
import { Registrar } from './registrar.ts';
import { Watches } from './watches.ts';

export interface SipFaceParts {
  readonly core: Core;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** `host[:port]` that Via and Contact carry toward clients. */
  readonly host: string;
  readonly serves: Serves;
}

/** A client that says nothing between two registrations is alive all the same. */
const LIMITS: ConnectionLimits = { ...CONNECTION_LIMITS, idleMs: { in: (EXPIRES.max + 300) * 1000, out: CONNECTION_LIMITS.idleMs.out } };

export class SipFace {
  readonly #parts: SipFaceParts;
  readonly #reception: Reception;
  readonly #messaging: Messaging;
  readonly #registrar: Registrar;
  #draining = false;

  constructor(parts: SipFaceParts) {
    this.#parts = parts;
    const { core, clock, ids, log, host, serves } = parts;
    // A client never makes the core stumble (model/core.ts Client.take).
    const unless =
      (what: string) =>
      (error: unknown): false => {
        log.error({ event: 'us.bug', what, stack: error instanceof Error ? error.stack : String(error) }, 'a client could not be told');
        return false;
      };
    const messaging = new Messaging({ clock, ids, log });
    const watches = new Watches({
      clock,
      ids,
      log,
      serves,
      notice: (endpoint, from, words, sender) => void messaging.notice(endpoint, from, words, sender).catch(unless('notice')),
    });
    const publishing = new Publishing({ clock, ids, serves });
    const rooms: EndpointRooms = {
      said: (endpoint, item) => messaging.deliver(endpoint, item).catch(unless('message')),
      presence: (endpoint, item) => watches.presence(endpoint, item),
      subscription: (endpoint, item) => watches.subscription(endpoint, item),
      contact: (endpoint, item) => watches.contact(endpoint, item.contact, item.removed),
      gone: (endpoint) => {
        registrar.forget(endpoint);
        publishing.forget(endpoint);
        watches.forget(endpoint);
      },
    };
    const registrar = new Registrar({ core, clock, rooms, serves });
    const acting =
      (handle: (endpoint: Endpoint, request: InboundRequest, flow: Flow) => OutgoingReply | Promise<OutgoingReply>): ClientHandler =>
      (flow, user, request) => {
        const endpoint = registrar.endpointOn(flow, user);
        return endpoint instanceof Endpoint ? handle(endpoint, request, flow) : endpoint;
      };
    this.#registrar = registrar;
    this.#messaging = messaging;
    this.#reception = new Reception({
      ...{ clock, ids, log, host },
      limits: LIMITS,
      heartbeat: new Heartbeat(clock),
      gate: new Gate({ signIn: core.signIn, nonces: new Nonces(), clock, serves }),
      handlers: {
        REGISTER: (flow, user, request) => registrar.register(flow, user, request),
        MESSAGE: acting((endpoint, request) => messaging.receive(endpoint, request)),
        PUBLISH: acting((endpoint, request) => publishing.publish(endpoint, request)),
        SUBSCRIBE: acting((endpoint, request, flow) => watches.subscribe(flow, endpoint, request)),
      },
      gone: (flow) => registrar.flowGone(flow),
    });
  }

  /** Serves a connection of a `clients.sip` listener. */
  accept(link: Link): void {
    if (this.#draining) link.socket.destroy();
    else this.#reception.open(link);
  }

  /** Clients that are registered or speak, for operators. */
  get size(): number {
    return this.#registrar.endpoints.length;
  }

  /** Takes nothing new, lets what is open finish for at most `graceMs`, then closes everything. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    this.#messaging.close();
    for (const connection of this.#reception.connections) connection.drain(graceMs);
    while (this.#reception.connections.length > 0) await new Promise<void>((resolve) => this.#parts.clock.after(20, resolve));
  }
}
