// Cuts what one side of an XMPP stream says into stream headers and first-level elements, for a trace: tolerant, bounded, and able
// to begin in the middle of an element. Text between elements is never handed on.

import { tagAt } from './xml-mask.ts';

const MAX_ELEMENT = 256 * 1024;

export class XmppPieces {
  #text = '';
  /** How far `#text` has been read, and how many elements of the stanza in it are open there. */
  #at = 0;
  #depth = 0;
  leftOut = 0;

  /** @param text latin1 @returns whole pieces, latin1 */
  push(text: string): string[] {
    const pieces: string[] = [];
    this.#text += text;
    for (;;) {
      const next = this.#text.indexOf('<', this.#at);
      if (next === -1) {
        if (this.#depth === 0) this.#drop(this.#text.length);
        else this.#at = this.#text.length;
        break;
      }
      if (this.#depth === 0) this.#drop(next);
      const from = this.#depth === 0 ? 0 : next;
      this.#at = from;
      // What may still become `<!--` or `<![CDATA[` waits for its end as any other tag does.
      const tag = tagAt(this.#text, from);
      if (!tag.whole) break;
      this.#at = tag.end;
      const raw = this.#text.slice(from, tag.end);
      const local = tag.name.slice(tag.name.indexOf(':') + 1);
      if (tag.kind === 'other') {
        if (this.#depth > 0) continue;
        if (raw.startsWith('<?xml')) this.#take(pieces);
        else this.#drop(tag.end);
        continue;
      }
      if (tag.kind === 'close') {
        if (this.#depth > 0) {
          this.#depth -= 1;
          if (this.#depth === 0) this.#take(pieces);
        } else if (local === 'stream') this.#take(pieces);
        else this.#drop(tag.end); // the end of something that began before we listened
        continue;
      }
      const wholeAlone = raw.endsWith('/>');
      // A stream header is never closed by a stanza's end; it is a piece of its own.
      if (this.#depth === 0 && (local === 'stream' || wholeAlone)) this.#take(pieces);
      else if (!wholeAlone) this.#depth += 1;
    }
    if (this.#text.length > MAX_ELEMENT) {
      this.#depth = 0;
      this.#drop(this.#text.length);
    }
    return pieces;
  }

  #take(pieces: string[]): void {
    pieces.push(this.#text.slice(0, this.#at));
    this.#text = this.#text.slice(this.#at);
    this.#at = 0;
  }

  #drop(octets: number): void {
    this.leftOut += this.#text.slice(0, octets).trim().length;
    this.#text = this.#text.slice(octets);
    this.#at = 0;
  }
}
