// How the road to and from each partner stands, learned from the lines of the log: what was opened, what failed, what waits.

import { ERRORS, reason } from '../errors.ts';
import type { LogLine } from '../log.ts';
import type { Health, PartnerHealth } from '../model/health.ts';
import type { Reason, ReasonCode } from '../model/reason.ts';
import type { Protocol, Table } from '../model/table.ts';

type Direction = PartnerHealth['direction'];

export interface HealthParts {
  /** Wall ms. */
  readonly now: () => number;
  readonly table: () => Table;
  /** What waits, by the domain it waits for. `oldestAt` in wall ms. */
  readonly waiting: () => readonly { readonly domain: string; readonly rows: number; readonly oldestAt: number }[];
}

interface Road {
  readonly domain: string;
  readonly protocol: Protocol;
  readonly direction: Direction;
  state: PartnerHealth['state'];
  sinceMs: number;
  lastFailure?: Reason;
  /** Connections that are open and proven. */
  readonly open: Set<string>;
}

/** Roads of domains without a file are kept up to this number; strangers must not fill the memory. */
const MAX_ROADS = 10_000;

/** Watches the log, answers how the roads stand. */
export class RoadWatch implements Health {
  readonly #parts: HealthParts;
  readonly #roads = new Map<string, Road>();
  /** Which roads a connection carries, so that its end is understood. */
  readonly #carries = new Map<string, Set<Road>>();
  readonly #startedAt: number;

  constructor(parts: HealthParts) {
    this.#parts = parts;
    this.#startedAt = parts.now();
  }

  /** Sees each line of the log. */
  watch({ fields, bound }: LogLine): void {
    const word = (name: string): string | undefined => {
      const value = fields[name] ?? bound[name];
      return typeof value === 'string' && value !== '' ? value : undefined;
    };
    const connection = word('connection');
    switch (fields.event) {
      case 'stream.opened':
        // An outbound stream's partner is bound as `to`, an inbound one's stands in `from`.
        this.#opened('xmpp', bound.direction === 'out' ? 'out' : 'in', bound.direction === 'out' ? word('to') : word('from'), connection);
        // XEP-0288: both send on one stream, and no second one is opened while it stands.
        if (fields.bidi === true)
          this.#opened('xmpp', bound.direction === 'out' ? 'in' : 'out', bound.direction === 'out' ? word('to') : word('from'), connection);
        break;
      case 'message.ended':
        if (fields.state === 'delivered') this.#delivered(word('toDomain'));
        break;
      case 'dialback.proven':
        this.#opened('xmpp', 'in', word('from'), connection);
        break;
      case 'sip.peer.proven':
        this.#opened('sip', bound.direction === 'out' ? 'out' : 'in', word('domain'), connection);
        break;
      case 'stream.failed':
      case 'stream.silent':
        this.#failed('xmpp', 'out', word('to'), word('code') ?? 'PEER_TIMEOUT', word('reason') ?? 'no answer on an open stream');
        break;
      case 'sip.connect.failed':
        this.#failed('sip', 'out', word('domain'), word('code'), word('reason'));
        break;
      case 'peer.refused':
        this.#failed(bound.network === 'xmpp' ? 'xmpp' : 'sip', 'in', word('domain'), word('code'), word('reason'));
        break;
      case 'outbox.waits':
        this.#waits(word('toDomain'), word('code'), word('scope'));
        break;
      case 'stream.closed':
      case 'sip.connection.closed':
        this.#closed(connection);
        break;
      default:
    }
  }

