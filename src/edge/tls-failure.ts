// A failed TLS handshake in the words an operator needs: what the alert means, and what would help.

import { reason } from '../errors.ts';
import type { FinerCode } from '../model/diagnosis.ts';
import type { Reason } from '../model/reason.ts';

// RFC 8446 §6.2 by OpenSSL's names. `sent by the peer` about our certificate, unless it says otherwise.
const MEANINGS: readonly (readonly [RegExp, string, FinerCode])[] = [
  [
    /alert unsupported certificate/i,
    'the peer refuses our certificate for this use: it probably insists on clientAuth, which public authorities no longer issue',
    'OUR_CERT_PURPOSE_REFUSED',
  ],
  [
    /alert unknown ca/i,
    'the peer does not trust the authority of our certificate, or misses an intermediate that we should send',
    'OUR_CERT_UNTRUSTED',
  ],
  [/alert (sslv3 )?certificate expired|alert certificate expired/i, 'the peer finds our certificate expired', 'OUR_CERT_EXPIRED'],
  [/alert certificate revoked/i, 'the peer finds our certificate revoked', 'OUR_CERT_REVOKED'],
  [/alert (bad certificate|certificate unknown|access denied)/i, 'the peer refuses our certificate', 'OUR_CERT_REFUSED'],
  [/certificate required/i, 'the peer wants a certificate of ours and did not get one', 'OUR_CERT_NOT_SHOWN'],
  [
    /wrong version number|packet length too long|record layer failure/i,
    'what answers on that port speaks no TLS; TLS 1.2 or 1.3 is needed',
    'TLS_NOT_SPOKEN',
  ],
  [/protocol version|unsupported protocol|version too low/i, 'no common TLS version; TLS 1.2 or 1.3 is needed', 'TLS_VERSION'],
  [
    /no shared cipher|handshake failure|insufficient security/i,
    'no common cipher, or the peer ended the handshake without saying why',
    'TLS_NO_SHARED_CIPHER',
  ],
  [/unrecognized name/i, 'the peer serves no such name (SNI)', 'TLS_NAME_UNKNOWN'],
  [/no application protocol/i, 'no common application protocol (ALPN)', 'TLS_NOT_SPOKEN'],
  [/http request/i, 'the peer speaks HTTP, not TLS', 'WRONG_SERVICE_HTTP'],
  [
    /ECONNRESET|socket hang up|disconnected before secure|EPIPE/i,
    'the peer closed the connection in the middle of the handshake',
    'TLS_CLOSED',
  ],
];

/** @param from whose words these are: `with HOST:PORT` */
export function tlsFailure(error: unknown, from: string): Reason {
  const words = error instanceof Error ? errorWords(error) : String(error);
  const [, meaning, finer] = MEANINGS.find(([pattern]) => pattern.test(words)) ?? [];
  const text = `The TLS handshake ${from} failed: ${meaning === undefined ? words : `${meaning} (${words})`}.`;
  return reason('NET_TLS_FAILED', text, finer === undefined ? {} : { finer });
}

function errorWords(error: Error): string {
  // node adds OpenSSL's own word as `reason`, and a `code`.
  const { reason: openssl, code } = error as Error & { reason?: unknown; code?: unknown };
  const words =
    typeof openssl === 'string' ? openssl : typeof code === 'string' && code !== '' ? `${code}: ${error.message}` : error.message;
  return words.slice(0, 200).replaceAll(/[^\x20-\x7e]/g, ' ');
}
