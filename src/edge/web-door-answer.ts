// What leaves through the web door: status, headers that hold for everything, and the body.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { WebAnswer } from '../model/web-route.ts';

/** An answer, and who may read it. */
export interface Shown {
  readonly answer: WebAnswer;
  readonly crossOrigin?: boolean;
}

const plain = (status: number, words: string, more: Readonly<Record<string, string>> = {}): WebAnswer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...more },
  body: `${words}\n`,
});

/** For paths that are not there, and for every host that is not served: nobody can tell the two. */
export const NOT_FOUND = plain(404, 'Not found.');
export const TOO_LARGE = plain(413, 'Too large.');
export const WRONG = plain(500, 'This server has made a mistake.');
export const NOT_ALLOWED = (methods: readonly string[]): WebAnswer => plain(405, 'Not allowed.', { allow: methods.join(', ') });

/** What a browser asks before it sends a request across origins (Fetch §3.3.3). */
export function preflight(methods: readonly string[]): WebAnswer {
  return {
    status: 204,
    headers: {
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': 'authorization, content-type, if-match, if-none-match, range, x-requested-with',
      'access-control-max-age': '86400',
    },
  };
}

/**
 * Holds for every answer that says nothing else: it is what its type says, runs nothing, is shown in no frame, and is not kept.
 * No Strict-Transport-Security: the same name may have a web site of somebody else on another port.
 */
const ALWAYS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};
/** Credentials are never sent along by a browser, so `*` gives nothing away that is not open. */
const ANYBODY: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'content-range, etag, location',
};

/**
 * Writes the answer to its end. Rejects when the client is gone, or the body fails on the way.
 * @param linger waits while a client goes on sending what nobody reads
 */
export async function writeAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { answer, crossOrigin }: Shown,
  linger: () => Promise<void>,
): Promise<void> {
  const { status, headers, body } = answer;
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body instanceof Uint8Array ? body.length : undefined;
  if (response.destroyed) return;
  response.writeHead(status, {
    ...ALWAYS,
    ...(crossOrigin === true && ANYBODY),
    ...headers,
    ...(length !== undefined && { 'content-length': String(length) }),
    ...(body === undefined && status !== 204 && status !== 304 && headers?.['content-length'] === undefined && { 'content-length': '0' }),
  });
  if (!request.complete) {
    // RFC 9112 §9.6: a connection that is closed over octets on their way is reset, and the answer is lost with it.
    if (typeof body === 'string' || body instanceof Uint8Array) response.write(body);
    else response.flushHeaders();
    await linger();
    response.end();
  } else if (body === undefined || request.method === 'HEAD') {
    response.end();
    // A file that was opened for it is closed.
    if (body !== undefined && typeof body === 'object' && Symbol.asyncIterator in body) await body[Symbol.asyncIterator]().return?.();
  } else if (typeof body === 'string' || body instanceof Uint8Array) response.end(body);
  else await pipeline(Readable.from(body, { objectMode: false }), response);
}
