// Messages to bytes. Built from values only: a value with CR, LF or NUL is a defect of ours and throws, so that nothing a
// stranger wrote can become a header line. RFC 3261 §7. Content-Length is always added (§18.3).

import { isHeaderName } from './lazy-headers.ts';
import type { HeaderList, OutgoingRequest, OutgoingResponse } from './message.ts';

/** A NUL is legal as the second half of a quoted-pair (RFC 3261 §25.1; RFC 4475 §3.1.1.2), which may come back in a To. */
const UNSAFE = /[\r\n]|(?<!\\)\x00/;
const METHOD = /^[A-Za-z0-9\-.!%*_+`'~]+$/;

/** A request's bytes. @throws TypeError for a method, URI, name or value that would change what the message says */
export function printRequest(request: OutgoingRequest): Buffer {
  if (!METHOD.test(request.method)) throw new TypeError('the method of an outgoing request is not a token');
  if (request.uri === '' || /[\x00-\x20\x7f<>]/.test(request.uri))
    throw new TypeError('the URI of an outgoing request holds a space, bracket or control');
  return print(`${request.method} ${request.uri} SIP/2.0\r\n`, request.headers, request.body);
}

/** A response's bytes. @throws TypeError as printRequest */
export function printResponse(response: OutgoingResponse): Buffer {
  const { status, phrase } = response;
  if (!Number.isInteger(status) || status < 100 || status > 699) throw new TypeError(`no status: ${status}`);
  if (UNSAFE.test(phrase)) throw new TypeError('the phrase of an outgoing response holds CR, LF or NUL');
  return print(`SIP/2.0 ${status} ${phrase}\r\n`, response.headers, response.body);
}

function print(start: string, headers: HeaderList, body: Uint8Array | string | undefined): Buffer {
  const head = start + headerLines(headers);
  if (body === undefined || body.length === 0) return Buffer.from(`${head}Content-Length: 0\r\n\r\n`, 'utf8');
  if (typeof body === 'string') return Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, 'utf8');
  return Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`, 'utf8'), body]);
}

function headerLines(headers: HeaderList): string {
  let lines = '';
  for (const [name, value] of headers) {
    if (!isHeaderName(name)) throw new TypeError('the name of an outgoing header is not a token');
    if (/^(?:content-length|l)$/i.test(name)) throw new TypeError('Content-Length is counted by print.ts');
    if (UNSAFE.test(value)) throw new TypeError(`the value of outgoing ${name} holds CR, LF or NUL`);
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/**
 * Foreign text made fit for one header line: controls (and the line and paragraph separators some readers break at) become
 * spaces, runs of white space one, unpaired surrogates U+FFFD, and the length is cut.
 * @param maxChars code points kept
 */
export function safeHeaderValue(text: string, maxChars: number): string {
  // Cut generously first, so that the work is bounded whatever comes in.
  const clean = text
    .slice(0, maxChars * 4)
    .toWellFormed()
    .replace(/[\x00-\x20\x7f-\x9f\u2028\u2029]+/g, ' ')
    .trim();
  return clean.length <= maxChars ? clean : [...clean].slice(0, maxChars).join('').trimEnd();
}
