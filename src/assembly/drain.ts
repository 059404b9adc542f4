// The end of a running edge, in the order that loses nothing: no new connections, then what is on its way gets its answer,
// then the streams and connections close properly, and last the store.

import type { Listener } from '../edge/listener.ts';
import type { Log } from '../log.ts';
import type { FirstContact } from '../outbox/first-contact.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Presence } from '../presence/presence.ts';
import type { Store } from '../store/store.ts';

/** Something with connections that end. */
export interface Drains {
  drain(graceMs: number): Promise<void>;
}

export interface Parts {
  readonly log: Log;
  readonly listeners: readonly Listener[];
  readonly watchers: readonly { stop(): void }[];
  readonly firstContact: FirstContact;
  readonly outbox: Outbox;
  readonly presence: Presence;
  readonly shores: readonly Drains[];
  readonly store: Store;
}

/** Connections that are idle get so long to say goodbye, ms. */
const GOODBYE_MS = 1000;

/** @param graceMs for what is on its way, ms @param say is told each step */
export async function drain(parts: Parts, graceMs: number, say: (line: string) => void = () => {}): Promise<void> {
  // Our timers do not keep a process alive, and the last connection may close before the last answer is waited for.
  const awake = setInterval(() => undefined, GOODBYE_MS);
  try {
    await close(parts, graceMs, say);
  } finally {
    clearInterval(awake);
  }
}

async function close(parts: Parts, graceMs: number, say: (line: string) => void): Promise<void> {
  for (const watcher of parts.watchers) watcher.stop();
  await Promise.all(parts.listeners.map((listener) => listener.close()));
  parts.firstContact.stop();
  say(`no new connections; what is on its way may finish, for at most ${Math.ceil(graceMs / 1000)} s`);
  // Who writes while we drain is still taken: it waits on disk for the next start.
  await parts.outbox.drain(graceMs, async () => {
    say('closing streams and connections');
    parts.presence.close();
    await Promise.all(parts.shores.map((shore) => shore.drain(Math.min(graceMs, GOODBYE_MS))));
  });
  parts.store.flush();
  parts.store.close();
}
