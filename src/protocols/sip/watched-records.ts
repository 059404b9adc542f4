// Our dialogs with SIP presentities in the store: written when something has changed that a restart must know.

import type { Log } from '../../log.ts';
import { bareKey } from '../../model/address.ts';
import type { Clock } from '../../model/ports.ts';
import type { DialogRecord, DialogStore } from '../../model/stores.ts';
import { KeptDialogs, type KeptSubscriber } from './kept-dialogs.ts';
import type { Line } from './watched.ts';

export class WatchedRecords {
  readonly #kept: KeptDialogs;
  readonly #clock: Clock;

  constructor(store: DialogStore, clock: Clock, log: Log) {
    this.#kept = new KeptDialogs(store, log);
    this.#clock = clock;
  }

  /** What is kept of a dialog; undefined for a row that cannot be read. */
  read(record: DialogRecord): KeptSubscriber | undefined {
    return this.#kept.subscriber(record);
  }

  /** Writes a line whose dialog stands, unless the store has it so already. */
  save(line: Line): void {
    const { dialog, machine, watched: of } = line;
    if (dialog === undefined || !of.lines.has(line) || machine.phase === 'closing') return;
    const { everActive, grantedS } = machine;
    const shown = (line.document?.endpoints ?? []).filter((endpoint) => endpoint.availability === 'open').map((endpoint) => endpoint.id);
    const digest = JSON.stringify([dialog.id, dialog.target, everActive, grantedS, shown]);
    if (digest === line.stored && !dialog.wantsSaving) return;
    if (line.storedId !== dialog.id) this.remove(line);
    line.stored = digest;
    line.storedId = dialog.id;
    const expiresAt = this.#clock.now() + grantedS * 1000;
    this.#kept.put(
      { id: dialog.id, role: 'subscriber', watcher: bareKey(of.watcher), presentity: bareKey(of.presentity), expiresAt },
      { dialog: dialog.toRecord(), side: of.side, everActive, grantedS, shown },
    );
  }

  remove(line: Line): void {
    if (line.storedId !== undefined) this.#kept.remove(line.storedId);
    line.storedId = undefined;
    line.stored = '';
  }
}
