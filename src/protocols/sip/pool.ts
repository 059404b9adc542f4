// The connections to one far end, as one identity of ours: one pool for our domain, their domain and side (DESIGN 6).
// Several targets, several connections each, and inbound connections that may be used backwards (RFC 5923). Nobody gets a
// connection whose peer has not proved to be the domain. Concurrent callers share one attempt.

import { reason } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { ProofWord } from '../../model/event.ts';
import { type Clock, ConnectError, type Connector, type Hop, type Link } from '../../model/ports.ts';
import type { Reason } from '../../model/reason.ts';
import type { SipConnection } from './connection.ts';
import { type SipTarget, targetKey } from './locate.ts';
import { TargetHealth } from './target-health.ts';

export interface PoolParts {
  readonly connector: Connector;
  readonly clock: Clock;
  /** Makes the link one of the shore's connections: requests on it are served too. */
  readonly open: (link: Link, provenDomain: string, how: ProofWord) => SipConnection;
  readonly log: Log;
  readonly limits?: Partial<PoolLimits>;
}

export interface PoolLimits {
  /** To one target. */
  readonly maxConnections: number;
  /** Requests waiting on a connection before another one is opened. */
  readonly spreadAt: number;
  /** TCP, TLS and proof together. */
  readonly connectMs: number;
  /** Within this time of a failure the same failure is given again, so that a burst does not become a burst of attempts. */
  readonly failureHoldsMs: number;
  /** Far ends kept in mind. */
  readonly maxPools: number;
}
const POOL_LIMITS: PoolLimits = { maxConnections: 4, spreadAt: 64, connectMs: 15_000, failureHoldsMs: 500, maxPools: 2_000 };

export type Acquired =
  | { readonly kind: 'ready'; readonly connection: SipConnection; readonly fresh: boolean }
  | { readonly kind: 'failed'; readonly reason: Reason };

interface Place {
  readonly connections: Set<SipConnection>;
  connecting: Promise<Acquired> | undefined;
  failure: { readonly atMs: number; readonly reason: Reason } | undefined;
}

/** One far end. */
export interface FarEnd {
  readonly health: TargetHealth;
  readonly places: Map<string, Place>;
}

