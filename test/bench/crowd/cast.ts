// A whole organisation in the core: who is in it, and what the runner tells the process that plays everybody's client.

export const DOMAIN = 'people.example';
export const HOST = 'im.people.example';
export const PASSWORD = 'every-day-the-same';

/** User `n` of so many. */
export const local = (n: number, users: number): string => `user${((n % users) + users) % users}`;

/** Whom user `n` has on the list: the half before and the half after. */
export function* contactsOf(n: number, users: number, contacts: number): Generator<string> {
  const before = Math.floor(contacts / 2);
  for (let k = -before; k <= contacts - before; k += 1) if (k !== 0) yield local(n + k, users);
}

export type CrowdOrder =
  | { readonly do: 'join'; readonly port: number; readonly ca: string; readonly users: number }
  /** Signs in the next `count` users, so many a second. */
  | { readonly do: 'signIn'; readonly count: number; readonly perSecond: number }
  /** So many changes of presence and messages a second, for so long, by whoever is signed in. */
  | { readonly do: 'live'; readonly changesPerSecond: number; readonly messagesPerSecond: number; readonly ms: number };

export interface CrowdResult {
  readonly ms: number;
  /** Signed in, or messages that arrived. */
  readonly done: number;
  readonly failed: number;
  /** Presence stanzas that came to the clients. */
  readonly stanzas: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}
export type CrowdReport = { readonly ok: true; readonly result?: CrowdResult } | { readonly ok: false; readonly error: string };
