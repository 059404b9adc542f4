// Everything that waits, by lane and by partner, with its bounds. The store has the rows; this has their order and state.

import { reason } from '../errors.ts';
import type { Reason } from '../model/reason.ts';
import type { Entry } from './entry.ts';
import { Lane, type Partner } from './lane.ts';
import { PartnerWindow } from './window.ts';

/** How much may wait, in rows and in bytes of sealed events. */
export interface QueueBounds {
  readonly rows: number;
  readonly bytes: number;
  readonly partnerRows: number;
  readonly laneRows: number;
  /** Rows on their way to one partner at once. */
  readonly window: number;
}

export const DEFAULT_BOUNDS: QueueBounds = {
  rows: 100_000,
  bytes: 512 * 1024 * 1024,
  partnerRows: 20_000,
  laneRows: 2000,
  window: 64,
};

export class Queue {
  readonly #bounds: QueueBounds;
  readonly #lanes = new Map<string, Lane>();
  readonly #partners = new Map<string, Partner>();
  readonly #rowsTo = new Map<string, number>();
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.size;
  }
  get bytes(): number {
    return this.#bytes;
  }

  entry(id: string): Entry | undefined {
    return this.#entries.get(id);
  }
  /** In the order of acceptance. */
  entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }
  partners(): IterableIterator<Partner> {
    return this.#partners.values();
  }
  /** The road from one domain to another. */
  partner(from: string, to: string): Partner | undefined {
    return this.#partners.get(pairKey(from, to));
  }
  /** Every road to a domain. */
  partnersAt(domain: string): Partner[] {
    return [...this.#partners.values()].filter((partner) => partner.domain === domain);
  }
  lane(key: string): Lane | undefined {
    return this.#lanes.get(key);
  }

  /** Why nothing more may wait here; undefined when there is room. */
  full(laneKey: string, domain: string): Reason | undefined {
    const { rows, bytes, partnerRows, laneRows } = this.#bounds;
    const there = this.#rowsTo.get(domain) ?? 0;
    if (this.#entries.size >= rows) return reason('LIMIT_QUEUE_FULL', `${this.#entries.size} events wait in all; ${rows} may`);
    if (this.#bytes >= bytes) return reason('LIMIT_QUEUE_FULL', `${this.#bytes} bytes wait in all; ${bytes} may`);
    if (there >= partnerRows) return reason('LIMIT_QUEUE_FULL', `${there} events wait for ${domain}; ${partnerRows} may`);
    const waiting = this.#lanes.get(laneKey)?.length ?? 0;
    if (waiting >= laneRows) return reason('LIMIT_QUEUE_FULL', `${waiting} events of this sender wait for this recipient; ${laneRows} may`);
    return undefined;
  }

  add(entry: Entry): Lane {
    const { lane: key, fromDomain, toDomain, id, bytes } = entry.row;
    const pair = pairKey(fromDomain, toDomain);
    let partner = this.#partners.get(pair);
    if (partner === undefined) {
      const window = new PartnerWindow(this.#bounds.window);
      partner = {
        domain: toDomain,
        from: fromDomain,
        window,
        lanes: new Set(),
        ready: new Set(),
        rows: 0,
        lastFailure: undefined,
        timer: undefined,
      };
      this.#partners.set(pair, partner);
    }
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(key, partner);
      this.#lanes.set(key, lane);
      partner.lanes.add(lane);
    }
    lane.add(entry);
    partner.rows += 1;
    this.#rowsTo.set(toDomain, (this.#rowsTo.get(toDomain) ?? 0) + 1);
    this.#entries.set(id, entry);
    this.#bytes += bytes;
    return lane;
  }

  /** Forgets a row that has ended, and what has nothing left to do. */
  remove(entry: Entry): void {
    const lane = this.#lanes.get(entry.row.lane);
    if (lane === undefined || !this.#entries.delete(entry.row.id)) return;
    const { partner } = lane;
    lane.remove(entry);
    partner.rows -= 1;
    const left = (this.#rowsTo.get(partner.domain) ?? 1) - 1;
    if (left === 0) this.#rowsTo.delete(partner.domain);
    else this.#rowsTo.set(partner.domain, left);
    this.#bytes -= entry.row.bytes;
    if (lane.length > 0) return;
    this.#lanes.delete(lane.key);
    partner.lanes.delete(lane);
    partner.ready.delete(lane);
    // The back-off of a partner is worth keeping only while something waits for it.
    if (partner.rows > 0 || partner.window.inFlight > 0) return;
    partner.timer?.cancel();
    this.#partners.delete(pairKey(partner.from, partner.domain));
  }
}

/** A space stands in no domain name. */
function pairKey(from: string, to: string): string {
  return `${from} ${to}`;
}
