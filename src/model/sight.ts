// What an operator sees of the running process itself: where it listens, how it is, how much crosses.

import type { Spoken } from './sessions.ts';

export interface Sight {
  /** As isthmus.yaml writes it, with the port that is really open. */
  listeners(): readonly { readonly side: 'edge' | 'inside' | 'clients'; readonly protocol: Spoken; readonly at: string }[];
  /** Certificates whose end matters; `notAfter` in wall ms. */
  certificates(): Promise<readonly { readonly role: 'own' | 'ca' | 'partner'; readonly name: string; readonly notAfter: number }[]>;
  /** Messages and presence a second, by a domain that connections proved to be; of about the last ten seconds. */
  rates(): ReadonlyMap<string, { readonly in: number; readonly out: number }>;
  store(): { readonly commitP99Ms: number; readonly failures: number; readonly backlog: number };
  /** Delay of the event loop since the last ten seconds or so, 99th percentile, ms. */
  loopLagMs(): number;
  memoryBytes(): number;
  /** Wall ms; undefined: none is known. */
  lastBackupAt(): number | undefined;
  /** Writes what is gathered, so that a reader beside us finds it. */
  flush(): void;
  /** One watcher's view of one presentity, bare addresses; undefined: nothing is known of it since the start. */
  view(watcher: string, presentity: string): ViewSight | undefined;
}

/** A view as it stands. What is shown in it is nobody's business here. */
export interface ViewSight {
  /** Is any endpoint of the presentity online, as far as we know? */
  readonly open: boolean;
  /** Wall ms of the last presence that came from the presentity, and of the last that the watcher was sent. */
  readonly heardAt?: number;
  readonly shownAt?: number;
}
