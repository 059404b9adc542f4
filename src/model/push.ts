// Telling a phone that something waits, through the push service that its client has named (XEP-0357). Nothing of what was said
// goes there: only how many messages wait.

import type { Address } from './address.ts';

/** A field of the form that goes with each publication. */
export interface PushField {
  readonly name: string;
  readonly values: readonly string[];
}

/** A push service, as one client of a user has named it. */
export interface PushTarget {
  /** The service's own address, as the client wrote it. */
  readonly service: string;
  /** Where at the service; may be empty. */
  readonly node: string;
  /** The client that has named it. */
  readonly resource: string;
  /** `pubsub#publish-options`, with what the service wants to see of us; sealed at rest. */
  readonly options: readonly PushField[];
  /** Publications in a row that came to nothing. */
  readonly failures: number;
  /** Wall ms. */
  readonly enabledAt: number;
}

/** The table, as the rooms see it. Users are bare keys. */
export interface PushStore {
  of(user: string): Promise<readonly PushTarget[]>;
  /** Adds, or replaces the one of the same service and node. */
  put(user: string, target: PushTarget): Promise<void>;
  /** @param node undefined: every node of that service @returns how many are gone */
  remove(user: string, service: string, node: string | undefined): Promise<number>;
}

export type PushResult =
  | { readonly kind: 'taken' }
  /** The service says no; `lasting`: it will say so again. */
  | { readonly kind: 'refused'; readonly lasting: boolean; readonly text: string }
  /** It could not be reached, or did not answer. */
  | { readonly kind: 'failed'; readonly text: string };

/** Publishes over the XMPP shore. Never rejects. */
export type PushPublisher = (user: Address, target: PushTarget, count: number) => Promise<PushResult>;

/** What the core and its faces tell of. */
export interface PushNews {
  /** A message has come for a user; their clients that are awake have it. */
  arrived(user: Address): void;
  /** A client has lost its connection and so many messages are on their way to it. */
  asleep(user: Address, resource: string, messages: number): void;
  /** A client is there. */
  awake(user: Address, resource: string): void;
}
