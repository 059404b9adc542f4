import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAddress } from '../../../src/protocols/sip/address.ts';
import { type RequestCore, readRequest, readResponse } from '../../../src/protocols/sip/check-request.ts';
import { SipFramer } from '../../../src/protocols/sip/framing.ts';
import { parseContentType } from '../../../src/protocols/sip/headers/content-type.ts';
import { parseEvent } from '../../../src/protocols/sip/headers/event.ts';
import { parseContacts, parseNameAddrs } from '../../../src/protocols/sip/headers/name-addr.ts';
import { parseRetryAfter } from '../../../src/protocols/sip/headers/seconds.ts';
import { parseSubscriptionState } from '../../../src/protocols/sip/headers/subscription-state.ts';
import { parseTokens } from '../../../src/protocols/sip/headers/tokens.ts';
import { parseVias } from '../../../src/protocols/sip/headers/via.ts';
import type { SipMessage, SipRequest } from '../../../src/protocols/sip/message.ts';
import { parseMessage } from '../../../src/protocols/sip/parse.ts';
import type { ParseError } from '../../../src/protocols/sip/parse-error.ts';
import { RFC4475 } from '../../vectors/sip/rfc4475.ts';
import { RFC5118 } from '../../vectors/sip/rfc5118.ts';

/** What is wrong with a request, or undefined. */
function checkRequest(request: SipRequest): ParseError | undefined {
  const read = readRequest(request);
  return read.kind === 'error' ? read : undefined;
}

