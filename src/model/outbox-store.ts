// What the outbox asks of the store: rows that wait, the ledger of what became of them, and the service clock.
// A row is a durable event on its way (DESIGN 8); the ledger line of the same number outlives it and holds no body.

import { bareKey } from './address.ts';
import type { Alongside } from './archive.ts';
import type {
  Event,
  ImReceipt,
  ImSent,
  Network,
  PresenceDenied,
  PresenceEnded,
  PresenceGranted,
  PresenceRequested,
  ProofWord,
  SenderIds,
  Side,
} from './event.ts';
import type { Hop, WireIds } from './ports.ts';
import type { Reason, ReasonCode } from './reason.ts';

/** Events that wait in the outbox until somebody confirms or refuses them: messages, receipts and the four subscription verbs. */
export type DurableEvent = ImSent | ImReceipt | PresenceRequested | PresenceGranted | PresenceDenied | PresenceEnded;

/** DESIGN 8, scope. A presentity's end of a view is soft state: the watcher's shore sees it again when it asks again. */
export function isDurable(event: Event): event is DurableEvent {
  switch (event.kind) {
    case 'im.sent':
    case 'im.receipt':
    case 'presence.requested':
    case 'presence.granted':
    case 'presence.denied':
      return true;
    case 'presence.ended':
      return event.by === 'watcher';
    case 'im.composing':
    case 'presence.notified':
    case 'presence.probed':
    case 'presence.watcherOnline':
    case 'presence.watcherOffline':
      return false;
    default:
      return event satisfies never;
  }
}

/** The lane of an event: its two bare addresses. Rows of one lane are sent in the order of their acceptance. */
export function laneOf(event: Event): string {
  return `${bareKey(event.from)}>${bareKey(event.to)}`;
}

/** What waits and what has ended. `handedOver` was written and never confirmed; `withdrawn` was taken back before it was written. */
export type LedgerState = 'accepted' | 'written' | 'delivered' | 'handedOver' | 'refused' | 'expired' | 'withdrawn';

/** A row about to be accepted. Times named `service` are in ms of service time (outbox/service-time.ts). */
export interface NewRow {
  readonly event: DurableEvent;
  /** Scoped to sender and recipient, hashed; absent when copies cannot be told apart. */
  readonly dedupKey?: Uint8Array;
  readonly acceptedAt: number;
  readonly serviceNow: number;
  readonly serviceDeadline: number;
  /** For a conversation whose counterpart is not known yet, else for this row alone. */
  readonly callId: string;
  readonly fromTag: string;
  readonly stanzaId: string;
  /**
   * The conversation as its sender names it, for the unordered pair of users. When `callId` differs from it (the other side
   * cannot carry it as it is) and no counterpart is known, the two are stored as counterparts.
   */
  readonly conversation?: { readonly pair: string; readonly kind: 'thread' | 'callId'; readonly value: string };
  /** Without `conversation`: the thread as the far side is to see it. */
  readonly thread?: string;
}

/** A row as it waits, without its event. */
export interface OutboxRow {
  /** Number in the order of acceptance; never used twice. */
  readonly row: number;
  readonly id: string;
  readonly kind: DurableEvent['kind'];
  readonly lane: string;
  readonly fromDomain: string;
  readonly toDomain: string;
  readonly state: 'accepted' | 'written';
  readonly attempts: number;
  readonly acceptedAt: number;
  readonly serviceDeadline: number;
  readonly wire: WireIds;
  /** Size of the sealed event. */
  readonly bytes: number;
}

export type AcceptResult =
  | { readonly kind: 'accepted'; readonly row: OutboxRow }
  | { readonly kind: 'duplicate'; readonly of: LedgerEntry };

/** How a row ended, or how a try of it went. */
export interface RowEnd {
  readonly row: number;
  readonly state: Exclude<LedgerState, 'accepted' | 'written'>;
  readonly at: number;
  readonly attempts: number;
  /** `SIP 200`, `XMPP ping answered after it`. */
  readonly evidence?: string;
  readonly reason?: Reason;
}

export interface OutboxStore {
  /**
   * Resolves once the row is on disk. Rejects with StoreError when it cannot be.
   * @param alongside is a part of the same transaction; not asked for a duplicate
   */
  accept(row: NewRow, alongside?: Alongside): Promise<AcceptResult>;
  /** The event of a waiting row; undefined when the row has ended or its seal does not open. */
  load(row: number): Promise<DurableEvent | undefined>;
  /** Every waiting row in the order of acceptance. */
  waiting(): Promise<readonly OutboxRow[]>;
  /** Lazy (next group or 50 ms, no fsync of its own): bytes of the row are on a connection. */
  written(row: number, at: number, attempts: number, hop: Hop): void;
  /** Lazy: a try ended without an answer and the row waits on. */
  tried(row: number, at: number, attempts: number, reason: Reason): void;
  /** Lazy, kept until it succeeds: the row ended well and its body is erased. */
  delivered(end: RowEnd): void;
  /**
   * Ends a row and, in the same transaction, accepts the notice that its sender is owed.
   * `notice` is asked inside the transaction, so that what the sender has been told by then counts.
   * Resolves with the notice's row. A row that has ended already changes nothing.
   */
  end(end: RowEnd, notice?: () => NewRow | undefined): Promise<OutboxRow | undefined>;
  /** Forgets dedup keys accepted before `service` (service ms). Returns how many; call again while it is not 0. */
  forgetKeys(service: number): Promise<number>;
}

