// A neck with everything it touches in sight: a store in memory, a clock that stands still, and what it sends.

import { SILENT } from '../../src/log.ts';
import type { Address } from '../../src/model/address.ts';
import type { Origin, PresenceEvent } from '../../src/model/event.ts';
import { HANDED_OVER, type Outcome } from '../../src/model/outcome.ts';
import { type Endpoint, PRESENCE_DETAILS, type PresenceDetail } from '../../src/model/presence.ts';
import type { Authorization, AuthorizationStore } from '../../src/model/stores.ts';
import type { PresenceLimits } from '../../src/presence/ports.ts';
import { Presence } from '../../src/presence/presence.ts';
import { ManualClock } from '../support/manual-clock.ts';

export const OURS = 'fabrikam.example';
export const THEIRS = 'contoso.example';
export const nora: Address = { local: 'nora', domain: OURS };
export const li: Address = { local: 'li', domain: THEIRS };

export function memoryAuthorizations(): AuthorizationStore & { readonly rows: Map<string, Authorization> } {
  const rows = new Map<string, Authorization>();
  const domain = (key: string): string => key.slice(key.lastIndexOf('@') + 1);
  const where = (test: (row: Authorization) => boolean): Authorization[] => [...rows.values()].filter(test);
  return {
    rows,
    get: async (watcher, presentity) => rows.get(`${watcher} ${presentity}`),
    async put(row) {
      rows.set(`${row.watcher} ${row.presentity}`, row);
    },
    async remove(watcher, presentity) {
      rows.delete(`${watcher} ${presentity}`);
    },
    ofWatcher: async (watcher) => where((row) => row.watcher === watcher),
    ofPresentity: async (presentity) => where((row) => row.presentity === presentity),
    countPending: async (from, to) =>
      where((row) => row.state === 'pending' && domain(row.watcher) === from && domain(row.presentity) === to).length,
    async *all() {
      yield* [...rows.values()];
    },
  };
}

export interface Sent {
  readonly event: PresenceEvent;
  readonly durable: boolean;
  readonly lastWord: boolean;
}

export class Neck {
  readonly clock = new ManualClock();
  readonly store = memoryAuthorizations();
  readonly sent: Sent[] = [];
  details: (presentity: Address, watcher: Address) => readonly PresenceDetail[] = () => PRESENCE_DETAILS;
  ours = new Set([OURS]);
  idleDays = 7;
  enqueueAnswer: Outcome = { kind: 'queued', answer: 202 };
  presence: Presence;
  #ids = 0;
  readonly #limits: Partial<PresenceLimits>;

  constructor(limits: Partial<PresenceLimits> = {}) {
    this.#limits = limits;
    this.presence = this.#start();
  }

  /** A new process over the same store. */
  restart(): void {
    this.presence.close();
    this.sent.length = 0;
    this.presence = this.#start();
  }

  #start(): Presence {
    return new Presence({
      store: this.store,
      clock: this.clock,
      ids: { event: () => `e${++this.#ids}`, token: () => `t${++this.#ids}` },
      log: SILENT,
      deliver: async (event, lastWord) => {
        this.sent.push({ event, durable: false, lastWord });
        return HANDED_OVER;
      },
      enqueue: async (event) => {
        this.sent.push({ event, durable: true, lastWord: false });
        return this.enqueueAnswer;
      },
      isOurs: (domain) => this.ours.has(domain),
      details: (presentity, watcher) => this.details(presentity, watcher),
      idleWatcherDays: () => this.idleDays,
      limits: this.#limits,
    });
  }

  /** Hands one event in and returns what the neck sent because of it, in words. */
  async take(event: PresenceEvent): Promise<string[]> {
    const from = this.sent.length;
    await this.presence.handle(event);
    await this.presence.settled();
    return this.since(from);
  }

  since(index: number): string[] {
    return this.sent.slice(index).map((one) => words(one));
  }

  async pass(ms: number): Promise<string[]> {
    const from = this.sent.length;
    this.clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve)); // sweeps walk through the store
    await this.presence.settled();
    return this.since(from);
  }

  state(watcher: Address, presentity: Address): string {
    return this.store.rows.get(`${watcher.local}@${watcher.domain} ${presentity.local}@${presentity.domain}`)?.state ?? 'none';
  }
}

/** `durable requested li>nora`, `notified nora>li phone:open/away`. */
export function words({ event, durable }: Sent): string {
  const kind = event.kind.slice('presence.'.length);
  const ended = event.kind === 'presence.ended' ? `:${event.by === 'watcher' ? 'watcher' : event.reason}` : '';
  const shown =
    event.kind === 'presence.notified'
      ? ` ${event.document.endpoints.map((one) => `${one.id}:${one.availability}${one.show === undefined ? '' : `/${one.show}`}`).join(' ') || '-'}`
      : '';
  return `${durable ? 'durable ' : ''}${kind}${ended} ${event.from.local}>${event.to.local}${shown}`;
}

export const ORIGIN: Origin = { network: 'xmpp', side: 'edge', peer: THEIRS, connection: 'c1', proof: 'certificate' };

let made = 0;
type Without<E> = E extends PresenceEvent ? Omit<E, 'id' | 'at' | 'origin' | 'from' | 'to'> : never;
export type Said = Without<PresenceEvent>;
export function event(from: Address, to: Address, said: Said): PresenceEvent {
  return { id: `in${++made}`, at: 1_750_000_000_000, origin: ORIGIN, from, to, ...said } as PresenceEvent;
}

export function open(id: string, facts: Partial<Endpoint> = {}): Endpoint {
  return { id, availability: 'open', notes: [], at: 1_750_000_000_000, ...facts };
}
export function shut(id: string): Endpoint {
  return { id, availability: 'closed', notes: [], at: 1_750_000_000_000 };
}
export function notified(from: Address, to: Address, endpoints: readonly Endpoint[], scope: 'full' | 'partial' = 'full'): PresenceEvent {
  return event(from, to, { kind: 'presence.notified', scope, document: { endpoints } });
}
