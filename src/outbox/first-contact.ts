// First contact: what a stranger sends to a user of ours where a local user must invite first is kept here, at most 14 days,
// and the stranger learns nothing of it (DESIGN 7). `isthmus request` decides in the database; this room looks for
// decisions every 2 s and carries them out: an approved event is submitted as if it came now, a denied subscription is answered by the
// user's own denial, a denied message is forgotten.

import type { Log } from '../log.ts';
import { bareKey, show } from '../model/address.ts';
import type { Event, ImSent, PresenceDenied, PresenceRequested } from '../model/event.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Clock, Ids, Submit, Timer } from '../model/ports.ts';
import type { ContactRequest, ContactRequestStore } from '../model/stores.ts';

const LOOK_EVERY_MS = 2000;

export interface FirstContactDeps {
  readonly store: ContactRequestStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly submit: Submit;
  /** Commits a user's own denial toward its stranger. Presence would ignore it: the request never got as far as a record there. */
  readonly deny: (denial: PresenceDenied) => Promise<Outcome>;
}

export class FirstContact {
  readonly #deps: FirstContactDeps;
  #timer: Timer | undefined;
  #running = false;

  constructor(deps: FirstContactDeps) {
    this.#deps = deps;
  }

  /** Keeps an event until somebody decides. What is too much is dropped: its sender has been refused anyway. Rejects with StoreError. */
  async hold(event: ImSent | PresenceRequested): Promise<void> {
    const { store, clock, ids, log } = this.#deps;
    const kept = await store.put({
      id: ids.token(4),
      from: bareKey(event.from),
      to: bareKey(event.to),
      kind: event.kind === 'im.sent' ? 'message' : 'presence',
      event: new TextEncoder().encode(JSON.stringify(event)),
      createdAt: clock.now(),
    });
    if (kept) return;
    log.info({ event: 'contact.dropped', id: event.id, from: show(event.from), to: show(event.to) }, 'enough of this stranger waits');
  }

  /** Begins to look for decisions, at once and then every 2 s. */
  start(): void {
    this.#running = true;
    void this.#look();
  }

  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { store, log, clock } = this.#deps;
    try {
      for (const request of await store.decided()) await this.#carryOut(request);
    } catch (error) {
      log.error({ event: 'contact.failed', err: error }, 'a decision could not be carried out and is tried again');
    }
    if (this.#running) this.#timer = clock.after(LOOK_EVERY_MS, () => void this.#look());
  }

  async #carryOut(request: ContactRequest): Promise<void> {
    const { store, log } = this.#deps;
    const event = parse(request);
    const outcome = event === undefined ? undefined : await this.#consequence(event, request.decided === 'approved');
    // The disk is full or we are stopping: it stays decided, and is carried out later.
    if (outcome !== undefined && 'reason' in outcome && outcome.reason.blame === 'us') return;
    await store.remove(request.id);
    log.info({ event: 'contact.decided', request: request.id, decision: request.decided, from: request.from, to: request.to });
  }

  async #consequence(event: ImSent | PresenceRequested, approved: boolean): Promise<Outcome | undefined> {
    if (approved) return this.#deps.submit(event);
    const denial = this.#denial(event);
    return denial === undefined ? undefined : this.#deps.deny(denial);
  }

  #denial(event: Event): PresenceDenied | undefined {
    // A message that was never shown needs no answer; a subscription is answered as its user would (DESIGN 7).
    if (event.kind !== 'presence.requested') return undefined;
    const { clock, ids } = this.#deps;
    return {
      kind: 'presence.denied',
      id: ids.event(),
      at: clock.now(),
      origin: { network: 'core', side: 'local', peer: event.to.domain, connection: 'request', proof: 'local' },
      from: event.to,
      to: event.from,
    };
  }
}

function parse(request: ContactRequest): ImSent | PresenceRequested | undefined {
  // Sealed by `hold`; empty when the seal did not open.
  if (request.event.length === 0) return undefined;
  return JSON.parse(new TextDecoder().decode(request.event)) as ImSent | PresenceRequested;
}
