// What of each message is archived (records/archive.yaml and the holds in force), and what happens when it cannot be. Capture is
// asked where a message is about to be accepted: by dispatch for what crosses, by the core for what its users say to each other.

import { reason } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Address, bareKey, show } from '../model/address.ts';
import {
  type ArchiveRecord,
  type ArchiveScope,
  type ArchiveSettings,
  type ArchiveSight,
  type ArchiveStore,
  type Captured,
  type HoldStore,
  isHeld,
} from '../model/archive.ts';
import { ruleFor } from '../model/archive-rule.ts';
import type { ImSent } from '../model/event.ts';
import { StoreError } from '../model/outbox-store.ts';
import type { Clock } from '../model/ports.ts';
import type { Table } from '../model/table.ts';

export interface ArchivingParts {
  readonly store: Pick<ArchiveStore, 'line' | 'append'>;
  readonly holds: Pick<HoldStore, 'inForce'>;
  /** records/archive.yaml as of the set in force. */
  readonly settings: () => ArchiveSettings | undefined;
  readonly table: () => Table;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

export class Archiving {
  readonly #parts: ArchivingParts;
  #written = 0;
  #missed = 0;
  #refused = 0;
  #failing: { readonly since: number; readonly why: string } | undefined;

  constructor(parts: ArchivingParts) {
    this.#parts = parts;
  }

  /** Is this message archived, and how is that written? */
  readonly capture = (event: ImSent): Captured | undefined => {
    const { settings: read, holds, table: current, clock, store } = this.#parts;
    const settings = read();
    const keeping = holds.inForce();
    if (settings === undefined && keeping.length === 0) {
      this.#failing = undefined; // nothing is to be archived any more, so nothing fails
      return undefined;
    }
    const table = current();
    const [from, to] = [keyOf(event.from, table), keyOf(event.to, table)];
    const ours = [event.from, event.to].filter(({ domain }) => table.domains.has(domain)).map((one) => keyOf(one, table));
    const scope: ArchiveScope = ours.length === 2 ? 'internal' : 'external';
    const at = clock.now();
    const wanted = ours.some((user) => ruleFor(user, scope, settings, table)?.[scope] === true);
    if (!wanted && !isHeld(keeping, from, to, at)) return undefined;
    const must = settings?.blockOnFailure === true;
    const record: ArchiveRecord = { id: event.id, at, scope, from, to, event };
    const line = this.#watched(event, must, store.line(record, must ? undefined : (error) => this.#failed(event, false, error)));
    let [written, refused] = [0, 0];
    return {
      must,
      line: () => {
        const before = [this.#written, this.#refused] as const;
        try {
          line();
        } finally {
          [written, refused] = [this.#written - before[0], this.#refused - before[1]];
        }
      },
      write: async () => {
        // What was counted with a commit that came to nothing is counted now.
        this.#written -= written;
        this.#refused -= refused;
        [written, refused] = [0, 0];
        try {
          await store.append(record);
          this.#good();
        } catch (error) {
          this.#failed(event, must, error);
          if (must) throw notArchived(error);
        }
      },
    };
  };

  sight(): ArchiveSight {
    const [written, missed, refused] = [this.#written, this.#missed, this.#refused];
    const settings = this.#parts.settings();
    return {
      written,
      missed,
      refused,
      ...(this.#failing !== undefined && { failing: this.#failing }),
      ...(settings !== undefined && { settings }),
    };
  }

  #watched(event: ImSent, must: boolean, line: () => void): () => void {
    return () => {
      const before = this.#missed;
      try {
        line();
      } catch (error) {
        // Also without blockOnFailure: what the disk refuses, it refuses the message as well.
        this.#failed(event, true, error);
        throw must ? notArchived(error) : error;
      }
      if (this.#missed === before) this.#good();
    };
  }

  #good(): void {
    this.#written += 1;
    if (this.#failing === undefined) return;
    const { since } = this.#failing;
    this.#failing = undefined;
    this.#parts.log.info({ event: 'archive.works', since: new Date(since).toISOString() }, 'messages are archived again');
  }

  #failed(event: ImSent, refused: boolean, error: unknown): void {
    const { clock, log } = this.#parts;
    const why = error instanceof StoreError ? error.reason.text : error instanceof Error ? error.message : String(error);
    if (refused) this.#refused += 1;
    else this.#missed += 1;
    this.#failing = { since: this.#failing?.since ?? clock.now(), why };
    log.error(
      { event: 'archive.failed', id: event.id, from: show(event.from), to: show(event.to), passed: !refused, error: why },
      'a message that should be archived could not be',
    );
  }
}

/** One person is one, by whichever name of their domain they were written to. */
function keyOf({ local, domain }: Address, { domains }: Table): string {
  return bareKey({ local, domain: domains.get(domain)?.domain ?? domain });
}

function notArchived(error: unknown): StoreError {
  return new StoreError(reason('STORE_NOT_ARCHIVED', 'the message cannot be archived at the moment, and nothing passes that is not'), {
    cause: error,
  });
}
