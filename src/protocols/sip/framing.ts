// Bytes of one connection to whole messages. RFC 3261 §7.5 and §18.3: on a stream Content-Length alone says where a message
// ends, so everything by which two parties could count differently is refused. RFC 5626 §3.5.1: keep-alives in between.
// After a refusal nothing more is read: the place of the next message is unknown. Time limits are connection.ts' business.

import { FRAMING_LIMITS, type Frame, type FrameDefect, type FramingLimits } from './frame.ts';
import { HeadScan } from './head-scan.ts';
import { salvageHead } from './salvage-head.ts';

const CR = 13;
const LF = 10;
const EMPTY = Buffer.alloc(0);

/** Cuts one connection's bytes into messages. Linear in the bytes pushed, however they are split. */
export class SipFramer {
  readonly #limits: FramingLimits;
  /** Bytes not yet given out are `#bytes[#start..#end)`. */
  #bytes: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  /** True when `#bytes` is ours to append to behind `#end`. What was given out lies before and is never overwritten. */
  #own = false;
  #scan: HeadScan;
  /** While a body is awaited: where the head ends, and the length of head, empty line and body. */
  #headBytes = 0;
  #messageBytes = 0;
  /** The bytes so far ended with a single CRLF that was reported. */
  #afterCrlf = false;
  #dead = false;
  #last = false;

  constructor(limits: Partial<FramingLimits> = {}) {
    this.#limits = { ...FRAMING_LIMITS, ...limits };
    this.#scan = new HeadScan(this.#limits);
  }

  /** True while a message has begun and is not complete: the time limits for heads and bodies run. */
  get awaiting(): 'nothing' | 'head' | 'body' {
    if (this.#dead || this.#end === this.#start) return 'nothing';
    return this.#messageBytes > 0 ? 'body' : 'head';
  }

  /** True when nothing more will be given out: a fatal refusal came before. */
  get dead(): boolean {
    return this.#dead;
  }

  /** Takes the next bytes, which must not change afterwards, and gives what became whole. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    if (this.#dead || chunk.length === 0) return frames;
    this.#append(chunk);
    while (this.#end > this.#start) {
      const frame = this.#messageBytes > 0 ? this.#body() : this.#between(frames) ? undefined : this.#head();
      if (frame === undefined) break;
      if (frame !== 'again') frames.push(frame);
      if (this.#dead) break;
    }
    if (this.#start === this.#end) {
      this.#bytes = EMPTY;
      this.#start = this.#end = 0;
      this.#own = false;
    }
    return frames;
  }

  #append(chunk: Buffer): void {
    const kept = this.#end - this.#start;
    if (kept === 0) {
      this.#bytes = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#own = false;
      return;
    }
    if (!this.#own || this.#end + chunk.length > this.#bytes.length) {
      // Doubling keeps the copying linear when bytes come one by one.
      const grown = Buffer.allocUnsafeSlow(Math.max(1024, 2 * kept, kept + chunk.length, this.#messageBytes));
      this.#bytes.copy(grown, 0, this.#start, this.#end);
      this.#bytes = grown;
      this.#start = 0;
      this.#end = kept;
      this.#own = true;
    }
    chunk.copy(this.#bytes, this.#end);
    this.#end += chunk.length;
  }

  /** Reads keep-alives between messages. True: more bytes are needed before a start line can begin. */
  #between(frames: Frame[]): boolean {
    if (this.#scan.position > 0) return false;
    while (this.#end - this.#start >= 2 && this.#bytes[this.#start] === CR && this.#bytes[this.#start + 1] === LF) {
      const double = this.#end - this.#start >= 4 && this.#bytes[this.#start + 2] === CR && this.#bytes[this.#start + 3] === LF;
      // RFC 5626 §3.5.1: a ping is two CRLF, a pong one. A ping torn between two reads shows as a pong and then a ping.
      if (double && !this.#afterCrlf) {
        frames.push({ kind: 'ping' });
        this.#start += 4;
        continue;
      }
      frames.push({ kind: this.#afterCrlf ? 'ping' : 'pong' });
      this.#start += 2;
      this.#afterCrlf = !this.#afterCrlf && this.#nothingButCr();
    }
    if (this.#nothingButCr()) return true;
    this.#afterCrlf = false;
    return false;
  }

  /** Nothing is left, or a CR whose LF may still come. */
  #nothingButCr(): boolean {
    const left = this.#end - this.#start;
    return left === 0 || (left === 1 && this.#bytes[this.#start] === CR);
  }

  #head(): Frame | 'again' | undefined {
    if (this.#last) {
      return this.#refuse({ status: 400, code: 'FRAME_AFTER_LAST', phrase: 'Bytes After The Last Message', byteOffset: 0 });
    }
    const found = this.#scan.advance(this.#bytes, this.#start, this.#end);
    if (found === undefined) return undefined;
    if (found.kind === 'defect') return this.#refuse(found.defect);
    this.#headBytes = found.headBytes;
    this.#messageBytes = found.headBytes + 2 + found.bodyBytes;
    this.#last = found.last;
    return 'again';
  }

  #body(): Frame | undefined {
    if (this.#end - this.#start < this.#messageBytes) return undefined;
    const headEnd = this.#start + this.#headBytes;
    const next = this.#start + this.#messageBytes;
    const frame: Frame = {
      kind: 'message',
      head: this.#bytes.subarray(this.#start, headEnd),
      body: this.#bytes.subarray(headEnd + 2, next),
      last: this.#last,
    };
    this.#start = next;
    this.#messageBytes = 0;
    this.#scan = new HeadScan(this.#limits);
    return frame;
  }

  #refuse(defect: FrameDefect): Frame {
    const bytes = this.#bytes.subarray(this.#start, Math.min(this.#end, this.#start + this.#limits.maxHeadBytes));
    const head = defect.code === 'FRAME_AFTER_LAST' ? undefined : salvageHead(bytes, this.#limits.maxHeaders);
    this.#dead = true;
    this.#bytes = EMPTY;
    this.#start = this.#end = 0;
    return { kind: 'refused', fatal: true, ...defect, ...(head === undefined ? {} : { head }) };
  }
}
