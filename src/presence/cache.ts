// What one watcher was shown of one presentity, and what is to be shown next. One View per pair: a document is never
// shared between watchers (spec 5.8). The order is best first, for readers that look at the first tuple only (spec 5.6).

import type { Origin } from '../model/event.ts';
import type { Timer } from '../model/ports.ts';
import type { Endpoint, PresenceDocument } from '../model/presence.ts';

/** How many endpoints of one presentity are kept for one watcher; the best stay. */
const MAX_ENDPOINTS = 32;

export interface Shown {
  readonly document: PresenceDocument;
  /** Ids of endpoints that differ from what was shown before; absent: nobody knows what was shown, take all as changed. */
  readonly changed?: readonly string[];
}

/** The ceiling, ready to be applied to one endpoint. */
export type Lower = (endpoint: Endpoint) => Endpoint | undefined;

/** The current and the shown state of one pair. */
export class View {
  /** Monotonic ms of the last document taken; undefined: none yet. */
  takenAt: number | undefined;
  /** Where the last document came from. */
  origin: Origin | undefined;
  /** Monotonic ms of the last document sent, and the timer of the one that waits (spec 8: 1 per 5 s, last wins). */
  sentAt: number | undefined;
  waiting: Timer | undefined;
  #current = new Map<string, Endpoint>();
  /** By endpoint id, what the watcher saw last; undefined: shown before this process started, if at all. */
  #shown: Map<string, string> | undefined;
  #documents = 0;

  /** @param nothingShown true when it is known that the watcher sees nothing yet */
  constructor(nothingShown: boolean) {
    this.#shown = nothingShown ? new Map() : undefined;
  }

  /** Takes a document: `partial` replaces the endpoints it names, `full` replaces all. */
  take(scope: 'full' | 'partial', document: PresenceDocument, at: number, origin: Origin): void {
    this.takenAt = at;
    this.origin = origin;
    if (scope === 'full') this.#current.clear();
    for (const endpoint of document.endpoints) this.#current.set(endpoint.id, endpoint);
    if (this.#current.size > MAX_ENDPOINTS) {
      this.#current = new Map(
        bestFirst([...this.#current.values()])
          .slice(0, MAX_ENDPOINTS)
          .map((kept) => [kept.id, kept]),
      );
    }
  }

  /** Is any endpoint open? */
  get open(): boolean {
    for (const endpoint of this.#current.values()) if (endpoint.availability === 'open') return true;
    return false;
  }

  /**
   * The document to show now and what differs from the last one; undefined when the watcher would see no difference.
   * An endpoint that closed or vanished is in it once, as closed, and then gone (spec 5.3).
   * @param at wall ms, for endpoints that vanished
   */
  next(lower: Lower, at: number): Shown | undefined {
    const before = this.#shown;
    const after = new Map<string, string>();
    const endpoints: Endpoint[] = [];
    const changed: string[] = [];
    for (const endpoint of this.#current.values()) {
      const visible = lower(endpoint);
      if (visible === undefined) continue;
      const print = fingerprint(visible);
      if (visible.availability === 'open') after.set(visible.id, print);
      else if (before !== undefined && this.#documents > 0 && !before.has(visible.id)) continue;
      endpoints.push(visible);
      if (before?.get(visible.id) !== print) changed.push(visible.id);
    }
    for (const id of before?.keys() ?? []) {
      if (after.has(id) || changed.includes(id)) continue;
      endpoints.push({ id, availability: 'closed', notes: [], at });
      changed.push(id);
    }
    for (const [id, endpoint] of this.#current) if (endpoint.availability === 'closed') this.#current.delete(id);
    this.#shown = after;
    if (before !== undefined && changed.length === 0) return undefined;
    this.#documents++;
    return { document: { endpoints: bestFirst(endpoints) }, ...(before === undefined ? {} : { changed }) };
  }

  /** The open endpoints again, for a watcher who asks; changes nothing. */
  again(lower: Lower): PresenceDocument {
    const endpoints: Endpoint[] = [];
    for (const endpoint of this.#current.values()) {
      const visible = endpoint.availability === 'open' ? lower(endpoint) : undefined;
      if (visible !== undefined) endpoints.push(visible);
    }
    return { endpoints: bestFirst(endpoints) };
  }

  /**
   * Closes everything that is shown and forgets the document; undefined when the watcher sees nothing anyway.
   * @param at wall ms; @param note why, for people
   */
  hide(at: number, note?: string): Shown | undefined {
    const before = this.#shown;
    this.#shown = new Map();
    this.#current.clear();
    this.takenAt = undefined;
    const notes = note === undefined ? [] : [{ text: note, lang: 'en' }];
    // Nobody knows what was shown: one closed endpoint without a name stands for all.
    if (before === undefined) return { document: { endpoints: note === undefined ? [] : [closed('', notes, at)] } };
    if (before.size === 0) return undefined;
    return { document: { endpoints: [...before.keys()].map((id) => closed(id, notes, at)) }, changed: [...before.keys()] };
  }
}

function closed(id: string, notes: Endpoint['notes'], at: number): Endpoint {
  return { id, availability: 'closed', notes, at };
}

const RANK = { chat: 0, open: 1, away: 2, xa: 3, dnd: 4, closed: 5 } as const;

/** Spec 5.6: chat > open > away > xa > dnd, then priority, then the latest. */
function bestFirst(endpoints: readonly Endpoint[]): Endpoint[] {
  const rank = (endpoint: Endpoint): number => RANK[endpoint.availability === 'closed' ? 'closed' : (endpoint.show ?? 'open')];
  return [...endpoints].sort((a, b) => rank(a) - rank(b) || (b.priority ?? 0) - (a.priority ?? 0) || b.at - a.at);
}

/** Everything a watcher can see of it; `at` alone is no change. */
function fingerprint(endpoint: Endpoint): string {
  const { availability, show, activity, notes, priority, idleSince } = endpoint;
  return JSON.stringify([availability, show, activity, notes, priority, idleSince]);
}
