// What presence sends to the shores at once, without the outbox: in order for each pair and side.

import type { PresenceEvent } from '../model/event.ts';
import { Turns } from '../model/turns.ts';
import { isLastWord } from './own-events.ts';
import type { Pair } from './pair.ts';
import type { PresencePorts } from './ports.ts';

export class Mail {
  readonly #ports: Pick<PresencePorts, 'deliver' | 'log'>;
  readonly #lanes = new Turns();

  constructor(ports: Pick<PresencePorts, 'deliver' | 'log'>) {
    this.#ports = ports;
  }

  /** Sends to one side of a pair. Never rejects: a shore that fails loses the event and nothing else. Resolves when it has answered. */
  post(pair: Pair, side: 'watcher' | 'presentity', event: PresenceEvent): Promise<void> {
    return this.#lanes.run(`${side} ${pair.key}`, async () => {
      try {
        const outcome = await this.#ports.deliver(event, isLastWord(event));
        if (outcome.kind !== 'refused' && outcome.kind !== 'failed') return;
        this.#ports.log.info({ event: 'presence.undelivered', id: event.id, kind: event.kind, code: outcome.reason.code });
      } catch (error) {
        this.#ports.log.error({ event: 'presence.failed', id: event.id, kind: event.kind, error: String(error) });
      }
    });
  }

  /** Resolves when everything sent so far has been answered. */
  settled(): Promise<void> {
    return this.#lanes.settled();
  }
}
