// The body of a request, as its route reads it: no more than it may be, and no slower.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Pace } from './web-door-pace.ts';

/** Rejects the reading of a body that is larger than its route takes. */
export class BodyTooLarge extends Error {}

/** @param most bytes; with the next one the iteration ends with BodyTooLarge */
export async function* bodyOf(request: IncomingMessage, response: ServerResponse, most: number, pace: Pace): AsyncGenerator<Uint8Array> {
  if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
  let read = 0;
  pace.reading();
  try {
    // A route that has read enough leaves the rest; the connection is still needed for its answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      if (!(chunk instanceof Uint8Array)) throw new Error('a body is octets');
      pace.waiting();
      read += chunk.length;
      if (read > most) throw new BodyTooLarge(`more than ${most} bytes`);
      yield chunk;
      pace.reading();
    }
  } finally {
    pace.waiting();
  }
}
