// Which users of split domains live in the core (`otherwise:`). Routing and the core ask for every event, so the answer is in
// memory; what another process changes is found by one cheap look at the table of changes, before each decision and by the clock.

import type { Log } from '../../log.ts';
import { type Address, bareKey, fromBareKey } from '../../model/address.ts';
import type { Moves } from '../../model/moves.ts';
import type { PeopleStore } from '../../model/people.ts';
import type { Clock, Timer } from '../../model/ports.ts';
import type { Table } from '../../model/table.ts';

/** How often changes are looked for while nobody asks, ms. */
const LOOK_MS = 500;
/** People read at once. */
const PAGE = 1000;

export interface CorePeopleParts {
  readonly people: Pick<PeopleStore, 'list' | 'get' | 'changedSince'>;
  readonly table: () => Table;
  readonly clock: Clock;
  readonly log: Log;
}

export class CorePeople {
  readonly #parts: CorePeopleParts;
  readonly #here = new Set<string>();
  #domains = '';
  #version = 0;
  #looking: Promise<void> | undefined;
  #timer: Timer | undefined;
  #stopped = false;
  /** Which domains are split, of the set that was looked at last. */
  #known: { readonly table?: Table; readonly split: readonly string[] } = { split: [] };
  #moved: (address: Address, here: boolean) => void = () => {};

  constructor(parts: CorePeopleParts) {
    this.#parts = parts;
  }

  /** Does the user of a split domain live in the core? @param address under the domain's own name */
  readonly inCore = (address: Address): boolean => this.#here.has(bareKey(address));

  /** Is the address one of the core's? Of a domain that is served by it alone everybody is, whether there is such a user or not. */
  readonly serves = (address: Address): boolean => {
    const own = this.#parts.table().domains.get(address.domain);
    if (own?.served !== 'core') return false;
    return own.otherwise === undefined || address.local === '' || this.inCore({ local: address.local, domain: own.domain });
  };

  /** Resolves when what is on disk now is known. Costs nothing while no domain is split. */
  fresh(): Promise<void> {
    if (!this.#isSplit()) return Promise.resolve();
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Looks by the clock from now on. @param moved is told who has come to the core, or is no longer there */
  async begin(moved: (address: Address, here: boolean) => void): Promise<void> {
    await this.fresh();
    this.#moved = moved;
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#moved = () => {};
  }

  #later(): void {
    if (this.#stopped) return;
    this.#timer = this.#parts.clock.after(LOOK_MS, () => {
      this.fresh()
        .catch((error: unknown) =>
          this.#parts.log.error({ event: 'store.failed', err: error }, 'the people of split domains could not be read'),
        )
        .finally(() => this.#later());
    });
  }

  #isSplit(): boolean {
    return this.#split().length > 0;
  }

  #split(): readonly string[] {
    const table = this.#parts.table();
    if (this.#known.table === table) return this.#known.split;
    const split: string[] = [];
    for (const own of table.domains.values()) if (own.otherwise !== undefined && !split.includes(own.domain)) split.push(own.domain);
    this.#known = { table, split };
    return split;
  }

  async #look(): Promise<void> {
    const { people } = this.#parts;
    const domains = this.#split();
    if (domains.join(' ') !== this.#domains) await this.#readAll(domains);
    for (;;) {
      const { version, addresses } = await people.changedSince(this.#version);
      if (addresses.length === 0) return;
      this.#version = version;
      for (const key of addresses) {
        const address = fromBareKey(key);
        if (!domains.includes(address.domain)) continue;
        const here = (await people.get(key)) !== undefined;
        if (here === this.#here.has(key)) continue;
        if (here) this.#here.add(key);
        else this.#here.delete(key);
        this.#moved(address, here);
      }
    }
  }

  /** What was changed up to here is in what is read. */
  async #readAll(domains: readonly string[]): Promise<void> {
    const { people } = this.#parts;
    for (;;) {
      const { version, addresses } = await people.changedSince(this.#version);
      if (addresses.length === 0) break;
      this.#version = version;
    }
    this.#here.clear();
    for (const domain of domains)
      for (let after = ''; ; ) {
        const page = await people.list({ domain, after, limit: PAGE });
        for (const { address } of page) this.#here.add(bareKey(address));
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) break;
        after = bareKey(last.address);
      }
    this.#domains = domains.join(' ');
  }
}

/** What follows when somebody has moved: the core first, then who sees them and whom they see. */
export function followMoves(parts: {
  readonly core: { moved(address: Address, here: boolean): Promise<void> };
  readonly presence: { moved(user: Address): Promise<void> };
  readonly moves: Pick<Moves, 'adopt'>;
  readonly table: () => Table;
  readonly log: Log;
}): (address: Address, here: boolean) => void {
  return (address, here) => {
    const adopted = here ? parts.moves.adopt(bareKey(address), parts.table()) : Promise.resolve();
    const following = adopted.then(() => parts.core.moved(address, here)).then(() => parts.presence.moved(address));
    following.catch((error: unknown) =>
      parts.log.error({ event: 'core.failed', what: 'moving', user: bareKey(address), error: String(error) }),
    );
  };
}
