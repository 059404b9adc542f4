// A failed TLS handshake in the words an operator needs: what the alert means, and what would help.

import { reason } from '../errors.ts';
import type { Reason } from '../model/reason.ts';

// RFC 8446 §6.2 by OpenSSL's names. `sent by the peer` about our certificate, unless it says otherwise.
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [
    /alert unsupported certificate/i,
    'the peer refuses our certificate for this use: it probably insists on clientAuth, which public authorities no longer issue',
  ],
  [/alert unknown ca/i, 'the peer does not trust the authority of our certificate, or misses an intermediate that we should send'],
  [/alert (sslv3 )?certificate expired|alert certificate expired/i, 'the peer finds our certificate expired'],
  [/alert certificate revoked/i, 'the peer finds our certificate revoked'],
  [/alert (bad certificate|certificate unknown|access denied)/i, 'the peer refuses our certificate'],
  [/certificate required/i, 'the peer wants a certificate of ours and did not get one'],
  [
    /protocol version|unsupported protocol|wrong version number|version too low/i,
    'no common TLS version, or no TLS at all on that port; TLS 1.2 or 1.3 is needed',
  ],
  [/no shared cipher|handshake failure/i, 'no common cipher, or the peer ended the handshake without saying why'],
  [/unrecognized name/i, 'the peer serves no such name (SNI)'],
  [/no application protocol/i, 'no common application protocol (ALPN)'],
  [/http request/i, 'the peer speaks HTTP, not TLS'],
  [/ECONNRESET|socket hang up|disconnected before secure|EPIPE/i, 'the peer closed the connection in the middle of the handshake'],
];

/** @param from whose words these are: `with HOST:PORT` */
export function tlsFailure(error: unknown, from: string): Reason {
  const words = error instanceof Error ? errorWords(error) : String(error);
  const meaning = MEANINGS.find(([pattern]) => pattern.test(words))?.[1];
  return reason('NET_TLS_FAILED', `The TLS handshake ${from} failed: ${meaning === undefined ? words : `${meaning} (${words})`}.`);
}

function errorWords(error: Error): string {
  // node adds OpenSSL's own word as `reason`, and a `code`.
  const { reason: openssl, code } = error as Error & { reason?: unknown; code?: unknown };
  const words =
    typeof openssl === 'string' ? openssl : typeof code === 'string' && code !== '' ? `${code}: ${error.message}` : error.message;
  return words.slice(0, 200).replaceAll(/[^\x20-\x7e]/g, ' ');
}
