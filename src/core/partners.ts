// People of partners, as the core sees them: what our users show them goes to the neck, what they show our users is held
// here for as long as one of the user's clients looks (the neck keeps the records, ceilings and the pace).

import type { Log } from '../log.ts';
import { type Address, bare, bareKey, fromBareKey, show } from '../model/address.ts';
import type { Item } from '../model/core.ts';
import type { ListEntry } from '../model/core-stores.ts';
import type { Event, Origin, PresenceEvent, PresenceNotified } from '../model/event.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Clock, Ids, Submit } from '../model/ports.ts';
import type { Endpoint, PresenceDocument } from '../model/presence.ts';
import type { OpenClient, OpenClients } from './clients.ts';
import { endpointOf, GONE } from './presence/seen.ts';
import { STATES } from './presence/states.ts';

/** Endpoints of one partner's user that are held. */
const MAX_ENDPOINTS = 32;

/** An event of ours before the neck has it. */
export type Bare<E> = E extends Event ? Omit<E, 'id' | 'at' | 'origin'> : never;

export class Partners {
  readonly #submit: Submit;
  readonly #clients: OpenClients;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #log: Log;
  /** What each user was shown of each partner's user: by user, by partner, by endpoint. Only while the user looks. */
  readonly #seen = new Map<string, Map<string, Map<string, Endpoint>>>();

  constructor(submit: Submit, clients: OpenClients, clock: Clock, ids: Ids, log: Log) {
    this.#submit = submit;
    this.#clients = clients;
    this.#clock = clock;
    this.#ids = ids;
    this.#log = log;
  }

  /** Hands an event of a user of ours to the neck, and what becomes of it back. */
  tell(event: Bare<Event>, client?: OpenClient): Promise<Outcome> {
    const origin: Origin = {
      network: 'core',
      side: 'local',
      peer: event.from.domain,
      connection: client?.client.connection ?? 'core',
      proof: 'account',
    };
    return this.#submit({ ...event, id: this.#ids.event(), at: this.#clock.now(), origin });
  }

