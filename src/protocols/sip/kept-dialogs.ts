// Presence dialogs in the store, so that a restart can take them up: their JSON both ways, and writing that never stops a
// live dialog. Documents are not kept: they would be stale, and the store has no business with them (DESIGN 8, tables).

import type { Log } from '../../log.ts';
import type { Origin, Side } from '../../model/event.ts';
import type { DialogRecord, DialogStore } from '../../model/stores.ts';
import type { DialogData } from './dialog.ts';

/** A dialog in which we notify. */
export interface KeptNotifier {
  readonly dialog: DialogData;
  readonly phase: 'pending' | 'active';
  readonly expiresS: number;
  readonly eventId?: string;
  readonly origin: Origin;
}

/** A dialog in which we watch. */
export interface KeptSubscriber {
  readonly dialog: DialogData;
  readonly side: Side;
  readonly everActive: boolean;
  readonly grantedS: number;
  /** Ids of the endpoints shown last: after a restart, those that are gone can still be shown as closed. */
  readonly shown: readonly string[];
}

export class KeptDialogs {
  readonly #store: DialogStore;
  readonly #log: Log;

  constructor(store: DialogStore, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  /** A dialog that cannot be stored still works; it will not survive a restart. */
  put(record: Omit<DialogRecord, 'data'>, kept: KeptNotifier | KeptSubscriber): void {
    this.#watch(this.#store.put({ ...record, data: JSON.stringify(kept) }));
  }

  remove(id: string): void {
    this.#watch(this.#store.remove(id));
  }

  /** Reads what is kept of a notifier; a row that cannot be read is dropped and reported. */
  notifier(record: DialogRecord): KeptNotifier | undefined {
    const kept = this.#parse(record);
    if (
      isRecord(kept) &&
      hasDialog(kept) &&
      isRecord(kept.origin) &&
      (kept.phase === 'pending' || kept.phase === 'active') &&
      isSeconds(kept.expiresS)
    ) {
      return kept as unknown as KeptNotifier; // the parts that are used have just been checked
    }
    return this.#lost(record);
  }

  /** The same of a subscriber. */
  subscriber(record: DialogRecord): KeptSubscriber | undefined {
    const kept = this.#parse(record);
    const known = isRecord(kept) && hasDialog(kept) && Array.isArray(kept.shown) && isSeconds(kept.grantedS);
    if (known && (kept.side === 'edge' || kept.side === 'inside')) return kept as unknown as KeptSubscriber; // checked likewise
    return this.#lost(record);
  }

  #parse(record: DialogRecord): unknown {
    try {
      return JSON.parse(record.data);
    } catch {
      return undefined;
    }
  }

  #lost(record: DialogRecord): undefined {
    this.#log.warn({ event: 'presence.dialogLost', dialog: record.id }, 'a stored dialog cannot be read');
    this.remove(record.id);
  }

  #watch(writing: Promise<void>): void {
    writing.catch((error: unknown) => this.#log.warn({ event: 'presence.dialogNotStored', error: String(error) }));
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSeconds(value: unknown): boolean {
  return typeof value === 'number' && value > 0;
}

function hasDialog(kept: Record<string, unknown>): boolean {
  const { dialog } = kept;
  if (!isRecord(dialog) || !Array.isArray(dialog.routes) || !Number.isInteger(dialog.localCseq)) return false;
  return ['callId', 'localTag', 'remoteTag', 'local', 'remote', 'target'].every((name) => typeof dialog[name] === 'string');
}
