// One frame: what framing.ts cuts from a connection's bytes, what can stand wrong in it, and how large it may be.
// RFC 3261 §7.5 and §18.3; RFC 5626 §3.5.1 for the keep-alives.

export interface FramingLimits {
  /** Start line and header lines together. */
  readonly maxHeadBytes: number;
  readonly maxBodyBytes: number;
  /** Header lines, folded ones counted once. */
  readonly maxHeaders: number;
  /** Via lines. */
  readonly maxVias: number;
  /** Continuation lines in one head. */
  readonly maxFolds: number;
}
export const FRAMING_LIMITS: FramingLimits = {
  maxHeadBytes: 32 * 1024,
  // Four times what a partner may send by default: a body that is merely too large is read, answered 413, and the connection stays.
  maxBodyBytes: 256 * 1024,
  maxHeaders: 128,
  maxVias: 64,
  maxFolds: 64,
};

export type FrameErrorCode =
  | 'FRAME_HEAD_TOO_LARGE'
  | 'FRAME_BODY_TOO_LARGE'
  | 'FRAME_TOO_MANY_HEADERS'
  | 'FRAME_TOO_MANY_VIAS'
  | 'FRAME_TOO_MANY_FOLDS'
  | 'FRAME_BARE_CONTROL'
  | 'FRAME_FOLD_MISPLACED'
  | 'FRAME_LENGTH_MISSING'
  | 'FRAME_LENGTH_REPEATED'
  | 'FRAME_LENGTH_MALFORMED'
  | 'FRAME_AFTER_LAST';

/** What stands wrong in a head, found while it is scanned. */
export interface FrameDefect {
  readonly status: 400 | 513;
  readonly code: FrameErrorCode;
  /** The Reason-Phrase to answer with: says what was wrong, holds nothing of the peer's. */
  readonly phrase: string;
  /** Byte in the head, or in the stream since the last message when there is no head. */
  readonly byteOffset: number;
}

export type Frame =
  | {
      readonly kind: 'message';
      /** Start line and header lines with their CRLF, without the empty line. */
      readonly head: Buffer;
      readonly body: Buffer;
      /** True: a reading of its length by others may differ; answer it, then close. Bytes behind it are refused. */
      readonly last: boolean;
    }
  /** A double CRLF: answer with one CRLF. */
  | { readonly kind: 'ping' }
  /** A single CRLF: the answer to our ping, or stray. */
  | { readonly kind: 'pong' }
  /** Answer (when `head` lets you), then close. `head` holds only whole, clean lines, never the bytes that were refused. */
  | ({ readonly kind: 'refused'; readonly fatal: true; readonly head?: Buffer } & FrameDefect);
