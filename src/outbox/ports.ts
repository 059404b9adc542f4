// What the outbox is given, and what it says to who hands it an event or asks how it stands.

import type { Log } from '../log.ts';
import type { DurableEvent, OutboxStore, ServiceClockStore } from '../model/outbox-store.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Clock, Ids } from '../model/ports.ts';
import type { QueueBounds } from './queue.ts';
import type { Resolve } from './sender.ts';

export interface OutboxDeps {
  readonly store: OutboxStore;
  readonly serviceClock: ServiceClockStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly resolve: Resolve;
  /** How long a row may wait, in ms of service time (`retention.queued`); asked at every acceptance. Default 24 h. */
  readonly queuedMs?: () => number;
  /** How long copies are recognised; the store's own figure. Default 24 h. */
  readonly dedupMs?: number;
  readonly bounds?: Partial<QueueBounds>;
  /** In [0, 1), for the jitter of the back-off. */
  readonly random?: () => number;
  /** A row ended whose sender nobody was waiting for any more and who gets no notice: a subscription verb after a restart. */
  readonly endedLate?: (event: DurableEvent, outcome: Outcome) => void;
}

/** What became of the wish to send an event. */
export type Accepted =
  /** On disk. */
  | {
      readonly kind: 'accepted';
      readonly id: string;
      /** The final outcome, whenever it comes. A refusal has been committed by then. */
      readonly outcome: Promise<Outcome>;
      /** The final outcome, or `failed` once the first try has failed and the row waits on (the lane is down). */
      readonly firstWord: Promise<Outcome>;
      /** Nothing of the same pair waited before it, and the partner's road was believed open. */
      readonly laneIdle: boolean;
      /** Takes the row back if it is not written yet. True: it is gone, on disk, and may be answered no. */
      withdraw(): Promise<boolean>;
    }
  /** The same message again: nothing was accepted. `outcome` is what the first one (`of`) came to; undefined: it waits. */
  | { readonly kind: 'duplicate'; readonly of: string; readonly outcome: Outcome | undefined }
  /** Not accepted: the queue or the disk is full, or the process is stopping. */
  | { readonly kind: 'refused'; readonly outcome: Outcome & { readonly kind: 'refused' } };

/** What waits now, for operators. */
export interface OutboxStats {
  readonly rows: number;
  readonly bytes: number;
  readonly inFlight: number;
  readonly copies: number;
  readonly partners: readonly {
    readonly domain: string;
    /** The domain that the waiting rows come from. */
    readonly from: string;
    readonly rows: number;
    readonly inFlight: number;
    readonly failures: number;
    /** Wall ms at which the oldest was accepted. */
    readonly oldestAt: number;
    /** Ms until the next try; 0: now. */
    readonly waitsMs: number;
  }[];
}