/** So many failed tries of one event are kept. */
export const TRIES_KEPT = 20;

/** One try that failed. */
export interface FailedTry {
  /** Wall ms. */
  readonly at: number;
  /** 1 for the first. */
  readonly attempt: number;
  readonly code: ReasonCode;
  readonly text: string;
}

/** An event that waits, as it stands on disk. */
export interface WaitingLine {
  readonly id: string;
  readonly kind: DurableEvent['kind'];
  readonly from: string;
  readonly to: string;
  readonly state: 'accepted' | 'written';
  readonly attempts: number;
  readonly acceptedAt: number;
  /** Of the last failed try. */
  readonly reason?: Reason;
}

/** One line of the ledger: the life of one durable event. No bodies. */
export interface LedgerEntry {
  readonly row: number;
  readonly id: string;
  readonly kind: DurableEvent['kind'];
  readonly from: string;
  readonly to: string;
  /** Where it came from. */
  readonly network: Network;
  readonly peer: string;
  readonly proof: ProofWord;
  /** The sender's identifiers, and the conversation as they wrote it. */
  readonly theirs: Omit<SenderIds, 'dedupKey'> & { readonly thread?: string };
  /** Ours, as the far end saw them. */
  readonly wire: WireIds;
  /** Where it was written to, once it was. */
  readonly hop?: { readonly network: Network; readonly side: Side; readonly domain: string };
  readonly state: LedgerState;
  readonly evidence?: string;
  /** Of the last failed try while it waits; of the refusal when it has ended. */
  readonly reason?: Reason;
  readonly attempts: number;
  /** Tries that failed, oldest first; at most the last TRIES_KEPT. */
  readonly tries: readonly FailedTry[];
  readonly acceptedAt: number;
  readonly writtenAt?: number;
  readonly endedAt?: number;
  /** Id of the failure notice that was sent about it. */
  readonly noticeId?: string;
}

export interface LedgerStore {
  /** By any identifier: ours, Call-ID, stanza id, origin-id, IMDN Message-ID. Oldest first, at most 100. */
  find(id: string): Promise<readonly LedgerEntry[]>;
  /** What `from` sent to `to` since a wall time in ms, oldest first, at most the last 1000. Bare keys. */
  between(from: string, to: string, sinceMs: number): Promise<readonly LedgerEntry[]>;
  /** What waits, in the order of acceptance. Without a body; also for a command beside the process. */
  waiting(limit: number): Promise<readonly WaitingLine[]>;
  /** How many lines are in each state. */
  counts(): Promise<Readonly<Record<LedgerState, number>>>;
  /** Removes ended lines accepted before a wall time, at most 1000 a call. Returns how many. */
  expire(before: number): Promise<number>;
}

/** The original that a receipt is about, in the words of its sender. */
export interface Original {
  readonly id: string;
  readonly messageId?: string;
  readonly wireId?: string;
  readonly thread?: string;
}

/** Receipts name the id under which we sent a message; its sender knows it by another one. */
export interface SentIds {
  /**
   * @param peer bare key of who sends the receipt, the recipient of the original
   * @param ours bare key of who sent the original
   * @param wireId our stanza id, our IMDN Message-ID, or our Call-ID
   * @returns undefined when nothing of that name went that way in the last 24 h
   */
  originalOf(peer: string, ours: string, wireId: string): Promise<Original | undefined>;
}

/** The saved base of service time. */
export interface ServiceClockStore {
  load(): Promise<{ readonly serviceMs: number; readonly wallMs: number; readonly clean: boolean } | undefined>;
  /**
   * `clean`: nothing is on its way and every mark is on disk; saved after them.
   * @param durable waits for the disk; else within 50 ms
   */
  save(base: { readonly serviceMs: number; readonly wallMs: number; readonly clean: boolean }, durable: boolean): Promise<void>;
}

/** Things a process must find again and nobody may read: dialback keys and the like. Sealed at rest. */
export interface SecretStore {
  get(name: string): Promise<Uint8Array | undefined>;
  put(name: string, value: Uint8Array): Promise<void>;
}

/** The database could not be written or opened. Nothing of the write is there. */
export class StoreError extends Error {
  readonly reason: Reason;
  constructor(reason: Reason, options?: ErrorOptions) {
    super(reason.text, options);
    this.name = 'StoreError';
    this.reason = reason;
  }
}
