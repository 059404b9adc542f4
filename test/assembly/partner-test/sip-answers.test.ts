import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerFault, diagnosticsWords } from '../../../src/assembly/partner-test/sip-answers.ts';
import type { SipResponse } from '../../../src/protocols/sip/message.ts';
import { parseMessage } from '../../../src/protocols/sip/parse.ts';

function response(start: string, ...headers: readonly string[]): SipResponse {
  const lines = [
    'Via: SIP/2.0/TLS a;branch=z9hG4bKx',
    'From: <sip:a@a>;tag=1',
    'To: <sip:b@b>;tag=2',
    'Call-ID: c',
    'CSeq: 1 OPTIONS',
    ...headers,
  ];
  const message = parseMessage(Buffer.from([`SIP/2.0 ${start}`, ...lines, '', ''].join('\r\n')), Buffer.alloc(0));
  assert.equal(message.kind, 'response');
  return message as SipResponse; // just asserted
}

const ANSWERS: readonly [string, string | undefined, ...string[]][] = [
  ['200 OK', undefined],
  ['404 Not Found', undefined], // RFC 3261 §11.2: no user was meant
  ['405 Method Not Allowed', undefined],
  ['480 Temporarily Unavailable', undefined],
  ['501 Not Implemented', undefined],
  ['404 Not Found', 'SIP_404_NOT_FOUND', 'ms-diagnostics-public: 1003;reason="User does not exist"'],
  ['403 Forbidden', 'SIP_403_FORBIDDEN'],
  ['407 Proxy Authentication Required', 'SIP_403_FORBIDDEN'],
  ['603 Decline', 'SIP_403_FORBIDDEN'],
  ['481 Call/Transaction Does Not Exist', 'SIP_481_NO_DIALOG'],
  ['482 Loop Detected', 'SIP_482_LOOP'],
  ['483 Too Many Hops', 'SIP_483_TOO_MANY_HOPS'],
  ['488 Not Acceptable Here', 'SIP_488_NOT_ACCEPTABLE'],
  ['503 Service Unavailable', 'SIP_503_UNAVAILABLE', 'Retry-After: 30'],
  ['504 Server Time-out', 'SIP_504_TIMEOUT'],
  ['500 Server Internal Error', 'SIP_ERROR'],
];
for (const [start, code, ...headers] of ANSWERS) {
  test(`OPTIONS answered with ${start}${headers.length > 0 ? ` and ${headers.join()}` : ''}: ${code ?? 'it lives'}`, () => {
    assert.equal(answerFault(response(start, ...headers), 'partner.example')?.finer, code);
  });
}

test('the diagnosis of a Microsoft edge is decoded, and the time to wait told', () => {
  const words = diagnosticsWords((name) =>
    name === 'ms-diagnostics'
      ? '1010;reason="Certificate trust with another server could not be established";source="edge.partner.example"'
      : undefined,
  );
  assert.equal(
    words,
    'ms-diagnostics 1010: it has no trust in the certificate of the next hop ("Certificate trust with another server could not be established"), said by edge.partner.example',
  );
  assert.equal(
    diagnosticsWords((name) => (name === 'ms-diagnostics' ? '4777' : undefined)),
    'ms-diagnostics 4777: user services',
  );
  assert.equal(
    diagnosticsWords((name) => (name === 'warning' ? '399 edge "no way"' : undefined)),
    'Warning: 399 edge "no way"',
  );
  assert.equal(
    diagnosticsWords(() => undefined),
    undefined,
  );
  assert.match(answerFault(response('503 Service Unavailable', 'Retry-After: 30'), 'partner.example')?.text ?? '', /again after 30 s/);
});
