// The durable tables as the rooms see them. Every store has one implementation in store/ and one conformance suite.
// Writes resolve when they are committed; several of one tick share one fsync. Addresses are bare keys (model/address.ts).
// The outbox and the ledger have their own ports in model/outbox-store.ts.

import type { ProofWord } from './event.ts';
import type { Protocol } from './table.ts';

export type AuthorizationState = 'pending' | 'granted' | 'denied';

/** May `watcher` see `presentity`? Durable, no timer (RFC 6121 §3); never the same record as a SIP dialog. */
export interface Authorization {
  readonly watcher: string;
  readonly presentity: string;
  readonly state: AuthorizationState;
  /** Why, in words, for reports. */
  readonly reason?: string;
  /** Wall ms. */
  readonly changedAt: number;
  /** Wall ms of the last `subscribe` that we sent for this pair: at most one in 24 h. */
  readonly lastSubscribeAt?: number;
  /** Wall ms of the last sign of life from the watcher (idleWatcherDays). */
  readonly watcherSeenAt: number;
}
export interface AuthorizationStore {
  get(watcher: string, presentity: string): Promise<Authorization | undefined>;
  put(authorization: Authorization): Promise<void>;
  remove(watcher: string, presentity: string): Promise<void>;
  ofWatcher(watcher: string): Promise<readonly Authorization[]>;
  ofPresentity(presentity: string): Promise<readonly Authorization[]>;
  /** How many are pending toward users of `presentityDomain` from watchers of `watcherDomain`. */
  countPending(watcherDomain: string, presentityDomain: string): Promise<number>;
  all(): AsyncIterable<Authorization>;
}

/** One SIP subscription dialog of ours, kept so that a restart can restore or re-confirm it. */
export interface DialogRecord {
  /** Call-ID, local tag and remote tag, joined by the shore. */
  readonly id: string;
  readonly role: 'notifier' | 'subscriber';
  readonly watcher: string;
  readonly presentity: string;
  /** The shore's own JSON: route set, CSeqs, remote target, state. */
  readonly data: string;
  /** Wall ms at which it lapses. */
  readonly expiresAt: number;
}
export interface DialogStore {
  put(record: DialogRecord): Promise<void>;
  remove(id: string): Promise<void>;
  all(): Promise<readonly DialogRecord[]>;
}

/** How a user wrote their own address on their own network: case mapping is lossy, answers go to the original spelling. */
export interface SpellingStore {
  /** The local part as spelled, still decoded; undefined when it is the same as the mapped one. */
  get(address: string): Promise<string | undefined>;
  put(address: string, local: string): Promise<void>;
}

/** A stranger's first message or subscription, waiting for somebody of ours to decide (DESIGN 7). */
export interface ContactRequest {
  /** Short id for the command line. */
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly kind: 'message' | 'presence';
  /** The waiting event as JSON bytes; the store seals it at rest. Empty in `list`. */
  readonly event: Uint8Array;
  readonly createdAt: number;
  readonly decided?: 'approved' | 'denied';
}
export interface ContactRequestStore {
  /** False: enough of this stranger, or of the whole domain, waits already, and nothing was kept. */
  put(request: ContactRequest): Promise<boolean>;
  list(): Promise<readonly ContactRequest[]>;
  /** Decides once; `approved` also learns the stranger. undefined: no such request, or decided before. */
  decide(id: string, decision: 'approved' | 'denied'): Promise<ContactRequest | undefined>;
  /** Decided requests whose consequence is still owed, with their events. */
  decided(): Promise<readonly ContactRequest[]>;
  /** Forgets a request whose consequence is done. */
  remove(id: string): Promise<void>;
  /** Has a local user invited (written to, subscribed to, or approved) this stranger? */
  knows(local: string, stranger: string): Promise<boolean>;
  learn(local: string, stranger: string): Promise<void>;
  /** Removes what is older than `before` (wall ms). Returns how many. */
  expire(before: number): Promise<number>;
}

/** Domains found by DNS: which protocol proved itself first, and how many different users of ours they have addressed. */
export interface DiscoveredStore {
  pinned(domain: string): Promise<{ readonly protocol: Protocol; readonly proof: ProofWord; readonly lastSeenAt: number } | undefined>;
  pin(domain: string, protocol: Protocol, proof: ProofWord, at: number): Promise<void>;
  /** Adds `target` to the users of ours that `domain` has addressed; returns how many different ones there are now. */
  countTarget(domain: string, target: string): Promise<number>;
}

/** One decision, for `explain`, `plan` and the audit of refusals. No bodies. */
export interface DecisionRecord {
  readonly at: number;
  readonly eventId: string;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly network: string;
  readonly proof: ProofWord;
  readonly allowed: boolean;
  readonly code?: string;
  readonly file?: string;
  readonly key?: string;
  /** The sender's identifiers (Call-ID, stanza id, origin-id), so that `explain` finds a refusal by them. */
  readonly ids?: readonly string[];
}
export interface DecisionStore {
  /** Lazy: grouped, may lose the last 50 ms in a crash. */
  note(record: DecisionRecord): void;
  /** By our id, or one of the sender's. */
  ofEvent(eventId: string): Promise<readonly DecisionRecord[]>;
  between(from: string, to: string, sinceMs: number): Promise<readonly DecisionRecord[]>;
  /** Everything decided since a wall time, oldest first, read in small steps. */
  since(sinceMs: number): AsyncIterable<DecisionRecord>;
  /** Wall ms of the last decision about each domain, among the newest ones (at most `newest` of them). */
  lastOfDomains(newest: number): Promise<ReadonlyMap<string, number>>;
  /** Removes what was decided before a wall time, at most 1000 a call. Returns how many. */
  expire(before: number): Promise<number>;
}
