// The journal: every line of the archive goes to a mailbox, in the order of the archive. How far it is stands on disk, so that
// nothing is left out over kill -9 or a mail server that is away for days; what was on its way then goes a second time, as
// the same mail. One line after the other on one connection; while it fails, it is tried again with growing pauses.

import type { Log } from '../log.ts';
import type { ArchiveLine, ArchiveStore, JournalSettings, JournalState, JournalStore } from '../model/archive.ts';
import type { Alert } from '../model/notify.ts';
import type { Clock, Timer } from '../model/ports.ts';
import { utcMinute } from '../model/utc.ts';
import { journalMail } from './journal-mail.ts';

/** Lines of one connection, and of one note on disk. */
const BATCH = 50;
/** How often it looks for new lines, ms. */
const LOOK_MS = 2000;
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 5 * 60_000;
/** A mail whose content is refused so often is told of, and the journal goes on. */
const MOST_TRIES = 5;

/** An open connection to the mail server. */
export interface JournalDoor {
  /** Resolves when every mailbox has it. @throws MailRefused when the content is not wanted, else any Error */
  send(mail: string): Promise<void>;
  close(): void;
}

/** The mail server has looked at this very mail and will never take it. */
export class MailRefused extends Error {}

export interface JournalParts {
  readonly archive: Pick<ArchiveStore, 'page' | 'last'>;
  readonly position: JournalStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly host: string;
  /** As of the set in force; undefined: nothing is journaled. */
  settings(): JournalSettings | undefined;
  /** @throws when a secret cannot be read */
  open(settings: JournalSettings): JournalDoor;
}

export interface Journal {
  /** Notes where it begins, and looks from then on. */
  start(): Promise<void>;
  /** Begins no other mail; the one on its way has `graceMs`. It goes again where that was not enough. */
  drain(graceMs: number): Promise<void>;
  /** Undefined: nothing is journaled. */
  state(): Promise<JournalState | undefined>;
  /** When the oldest line has waited for so long, ms. */
  alert(lateMs: number): Promise<Alert | undefined>;
  /** One look: all lines that are there. @returns false: it failed, and `state` says why */
  look(): Promise<boolean>;
}

/** Sends nothing until it is started. */
export function makeJournal(parts: JournalParts): Journal {
  const { archive, position, clock, log } = parts;
  let timer: Timer | undefined;
  let looking: Promise<boolean> | undefined;
  let stopped = false;
  let pauseMs = FIRST_PAUSE_MS;
  let sent = 0;
  let failing: { since: number; text: string } | undefined;
  /** The line that is refused, and how often. */
  let refused = { number: 0, times: 0 };

  /** From what is archived from now on, when it begins for the first time. */
  const place = async (): Promise<number> => {
    const known = await position.position();
    if (known !== undefined) return known;
    const last = await archive.last();
    await position.put(last);
    return last;
  };

  const sendOne = async (door: JournalDoor, line: ArchiveLine): Promise<void> => {
    try {
      await door.send(journalMail(line, parts.host));
    } catch (error) {
      if (!(error instanceof MailRefused)) throw error;
      refused = { number: line.number, times: refused.number === line.number ? refused.times + 1 : 1 };
      if (refused.times < MOST_TRIES) throw error;
      await door.send(journalMail(line, parts.host, error.message));
      log.error({ event: 'journal.refused', line: line.number, id: line.id, found: error.message }, 'a mail in its place says so');
    }
  };

  const sendBatch = async (settings: JournalSettings, lines: readonly ArchiveLine[]): Promise<void> => {
    const door = parts.open(settings);
    let done: number | undefined;
    try {
      for (const line of lines) {
        await sendOne(door, line);
        done = line.number;
        sent += 1;
        if (stopped) break;
      }
    } finally {
      door.close();
      if (done !== undefined) await position.put(done);
    }
    log.debug({ event: 'journal.sent', lines: lines.length }, 'the journal mailbox has them');
  };

  const round = async (): Promise<boolean> => {
    const settings = parts.settings();
    if (settings === undefined) {
      failing = undefined;
      return true;
    }
    try {
      for (;;) {
        const lines = await archive.page({}, await place(), BATCH);
        if (lines.length === 0) break;
        await sendBatch(settings, lines);
        if (stopped) return true;
      }
    } catch (error) {
      if (stopped) return false; // the store may be closed already
      const text = (error instanceof Error ? error.message : String(error)).slice(0, 500);
      if (failing === undefined) log.warn({ event: 'journal.failed', err: error }, 'the journal mailbox is not reached; it is tried again');
      failing = { since: failing?.since ?? clock.now(), text };
      return false;
    }
    if (failing !== undefined) log.info({ event: 'journal.resumed', since: failing.since }, 'the journal mailbox has everything again');
    failing = undefined;
    return true;
  };

  const look = (): Promise<boolean> => (looking ??= round().finally(() => (looking = undefined)));
  const again = (ms: number): void => {
    timer = clock.after(ms, () => {
      void look().then((good) => {
        const next = good ? LOOK_MS : pauseMs;
        pauseMs = good ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
        if (!stopped) again(next);
      });
    });
  };

  const state = async (): Promise<JournalState | undefined> => {
    const settings = parts.settings();
    if (settings === undefined) return undefined;
    const known = await position.position();
    const [last, [oldest]] = await Promise.all([archive.last(), known === undefined ? [] : archive.page({}, known, 1)]);
    return {
      to: settings.to,
      sent,
      waiting: oldest === undefined ? 0 : Math.max(1, last - (known ?? last)),
      ...(oldest !== undefined && { oldestAt: oldest.at }),
      ...(failing !== undefined && { failing }),
    };
  };

  return {
    look,
    state,
    async start() {
      stopped = false;
      if (parts.settings() !== undefined) await place();
      again(LOOK_MS);
    },
    async drain(graceMs) {
      stopped = true;
      timer?.cancel();
      const over = Promise.withResolvers<void>();
      const grace = clock.after(graceMs, over.resolve);
      await Promise.race([looking, over.promise]);
      grace.cancel();
    },
    async alert(lateMs) {
      const found = await state();
      if (found?.oldestAt === undefined || clock.now() - found.oldestAt < lateMs) return undefined;
      const why = found.failing === undefined ? '' : `: ${found.failing.text}`;
      const subject = found.to.join(', ');
      return {
        ...{ key: 'journal.late', kind: 'journal.late', subject, since: found.oldestAt },
        text: `the journal mailbox ${subject} has not got about ${found.waiting} archived messages, the oldest of ${utcMinute(found.oldestAt)}${why}`,
        advice: 'isthmus archive status; journal: in records/archive.yaml names the mail server',
      };
    },
  };
}
