// The SIP shore's exchange layer, as the rooms behind it see it. Connections from the listeners and from the pool come together
// here: requests that come in go through reception.ts to the room that handles their method or dialog, requests of ours leave
// through outgoing.ts. What IM and presence mean is not known here.

import { reason } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { ProofWord, Side } from '../../model/event.ts';
import type { Clock, Connector, Hop, Ids, Link, Resolver } from '../../model/ports.ts';
import type { Table } from '../../model/table.ts';
import type { SipConnection } from './connection.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { Dialog } from './dialog.ts';
import { DialogTable } from './dialog-table.ts';
import type { BuildRequest, HandledMethod, Handler, InboundRequest, RequestOptions, SipAnswer } from './exchange.ts';
import type { FramingLimits } from './frame.ts';
import { Heartbeat } from './heartbeat.ts';
import { LoopGuard, type SentBy } from './loop-guard.ts';
import type { HeaderList } from './message.ts';
import { NextHopProbe, optionsRequest } from './next-hop-probe.ts';
import { Outgoing } from './outgoing.ts';
import { type PoolLimits, SipPool } from './pool.ts';
import { Reception } from './reception.ts';

export interface SipShoreParts {
  readonly connector: Connector;
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** The table in force; asked for every request. */
  readonly table: () => Table;
  /** `host[:port]` that Via and Contact carry toward partners; without a port it is 5061. */
  readonly edgeHost: string;
  /** The same toward our own servers; without a port it is 5061 over TLS and 5060 over TCP. Default: edgeHost. */
  readonly insideHost?: string;
  /** A partner proved `domain` on a connection it opened: what waits for it can be tried at once. */
  readonly partnerSeen?: (domain: string) => void;
  readonly random?: () => number;
  readonly connection?: Partial<ConnectionLimits>;
  readonly framing?: Partial<FramingLimits>;
  readonly pool?: Partial<PoolLimits>;
  /** Connections that one partner may have open to us; default 100. */
  readonly connectionsPerPartner?: number;
}

const CONNECTIONS_PER_PARTNER = 100;
/** How long what is under way on a connection too many has to finish, ms. */
const LEAVE_MS = 5000;

/** One connection, for operators. */
export interface SipSession {
  readonly id: string;
  readonly side: Side;
  readonly direction: 'in' | 'out';
  readonly address: string;
  readonly secure: boolean;
  readonly names: readonly string[];
  /** Domains it was found to speak for, and how: a host that stands in for its domain is marked so (DESIGN 6). */
  readonly proven: readonly { readonly domain: string; readonly proof: ProofWord }[];
  /** Exchanges that are not over. */
  readonly open: number;
}

export class SipShore {
  /** Dialogs that requests with a To tag are looked up in. */
  readonly dialogs = new DialogTable();
  readonly #parts: SipShoreParts;
  readonly #reception: Reception;
  readonly #proven = new WeakMap<SipConnection, Map<string, ProofWord>>();
  readonly #handlers = new Map<string, Handler>();
  readonly #pool: SipPool;
  readonly #outgoing: Outgoing;
  readonly #probe: NextHopProbe;
  #draining = false;
  #called: (request: InboundRequest) => void = () => {};

