// The archive of the organisation (lync-features.md A12): messages as they passed, one line each, whoever served the people. It is not
// the history of a user (model/history.ts): users do not see it, only the role `compliance` reads it, and holds keep its lines.

import type { ImSent } from './event.ts';
import type { MailSettings } from './notify.ts';
import type { Where } from './table.ts';

/** `internal`: between people of ours; `external`: one side is a partner's. */
export type ArchiveScope = 'internal' | 'external';

export interface ArchiveRecord {
  /** Of the event: the same message is one line. */
  readonly id: string;
  /** Wall ms at which it passed. */
  readonly at: number;
  readonly scope: ArchiveScope;
  /** Bare keys (model/address.ts). */
  readonly from: string;
  readonly to: string;
  /** As it went on: after filters and disclaimers. */
  readonly event: ImSent;
}

/** A line as it is read; absent `event`: what was written cannot be opened any more. */
export interface ArchiveLine extends Omit<ArchiveRecord, 'event'> {
  readonly number: number;
  readonly event?: ImSent;
}

export interface ArchiveSize {
  readonly lines: number;
  /** Of their sealed texts. */
  readonly bytes: number;
  /** Wall ms. */
  readonly oldestAt?: number;
  readonly newestAt?: number;
}

export interface ArchiveFilter {
  /** Said by or to this bare key. */
  readonly user?: string;
  /** And to or by this one. */
  readonly peer?: string;
  /** Said by or to somebody of this domain. */
  readonly domain?: string;
  readonly scope?: ArchiveScope;
  /** Wall ms, both included. */
  readonly since?: number;
  readonly until?: number;
}

/**
 * A write that becomes a part of another one of the same store: both are on disk, or neither is.
 * @throws whatever keeps the other write from being made as well
 */
export type Alongside = () => void;

/** What a purge did. */
export interface Purged {
  /** Wall ms at which it was done, and up to which lines went. */
  readonly at: number;
  readonly before: number;
  readonly removed: number;
  readonly held: number;
}

export interface ArchiveStore {
  /** Resolves once it is on disk; the same id again is no second line. @throws StoreError */
  append(record: ArchiveRecord): Promise<void>;
  /**
   * The same line as a part of the write that accepts the message.
   * @param spare is told what keeps the line from being written while the message is accepted all the same, unless it is the disk,
   *   which both need; absent: the message is not accepted either
   */
  line(record: ArchiveRecord, spare?: (error: unknown) => void): Alongside;
  /** Oldest first, after the line `after` (0: from the beginning). */
  page(filter: ArchiveFilter, after: number, limit: number): Promise<readonly ArchiveLine[]>;
  /** Lines that hold every one of the words in any case, newest first. @param before a line's number: only those written before it */
  find(
    filter: ArchiveFilter,
    words: readonly string[],
    limit: number,
    before?: number,
  ): Promise<{ readonly lines: readonly ArchiveLine[]; readonly more: boolean }>;
  count(filter: ArchiveFilter): Promise<number>;
  /** Number of the newest line; 0: there is none. */
  last(): Promise<number>;
  /** What all lines together are; looks at each of them. */
  size(): Promise<ArchiveSize>;
  /** Notes that lines up to this number of what the filter names have been handed out (`purge: exported`). */
  exported(filter: ArchiveFilter, upTo: number): Promise<void>;
  /** What the last purge did; undefined: there was none. */
  lastPurge(): Promise<Purged | undefined>;
  /**
   * Removes lines older than a wall time, but those that a hold keeps.
   * @param onlyExported leaves what was never handed out @param now wall ms; undefined: only counts
   * @returns how many went, how many a hold has kept
   */
  purge(before: number, onlyExported: boolean, now: number | undefined): Promise<{ readonly removed: number; readonly held: number }>;
  /** Removes the lines of one user, but those that a hold keeps. A line with two users of ours goes as well. */
  erase(user: string, now: number): Promise<{ readonly removed: number; readonly held: number }>;
}

/** One message that is to be archived. */
export interface Captured {
  /** It may not pass unless it is archived. */
  readonly must: boolean;
  /** As a part of the write that accepts it. */
  readonly line: Alongside;
  /** By itself, where nothing else is written. @throws StoreError when it `must` be archived and is not */
  write(): Promise<void>;
}

/** Says of each message that is about to be accepted whether it is archived. undefined: it is not. */
export type Capture = (event: ImSent) => Captured | undefined;

/** How archiving goes since the start of the process. */
export interface ArchiveSight {
  /** Lines written, messages that passed without one, and messages refused for want of one. */
  readonly written: number;
  readonly missed: number;
  readonly refused: number;
  /** records/archive.yaml as it is in force; absent: there is none. */
  readonly settings?: ArchiveSettings;
  /** Wall ms since when nothing could be archived, and why; absent: it works. */
  readonly failing?: { readonly since: number; readonly why: string };
}

