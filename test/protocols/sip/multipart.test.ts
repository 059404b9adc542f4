import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { textPart } from '../../../src/protocols/sip/documents/multipart.ts';

const body = (...parts: string[]): Buffer => Buffer.from(`${parts.map((part) => `--b\r\n${part}\r\n`).join('')}--b--\r\n`);
const read = (bytes: Buffer, boundary = 'b'): string | undefined => {
  const part = textPart(bytes, boundary);
  return part === undefined ? undefined : Buffer.from(part.content).toString();
};

test('the plain part is preferred, whatever comes first', () => {
  assert.equal(read(body('Content-Type: text/html\r\n\r\n<b>x</b>', 'Content-Type: text/plain\r\n\r\nplain')), 'plain');
  assert.equal(read(body('Content-Type: image/png\r\n\r\nx', 'Content-Type: text/html\r\n\r\n<b>x</b>')), '<b>x</b>');
  assert.equal(read(body('\r\nno headers')), 'no headers');
});

test('transfer encodings are undone', () => {
  const encoded = (encoding: string, text: string): Buffer =>
    body(`Content-Type: text/plain\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${text}`);
  assert.equal(read(encoded('base64', Buffer.from('grüße').toString('base64'))), 'grüße');
  assert.equal(read(encoded('quoted-printable', 'gr=C3=BC=C3=9Fe, a long=\r\n line')), 'grüße, a long line');
  assert.equal(read(encoded('uuencode', 'x')), undefined);
});

test('no boundary, no parts, no end: nothing is read, and nothing throws', () => {
  assert.equal(textPart(body('x'), undefined), undefined);
  assert.equal(read(Buffer.from('--b\r\n\r\nno end')), undefined);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void textPart(bytes, '-')));
});
