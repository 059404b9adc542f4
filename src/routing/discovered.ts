// Partners without a file (`federation: discovered`, DESIGN 7): the protocol that proved itself first is kept until 30 idle days
// have passed, and only so many different users of ours are reached.

import { reason } from '../errors.ts';
import { bareKey } from '../model/address.ts';
import type { Event } from '../model/event.ts';
import type { Clock } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { DiscoveredStore } from '../model/stores.ts';
import type { Protocol, Table } from '../model/table.ts';

const PIN_IDLE_MS = 30 * 86_400_000;
/** A pin's last sign of life is written at most this often. */
const PIN_REFRESH_MS = 3_600_000;

export class Discovered {
  readonly #store: DiscoveredStore;
  readonly #clock: Clock;
  readonly #table: () => Table;

  constructor(store: DiscoveredStore, clock: Clock, table: () => Table) {
    this.#store = store;
    this.#clock = clock;
    this.#table = table;
  }

  /** The protocol kept for a domain; undefined for listed partners, our own domains and those not seen yet. */
  async pinned(domain: string): Promise<Protocol | undefined> {
    return this.#isOne(domain) ? (await this.#pin(domain))?.protocol : undefined;
  }

  /** A partner has proven itself by an event that was allowed, or that waits. */
  async proven(event: Event): Promise<void> {
    const { origin, from } = event;
    if (origin.side !== 'edge' || origin.network === 'core' || !this.#isOne(from.domain)) return;
    const known = await this.#pin(from.domain);
    if (known !== undefined && this.#clock.now() - known.lastSeenAt < PIN_REFRESH_MS) return;
    await this.#store.pin(from.domain, origin.network, origin.proof, this.#clock.now());
  }

  /** Counts the user that an event is for; a Reason when that is one too many. */
  async tooManyTargets(event: Event): Promise<Reason | undefined> {
    if (event.origin.side !== 'edge' || !this.#isOne(event.from.domain)) return undefined;
    const { limits, where } = this.#table().policy.discovered;
    if (limits.distinctTargets === undefined) return undefined;
    const count = await this.#store.countTarget(event.from.domain, bareKey(event.to));
    if (count <= limits.distinctTargets) return undefined;
    return reason('LIMIT_TARGETS', `${event.from.domain} has addressed ${count} different users; ${limits.distinctTargets} are allowed`, {
      file: where.file,
      key: `${where.key}/limits/distinctTargets`,
    });
  }

  #isOne(domain: string): boolean {
    const { policy, partners, domains } = this.#table();
    return policy.federation === 'discovered' && !partners.has(domain) && !domains.has(domain);
  }

  async #pin(domain: string): ReturnType<DiscoveredStore['pinned']> {
    const pin = await this.#store.pinned(domain);
    return pin !== undefined && this.#clock.now() - pin.lastSeenAt < PIN_IDLE_MS ? pin : undefined;
  }
}
