// Calendars of those who are signed in: each is looked at again and again, and what it said last counts until it is too old.
// Where a text comes from is the caller's business.

import type { Log } from '../log.ts';
import { BLOCK_MS, type CalendarEntry, type CalendarPlace, type CalendarSettings, type Calendars } from '../model/calendar.ts';
import type { Clock, Timer } from '../model/ports.ts';
import { blocksOf, nowOf } from './calendar-facts.ts';
import type { CalendarReader } from './calendar-reader.ts';

/** What fetching one gives. `mark`: to be shown with the next fetch. */
export type Fetched =
  | { readonly kind: 'text'; readonly text: string; readonly mark?: string }
  | { readonly kind: 'same' }
  /** `why`: for the operator. */
  | { readonly kind: 'failed'; readonly why: string };

export interface FeedsParts {
  readonly settings: () => CalendarSettings | undefined;
  /** Bare keys of who is signed in. */
  readonly users: () => Iterable<string>;
  readonly fetch: (place: CalendarPlace, user: string, mark: string | undefined) => Promise<Fetched>;
  readonly reader: CalendarReader;
  /** Somebody's calendar says something else. */
  readonly changed: (user: string) => void;
  readonly clock: Clock;
  readonly log: Log;
  /** Between 0 and 1. */
  readonly random: () => number;
}

export interface Feeds {
  readonly calendars: Calendars;
  start(): void;
  stop(): Promise<void>;
  /** Resolves when what has begun is done. */
  settled(): Promise<void>;
}

/** How often it is looked whose turn it is, ms. */
const TICK_MS = 2000;
const AT_ONCE = 8;
/** What is known goes from a day back to two weeks ahead; it is read anew before that runs out. */
const BEHIND_MS = 86_400_000;
const AHEAD_MS = 14 * 86_400_000;
const REREAD_MS = 12 * 3_600_000;

interface Feed {
  readonly place: CalendarPlace;
  entries: readonly CalendarEntry[];
  /** Wall ms; undefined: never read. */
  readAt: number | undefined;
  /** Wall ms at which the text itself was read. */
  textAt: number;
  mark: string | undefined;
  /** Monotonic ms. */
  dueAt: number;
  busy: boolean;
  failing: boolean;
}

export function makeFeeds(parts: FeedsParts): Feeds {
  const { settings, clock } = parts;
  const feeds = new Map<string, Feed>();
  const running = new Set<Promise<void>>();
  let timer: Timer | undefined;
  let stopped = false;

  const known = (user: string, now: number): readonly CalendarEntry[] | undefined => {
    const feed = feeds.get(user);
    const keepMs = settings()?.keepMs;
    return feed?.readAt === undefined || keepMs === undefined || now - feed.readAt > keepMs ? undefined : feed.entries;
  };
  const look = (): void => {
    const now = settings();
    const [present, signedIn] = [new Set<string>(), new Set<string>()];
    if (now !== undefined || feeds.size > 0)
      for (const user of parts.users()) {
        signedIn.add(user);
        const place = now && placeOf(now, user);
        if (place === undefined || present.has(user)) continue;
        present.add(user);
        const before = feeds.get(user);
        if (before === undefined || !samePlace(before.place, place)) feeds.set(user, newFeed(place, clock.monotonic()));
      }
    for (const user of [...feeds.keys()]) {
      if (present.has(user)) continue;
      feeds.delete(user);
      // Nobody looks at the calendar of who is away.
      if (signedIn.has(user)) parts.changed(user);
    }
    for (const [user, feed] of feeds) {
      if (running.size >= AT_ONCE) break;
      if (feed.busy || feed.dueAt > clock.monotonic() || now === undefined) continue;
      feed.busy = true;
      const done = refresh(user, feed, now).finally(() => {
        feed.busy = false;
        running.delete(done);
      });
      running.add(done);
    }
  };
  const refresh = async (user: string, feed: Feed, { refreshMs, keepMs }: CalendarSettings): Promise<void> => {
    // Not all at once, and not again and again at the same moment.
    feed.dueAt = clock.monotonic() + refreshMs * (0.9 + 0.2 * parts.random());
    const anew = clock.now() - feed.textAt > REREAD_MS;
    const why = await take(user, feed, anew);
    if (stopped || feeds.get(user) !== feed) return;
    const about = { user, place: feed.place.url ?? feed.place.file };
    if (why === undefined) {
      if (feed.failing) parts.log.info({ event: 'calendar.back', ...about }, 'the calendar can be read again');
      feed.failing = false;
      return;
    }
    // Once, and again when it is back.
    if (!feed.failing)
      parts.log.warn(
        { event: 'calendar.failed', ...about, why, keepMs },
        'a calendar cannot be read; what it said last counts until that is too old',
      );
    feed.failing = true;
    if (feed.readAt !== undefined && clock.now() - feed.readAt > keepMs) parts.changed(user);
  };
  /** @returns why it failed */
  const take = async (user: string, feed: Feed, anew: boolean): Promise<string | undefined> => {
    const fetched = await parts.fetch(feed.place, user, anew ? undefined : feed.mark);
    if (fetched.kind === 'failed') return fetched.why;
    const at = clock.now();
    if (fetched.kind === 'same') {
      feed.readAt = at;
      return undefined;
    }
    const reading = await parts.reader.read(fetched.text, { from: at - BEHIND_MS, until: at + AHEAD_MS, owner: user });
    if ('wrong' in reading) return `it is no calendar that can be read: ${reading.wrong}`;
    const same = feed.readAt !== undefined && JSON.stringify(reading.entries) === JSON.stringify(feed.entries);
    Object.assign(feed, { entries: reading.entries, mark: fetched.mark, readAt: at, textAt: at });
    if (!same && feeds.get(user) === feed) parts.changed(user);
    return undefined;
  };
  const tick = (): void => {
    if (stopped) return;
    look();
    timer = clock.after(TICK_MS, tick);
  };
  return {
    calendars: {
      at(user, now) {
        const entries = known(user, now);
        return entries === undefined ? undefined : nowOf(entries, now, settings()?.subjects !== false);
      },
      blocks(user, from, count) {
        const entries = settings()?.freeBusy === false ? undefined : known(user, clock.now());
        return entries === undefined ? undefined : blocksOf(entries, Math.floor(from / BLOCK_MS) * BLOCK_MS, count);
      },
    },
    start: tick,
    async stop() {
      stopped = true;
      timer?.cancel();
      await parts.reader.close();
    },
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}

function newFeed(place: CalendarPlace, dueAt: number): Feed {
  return { place, entries: [], readAt: undefined, textAt: 0, mark: undefined, dueAt, busy: false, failing: false };
}

function placeOf({ domains, users }: CalendarSettings, user: string): CalendarPlace | undefined {
  return users.has(user) ? users.get(user) : domains.get(user.slice(user.lastIndexOf('@') + 1));
}

function samePlace(a: CalendarPlace, b: CalendarPlace): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
