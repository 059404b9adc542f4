// Cuts what one side of a SIP connection says into messages, for a trace: tolerant, bounded, and able to begin in the middle.
// The shore's own framer decides what is SIP; this one only looks.

/** One message, as latin1 text. */
export interface SipPiece {
  readonly head: string;
  readonly body: string;
}

const MAX_HEAD = 64 * 1024;
const MAX_BODY = 1024 * 1024;
const START = /(?:^|\n)([A-Z]{1,20} \S{1,4000} SIP\/2\.0\r\n|SIP\/2\.0 \d{3} )/;

export class SipPieces {
  #text = '';
  /** Octets of a body that is too large to be kept, still to come. */
  #skip = 0;
  /** Octets that were no message, or too large. */
  leftOut = 0;

  /** @param text latin1 */
  push(text: string): SipPiece[] {
    const pieces: SipPiece[] = [];
    let fresh = text;
    if (this.#skip > 0) {
      const gone = Math.min(this.#skip, fresh.length);
      this.#skip -= gone;
      this.leftOut += gone;
      fresh = fresh.slice(gone);
    }
    this.#text += fresh;
    for (;;) {
      const piece = this.#next();
      if (piece === undefined) return pieces;
      pieces.push(piece);
    }
  }

  #next(): SipPiece | undefined {
    // RFC 5626 §3.5.1: CRLFs between messages keep the connection alive.
    this.#text = this.#text.replace(/^[\r\n]+/, '');
    const start = START.exec(this.#text);
    if (start === null) {
      // No message begins here; the end may be the beginning of one.
      this.#drop(Math.max(0, this.#text.length - 5000));
      return undefined;
    }
    this.#drop(start.index + (start[0].startsWith('\n') ? 1 : 0));
    const end = this.#text.indexOf('\r\n\r\n');
    if (end === -1 || end > MAX_HEAD) {
      if (this.#text.length > MAX_HEAD) this.#drop(this.#text.length);
      return undefined;
    }
    const head = this.#text.slice(0, end + 4);
    const length = Number(/\r\n(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})/i.exec(head)?.[1] ?? 0);
    if (length > MAX_BODY) {
      const here = Math.min(this.#text.length - head.length, length);
      this.#text = this.#text.slice(head.length + here);
      this.#skip = length - here;
      this.leftOut += here;
      return { head, body: '' };
    }
    if (this.#text.length < head.length + length) return undefined;
    const body = this.#text.slice(head.length, head.length + length);
    this.#text = this.#text.slice(head.length + length);
    return { head, body };
  }

  #drop(octets: number): void {
    this.leftOut += octets;
    this.#text = this.#text.slice(octets);
  }
}
