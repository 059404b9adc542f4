// Who knows whom, and who is talking with whom just now: in memory, bounded, in front of the store.

import { LRUCache } from 'lru-cache';
import { bareKey } from '../model/address.ts';
import { atMost } from '../model/at-most.ts';
import type { Event } from '../model/event.ts';
import type { Clock, Hop } from '../model/ports.ts';
import type { ContactRequestStore } from '../model/stores.ts';

/** Typing crosses only within a conversation: it would show who is at the keyboard (sip-xmpp.md §6). ms */
const TYPING_AFTER_MESSAGE_MS = 15 * 60_000;
const MAX_CONVERSATIONS = 50_000;
/** Pairs known to know each other, in front of the store. */
const MAX_ACQUAINTED = 50_000;

export interface AcquaintanceDeps {
  readonly clock: Clock;
  readonly requests: Pick<ContactRequestStore, 'knows' | 'learn'>;
}

export class Acquaintance {
  readonly #deps: AcquaintanceDeps;
  /** Monotonic ms of the last message of a pair, in either direction. */
  readonly #talked = new LRUCache<string, number>(atMost(MAX_CONVERSATIONS));
  readonly #acquainted = new LRUCache<string, true>(atMost(MAX_ACQUAINTED));

  constructor({ clock, requests }: AcquaintanceDeps) {
    this.#deps = { clock, requests };
  }

  /** Whom a user of ours writes to or subscribes to is no stranger to them any more. */
  async learn(event: Event, hop: Hop): Promise<void> {
    if (event.origin.side === 'edge' || hop.side !== 'edge') return;
    const [ours, theirs] = [bareKey(event.from), bareKey(event.to)];
    const key = `${ours} ${theirs}`;
    if (this.#acquainted.has(key)) return;
    await this.#deps.requests.learn(ours, theirs);
    this.#acquainted.set(key, true);
  }

  /** Does the addressee know the sender? */
  knows(event: Event): Promise<boolean> {
    return this.#deps.requests.knows(bareKey(event.to), bareKey(event.from));
  }

  /** A message crosses between the two. */
  talks(event: Event): void {
    this.#talked.set(conversation(event), this.#deps.clock.monotonic());
  }

  /** Has a message crossed between the two of late? */
  isTalking(event: Event): boolean {
    const last = this.#talked.get(conversation(event));
    return last !== undefined && this.#deps.clock.monotonic() - last < TYPING_AFTER_MESSAGE_MS;
  }
}

/** The same in both directions. */
function conversation(event: Event): string {
  return [bareKey(event.from), bareKey(event.to)].sort().join(' ');
}
