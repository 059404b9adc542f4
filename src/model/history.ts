// What users of the core said and were told, as the rooms see the table: one line for each message and receipt in the history
// of each user it concerns. Owners and peers are bare keys (model/address.ts).

import type { Said } from './core.ts';

/** One message or receipt as it is written down. */
export interface HistoryEntry {
  readonly owner: string;
  /** With whom: who wrote it, or to whom the owner wrote. */
  readonly peer: string;
  /** Seen from the owner. */
  readonly direction: 'in' | 'out';
  /** Wall ms at which it was taken. */
  readonly at: number;
  /** The peer is no user of the core: it crossed the border, or went to an inside server. */
  readonly border: boolean;
  readonly said: Pick<Said, 'event' | 'payload'>;
}

/** One line of a history. */
export interface HistoryLine extends Omit<HistoryEntry, 'owner' | 'said'> {
  /** By which clients ask for it (XEP-0359); unique in one history. */
  readonly id: string;
  readonly kind: 'message' | 'receipt';
  /** Absent: what was written cannot be opened any more (another key, a damaged row). */
  readonly said?: Pick<Said, 'event' | 'payload'>;
}

/** Which lines; every condition that is there must hold. */
export interface HistoryFilter {
  /** With this peer. */
  readonly peer?: string;
  /** Wall ms, both included. */
  readonly since?: number;
  readonly until?: number;
  readonly kind?: HistoryLine['kind'];
  /** Lines after and before these, themselves not included. */
  readonly afterId?: string;
  readonly beforeId?: string;
}

/** Which part of them (XEP-0059 §2): the first `limit` after a line, or the last `limit` before one. */
export interface HistoryCut {
  readonly limit: number;
  readonly after?: string;
  readonly before?: string;
  /** True: counted from the end. */
  readonly fromEnd?: boolean;
}

export interface HistoryPage {
  /** Oldest first, whichever end they were counted from. */
  readonly lines: readonly HistoryLine[];
  /** Nothing more lies beyond this page in its direction. */
  readonly complete: boolean;
}

export interface HistoryFound {
  /** Newest first. */
  readonly lines: readonly HistoryLine[];
  /** More would match. */
  readonly more: boolean;
}

export interface HistoryStore {
  /** Writes one line, unless the owner has one of the same event already. Resolves once it is on disk. */
  append(entry: HistoryEntry): Promise<void>;
  /** @returns undefined when an id of the filter or the cut names no line of the owner */
  page(owner: string, filter: HistoryFilter, cut: HistoryCut): Promise<HistoryPage | undefined>;
  /** Lines by their ids, oldest first; undefined when one of them is not there. */
  named(owner: string, ids: readonly string[]): Promise<readonly HistoryLine[] | undefined>;
  count(owner: string, filter: HistoryFilter): Promise<number>;
  /** With whom the owner has lines, in the order of their addresses. */
  peers(owner: string): Promise<readonly string[]>;
  /** Messages that hold every one of the words, in any case, also as a part of a longer word. */
  find(owner: string, filter: HistoryFilter, words: readonly string[], limit: number): Promise<HistoryFound>;
  /** Removes what is older than a wall time, except of owners who are held. @returns how many lines */
  expire(before: number, held?: (owner: string) => boolean): Promise<number>;
  /** Removes the history of one owner. @returns how many lines */
  forget(owner: string): Promise<number>;
}
