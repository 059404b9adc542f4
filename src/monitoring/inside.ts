// Our own servers inside, learned from the log: an internal XMPP server whose component stream is gone, an internal SIP
// server that cannot be reached. Nobody outside can make one look down: only what we dial, or await, is watched.

import type { LogLine } from '../log.ts';

/** One that is away. */
export interface InsideAway {
  /** A domain of ours (SIP), or the name of the component (XMPP). */
  readonly name: string;
  readonly protocol: 'sip' | 'xmpp';
  /** Wall ms of the first failure. */
  readonly since: number;
  readonly why: string;
}

/** Watches the log. @param now wall ms */
export class InsideWatch {
  readonly #now: () => number;
  readonly #away = new Map<string, InsideAway>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Sees each line of the log. */
  watch({ fields, bound }: LogLine): void {
    const word = (name: string): string => String(fields[name] ?? bound[name] ?? '');
    switch (fields.event) {
      case 'component.closed':
        this.#gone('xmpp', word('component'), word('reason'));
        break;
      case 'component.opened':
        this.#away.delete(`xmpp ${word('component')}`);
        break;
      case 'sip.connect.failed':
        if (fields.side === 'inside') this.#gone('sip', word('domain'), word('reason'));
        break;
      case 'sip.peer.proven':
        if (fields.side === 'inside') this.#away.delete(`sip ${word('domain')}`);
        break;
      default:
    }
  }

  /** Those that are away now. */
  away(): readonly InsideAway[] {
    return [...this.#away.values()];
  }

  #gone(protocol: InsideAway['protocol'], name: string, why: string): void {
    const key = `${protocol} ${name}`;
    this.#away.set(key, { name, protocol, since: this.#away.get(key)?.since ?? this.#now(), why });
  }
}
