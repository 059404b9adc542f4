// What a person's calendar says about their presence: now, and in blocks of a quarter of an hour (lync-features A1).

/** From least to most: `tentative` and `elsewhere` are shown in blocks and are no state. */
export const BUSY_KINDS = ['free', 'elsewhere', 'tentative', 'busy', 'meeting', 'outOfOffice'] as const;
export type BusyKind = (typeof BUSY_KINDS)[number];

/** One time in a calendar during which somebody is not simply free. */
export interface CalendarEntry {
  readonly kind: BusyKind;
  /** Wall ms. */
  readonly from: number;
  readonly until: number;
  readonly subject?: string;
  readonly place?: string;
}

/** What a calendar says at one moment. */
export interface CalendarNow {
  readonly kind: 'free' | 'busy' | 'meeting' | 'outOfOffice';
  /** Wall ms at which the answer changes; absent: not within what is known. */
  readonly until?: number;
  /** Of a meeting. */
  readonly subject?: string;
  readonly place?: string;
}

/** Where one calendar stands: `url` or `file`, with {local}, {domain}, {address} in it. */
export interface CalendarPlace {
  readonly url?: string;
  readonly file?: string;
  readonly user?: string;
  /** Names of secrets. */
  readonly password?: string;
  readonly token?: string;
  /** The operator says that it stands on a private address. */
  readonly privateAddress: boolean;
}

/** people/calendars.yaml. */
export interface CalendarSettings {
  readonly domains: ReadonlyMap<string, CalendarPlace>;
  /** By bare key; undefined: this user has none. */
  readonly users: ReadonlyMap<string, CalendarPlace | undefined>;
  readonly refreshMs: number;
  readonly keepMs: number;
  readonly subjects: boolean;
  readonly freeBusy: boolean;
}

export const BLOCK_MS = 15 * 60_000;

/** Calendars as the core asks them. */
export interface Calendars {
  /** Undefined: nothing is known. @param user bare key @param now wall ms */
  at(user: string, now: number): CalendarNow | undefined;
  /** One kind for each quarter of an hour from `from` on. Undefined: nothing is known. */
  blocks(user: string, from: number, count: number): readonly BusyKind[] | undefined;
}