const NOTHING = Buffer.alloc(0);
const parse = (...lines: readonly string[]): SipMessage | ParseError => parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n`), NOTHING);
function request(...lines: readonly string[]): SipRequest {
  const read = parse('MESSAGE sip:li@contoso.example SIP/2.0', ...lines);
  assert.ok(read.kind === 'request', JSON.stringify(read));
  return read;
}
const GOOD: Readonly<Record<string, string>> = {
  Via: 'Via: SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bK1',
  From: 'From: <sip:nora@fabrikam.example>;tag=1',
  To: 'To: <sip:li@contoso.example>',
  'Call-ID': 'Call-ID: a@b',
  CSeq: 'CSeq: 1 MESSAGE',
  'Max-Forwards': 'Max-Forwards: 70',
};
const but = (changed: Readonly<Record<string, string>>, ...more: readonly string[]): SipRequest =>
  request(...Object.values({ ...GOOD, ...changed }).filter((line) => line !== ''), ...more);

test('reads a request line, keeping the Request-URI as received', () => {
  const read = parse('MESSAGE sip:Li%40@Contoso.example;User=phone SIP/2.0', 'To: x');
  assert.ok(read.kind === 'request');
  assert.equal(read.method, 'MESSAGE');
  assert.equal(read.uri, 'sip:Li%40@Contoso.example;User=phone');
});

test('reads a status line, the phrase in UTF-8 and perhaps empty', () => {
  const read = parse('SIP/2.0 404 Нет такого', 'To: x');
  assert.ok(read.kind === 'response');
  assert.deepEqual([read.status, read.phrase], [404, 'Нет такого']);
  const empty = parse('SIP/2.0 100 ');
  assert.ok(empty.kind === 'response');
  assert.equal(empty.phrase, '');
});

const BAD_LINES: readonly (readonly [line: string, status: number, of: ParseError['of']])[] = [
  ['MESSAGE sip:a@b SIP/3.0', 505, 'request'],
  ['MESSAGE sip:a@b sip/2.1', 505, 'request'],
  ['MESSAGE sip:a@b HTTP/1.1', 400, 'request'],
  ['MESSAGE sip:a@b', 400, 'request'],
  ['MESSAGE  sip:a@b SIP/2.0', 400, 'request'],
  ['MESSAGE sip:a@b  SIP/2.0', 400, 'request'],
  ['MESSAGE sip:a@b SIP/2.0 ', 400, 'request'],
  ['MESSAGE sip:a b SIP/2.0', 400, 'request'],
  ['MESSAGE\tsip:a@b\tSIP/2.0', 400, 'request'],
  ['MES/SAGE sip:a@b SIP/2.0', 400, 'request'],
  [' sip:a@b SIP/2.0', 400, 'request'],
  ['', 400, 'request'],
  [`${'M'.repeat(65)} sip:a@b SIP/2.0`, 400, 'request'],
  [`MESSAGE sip:${'a'.repeat(5000)}@b SIP/2.0`, 414, 'request'],
  ['SIP/2.0 20 OK', 400, 'response'],
  ['SIP/2.0 2000 OK', 400, 'response'],
  ['SIP/2.0 700 No', 400, 'response'],
  ['SIP/2.0 099 No', 400, 'response'],
  ['SIP/2.0 200', 400, 'response'],
  ['SIP/3.0 200 OK', 400, 'response'],
];
for (const [line, status, of] of BAD_LINES) {
  test(`refuses the start line ${JSON.stringify(line.slice(0, 40))} as a ${of}`, () => {
    const read = parse(line, 'Via: SIP/2.0/TLS a;branch=z9hG4bK1');
    assert.ok(read.kind === 'error');
    assert.deepEqual([read.status, read.of], [status, of]);
  });
}

test('a refused version still lets the headers be read, for the 505', () => {
  const read = parse('MESSAGE sip:a@b SIP/7.0', 'Call-ID: here');
  assert.ok(read.kind === 'error');
  assert.equal(read.headers?.get('call-id'), 'here');
  assert.equal(read.method, 'MESSAGE');
});

test('finds headers without case, by long or compact name, and unfolds them', () => {
  const { headers } = request('v: one', 'VIA: two', 'I:\r\n  folded\r\n\t value ', 'o: presence', 'U: presence', 'x-Own: Ünïcode');
  assert.equal(headers.get('via'), 'one');
  assert.deepEqual(headers.all('via'), ['one', 'two']);
  assert.equal(headers.get('call-id'), 'folded value');
  assert.equal(headers.get('event'), 'presence');
  assert.equal(headers.get('allow-events'), 'presence');
  assert.equal(headers.get('x-own'), 'Ünïcode');
  assert.equal(headers.get('to'), undefined);
  assert.deepEqual(headers.all('to'), []);
  assert.deepEqual(headers.entries()[2], ['I', 'folded value']);
});

test('takes an empty value and white space round the colon', () => {
  const { headers } = request('Subject:', 's :', 'Supported\t :\tgruu\t');
  assert.deepEqual(headers.all('subject'), ['', '']);
  assert.equal(headers.get('supported'), 'gruu');
});

test('names of object properties are ordinary, absent headers', () => {
  const { headers } = request('constructor: c', '__proto__: p', 'toString: t');
  for (const name of ['constructor', '__proto__', 'tostring']) assert.equal(headers.all(name).length, 1);
  for (const name of ['hasownproperty', 'valueof', 'length']) assert.equal(headers.get(name), undefined);
});

for (const line of ['no colon', ': no name', 'sp ace: x', 'umläut: x', 'sla/sh: x', ' fold of nothing']) {
  test(`refuses the header line ${JSON.stringify(line)} and says where`, () => {
    const read = parse('MESSAGE sip:a@b SIP/2.0', line);
    assert.ok(read.kind === 'error');
    assert.deepEqual([read.code, read.status, read.byteOffset], ['HEADER_LINE_MALFORMED', 400, 'MESSAGE sip:a@b SIP/2.0\r\n'.length]);
  });
}

test('refuses more header lines than the limit', () => {
  const read = parse('MESSAGE sip:a@b SIP/2.0', ...Array.from({ length: 129 }, () => 'A: b'));
  assert.ok(read.kind === 'error');
  assert.equal(read.code, 'HEADER_TOO_MANY');
});

test('reads the placing headers of a request once, URIs included', () => {
  const core = readRequest(but({})) as RequestCore;
  assert.equal(core.kind, 'core');
  assert.deepEqual([core.via.host, core.via.branch], ['edge.fabrikam.example', 'z9hG4bK1']);
  assert.deepEqual([core.from.tag, core.to.tag, core.callId, core.maxForwards], ['1', undefined, 'a@b', 70]);
  assert.deepEqual(core.cseq, { number: 1, method: 'MESSAGE' });
  assert.deepEqual([core.requestUri.user, core.fromUri.user, core.toUri.host], ['li', 'nora', 'contoso.example']);
});

test('takes what senders before RFC 3261 leave out: Max-Forwards, tags, branch', () => {
  assert.equal(
    checkRequest(but({ 'Max-Forwards': '', Via: 'Via: SIP/2.0/TCP a.example', From: 'From: sip:a@fabrikam.example' })),
    undefined,
  );
});

const WRONG: readonly (readonly [what: string, request: SipRequest, code: ParseError['code'], status: number])[] = [
  ...['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => [`no ${name}`, but({ [name]: '' }), 'HEADER_MISSING', 400] as const),
  ...['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards'].map(
    (name) => [`two ${name}`, but({}, GOOD[name]!), 'HEADER_REPEATED', 400] as const,
  ),
  ['a compact twin of From', but({}, 'f: <sip:x@fabrikam.example>'), 'HEADER_REPEATED', 400],
  ['two Content-Type', but({}, 'c: text/plain', 'Content-Type: text/html'), 'HEADER_REPEATED', 400],
  ['two From in one line', but({ From: 'From: <sip:a@b.example>;tag=1, <sip:c@d.example>;tag=2' }), 'HEADER_MALFORMED', 400],
  ['a malformed Via', but({ Via: 'Via: SIP/2.0/TLS' }), 'HEADER_MALFORMED', 400],
  ['another version in Via', but({ Via: 'Via: SIP/3.0/TLS a.example;branch=z9hG4bK1' }), 'HEADER_MALFORMED', 400],
  ['an empty Call-ID', but({ 'Call-ID': 'Call-ID: ' }), 'HEADER_MALFORMED', 400],
  ['two words in Call-ID', but({ 'Call-ID': 'Call-ID: a b' }), 'HEADER_MALFORMED', 400],
  ['CSeq of 2^31', but({ CSeq: 'CSeq: 2147483648 MESSAGE' }), 'HEADER_MALFORMED', 400],
  ['CSeq without a method', but({ CSeq: 'CSeq: 1' }), 'HEADER_MALFORMED', 400],
  ['CSeq in hexadecimal', but({ CSeq: 'CSeq: 0x1 MESSAGE' }), 'HEADER_MALFORMED', 400],
  ['CSeq of another method', but({ CSeq: 'CSeq: 1 INVITE' }), 'CSEQ_MISMATCH', 400],
  ['CSeq method in another case', but({ CSeq: 'CSeq: 1 message' }), 'CSEQ_MISMATCH', 400],
  ['Max-Forwards 256', but({ 'Max-Forwards': 'Max-Forwards: 256' }), 'HEADER_MALFORMED', 400],
  ['Max-Forwards -1', but({ 'Max-Forwards': 'Max-Forwards: -1' }), 'HEADER_MALFORMED', 400],
  ['a malformed Contact', but({}, 'Contact: <sip:a@b'), 'HEADER_MALFORMED', 400],
  ['an http From', but({ From: 'From: <http://a.example>;tag=1' }), 'URI_SCHEME_UNSUPPORTED', 416],
  ['a malformed sip From', but({ From: 'From: <sip:@a.example>;tag=1' }), 'URI_MALFORMED', 400],
];
for (const [what, wrong, code, status] of WRONG) {
  test(`a request with ${what} is ${status}`, () => {
    const error = checkRequest(wrong);
    assert.deepEqual([error?.code, error?.status, error?.of], [code, status, 'request']);
    assert.ok(error?.headers);
  });
}

test('CSeq 2^31 - 1 and Max-Forwards 0 and 255 are in range', () => {
  for (const hops of ['0', '255', '0070']) {
    assert.equal(checkRequest(but({ CSeq: 'CSeq: 2147483647 MESSAGE', 'Max-Forwards': `Max-Forwards: ${hops}` })), undefined);
  }
});

test('says where the malformed header stands', () => {
  const error = checkRequest(but({ 'Call-ID': 'Call-ID: a b' }));
  const before = ['MESSAGE sip:li@contoso.example SIP/2.0', GOOD.Via, GOOD.From, GOOD.To].join('\r\n').length + 2;
  assert.equal(error?.byteOffset, before);
});

test('a response with a malformed placing header is to be dropped', () => {
  const response = parse('SIP/2.0 200 OK', ...Object.values({ ...GOOD, CSeq: 'CSeq: x' }));
  assert.ok(response.kind === 'response');
  const read = readResponse(response);
  assert.ok(read.kind === 'error');
  assert.equal(read.of, 'response');
});

test('20,000 mutations of the torture messages never throw and never take long', () => {
  let seed = 20_260_630;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const cases = [...RFC4475, ...RFC5118];
  const spice = ['\r\n', '\r', '\n', '\0', '"', '\\', '<', '>', ';', ',', '%', '%00', '@', ':', ' ', '\r\n ', '\xff', '[', '=', '('];
  let slowestMs = 0;
  for (let round = 0; round < 20_000; round++) {
    let bytes = Buffer.from(cases[random(cases.length)]!.bytes);
    for (let changes = 1 + random(4); changes > 0; changes--) {
      const at = random(bytes.length);
      const kind = random(4);
      if (kind === 0) bytes[at] = random(256);
      else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + random(20)))]);
      else if (kind === 2)
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(spice[random(spice.length)]!, 'latin1'), bytes.subarray(at)]);
      else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1), at), bytes.subarray(at)]);
      if (bytes.length === 0) bytes = Buffer.from('x');
    }
    const start = process.hrtime.bigint();
    readAll(bytes);
    slowestMs = Math.max(slowestMs, Number(process.hrtime.bigint() - start) / 1e6);
  }
  // Typical is some hundredths of a millisecond; the bound leaves room for a busy machine, not for a quadratic reader.
  assert.ok(slowestMs < 250, `${slowestMs} ms`);
});

/** Everything the codec can be asked of these bytes. */
function readAll(bytes: Buffer): void {
  for (const frame of new SipFramer().push(bytes)) {
    if (frame.kind === 'ping' || frame.kind === 'pong' || frame.head === undefined) continue;
    const message = parseMessage(frame.head, frame.kind === 'message' ? frame.body : NOTHING);
    if (message.kind === 'error') continue;
    const { headers } = message;
    if (message.kind === 'request') {
      readAddress(message.uri);
      const core = readRequest(message);
      if (core.kind === 'core') for (const each of [core.from, core.to]) readAddress(each.uri);
    } else readResponse(message);
    for (const [, value] of headers.entries()) {
      parseContentType(value);
      parseEvent(value);
      parseSubscriptionState(value);
      parseRetryAfter(value);
    }
    parseVias(headers.all('via'));
    parseContacts(headers.all('contact'));
    parseNameAddrs(headers.all('route'));
    parseTokens(headers.all('require'));
  }
}