  /** The same for what nobody waits for: presence that does not arrive is replaced by the next. */
  tellLightly(event: Bare<PresenceEvent>, client?: OpenClient): void {
    this.tell(event, client).then(
      (outcome) => {
        if (outcome.kind !== 'refused' && outcome.kind !== 'failed') return;
        const { code } = outcome.reason;
        this.#log.debug(
          { event: 'core.presence', kind: event.kind, from: show(event.from), to: show(event.to), code },
          'the neck did not take it',
        );
      },
      (error: unknown) => this.#log.error({ event: 'core.failed', what: event.kind, user: bareKey(event.from), error: String(error) }),
    );
  }

  /** A client of ours has become available: it looks at this contact, if it may or has asked to. */
  watch(one: OpenClient, entry: ListEntry): void {
    const contact = fromBareKey(entry.address);
    const from = one.user;
    // An answer may have been lost with a restart; the neck rings at most once a day.
    if (entry.asked) this.tellLightly({ kind: 'presence.requested', from, to: contact }, one);
    if (!entry.sees) return;
    const known = this.#seen.get(one.key)?.get(entry.address);
    if (known === undefined) this.tellLightly({ kind: 'presence.probed', from, to: contact }, one);
    else if (one.client.wants.presence) for (const item of itemsOf(contact, known.values(), known)) void one.hand(item);
  }

  /** A client asks what a contact shows. */
  probe(one: OpenClient, to: Address): void {
    const known = this.#seen.get(one.key)?.get(bareKey(to));
    if (known === undefined || known.size === 0) void one.hand({ kind: 'presence', from: bare(to), presence: GONE });
    else for (const item of itemsOf(bare(to), known.values(), known)) void one.hand(item);
    this.tellLightly({ kind: 'presence.probed', from: one.user, to: bare(to) }, one);
  }

  /** A user's last client has gone: nobody looks any more. @param entries of the user's list */
  unwatch(user: string, entries: Iterable<ListEntry>, outside: (contact: Address) => boolean): void {
    this.#seen.delete(user);
    for (const { address, sees } of entries) {
      const to = fromBareKey(address);
      if (sees && outside(to)) this.tellLightly({ kind: 'presence.watcherOffline', from: fromBareKey(user), to });
    }
  }

  /** What a partner's watcher sees of a user of ours, all of it. */
  show(of: Address, watcher: Address, document: PresenceDocument): void {
    // What is true of the person stays among users of ours; of an endpoint the ceilings of the neck decide.
    const { endpoints } = document;
    this.tellLightly({ kind: 'presence.notified', scope: 'full', document: { endpoints }, from: of, to: watcher });
  }

  showOne(of: Address, watcher: Address, endpoint: Endpoint): void {
    this.tellLightly({ kind: 'presence.notified', scope: 'partial', document: { endpoints: [endpoint] }, from: of, to: bare(watcher) });
  }

  /** A document about a partner's user has come for a user of ours. */
  take(event: PresenceNotified): void {
    const [user, partner] = [bareKey(event.to), bareKey(event.from)];
    if (![...this.#clients.of(user).values()].some((one) => one.available)) return;
    const mine = this.#seen.get(user) ?? new Map<string, Map<string, Endpoint>>();
    this.#seen.set(user, mine);
    const before = mine.get(partner) ?? new Map<string, Endpoint>();
    const after = new Map(event.scope === 'partial' ? before : []);
    for (const endpoint of event.document.endpoints.slice(0, MAX_ENDPOINTS)) {
      if (endpoint.availability === 'closed') after.delete(endpoint.id);
      else after.set(endpoint.id, endpoint);
    }
    mine.set(partner, after);
    const closed = event.document.endpoints.filter((endpoint) => endpoint.availability === 'closed');
    const vanished = [...before.values()]
      .filter(({ id }) => !after.has(id) && !closed.some((one) => one.id === id))
      .map(({ id }) => ({ id, availability: 'closed', notes: [], at: event.at }) as const);
    const changed = event.changed && new Set(event.changed);
    const open = [...after.values()].filter(({ id }) => changed === undefined || changed.has(id) || !before.has(id));
    this.#hand(user, itemsOf(bare(event.from), [...open, ...closed, ...vanished], after));
  }

  /** A view has ended: everything of that partner's user is gone. */
  hide(user: string, partner: Address): void {
    const before = this.#seen.get(user)?.get(bareKey(partner));
    this.#seen.get(user)?.delete(bareKey(partner));
    const now = this.#clock.now();
    const closed = [...(before?.keys() ?? [])].map((id) => ({ id, availability: 'closed', notes: [], at: now }) as const);
    this.#hand(user, itemsOf(bare(partner), closed, new Map()));
  }

  #hand(user: string, items: readonly Item[]): void {
    for (const one of this.#clients.of(user).values()) if (one.watches) for (const item of items) void one.hand(item);
  }
}

function itemsOf(of: Address, endpoints: Iterable<Endpoint>, all: ReadonlyMap<string, Endpoint>): Item[] {
  const document = { endpoints: [...all.values()] };
  const composed = { ...stateOf(document.endpoints[0]), document };
  return [...endpoints].map(({ id, availability, show: said, notes, activity, priority, idleSince }) => ({
    kind: 'presence',
    from: endpointOf(of, id),
    presence: {
      availability,
      notes,
      ...(said !== undefined && { show: said }),
      ...(activity !== undefined && { activity }),
      ...(priority !== undefined && { priority }),
      ...(idleSince !== undefined && { idleSince }),
    },
    composed,
  }));
}

/** The state of the best endpoint in words of ours. */
function stateOf(best: Endpoint | undefined): { readonly state: string; readonly number: number } {
  const words = { chat: 'available', away: 'away', xa: 'away', dnd: 'doNotDisturb' } as const;
  const state = best === undefined ? 'offline' : best.show === undefined ? 'available' : words[best.show];
  return { state, number: STATES[state].number };
}
