import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fits, parseCredentials, printChallenge, responseFor } from '../../../../src/protocols/sip/clients/digest.ts';
import { NONCE_LASTS_MS, NonceCounts, Nonces } from '../../../../src/protocols/sip/clients/nonces.ts';

const RFC_7616 = {
  username: 'Mufasa',
  realm: 'http-auth@example.org',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  uri: '/dir/index.html',
  counted: { nc: 1, ncText: '00000001', cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' },
} as const;

test('the examples of RFC 7616 §3.9.1, and of RFC 2617 §3.5', () => {
  const ha1 = (algorithm: 'md5' | 'sha256', text: string): string => createHash(algorithm).update(text).digest('hex');
  const a1 = 'Mufasa:http-auth@example.org:Circle of Life';
  assert.equal(responseFor(ha1('md5', a1), { ...RFC_7616, algorithm: 'MD5' }, 'GET'), '8ca523f5e9506fed4657c9700eebdbec');
  assert.equal(
    responseFor(ha1('sha256', a1), { ...RFC_7616, algorithm: 'SHA-256' }, 'GET'),
    '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
  );
  const old = {
    ...{ username: 'Mufasa', realm: 'testrealm@host.com', nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093', uri: '/dir/index.html' },
    algorithm: 'MD5',
    counted: { nc: 1, ncText: '00000001', cnonce: '0a4f113b' },
  } as const;
  const response = '6629fae49393a05397450978507c4ef1';
  assert.equal(responseFor(ha1('md5', 'Mufasa:testrealm@host.com:Circle Of Life'), old, 'GET'), response);
  assert.equal(fits(['0'.repeat(32), ha1('md5', 'Mufasa:testrealm@host.com:Circle Of Life')], { ...old, response }, 'GET'), true);
  assert.equal(fits(['0'.repeat(32)], { ...old, response }, 'GET'), false);
});

test('credentials are read whole or not at all', () => {
  const good =
    'Digest username="no\\"ra", realm="a, b", nonce="n", uri="sip:x", response="ABCDEF0123456789abcdef0123456789", algorithm=md5, qop=auth, nc=0000000a, cnonce="c"';
  assert.deepEqual(parseCredentials(good), {
    ...{ username: 'no"ra', realm: 'a, b', nonce: 'n', uri: 'sip:x', response: 'abcdef0123456789abcdef0123456789', algorithm: 'MD5' },
    counted: { nc: 10, ncText: '0000000a', cnonce: 'c' },
  });
  // RFC 2069: without qop, and so without a count.
  assert.equal(parseCredentials(good.replace(/, algorithm.*/, ''))?.counted, undefined);
  const wrong = [
    good.replace('Digest', 'Basic'),
    good.replace('algorithm=md5', 'algorithm=MD5-sess'),
    good.replace('qop=auth,', 'qop=auth-int,'),
    good.replace('nc=0000000a', 'nc=a'),
    good.replace(', cnonce="c"', ''),
    good.replace(/, response="[^"]*"/, ''),
    good.replace('uri="sip:x"', 'uri="sip:x", uri="sip:y"'),
    good.replace('realm="a, b"', 'realm="a, b'),
    `${good}, opaque="${'x'.repeat(5000)}"`,
    `${good}, junk`,
  ];
  for (const text of wrong) assert.equal(parseCredentials(text), undefined, text.slice(0, 200));
});

test('a challenge says all that a client needs', () => {
  const text = printChallenge({ realm: 'people.example', nonce: 'n', algorithm: 'SHA-256', stale: true });
  assert.equal(text, 'Digest realm="people.example", nonce="n", algorithm=SHA-256, qop="auth", stale=true');
});

test('a nonce is good for its connection, its realm and its time', () => {
  const nonces = new Nonces(Buffer.from('a secret'));
  const nonce = nonces.mint('c1', 'people.example', 1000);
  assert.equal(nonces.check(nonce, 'c1', 'people.example', 1000 + NONCE_LASTS_MS), 'good');
  assert.equal(nonces.check(nonce, 'c1', 'people.example', 1001 + NONCE_LASTS_MS), 'stale');
  assert.equal(nonces.check(nonce, 'c2', 'people.example', 1000), 'foreign');
  assert.equal(nonces.check(nonce, 'c1', 'other.example', 1000), 'foreign');
  assert.equal(new Nonces(Buffer.from('another')).check(nonce, 'c1', 'people.example', 1000), 'foreign');
  assert.equal(nonces.check(`${nonce.slice(0, 4)}X${nonce.slice(5)}`, 'c1', 'people.example', 1000), 'foreign');
  for (const text of ['', 'x', 'A'.repeat(500), '\0']) assert.equal(nonces.check(text, 'c1', 'people.example', 1000), 'foreign');
});

test('a count is taken once and only upwards', () => {
  const counts = new NonceCounts();
  assert.deepEqual(
    [1, 1, 3, 2, 4].map((nc) => counts.take('n', nc)),
    [true, false, true, false, true],
  );
  assert.equal(counts.take('other', 1), true);
  assert.equal(counts.take('n', 0), false);
});
