// The list of open connections (model/sessions.ts): the edge makes an entry with every link, the shores write into it, and
// operators read and close. An upgraded link (STARTTLS) stays the same session. What a shore tells here costs no allocation.

import type { Socket } from 'node:net';
import type { ProofWord, Side } from '../model/event.ts';
import type { Clock } from '../model/ports.ts';
import type { Reason } from '../model/reason.ts';
import type { Session, SessionNotes, Sessions, SessionWatcher, Spoken, Tap } from '../model/sessions.ts';

/** What is known of a connection when it is made. */
export interface SessionFacts {
  readonly id: string;
  readonly protocol: Spoken;
  readonly side: Side;
  readonly direction: 'in' | 'out';
  readonly address: string;
  readonly port: number;
}

/** What TLS adds. */
export interface SessionSecurity {
  readonly tls: { readonly version: string; readonly cipher: string };
  readonly fingerprint?: string;
}

/** A hosted edge speaks for many domains; operators need not see thousands. */
const MAX_PROVEN = 1000;

export class SessionBook implements Sessions {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #open = new Map<string, Entry>();
  readonly #watchers = new Set<SessionWatcher>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** A connection stands. @param socket the TCP socket, whose octets are counted */
  opened(facts: SessionFacts, socket: Socket): SessionNotes {
    return this.#add(facts, socket);
  }

  #add(facts: SessionFacts, socket: Socket): Entry {
    const entry = new Entry(facts, socket, this.#clock.now(), this.#watchers);
    if (socket.closed) return entry; // it was gone before anybody could list it
    this.#open.set(facts.id, entry);
    socket.once('close', () => {
      this.#open.delete(facts.id);
      for (const watcher of this.#watchers) watcher.closed(facts.id);
    });
    for (const watcher of this.#watchers) watcher.opened(entry.snapshot());
    return entry;
  }

  /** TLS stands: on a connection that is listed already (STARTTLS), or on a new one. */
  secured(facts: SessionFacts, socket: Socket, security: SessionSecurity): SessionNotes {
    const entry = this.#open.get(facts.id) ?? this.#add(facts, socket);
    entry.security = security;
    return entry;
  }

  list(): readonly Session[] {
    return [...this.#open.values()].map((entry) => entry.snapshot());
  }

  close(id: string, why: Reason): boolean {
    const entry = this.#open.get(id);
    entry?.end(why);
    return entry !== undefined;
  }

  closeDomains(domains: ReadonlySet<string>, why: Reason): number {
    let closed = 0;
    for (const entry of [...this.#open.values()]) {
      if (domains.isDisjointFrom(entry.proofs)) continue;
      entry.end(why);
      closed += 1;
    }
    return closed;
  }

  tap(id: string, tap: Tap): (() => void) | undefined {
    return this.#open.get(id)?.listen(tap);
  }

  watch(watcher: SessionWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}

const NOBODY: ReadonlyMap<string, ProofWord> = new Map();

class Entry implements SessionNotes {
  tap: Tap | undefined;
  security: SessionSecurity | undefined;
  readonly #facts: SessionFacts;
  readonly #socket: Socket;
  readonly #since: number;
  readonly #watchers: ReadonlySet<SessionWatcher>;
  #proofs: Map<string, ProofWord> | undefined;
  #received = 0;
  #sent = 0;
  #taps: readonly Tap[] = [];
  #end: ((why: Reason) => void) | undefined;

  constructor(facts: SessionFacts, socket: Socket, since: number, watchers: ReadonlySet<SessionWatcher>) {
    this.#facts = facts;
    this.#socket = socket;
    this.#since = since;
    this.#watchers = watchers;
  }

  get proofs(): ReadonlyMap<string, ProofWord> {
    return this.#proofs ?? NOBODY;
  }

  proven(domain: string, how: ProofWord): void {
    const known = this.#proofs?.get(domain);
    // A certificate that comes to prove it later is the better word; nothing takes a proof back to a lesser one.
    if (known !== undefined && (known !== 'dialback' || how === known)) return;
    this.#proofs ??= new Map();
    if (known === undefined && this.#proofs.size >= MAX_PROVEN) return;
    this.#proofs.set(domain, how);
    if (known === undefined) for (const watcher of this.#watchers) watcher.proven(this.#facts.id, domain);
  }

  counted(direction: 'in' | 'out'): void {
    if (direction === 'in') this.#received += 1;
    else this.#sent += 1;
  }

  endsBy(end: (why: Reason) => void): void {
    this.#end = end;
  }

  /** A connection that no shore has taken yet has nothing to say goodbye with. */
  end(why: Reason): void {
    if (this.#end === undefined) this.#socket.destroy();
    else this.#end(why);
  }

  listen(tap: Tap): () => void {
    this.#setTaps([...this.#taps, tap]);
    return () => this.#setTaps(this.#taps.filter((each) => each !== tap));
  }

  #setTaps(taps: readonly Tap[]): void {
    this.#taps = taps;
    this.tap =
      taps.length <= 1
        ? taps[0]
        : (direction, bytes) => {
            for (const each of taps) each(direction, bytes);
          };
  }

  snapshot(): Session {
    const { security } = this;
    return {
      ...this.#facts,
      since: this.#since,
      ...(security !== undefined && {
        tls: security.tls,
        ...(security.fingerprint !== undefined && { fingerprint: security.fingerprint }),
      }),
      proven: new Map(this.proofs),
      received: this.#received,
      sent: this.#sent,
      bytesReceived: this.#socket.bytesRead,
      bytesSent: this.#socket.bytesWritten,
    };
  }
}
