// Nonces of ours (RFC 7616 §5.4): the time, something random, and an HMAC that binds both to one connection and realm, so that
// nothing needs to be kept of those that are never answered, and what was heard on one connection is worth nothing on another.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** A nonce is good for so long, ms. */
export const NONCE_LASTS_MS = 5 * 60_000;
const TIME_BYTES = 6;
const RANDOM_BYTES = 6;
const SEAL_BYTES = 16;

export type NonceVerdict =
  | 'good'
  /** Ours, and too old, or counted before: the client may try again with a fresh one (`stale=true`). */
  | 'stale'
  /** Not ours, or of another connection. */
  | 'foreign';

/** Makes and knows nonces. @param secret of this process */
export class Nonces {
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array = randomBytes(32)) {
    this.#secret = secret;
  }

  /** @param nowMs monotonic */
  mint(connection: string, realm: string, nowMs: number): string {
    const head = Buffer.alloc(TIME_BYTES + RANDOM_BYTES);
    head.writeUIntBE(Math.floor(nowMs), 0, TIME_BYTES);
    randomBytes(RANDOM_BYTES).copy(head, TIME_BYTES);
    return Buffer.concat([head, this.#seal(head, connection, realm)]).toString('base64url');
  }

  check(nonce: string, connection: string, realm: string, nowMs: number): NonceVerdict {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== TIME_BYTES + RANDOM_BYTES + SEAL_BYTES) return 'foreign';
    const head = bytes.subarray(0, TIME_BYTES + RANDOM_BYTES);
    if (!timingSafeEqual(bytes.subarray(head.length), this.#seal(head, connection, realm))) return 'foreign';
    return nowMs - head.readUIntBE(0, TIME_BYTES) > NONCE_LASTS_MS ? 'stale' : 'good';
  }

  #seal(head: Buffer, connection: string, realm: string): Buffer {
    return createHmac('sha256', this.#secret).update(head).update(`${connection}\n${realm}`).digest().subarray(0, SEAL_BYTES);
  }
}

const MAX_COUNTED = 16;

/** The counts that one connection has used up (RFC 7616 §3.4: nc), newest nonces only. */
export class NonceCounts {
  readonly #last = new Map<string, number>();

  /** False: this count, or a later one, was here before. Requests of one connection come in order. */
  take(nonce: string, nc: number): boolean {
    const last = this.#last.get(nonce) ?? 0;
    if (nc <= last) return false;
    this.#last.delete(nonce);
    this.#last.set(nonce, nc);
    for (const oldest of this.#last.keys()) {
      if (this.#last.size <= MAX_COUNTED) break;
      this.#last.delete(oldest);
    }
    return true;
  }
}
