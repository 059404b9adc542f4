// Identifiers of the process (model/ports.ts Ids): UUIDv7 for events (RFC 9562 §5.7), random hex for tags and branches.

import { randomBytes } from 'node:crypto';
import type { Clock, Ids } from '../model/ports.ts';

// Randomness is fetched in blocks: one call of the system's generator for 256 short tokens.
const POOL_BYTES = 4096;

/**
 * Makes the identifiers of a process. Events made in the same millisecond still sort in the order they were made:
 * rand_a counts (RFC 9562 §6.2 method 1), and the time moves on when the counter is full or the clock steps back.
 */
export function makeIds(clock: Clock): Ids {
  let pool = Buffer.alloc(0);
  const random = (bytes: number): Buffer => {
    if (bytes > POOL_BYTES) return randomBytes(bytes);
    if (pool.length < bytes) pool = randomBytes(POOL_BYTES);
    const taken = pool.subarray(0, bytes);
    pool = pool.subarray(bytes);
    return taken;
  };
  let lastMs = 0;
  let counter = 0;
  return {
    event() {
      const now = Math.floor(clock.now());
      if (now > lastMs) {
        lastMs = now;
        counter = random(2).readUInt16BE() & 0x07ff; // the top bit stays free for counting
      } else if (++counter > 0x0fff) {
        lastMs += 1;
        counter = 0;
      }
      const time = lastMs.toString(16).padStart(12, '0');
      const tail = Buffer.from(random(8));
      tail[0] = (tail[0]! & 0x3f) | 0x80; // variant 10
      const hex = tail.toString('hex');
      return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${hex.slice(0, 4)}-${hex.slice(4)}`;
    },
    token: (bytes = 8) => random(bytes).toString('hex'),
  };
}
