// Strangers under `firstContact: localUserInvites`: what they ask waits, sealed, until somebody of ours decides
// (docs/decisions/005). The command line writes the decision into the database; this room finds it and carries it out.

import type { Log } from '../log.ts';
import { bareKey, show } from '../model/address.ts';
import type { Event, ImSent, PresenceDenied, PresenceEvent, PresenceRequested } from '../model/event.ts';
import type { Clock, Ids, Submit, Timer } from '../model/ports.ts';
import type { ContactRequestStore } from '../model/stores.ts';

/** How soon a decision made beside the running process is carried out, ms. */
const LOOK_EVERY_MS = 2000;
const ID_BYTES = 4;

export interface FirstContactDeps {
  readonly requests: ContactRequestStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Routes an approved event again; by now the pair knows each other. */
  readonly submit: Submit;
  /** Tells a stranger that their subscription was denied, durably. */
  readonly deny: (event: PresenceDenied) => Promise<unknown>;
}

export class FirstContact {
  readonly #deps: FirstContactDeps;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(deps: FirstContactDeps) {
    this.#deps = deps;
  }

  /** Keeps a stranger's message or subscription request; the store bounds how many. */
  async hold(event: ImSent | PresenceEvent): Promise<void> {
    if (event.kind !== 'im.sent' && event.kind !== 'presence.requested') return;
    await this.#deps.requests.put({
      id: this.#deps.ids.token(ID_BYTES),
      from: bareKey(event.from),
      to: bareKey(event.to),
      kind: event.kind === 'im.sent' ? 'message' : 'presence',
      event: Buffer.from(JSON.stringify(event)),
      createdAt: this.#deps.clock.now(),
    });
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = this.#deps.clock.after(LOOK_EVERY_MS, () => {
      void this.look().finally(() => this.start());
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Carries out what has been decided since the last look. */
  async look(): Promise<void> {
    const { requests, log } = this.#deps;
    try {
      for (const request of await requests.decided()) {
        const event = heldEvent(request.event);
        log.info(
          { event: 'contact.decided', request: request.id, from: request.from, to: request.to, decided: request.decided },
          'a held contact was decided',
        );
        if (event !== undefined) await this.#carryOut(event, request.decided === 'approved');
        await requests.remove(request.id);
      }
    } catch (error) {
      log.error({ event: 'store.failed', err: error }, 'decided requests could not be read and are looked at again');
    }
  }

  async #carryOut(event: ImSent | PresenceRequested, approved: boolean): Promise<void> {
    const { clock, ids, log } = this.#deps;
    if (approved) {
      const outcome = await this.#deps.submit(event);
      if (outcome.kind === 'refused' || outcome.kind === 'failed')
        log.warn(
          { event: 'contact.released', id: event.id, to: show(event.to), code: outcome.reason.code },
          'an approved contact could not be delivered',
        );
      return;
    }
    if (event.kind !== 'presence.requested') return; // a denied message was answered as refused when it came
    // DESIGN 7: a denial of ours is passed on as `unsubscribed` or `rejected`.
    const origin = { network: 'core', side: 'local', peer: event.to.domain, connection: 'first-contact', proof: 'local' } as const;
    await this.#deps.deny({ kind: 'presence.denied', id: ids.event(), at: clock.now(), origin, from: event.to, to: event.from });
  }
}

/** The held event as `hold` wrote it; undefined when its seal did not open. */
function heldEvent(bytes: Uint8Array): ImSent | PresenceRequested | undefined {
  if (bytes.length === 0) return undefined;
  const event = JSON.parse(Buffer.from(bytes).toString('utf8')) as Event; // our own writing, authenticated by the seal
  return event.kind === 'im.sent' || event.kind === 'presence.requested' ? event : undefined;
}
