import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tlsFailure } from '../../src/edge/tls-failure.ts';

/** OpenSSL's and node's own words, as seen. */
const WORDS: readonly [string, string | undefined][] = [
  ['sslv3 alert unsupported certificate', 'OUR_CERT_PURPOSE_REFUSED'],
  ['tlsv1 alert unknown ca', 'OUR_CERT_UNTRUSTED'],
  ['sslv3 alert certificate expired', 'OUR_CERT_EXPIRED'],
  ['sslv3 alert certificate revoked', 'OUR_CERT_REVOKED'],
  ['sslv3 alert bad certificate', 'OUR_CERT_REFUSED'],
  ['tlsv13 alert certificate required', 'OUR_CERT_NOT_SHOWN'],
  ['tlsv1 alert protocol version', 'TLS_VERSION'],
  ['unsupported protocol', 'TLS_VERSION'],
  ['wrong version number', 'TLS_NOT_SPOKEN'],
  ['packet length too long', 'TLS_NOT_SPOKEN'],
  ['sslv3 alert handshake failure', 'TLS_NO_SHARED_CIPHER'],
  ['tlsv1 unrecognized name', 'TLS_NAME_UNKNOWN'],
  ['tlsv1 alert no application protocol', 'TLS_NOT_SPOKEN'],
  ['http request', 'WRONG_SERVICE_HTTP'],
  ['read ECONNRESET', 'TLS_CLOSED'],
  ['Client network socket disconnected before secure TLS connection was established', 'TLS_CLOSED'],
  ['something that nobody has seen', undefined],
];
for (const [words, finer] of WORDS) {
  test(`"${words}" is ${finer ?? 'told as it is'}`, () => {
    const why = tlsFailure(new Error(words), 'with 192.0.2.1:5061');
    assert.equal(why.finer, finer);
    assert.equal(why.code, 'NET_TLS_FAILED');
    assert.ok(why.text.includes(words) && why.text.includes('with 192.0.2.1:5061'));
  });
}
