// One connection under a trace: cuts what crosses into messages, masks them at once, and hands on those of the partner. Nothing is
// handed on before it is known whose it is; what waits for that is bounded.

import type { Session } from '../../model/sessions.ts';
import type { TracedMessage } from '../../model/trace.ts';
import { SipPieces } from './sip-frames.ts';
import { maskSip } from './sip-mask.ts';
import { type Summary, sipSummary, xmppSummary } from './summary.ts';
import { maskXml } from './xml-mask.ts';
import { XmppPieces } from './xmpp-frames.ts';

/** Kept while nobody knows whose connection it is. */
const HELD_BYTES = 64 * 1024;

export interface ListenerOrder {
  readonly domains: ReadonlySet<string>;
  readonly bodies: boolean;
  now(): number;
  message(message: TracedMessage): void;
}

export class ConnectionListener {
  readonly #session: Session;
  readonly #order: ListenerOrder;
  readonly #sides: Readonly<Record<'in' | 'out', SipPieces | XmppPieces>>;
  /** Proven to be one of the partner's domains; proven to be somebody else. */
  #theirs: boolean;
  #others: boolean;
  /** Something on it named the partner. */
  #named = false;
  #held: TracedMessage[] = [];
  #heldBytes = 0;
  /** Octets of messages of other domains. */
  #elsewhere = 0;
  shown = 0;

  constructor(session: Session, order: ListenerOrder) {
    this.#session = session;
    this.#order = order;
    const make = (): SipPieces | XmppPieces => (session.protocol === 'sip' ? new SipPieces() : new XmppPieces());
    this.#sides = { in: make(), out: make() };
    const proven = [...session.proven.keys()];
    this.#theirs = proven.some((domain) => order.domains.has(domain));
    this.#others = proven.some((domain) => !order.domains.has(domain));
  }

  get leftOut(): number {
    return this.#sides.in.leftOut + this.#sides.out.leftOut + this.#elsewhere + this.#heldBytes;
  }

  proven(domain: string): void {
    if (this.#order.domains.has(domain)) this.#theirs = true;
    else this.#others = true;
    if (this.#theirs) this.#release();
    else this.#forget();
  }

  /** What the session's tap hears. */
  heard(direction: 'in' | 'out', bytes: Uint8Array | string): void {
    // Masked octet by octet: the text is one character an octet.
    const text = (
      typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    ).toString('latin1');
    const side = this.#sides[direction];
    if (side instanceof SipPieces) {
      for (const { head, body } of side.push(text)) {
        const masked = maskSip(head, body, this.#order.bodies);
        this.#take(direction, masked, sipSummary(masked.slice(0, head.length), body.length));
      }
      return;
    }
    for (const piece of side.push(text)) {
      const masked = maskXml(piece, this.#order.bodies);
      this.#take(direction, masked, xmppSummary(masked));
    }
  }

  #take(direction: 'in' | 'out', masked: string, { line, ends }: Summary): void {
    const { id, protocol, address, port, direction: openedBy } = this.#session;
    const bytes = Buffer.from(masked, 'latin1');
    const named = ends.some((domain) => this.#order.domains.has(domain));
    if (named) this.#named = true;
    // A connection of one who is proven to be somebody else, and a message between others on a shared one.
    if ((this.#others && !this.#theirs) || (ends.length > 0 && !named)) {
      this.#elsewhere += bytes.length;
      return;
    }
    const message: TracedMessage = {
      at: this.#order.now(),
      connection: id,
      // What is heard on a connection of the web door is XMPP over a WebSocket.
      protocol: protocol === 'web' ? 'xmpp' : protocol,
      direction,
      address,
      port,
      openedBy,
      summary: line,
      bytes,
    };
    if (this.#theirs || this.#named) {
      this.#release();
      this.#give(message);
    } else if (this.#heldBytes + bytes.length <= HELD_BYTES) {
      this.#held.push(message);
      this.#heldBytes += bytes.length;
    } else this.#elsewhere += bytes.length;
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const message of held) this.#give(message);
  }

  #forget(): void {
    this.#elsewhere += this.#heldBytes;
    this.#held = [];
    this.#heldBytes = 0;
  }

  #give(message: TracedMessage): void {
    this.shown += 1;
    this.#order.message(message);
  }
}