export class SipPool {
  readonly #parts: PoolParts;
  readonly #limits: PoolLimits;
  readonly #farEnds = new Map<string, FarEnd>();
  /** Inbound connections offered for use backwards, by the domain they proved. */
  readonly #offered = new Map<string, Set<SipConnection>>();

  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.#limits = { ...POOL_LIMITS, ...parts.limits };
  }

  farEnd(hop: Hop): FarEnd {
    const key = `${hop.side} ${hop.ourDomain} ${hop.theirDomain}`;
    let end = this.#farEnds.get(key);
    if (end === undefined) {
      if (this.#farEnds.size >= this.#limits.maxPools) this.#forgetIdle();
      end = { health: new TargetHealth(), places: new Map() };
      this.#farEnds.set(key, end);
    }
    return end;
  }

  /** RFC 5923 §6: the peer put `alias` into its Via. Whether it may be used is asked each time. */
  offer(connection: SipConnection, theirDomain: string): void {
    const offered = this.#offered.get(theirDomain) ?? new Set();
    if (offered.size >= this.#limits.maxConnections) return;
    offered.add(connection);
    this.#offered.set(theirDomain, offered);
  }

  /** A connection died. */
  remove(connection: SipConnection): void {
    for (const [domain, offered] of this.#offered) {
      if (offered.delete(connection) && offered.size === 0) this.#offered.delete(domain);
    }
    for (const end of this.#farEnds.values()) for (const place of end.places.values()) place.connections.delete(connection);
  }

  /** The far end has come to us: what failed a moment ago is worth another try at once. */
  forgive(theirDomain: string): void {
    for (const [key, end] of this.#farEnds) {
      if (!key.endsWith(` ${theirDomain}`)) continue;
      for (const place of end.places.values()) place.failure = undefined;
    }
  }

  /** True when some inbound connection of the domain is offered. */
  hasOffer(theirDomain: string): boolean {
    return this.#offered.has(theirDomain);
  }

  /** An open connection to this target whose peer is known to be right, without waiting: the usual case. */
  ready(hop: Hop, target: SipTarget): SipConnection | undefined {
    const place = this.#place(hop, target);
    const [best] = leastBusyFirst(place.connections);
    if (best === undefined || this.#provenAlready(best, hop) !== true) return undefined;
    if (best.busy >= this.#limits.spreadAt && place.connections.size < this.#limits.maxConnections) void this.#connect(place, hop, target);
    return best;
  }

  /** An inbound connection that may carry requests of this hop, if there is one. */
  async alias(hop: Hop): Promise<SipConnection | undefined> {
    const offered = this.#offered.get(hop.theirDomain);
    if (offered === undefined) return undefined;
    for (const connection of leastBusyFirst(offered)) {
      // RFC 5923 §9: only if both ends showed who they are: they for their domain, we for ours.
      if (connection.side !== hop.side || !connection.link.showsOurs(hop.ourDomain, 'sip')) continue;
      if (await this.#proves(connection, hop)) return connection;
    }
    return undefined;
  }

  /** A connection to this target: one that is open, or a new one. */
  async acquire(hop: Hop, target: SipTarget): Promise<Acquired> {
    const place = this.#place(hop, target);
    const [best] = leastBusyFirst(place.connections);
    if (best !== undefined) {
      if (await this.#proves(best, hop)) return { kind: 'ready', connection: best, fresh: false };
      // The table has changed since: what it was good for, it is not any more.
      place.connections.delete(best);
      best.drain(0);
    }
    const { failure } = place;
    if (failure !== undefined && this.#parts.clock.monotonic() - failure.atMs < this.#limits.failureHoldsMs) {
      return { kind: 'failed', reason: failure.reason };
    }
    return this.#connect(place, hop, target);
  }

  #place(hop: Hop, target: SipTarget): Place {
    const { places } = this.farEnd(hop);
    const key = targetKey(target);
    let place = places.get(key);
    if (place === undefined) {
      place = { connections: new Set(), connecting: undefined, failure: undefined };
      places.set(key, place);
    }
    return place;
  }

  #connect(place: Place, hop: Hop, target: SipTarget): Promise<Acquired> {
    place.connecting ??= this.#open(hop, target)
      .then((acquired) => {
        place.failure = acquired.kind === 'failed' ? { atMs: this.#parts.clock.monotonic(), reason: acquired.reason } : undefined;
        if (acquired.kind === 'failed') {
          const { code, text } = acquired.reason;
          const where = { side: hop.side, domain: hop.theirDomain, target: `${target.host}:${target.port}` };
          this.#parts.log.warn({ event: 'sip.connect.failed', ...where, code, reason: text }, 'no SIP connection');
        }
        if (acquired.kind === 'ready' && !acquired.connection.closed) place.connections.add(acquired.connection);
        return acquired;
      })
      .finally(() => {
        place.connecting = undefined;
      });
    return place.connecting;
  }

  async #open(hop: Hop, target: SipTarget): Promise<Acquired> {
    const giveUp = new AbortController();
    const timer = this.#parts.clock.after(this.#limits.connectMs, () => giveUp.abort());
    try {
      const link = await this.#parts.connector.connect(connectTarget(hop, target), giveUp.signal);
      // RFC 5922 §7.3: whoever answers there must be the domain; inside, the server that the operator's file names.
      const proof = await link.peer.proves(hop.theirDomain, 'sip');
      if (!proof.proven) {
        link.socket.destroy();
        return { kind: 'failed', reason: proof.reason };
      }
      return { kind: 'ready', connection: this.#parts.open(link, hop.theirDomain, proof.how), fresh: true };
    } catch (error) {
      if (error instanceof ConnectError) return { kind: 'failed', reason: error.reason };
      if (giveUp.signal.aborted) {
        return {
          kind: 'failed',
          reason: reason('NET_CONNECT_TIMEOUT', `${target.host}:${target.port} did not answer within ${this.#limits.connectMs / 1000} s`),
        };
      }
      throw error;
    } finally {
      timer.cancel();
    }
  }

  async #proves(connection: SipConnection, hop: Hop): Promise<boolean> {
    const known = this.#provenAlready(connection, hop);
    if (known !== undefined) return known;
    const proof = await connection.peer.proves(hop.theirDomain, 'sip');
    return proof.proven && connection.usable;
  }

  #provenAlready(connection: SipConnection, hop: Hop): boolean | undefined {
    if (!connection.usable) return false;
    return connection.peer.provenAlready(hop.theirDomain, 'sip')?.proven;
  }

  #forgetIdle(): void {
    for (const [key, end] of this.#farEnds) {
      const idle = [...end.places.values()].every((place) => place.connections.size === 0 && place.connecting === undefined);
      if (idle) this.#farEnds.delete(key);
    }
  }
}

function connectTarget(hop: Hop, target: SipTarget): Parameters<Connector['connect']>[0] {
  return {
    side: hop.side,
    protocol: 'sip',
    host: target.host,
    port: target.port,
    tls: target.tls,
    identity: hop.ourDomain,
    theirDomain: hop.theirDomain,
    // Inside, addresses are the operator's own.
    allowPrivateAddresses: hop.side !== 'edge' || hop.partner?.allowPrivateAddresses === true,
    ...(target.serverName === undefined ? {} : { serverName: target.serverName }),
    ...(hop.partner === undefined ? {} : { tlsAtLeast: hop.partner.sip.tlsAtLeast }),
  };
}

function leastBusyFirst(connections: Iterable<SipConnection>): SipConnection[] {
  return [...connections].filter((connection) => connection.usable).sort((a, b) => a.busy - b.busy);
}
