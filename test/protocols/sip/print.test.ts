import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SipFramer } from '../../../src/protocols/sip/framing.ts';
import type { SipMessage } from '../../../src/protocols/sip/message.ts';
import { parseMessage } from '../../../src/protocols/sip/parse.ts';
import { printRequest, printResponse, safeHeaderValue } from '../../../src/protocols/sip/print.ts';

function readBack(bytes: Buffer): SipMessage {
  const frames = new SipFramer().push(bytes);
  const [frame] = frames;
  assert.ok(frames.length === 1 && frame?.kind === 'message', 'one message');
  const message = parseMessage(frame.head, frame.body);
  assert.ok(message.kind !== 'error', JSON.stringify(message));
  return message;
}

test('prints a request with the length of its body in bytes', () => {
  const bytes = printRequest({ method: 'MESSAGE', uri: 'sip:a@b', headers: [['To', '<sip:a@b>']], body: 'hé' });
  assert.equal(bytes.toString(), 'MESSAGE sip:a@b SIP/2.0\r\nTo: <sip:a@b>\r\nContent-Length: 3\r\n\r\nhé');
});

test('prints a response without a body', () => {
  const bytes = printResponse({ status: 200, phrase: 'OK', headers: [['Via', 'x']] });
  assert.equal(bytes.toString(), 'SIP/2.0 200 OK\r\nVia: x\r\nContent-Length: 0\r\n\r\n');
});

test('prints bytes of a body as they are', () => {
  const body = Buffer.from([0, 255, 13, 10, 0]);
  assert.deepEqual(Buffer.from(readBack(printRequest({ method: 'MESSAGE', uri: 'sip:a@b', headers: [], body })).body), body);
});

const request = { method: 'MESSAGE', uri: 'sip:a@b', headers: [] };
const BUGS: readonly (readonly [what: string, print: () => unknown])[] = [
  ['CR in a value', () => printRequest({ ...request, headers: [['A', 'b\rc']] })],
  ['LF in a value', () => printRequest({ ...request, headers: [['A', 'b\nVia: forged']] })],
  ['NUL in a value', () => printResponse({ status: 200, phrase: 'OK', headers: [['A', 'b\0']] })],
  ['a colon in a name', () => printRequest({ ...request, headers: [['A:', 'b']] })],
  ['an empty name', () => printRequest({ ...request, headers: [['', 'b']] })],
  ['a Content-Length of the caller', () => printRequest({ ...request, headers: [['content-length', '5']] })],
  ['a compact Content-Length of the caller', () => printRequest({ ...request, headers: [['l', '5']] })],
  ['a space in the URI', () => printRequest({ ...request, uri: 'sip:a@b SIP/2.0' })],
  ['CRLF in the URI', () => printRequest({ ...request, uri: 'sip:a@b\r\nX: y' })],
  ['an empty URI', () => printRequest({ ...request, uri: '' })],
  ['a space in the method', () => printRequest({ ...request, method: 'A B' })],
  ['CRLF in the phrase', () => printResponse({ status: 200, phrase: 'OK\r\nX: y', headers: [] })],
  ['no status', () => printResponse({ status: 99, phrase: 'OK', headers: [] })],
];
for (const [what, print] of BUGS) {
  test(`throws on ${what}: a defect of ours must not reach the wire`, () => {
    assert.throws(print, TypeError);
  });
}

test('a quoted NUL of a To that was received may go back in the response', () => {
  const bytes = printResponse({ status: 405, phrase: 'No', headers: [['To', '"a\\\0b" <sip:a@b>']] });
  assert.equal(readBack(bytes).headers.get('to'), '"a\\\0b" <sip:a@b>');
});

test('safe values are one line of bounded length', () => {
  assert.equal(safeHeaderValue('a\r\nVia: b\0\u0085\u2028c\td', 100), 'a Via: b c d');
  assert.equal(safeHeaderValue('  x  ', 100), 'x');
  assert.equal(safeHeaderValue('äöü😀😀', 4), 'äöü😀');
  assert.equal(safeHeaderValue('\ud800x', 5), '\ufffdx');
  assert.equal(safeHeaderValue('', 5), '');
  assert.equal([...safeHeaderValue('😀'.repeat(1_000_000), 10)].length, 10);
});

test('property: whatever the texts, what is printed reads back as the same headers and body, no more and no less', () => {
  const name = fc.stringMatching(/^x-[a-z0-9]{1,8}$/);
  const text = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('utf8')),
    fc.constant('a\r\nVia: forged\r\n\r\nbody'),
  );
  const property = fc.property(
    fc.array(fc.tuple(name, text), { maxLength: 6 }),
    fc.uint8Array({ maxLength: 60 }),
    text,
    (pairs, body, phrase) => {
      const headers = pairs.map(([each, value]) => [each, safeHeaderValue(value, 30)] as const);
      const asked = readBack(printRequest({ method: 'MESSAGE', uri: 'sip:a@b', headers, body }));
      assert.deepEqual(asked.headers.entries(), [...headers, ['Content-Length', String(body.length)]]);
      assert.deepEqual(Buffer.from(asked.body), Buffer.from(body));
      const answered = readBack(printResponse({ status: 404, phrase: safeHeaderValue(phrase, 60), headers }));
      assert.deepEqual(answered.headers.entries(), [...headers, ['Content-Length', '0']]);
    },
  );
  fc.assert(property, { numRuns: 300 });
});
