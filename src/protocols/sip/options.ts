// OPTIONS: what we can do, RFC 3261 §11.2. It is the peers' health check, so it is answered alike whoever asks and whomever
// of ours it names: nothing about users is in it.

import type { OutgoingReply } from './exchange.ts';

/** Bodies that some handler takes. */
const ACCEPTED_TYPES =
  'text/plain, text/html, multipart/alternative, message/cpim, message/imdn+xml, application/im-iscomposing+xml, application/pidf+xml';

/** @param methods those with a handler */
export function optionsReply(methods: readonly string[]): OutgoingReply {
  return {
    status: 200,
    headers: [
      ['Allow', allow(methods)],
      ['Accept', ACCEPTED_TYPES],
      ['Accept-Language', 'en'],
      ['Allow-Events', 'presence'],
      ['Supported', ''],
    ],
  };
}

/** The value of Allow, for 405 and 200. RFC 3261 §20.5. */
export function allow(methods: readonly string[]): string {
  return [...new Set([...methods, 'OPTIONS'])].join(', ');
}