  roads(): readonly PartnerHealth[] {
    const { table, waiting } = this.#parts;
    const now = this.#parts.now();
    const listed = table().partners;
    for (const [domain, partner] of listed) {
      if (!partner.enabled) continue;
      for (const protocol of partner.prefer) for (const direction of ['in', 'out'] as const) this.#road(protocol, direction, domain);
    }
    const queues = new Map<string, { rows: number; oldestAt: number }>();
    for (const { domain, rows, oldestAt } of waiting()) {
      const sum = queues.get(domain);
      queues.set(domain, { rows: rows + (sum?.rows ?? 0), oldestAt: Math.min(oldestAt, sum?.oldestAt ?? oldestAt) });
    }
    const roads = [...this.#roads.values()].filter(({ domain, state }) => listed.has(domain) || state !== 'idle');
    return roads.map(({ domain, protocol, direction, state, sinceMs, lastFailure }) => {
      const queue = direction === 'out' && protocol === this.#carrier(domain) ? queues.get(domain) : undefined;
      const rows = queue?.rows ?? 0;
      return {
        domain,
        protocol,
        direction,
        state,
        sinceMs,
        ...(lastFailure !== undefined && { lastFailure }),
        waiting: rows,
        oldestMs: rows === 0 || queue === undefined ? 0 : Math.max(0, now - queue.oldestAt),
      };
    });
  }

  /** The protocol in which messages go out to a domain: what waits is counted there only. */
  #carrier(domain: string): Protocol {
    const listed = this.#parts.table().partners.get(domain)?.prefer[0];
    if (listed !== undefined) return listed;
    return this.#roads.get(`xmpp out ${domain}`)?.state === 'idle' ? 'sip' : 'xmpp';
  }

  #road(protocol: Protocol, direction: Direction, domain: string): Road | undefined {
    const key = `${protocol} ${direction} ${domain}`;
    let road = this.#roads.get(key);
    const { partners, domains } = this.#parts.table();
    if (road !== undefined || domains.has(domain)) return road;
    if (this.#roads.size >= MAX_ROADS && !partners.has(domain)) return undefined;
    road = { domain, protocol, direction, state: 'idle', sinceMs: this.#startedAt, open: new Set() };
    this.#roads.set(key, road);
    return road;
  }

  #opened(protocol: Protocol, direction: Direction, domain: string | undefined, connection: string | undefined): void {
    const road = domain === undefined ? undefined : this.#road(protocol, direction, domain);
    if (road === undefined) return;
    if (connection !== undefined) {
      road.open.add(connection);
      const carried = this.#carries.get(connection) ?? new Set();
      this.#carries.set(connection, carried.add(road));
    }
    this.#become(road, 'up');
  }

  #failed(protocol: Protocol, direction: Direction, domain: string | undefined, code: string | undefined, text: string | undefined): void {
    const road = domain === undefined ? undefined : this.#road(protocol, direction, domain);
    if (road === undefined || code === undefined || !isCode(code)) return;
    road.lastFailure = reason(code, text ?? ERRORS[code].meaning);
    // Anybody can come and claim to be a partner: a refusal of theirs is told, and never makes the partner's road down.
    // And another connection may stand all the same.
    if (direction === 'out' && road.open.size === 0) this.#become(road, 'down');
  }

  /** A try held up the whole partner although a connection stands: its server says no. */
  #waits(domain: string | undefined, code: string | undefined, scope: string | undefined): void {
    if (domain === undefined || scope !== 'partner' || code?.startsWith('PARTNER_PAUSED') === true) return;
    const road = this.#road(this.#carrier(domain), 'out', domain);
    if (road === undefined || code === undefined || !isCode(code) || road.state === 'down') return;
    road.lastFailure ??= reason(code, ERRORS[code].meaning);
    if (road.open.size === 0) this.#become(road, 'down');
  }

  /** Called for each message: what has arrived by any stream shows that the road carries. */
  #delivered(domain: string | undefined): void {
    if (domain === undefined) return;
    const road = this.#roads.get(`${this.#carrier(domain)} out ${domain}`);
    if (road?.state === 'down') this.#become(road, 'up');
  }

  #closed(connection: string | undefined): void {
    if (connection === undefined) return;
    for (const road of this.#carries.get(connection) ?? []) {
      road.open.delete(connection);
      if (road.open.size === 0 && road.state === 'up') this.#become(road, 'idle');
    }
    this.#carries.delete(connection);
  }

  #become(road: Road, state: Road['state']): void {
    if (road.state === state) return;
    road.state = state;
    road.sinceMs = this.#parts.now();
  }
}

function isCode(code: string): code is ReasonCode {
  return Object.hasOwn(ERRORS, code);
}