/** Nothing of these people is purged or erased, in the archive and in their histories, until it is released. */
export interface Hold {
  /** Short, in the operator's words: a file number. Unique among holds in force. */
  readonly matter: string;
  /** Bare keys, or whole domains of ours. */
  readonly who: readonly string[];
  /** Only what passed in this time, wall ms; absent: everything, also what is still to come. */
  readonly since?: number;
  readonly until?: number;
  readonly why: string;
  readonly by: string;
  readonly at: number;
  /** Who ended it, and when; absent: in force. */
  readonly released?: { readonly by: string; readonly at: number; readonly why: string };
}

export interface HoldStore {
  /** @returns false: there is a hold of that matter in force */
  add(hold: Hold): Promise<boolean>;
  /** @returns false: no such hold in force */
  release(matter: string, by: string, why: string, at: number): Promise<boolean>;
  /** In force first, newest first. */
  list(): Promise<readonly Hold[]>;
  /** In force for this bare key or its domain. */
  of(user: string): Promise<readonly Hold[]>;
  /** In force, read again whenever another process may have changed them. */
  inForce(): readonly Hold[];
}

/** Does the hold name this bare key, or its domain? */
export function names({ who }: Pick<Hold, 'who'>, user: string): boolean {
  return who.includes(user) || who.includes(user.slice(user.lastIndexOf('@') + 1));
}

/** Does one of the holds keep a line of these two people, of this wall time? */
export function isHeld(holds: readonly Hold[], from: string, to: string, at: number): boolean {
  return holds.some(
    (hold) => at >= (hold.since ?? 0) && at <= (hold.until ?? Number.POSITIVE_INFINITY) && (names(hold, from) || names(hold, to)),
  );
}

/** What an act waits for that no one person may do alone: an export, an erasure, the release of a hold. */
export interface Approval {
  readonly id: string;
  /** The verb's words and what it was given, as it will be run. */
  readonly act: string;
  readonly input: string;
  readonly askedBy: string;
  readonly askedAt: number;
  readonly why: string;
  /** Wall ms; not approved until then: it lapses. */
  readonly until: number;
  readonly decided?: { readonly by: string; readonly at: number; readonly yes: boolean; readonly why?: string };
  /** Wall ms at which it was used: an approval counts once. */
  readonly usedAt?: number;
}

export interface ApprovalStore {
  ask(approval: Approval): Promise<void>;
  get(id: string): Promise<Approval | undefined>;
  /** Those that wait first. */
  list(limit: number): Promise<readonly Approval[]>;
  /** @returns false: it is not there, lapsed, decided, or `by` has asked for it themselves */
  decide(id: string, by: string, yes: boolean, at: number, why?: string): Promise<boolean>;
  /** @returns false: it is not approved, lapsed, or was used before */
  use(id: string, at: number): Promise<boolean>;
  /** What it was used for has refused to begin: it may be used again. */
  giveBack(id: string): Promise<void>;
}

/** How far the journal mailbox has the archive. */
export interface JournalStore {
  /** Number of the last line that was taken by the mail server; undefined: it never began. */
  position(): Promise<number | undefined>;
  put(number: number): Promise<void>;
}

/** The journal mailbox as an operator sees it. */
export interface JournalState {
  readonly to: readonly string[];
  /** Lines that the mail server has taken since the start. */
  readonly sent: number;
  /** Lines that it has not, about: removed ones among them are counted. */
  readonly waiting: number;
  /** Wall ms of the oldest of them. */
  readonly oldestAt?: number;
  /** It does not work now: since when (wall ms), and the words of the last failure. */
  readonly failing?: { readonly since: number; readonly text: string };
}

/** One entry of records/archive.yaml: what of these people's messages is archived. */
export interface ArchiveRule {
  readonly who: 'user' | 'group' | 'domain' | 'everyone';
  /** A bare key, the name of a group, or a domain of ours by its own name. */
  readonly name: string;
  readonly internal?: boolean;
  readonly external?: boolean;
  readonly where: Where;
}

/** records/archive.yaml with every default filled in. */
export interface ArchiveSettings {
  /** Persons before groups before domains before everyone; of a person's scope the first entry that says something counts. */
  readonly rules: readonly ArchiveRule[];
  /** No message passes that cannot be archived (BlockOnArchiveFailure). */
  readonly blockOnFailure: boolean;
  /** Undefined: nothing is purged. */
  readonly keepMs?: number;
  readonly purgeHour: number;
  readonly purgeOnlyExported: boolean;
  /** Acts that a second person must approve. */
  readonly secondPerson: boolean;
  readonly journal?: JournalSettings;
}

/** Each archived message as a mail to a journal mailbox. */
export type JournalSettings = MailSettings;
