import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTopVia, parseVia, parseVias, stampVia } from '../../../../src/protocols/sip/headers/via.ts';

test('reads a hop with everything on it', () => {
  const via = parseVia('SIP/2.0/tls Edge.Fabrikam.Example:5061;branch=z9hG4bK7;received=192.0.2.1;rport=4711;alias;x="a,b;c"');
  assert.ok(via);
  assert.deepEqual([via.transport, via.host, via.port, via.branch], ['TLS', 'edge.fabrikam.example', 5061, 'z9hG4bK7']);
  assert.deepEqual([via.received, via.rport, via.alias, via.params.get('x')], ['192.0.2.1', 4711, true, 'a,b;c']);
});

test('rport without a value asks for one', () => {
  assert.equal(parseVia('SIP/2.0/TCP a.example;rport')?.rport, true);
  assert.equal(parseVia('SIP/2.0/TCP a.example')?.rport, undefined);
});

const HOSTS: readonly (readonly [text: string, host: string, port: number | undefined])[] = [
  ['[2001:DB8::9:1]', '[2001:db8::9:1]', undefined],
  ['[2001:db8::9:1]:5061', '[2001:db8::9:1]', 5061],
  ['192.0.2.1', '192.0.2.1', undefined],
  ['a_b.example : 5070', 'a_b.example', 5070],
];
for (const [text, host, port] of HOSTS) {
  test(`sent-by ${text}`, () => {
    const via = parseVia(`SIP / 2.0 / TLS   ${text} ; branch = z9hG4bK1`);
    assert.deepEqual([via?.host, via?.port, via?.branch], [host, port, 'z9hG4bK1']);
  });
}

const BAD = [
  '',
  'SIP/2.0/TLS',
  'SIP/2.0/TLS ',
  'SIP/2.0 a.example',
  'SIP/3.0/TLS a.example',
  'HTTP/1.1/TLS a.example',
  'SIP/2.0/TLS a.example;;branch=x',
  'SIP/2.0/TLS a.example;branch=x;branch=y',
  'SIP/2.0/TLS a.example;branch="a b"',
  'SIP/2.0/TLS a.example:0',
  'SIP/2.0/TLS a.example:65536',
  'SIP/2.0/TLS a.example branch=x',
  'SIP/2.0/TLS [2001:db8:::1]',
  'SIP/2.0/TLS a.example;received=not/an/address',
  'SIP/2.0/TLS a.example;rport=abc',
  'SIP/2.0/TLS a.example,',
];
for (const text of BAD) test(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseVias([text]), undefined));

test('splits hops of one line and of several', () => {
  const vias = parseVias(['SIP/2.0/TLS a.example;x="1,2", SIP/2.0/TCP b.example', 'SIP/2.0/UDP c.example']);
  assert.deepEqual(
    vias?.map((via) => via.host),
    ['a.example', 'b.example', 'c.example'],
  );
  assert.equal(parseTopVia('SIP/2.0/TLS a.example;x="1,2", SIP/2.0/TCP b.example')?.host, 'a.example');
  assert.equal(parseVias(Array.from({ length: 65 }, () => 'SIP/2.0/TLS a.example')), undefined);
});

const STAMPS: readonly (readonly [line: string, address: string, stamped: string])[] = [
  ['SIP/2.0/TLS a.example;branch=z9', '192.0.2.1', 'SIP/2.0/TLS a.example;branch=z9;received=192.0.2.1'],
  ['SIP/2.0/TLS 192.0.2.1;branch=z9', '192.0.2.1', 'SIP/2.0/TLS 192.0.2.1;branch=z9'],
  ['SIP/2.0/TLS [2001:DB8::1];branch=z9', '2001:db8::1', 'SIP/2.0/TLS [2001:DB8::1];branch=z9'],
  ['SIP/2.0/TLS a.example;RPORT;branch=z9', '192.0.2.1', 'SIP/2.0/TLS a.example;RPORT=4711;branch=z9;received=192.0.2.1'],
  ['SIP/2.0/TLS 192.0.2.1;branch=z9;rport', '192.0.2.1', 'SIP/2.0/TLS 192.0.2.1;branch=z9;rport=4711;received=192.0.2.1'],
  [
    'SIP/2.0/TLS a.example;x="rport,;rport" , SIP/2.0/TCP b;rport',
    '192.0.2.1',
    'SIP/2.0/TLS a.example;x="rport,;rport";received=192.0.2.1, SIP/2.0/TCP b;rport',
  ],
];
for (const [line, address, stamped] of STAMPS) {
  test(`stamps ${line}`, () => {
    const top = parseTopVia(line);
    assert.ok(top);
    assert.equal(stampVia(line, top, address, 4711), stamped);
    assert.ok(parseTopVia(stamped));
  });
}

test('a received that the sender wrote itself is replaced by what was seen', () => {
  const line = 'SIP/2.0/TLS a.example;received=10.0.0.1;branch=z9';
  const top = parseTopVia(line);
  assert.ok(top);
  assert.equal(stampVia(line, top, '192.0.2.1', 4711), 'SIP/2.0/TLS a.example;branch=z9;received=192.0.2.1');
});
