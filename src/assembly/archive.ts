// The archive of the organisation in a running process: what captures, and the purge of the night.

import type { Home } from '../config/home.ts';
import type { Log } from '../log.ts';
import type { ArchiveSight, Capture } from '../model/archive.ts';
import type { Clock, Timer } from '../model/ports.ts';
import type { Table } from '../model/table.ts';
import { Archiving } from '../routing/archiving.ts';
import type { Store } from '../store/store.ts';
import type { Reloads } from './reload.ts';

/** How often it is looked whether a purge is due, ms; the first time after the start as well. */
const LOOK_MS = 600_000;
const HOUR_MS = 3_600_000;

export interface ArchiveGround {
  /** records/archive.yaml as of the set in force. */
  readonly home: () => Home;
  readonly table: () => Table;
  readonly store: Pick<Store, 'archive' | 'holds'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ArchiveRoom {
  readonly capture: Capture;
  readonly sight: () => ArchiveSight;
  /** Is told of each purge, for the audit log. */
  onPurge: (changes: string) => void;
  /** Purges night after night. */
  watch(): Reloads;
}

export function archiveRoom(ground: ArchiveGround): ArchiveRoom {
  const { home, table, store, clock, log } = ground;
  const archiving = new Archiving({
    store: store.archive,
    holds: store.holds,
    settings: () => home().archive,
    table,
    clock,
    log,
  });
  const room: ArchiveRoom = {
    capture: archiving.capture,
    sight: () => archiving.sight(),
    onPurge: () => {},
    watch: () => purgeAtNight(ground, (changes) => room.onPurge(changes)),
  };
  return room;
}

/** Every night at the hour of the file, or as soon as the process runs again: what is older than the retention goes, but for holds. */
export function purgeAtNight({ home, store, clock, log }: Omit<ArchiveGround, 'table'>, done: (changes: string) => void): Reloads {
  let timer: Timer | undefined;
  let stopped = false;
  let failedAt = Number.NEGATIVE_INFINITY;
  const purge = async (): Promise<void> => {
    const { archive: settings } = home();
    const now = clock.now();
    if (settings?.keepMs === undefined || now - failedAt < HOUR_MS) return;
    const last = await store.archive.lastPurge();
    // A purge that lies ahead is of a clock that was wrong, and says nothing.
    if (last !== undefined && last.at <= now && last.at >= dueBefore(now, settings.purgeHour)) return;
    const before = now - settings.keepMs;
    const { removed, held } = await store.archive.purge(before, settings.purgeOnlyExported, now);
    const upTo = new Date(before).toISOString();
    if (removed > 0 || held > 0) done(`lines before ${upTo}: ${removed} removed, ${held} kept by holds`);
    log.info({ event: 'archive.purged', before: upTo, removed, held }, 'what is older than the retention is removed');
  };
  const look = async (): Promise<void> => {
    try {
      await purge();
    } catch (error) {
      failedAt = clock.now();
      log.error({ event: 'archive.purgeFailed', err: error }, 'the archive could not be purged');
    }
    if (!stopped) timer = clock.after(LOOK_MS, () => void look());
  };
  timer = clock.after(LOOK_MS, () => void look());
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}

/** When the hour of this machine's day was last, wall ms. */
export function dueBefore(now: number, hour: number): number {
  const due = new Date(now);
  due.setHours(hour, 0, 0, 0);
  if (due.getTime() > now) due.setDate(due.getDate() - 1);
  return due.getTime();
}