  constructor(parts: SipShoreParts) {
    this.#parts = parts;
    const { clock, ids, resolver, connector } = parts;
    const inside = parts.insideHost === undefined ? [] : [sentBy(parts.insideHost, 5061), sentBy(parts.insideHost, 5060)];
    const ours = [sentBy(parts.edgeHost, 5061), ...inside];
    const loops = new LoopGuard(ours);
    this.#pool = new SipPool({
      connector,
      clock,
      open: (link, domain, proof) => {
        const connection = this.#reception.open(link);
        this.#note(connection, domain, proof);
        return connection;
      },
      log: parts.log,
      ...(parts.pool === undefined ? {} : { limits: parts.pool }),
    });
    this.#reception = new Reception({
      clock,
      ids,
      ours,
      loops,
      log: parts.log,
      heartbeat: new Heartbeat(clock),
      table: parts.table,
      handlers: this.#handlers,
      dialogs: this.dialogs,
      taken: (connection, request, alias) => this.#taken(connection, request, alias),
      gone: (connection) => this.#pool.remove(connection),
      called: (request) => this.#called(request),
      ...(parts.connection === undefined ? {} : { limits: parts.connection }),
      ...(parts.framing === undefined ? {} : { framing: parts.framing }),
    });
    this.#outgoing = new Outgoing({
      clock,
      ids,
      resolver,
      pool: this.#pool,
      loops,
      random: parts.random ?? Math.random,
      hostOf: (side) => (side === 'edge' ? parts.edgeHost : (parts.insideHost ?? parts.edgeHost)),
      targetFailed: (hop, target) => this.#probe.start(hop, target),
    });
    this.#probe = new NextHopProbe({
      clock,
      ids,
      healthOf: (hop) => this.#pool.farEnd(hop).health,
      ask: (hop, target, build, deadlineMs) => this.#outgoing.requestTo(hop, target, build, { deadlineMs }),
    });
  }

  /** Sends requests of a method that are in no dialog to `handler`. NOTIFY comes through `dialogs` only, but must be known. */
  handle(method: HandledMethod, handler: Handler): void {
    this.#handlers.set(method, handler);
  }

  /** Sets who is told of INVITEs, which are always refused (405) until sessions land. */
  onCall(called: (request: InboundRequest) => void): void {
    this.#called = called;
  }

  /** Serves an inbound connection of the edge or inside listener. */
  accept(link: Link): void {
    if (this.#draining) link.socket.destroy();
    else this.#reception.open(link);
  }

  /**
   * Sends a request to a partner or an inside server and waits for its final answer, at most 32 s.
   * @param build called once a try; Call-ID, CSeq and From tag must be the same each time
   * @returns a final response of the peer, or why there is none; never rejects for what peers do
   */
  request(hop: Hop, build: BuildRequest, options?: RequestOptions): Promise<SipAnswer> {
    if (this.#draining) return Promise.resolve({ kind: 'failed', reason: reason('SHUTTING_DOWN', 'the SIP shore is stopping') });
    return this.#outgoing.request(hop, build, options);
  }

  /**
   * Sends a request inside a dialog: its own Request-URI and Route, but only over a connection to the proven peer of `hop`,
   * never to an address that a header names (DESIGN 6).
   * @param headers those of the request itself; Contact is added
   */
  requestInDialog(
    hop: Hop,
    dialog: Dialog,
    request: { readonly method: string; readonly headers: HeaderList; readonly body?: Uint8Array | string },
    options?: RequestOptions & { readonly contactUser?: string },
  ): Promise<SipAnswer> {
    const inside = dialog.nextRequest(request.method, request.headers);
    const build: BuildRequest = (route) => ({
      method: inside.method,
      uri: inside.uri,
      headers: [...inside.headers, ['Contact', `<${route.contactUri(options?.contactUser)}>`]],
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    return this.request(hop, build, options);
  }

  /** Asks the far end for a sign of life (RFC 3261 §11). Any response will do. */
  options(hop: Hop, options?: RequestOptions): Promise<SipAnswer> {
    return this.request(hop, optionsRequest(hop, this.#parts.ids), options);
  }

  /** The Contact URI under which the peers of a side reach us, without brackets. */
  contactUri(side: Side, transport: 'tls' | 'tcp', user?: string): string {
    const host = side === 'edge' ? this.#parts.edgeHost : (this.#parts.insideHost ?? this.#parts.edgeHost);
    return `sip:${user === undefined ? '' : `${user}@`}${host};transport=${transport}`;
  }

  sessions(): readonly SipSession[] {
    return [...this.#reception.connections].map((connection) => ({
      id: connection.id,
      side: connection.side,
      direction: connection.link.direction,
      address: connection.peer.address,
      secure: connection.link.secure,
      names: connection.peer.names,
      proven: [...(this.#proven.get(connection) ?? [])].map(([domain, proof]) => ({ domain, proof })),
      open: connection.busy,
    }));
  }

  /** Closes one connection by its id. @returns false when there is none */
  closeSession(id: string): boolean {
    for (const connection of this.#reception.connections) {
      if (connection.id !== id) continue;
      connection.end(reason('SHUTTING_DOWN', 'closed by an operator'));
      return true;
    }
    return false;
  }

  /** Takes nothing new, lets open exchanges finish for at most `graceMs`, then closes everything. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    this.#probe.stop();
    for (const connection of [...this.#reception.connections]) connection.drain(graceMs);
    while (this.#reception.connections.size > 0) await new Promise<void>((resolve) => this.#parts.clock.after(20, resolve));
  }

  /** The peer has proved `fromDomain` on this connection (intake.ts). */
  #taken(connection: SipConnection, request: InboundRequest, alias: boolean): void {
    const { fromDomain } = request;
    const first = this.#note(connection, fromDomain, request.proof);
    if (connection.link.direction !== 'in') return;
    if (alias) this.#pool.offer(connection, fromDomain);
    if (!first) return;
    if (connection.side === 'edge' && this.#openTo(fromDomain) > (this.#parts.connectionsPerPartner ?? CONNECTIONS_PER_PARTNER)) {
      // security.md 5: one partner's many addresses must not take every place there is. This request is answered yet.
      connection.log.warn({ event: 'peer.refused', domain: fromDomain, code: 'LIMIT_PARTNER_RATE' }, 'too many connections of one partner');
      connection.drain(LEAVE_MS);
      return;
    }
    this.#pool.forgive(fromDomain);
    if (connection.side === 'edge') this.#parts.partnerSeen?.(fromDomain);
  }

  /** How many connections to us this domain has been proved on. */
  #openTo(domain: string): number {
    let open = 0;
    for (const each of this.#reception.connections)
      if (each.link.direction === 'in' && this.#proven.get(each)?.has(domain) === true) open += 1;
    return open;
  }

  /** @returns true for the first time */
  #note(connection: SipConnection, domain: string, proof: ProofWord): boolean {
    const proven = this.#proven.get(connection);
    if (proven === undefined) this.#proven.set(connection, new Map([[domain, proof]]));
    else if (proven.has(domain)) return false;
    // A hosted edge speaks for many domains; operators need not see thousands.
    else if (proven.size < 1000) proven.set(domain, proof);
    const { side, link } = connection;
    connection.log.info({ event: 'sip.peer.proven', side, domain, proof, ...link.tls }, 'the peer speaks for this domain');
    return true;
  }
}

function sentBy(text: string, otherwisePort: number): SentBy {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text);
  return { host: (match?.[1] ?? text).toLowerCase(), port: match?.[2] === undefined ? otherwisePort : Number(match[2]) };
}
