// Has this request been here before? RFC 3261 §16.3 step 4: a Via of ours came back. And, for proxies that hide the Vias of
// others, the identifiers of what we sent in the last minute: as a B2BUA we never expect our own request. §8.2.2.2: the same
// request over two branches at once is answered once. Bodies need no digest: Call-ID, From tag, CSeq name one request.

import { parseVias } from './headers/via.ts';
import type { SipHeaders } from './message.ts';

const WINDOW_MS = 60_000;
/** Of each half of the window. */
const MAX_REMEMBERED = 50_000;

/** Our own sent-by on one side. */
export interface SentBy {
  readonly host: string;
  readonly port: number;
}

export class LoopGuard {
  readonly #ours: readonly SentBy[];
  #recent = new Set<string>();
  #older = new Set<string>();
  #turnedMs = 0;
  readonly #ongoing = new Set<string>();

  constructor(ours: readonly SentBy[]) {
    this.#ours = ours;
  }

  /** Notes a request of ours that founds no dialog yet. */
  sent(identity: string, nowMs: number): void {
    this.#turn(nowMs);
    this.#recent.add(identity);
  }

  /** True when the request went out from here before. */
  returned(headers: SipHeaders, identity: string, nowMs: number): boolean {
    this.#turn(nowMs);
    return this.#recent.has(identity) || this.#older.has(identity) || this.#passedUs(headers);
  }

  /** False: the same request is being worked on under another branch. */
  begin(identity: string): boolean {
    if (this.#ongoing.has(identity)) return false;
    this.#ongoing.add(identity);
    return true;
  }

  finish(identity: string): void {
    this.#ongoing.delete(identity);
  }

  #passedUs(headers: SipHeaders): boolean {
    const lines = headers.all('via');
    // Cheap first: our name nowhere is the rule.
    const text = lines.join().toLowerCase();
    const seen = this.#ours.filter((ours) => text.includes(ours.host));
    if (seen.length === 0) return false;
    // A list that names us and cannot be read must not be the way round this guard.
    const hops = parseVias(lines);
    return (
      hops === undefined ||
      hops.some((hop) => seen.some((ours) => hop.host === ours.host && (hop.port ?? defaultPort(hop.transport)) === ours.port))
    );
  }

  #turn(nowMs: number): void {
    if (nowMs - this.#turnedMs < WINDOW_MS && this.#recent.size < MAX_REMEMBERED) return;
    this.#older = nowMs - this.#turnedMs < 2 * WINDOW_MS ? this.#recent : new Set();
    this.#recent = new Set();
    this.#turnedMs = nowMs;
  }
}

/** What names one request everywhere (RFC 3261 §8.2.2.2). */
export function requestIdentity(method: string, callId: string, fromTag: string, cseq: number): string {
  return `${method} ${cseq} ${fromTag} ${callId}`;
}

function defaultPort(transport: string): number {
  return transport === 'TLS' ? 5061 : 5060;
}
