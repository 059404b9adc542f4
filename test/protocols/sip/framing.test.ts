import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FRAMING_LIMITS, type Frame } from '../../../src/protocols/sip/frame.ts';
import { SipFramer } from '../../../src/protocols/sip/framing.ts';
import { parseMessage } from '../../../src/protocols/sip/parse.ts';

const HEAD = ['MESSAGE sip:li@contoso.example SIP/2.0', 'Via: SIP/2.0/TLS a.example;branch=z9hG4bK1', 'Call-ID: c1', 'CSeq: 1 MESSAGE'];

function message(lines: readonly string[], body = ''): Buffer {
  return Buffer.from(`${[...HEAD, ...lines].join('\r\n')}\r\n\r\n${body}`);
}
const whole = (body: string): Buffer => message([`Content-Length: ${Buffer.byteLength(body)}`], body);

function all(frames: readonly Frame[]): string[] {
  return frames.map((frame) =>
    frame.kind === 'message' ? `message ${frame.body}` : frame.kind === 'refused' ? `refused ${frame.status} ${frame.code}` : frame.kind,
  );
}
const pushed = (...chunks: readonly (string | Buffer)[]): string[] => {
  const framer = new SipFramer();
  return chunks.flatMap((chunk) => all(framer.push(Buffer.from(chunk as string))));
};

test('gives head and body of a message, the head without its empty line', () => {
  const [frame] = new SipFramer().push(whole('héllo'));
  assert.ok(frame?.kind === 'message');
  assert.equal(frame.head.toString(), `${[...HEAD, 'Content-Length: 6'].join('\r\n')}\r\n`);
  assert.equal(frame.body.toString(), 'héllo');
  assert.equal(frame.last, false);
});

test('gives every message of one buffer and keeps what belongs to the next', () => {
  const framer = new SipFramer();
  const bytes = Buffer.concat([whole('one'), whole(''), whole('three')]);
  assert.deepEqual(all(framer.push(bytes.subarray(0, -2))), ['message one', 'message ']);
  assert.equal(framer.awaiting, 'body');
  assert.deepEqual(all(framer.push(bytes.subarray(-2))), ['message three']);
  assert.equal(framer.awaiting, 'nothing');
});

test('says whether a head or a body is awaited, so that the right time limit runs', () => {
  const framer = new SipFramer();
  assert.equal(framer.awaiting, 'nothing');
  framer.push(Buffer.from('MESS'));
  assert.equal(framer.awaiting, 'head');
  framer.push(Buffer.from('AGE sip:a@b SIP/2.0\r\nContent-Length: 3\r\n\r\n'));
  assert.equal(framer.awaiting, 'body');
  framer.push(Buffer.from('abc'));
  assert.equal(framer.awaiting, 'nothing');
});

test('tells keep-alive pings from pongs (RFC 5626 §3.5.1)', () => {
  assert.deepEqual(pushed('\r\n\r\n'), ['ping']);
  assert.deepEqual(pushed('\r\n'), ['pong']);
  assert.deepEqual(pushed('\r\n\r\n\r\n\r\n'), ['ping', 'ping']);
  assert.deepEqual(pushed('\r\n\r\n', whole('x'), '\r\n'), ['ping', 'message x', 'pong']);
});

test('answers a ping that was torn between two reads', () => {
  for (const [first, second] of [
    ['\r\n', '\r\n'],
    ['\r', '\n\r\n'],
    ['\r\n\r', '\n'],
  ] as const) {
    assert.deepEqual(
      pushed(first, second).filter((each) => each === 'ping'),
      ['ping'],
    );
  }
});

test('skips a stray CRLF before a start line', () => {
  assert.deepEqual(pushed(Buffer.concat([Buffer.from('\r\n'), whole('x')])), ['pong', 'message x']);
});

const REFUSED: readonly (readonly [what: string, bytes: Buffer, expected: string])[] = [
  ['no Content-Length', message([]), 'refused 400 FRAME_LENGTH_MISSING'],
  ['two different lengths', message(['Content-Length: 0', 'Content-Length: 4'], 'body'), 'refused 400 FRAME_LENGTH_REPEATED'],
  ['two equal lengths', message(['Content-Length: 4', 'Content-Length: 4'], 'body'), 'refused 400 FRAME_LENGTH_REPEATED'],
  ['a long and a compact length', message(['Content-Length: 4', 'l: 4'], 'body'), 'refused 400 FRAME_LENGTH_REPEATED'],
  ['a list of lengths', message(['Content-Length: 4, 4'], 'body'), 'refused 400 FRAME_LENGTH_MALFORMED'],
  ['a negative length', message(['Content-Length: -4'], 'body'), 'refused 400 FRAME_LENGTH_MALFORMED'],
  ['a signed length', message(['Content-Length: +4'], 'body'), 'refused 400 FRAME_LENGTH_MALFORMED'],
  ['a hexadecimal length', message(['Content-Length: 0x4'], 'body'), 'refused 400 FRAME_LENGTH_MALFORMED'],
  ['an empty length', message(['Content-Length:'], 'body'), 'refused 400 FRAME_LENGTH_MALFORMED'],
  ['digits beyond ASCII', message(['Content-Length: ４'], 'body'), 'refused 400 FRAME_LENGTH_MALFORMED'],
  ['a length of eleven digits', message(['Content-Length: 10000000000']), 'refused 400 FRAME_LENGTH_MALFORMED'],
  ['a body over the limit', message(['Content-Length: 262145']), 'refused 513 FRAME_BODY_TOO_LARGE'],
  ['a folded length', message(['Content-Length:', ' 4'], 'body'), 'refused 400 FRAME_LENGTH_MALFORMED'],
  ['a continued length', message(['Content-Length: 4', ' 2'], 'body'), 'refused 400 FRAME_LENGTH_MALFORMED'],
  ['a space before the colon of the length', message(['Content-Length : 4'], 'body'), 'refused 400 FRAME_LENGTH_MALFORMED'],
  ['a tab before the colon of the compact length', message(['l\t: 4'], 'body'), 'refused 400 FRAME_LENGTH_MALFORMED'],
  ['a bare LF in a value', message(['Subject: a\nContent-Length: 4', 'l: 0'], 'body'), 'refused 400 FRAME_BARE_CONTROL'],
  ['a bare CR in a value', message(['Subject: a\rContent-Length: 4', 'l: 0'], 'body'), 'refused 400 FRAME_BARE_CONTROL'],
  ['CR CR LF', message(['Subject: a\r', 'l: 0']), 'refused 400 FRAME_BARE_CONTROL'],
  ['bare LF as line end', Buffer.from(message(['l: 0']).toString().replaceAll('\r\n', '\n')), 'refused 400 FRAME_BARE_CONTROL'],
  ['NUL in a value', message(['Subject: a\0b', 'l: 0']), 'refused 400 FRAME_BARE_CONTROL'],
  ['NUL in the start line', Buffer.from('MESSAGE sip:a\0@b SIP/2.0\r\nl: 0\r\n\r\n'), 'refused 400 FRAME_BARE_CONTROL'],
  ['NUL behind a backslash outside quotes', message(['Subject: a\\\0b', 'l: 0']), 'refused 400 FRAME_BARE_CONTROL'],
  ['NUL as the first byte', Buffer.from('\0\r\n\r\n'), 'refused 400 FRAME_BARE_CONTROL'],
  ['LF as the first byte', Buffer.from('\nMESSAGE'), 'refused 400 FRAME_BARE_CONTROL'],
  ['CR and more as the first bytes', Buffer.from('\rMESSAGE'), 'refused 400 FRAME_BARE_CONTROL'],
  ['white space before the start line', Buffer.from(' MESSAGE sip:a@b SIP/2.0\r\nl: 0\r\n\r\n'), 'refused 400 FRAME_FOLD_MISPLACED'],
  ['a folded start line', Buffer.from('MESSAGE sip:a@b\r\n SIP/2.0\r\nl: 0\r\n\r\n'), 'refused 400 FRAME_FOLD_MISPLACED'],
  ['10,000 headers', message([...Array.from({ length: 10_000 }, () => 'A: b'), 'l: 0']), 'refused 400 FRAME_TOO_MANY_HEADERS'],
  ['129 headers', message([...Array.from({ length: 125 }, () => 'A: b'), 'l: 0']), 'refused 400 FRAME_TOO_MANY_HEADERS'],
  ['65 Via, long and compact', message([...Array.from({ length: 64 }, () => 'v: x'), 'l: 0']), 'refused 400 FRAME_TOO_MANY_VIAS'],
  ['20,000 folds', message(['A: b', ...Array.from({ length: 20_000 }, () => ' c'), 'l: 0']), 'refused 400 FRAME_TOO_MANY_FOLDS'],
  ['one long header', message([`A: ${'b'.repeat(40_000)}`, 'l: 0']), 'refused 513 FRAME_HEAD_TOO_LARGE'],
  ['a start line that never ends', Buffer.alloc(40_000, 'x'), 'refused 513 FRAME_HEAD_TOO_LARGE'],
  ['another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 'refused 400 FRAME_LENGTH_MISSING'],
  ['a TLS hello on a plain port', Buffer.from('16030100c8010000c403', 'hex'), 'refused 400 FRAME_BARE_CONTROL'],
];
for (const [what, bytes, expected] of REFUSED) {
  test(`refuses ${what}, whole or byte by byte, and reads nothing behind it`, () => {
    const framer = new SipFramer();
    assert.deepEqual(all(framer.push(Buffer.concat([bytes, whole('smuggled')]))), [expected]);
    assert.equal(framer.dead, true);
    assert.deepEqual(framer.push(whole('after')), []);
    const slow = new SipFramer();
    const frames: Frame[] = [];
    for (const byte of bytes.subarray(0, 34_000)) frames.push(...slow.push(Buffer.of(byte)));
    assert.deepEqual(all(frames), [expected]);
  });
}

test('takes what is exactly at each limit', () => {
  const limits = { maxHeadBytes: 400, maxBodyBytes: 10, maxHeaders: 8, maxVias: 3, maxFolds: 2 };
  const lines = ['v: a', 'Via: b', 'A: b', ' c', '\td'];
  const filler = (bytes: number): Buffer => {
    const short = message([...lines, 'B: ', 'l: 10'], '0123456789');
    return message([...lines, `B: ${'x'.repeat(bytes - (short.length - 12))}`, 'l: 10'], '0123456789');
  };
  assert.deepEqual(all(new SipFramer(limits).push(filler(400))), ['message 0123456789']);
  assert.deepEqual(all(new SipFramer(limits).push(filler(401))), ['refused 513 FRAME_HEAD_TOO_LARGE']);
  assert.deepEqual(all(new SipFramer({ ...limits, maxVias: 2 }).push(filler(400))), ['refused 400 FRAME_TOO_MANY_VIAS']);
  assert.deepEqual(all(new SipFramer({ ...limits, maxFolds: 1 }).push(filler(400))), ['refused 400 FRAME_TOO_MANY_FOLDS']);
  assert.deepEqual(all(new SipFramer({ ...limits, maxHeaders: 7 }).push(filler(400))), ['refused 400 FRAME_TOO_MANY_HEADERS']);
  assert.deepEqual(all(new SipFramer({ ...limits, maxBodyBytes: 9 }).push(filler(400))), ['refused 513 FRAME_BODY_TOO_LARGE']);
});

test('takes a NUL as the second half of a quoted-pair and controls in bodies', () => {
  assert.deepEqual(pushed(message(['To: "a\\\0b" <sip:a@b>', 'l: 4'], '\0\r\n\n')), ['message \0\r\n\n']);
});

test('takes a padded length from a sender who pads colons elsewhere, but reads nothing behind that message', () => {
  const padded = message(['Subject : hi', 'Content-Length : 2'], 'ok');
  const framer = new SipFramer();
  const [frame] = framer.push(padded);
  assert.ok(frame?.kind === 'message' && frame.last);
  assert.deepEqual(all(framer.push(Buffer.from('\r\n\r\n'))), ['ping']);
  assert.deepEqual(all(framer.push(whole('smuggled'))), ['refused 400 FRAME_AFTER_LAST']);
});

test('the head of a refusal holds the clean lines only, enough to answer the request', () => {
  const bytes = message(['Subject: evil\rVia: forged', ' still evil', 'From: <sip:a@b>;tag=1', 'To: <sip:c@d>', 'l: 0']);
  const [frame] = new SipFramer().push(bytes);
  assert.ok(frame?.kind === 'refused' && frame.head);
  const read = parseMessage(frame.head, Buffer.alloc(0));
  assert.ok(read.kind === 'request');
  assert.deepEqual(
    read.headers.entries().map(([name]) => name),
    ['Via', 'Call-ID', 'CSeq', 'From', 'To', 'l'],
  );
  assert.equal(frame.head.includes('evil'), false);
});

test('gives no head when not even the start line is clean', () => {
  const [frame] = new SipFramer().push(Buffer.from('MESS\0AGE sip:a@b SIP/2.0\r\nVia: x\r\n\r\n'));
  assert.ok(frame?.kind === 'refused');
  assert.equal(frame.head, undefined);
});

test('property: the same messages come out however the bytes are split', () => {
  const piece = fc.oneof(
    fc
      .uint8Array({ maxLength: 300 })
      .map((bytes) => Buffer.from(bytes).toString('utf8'))
      .map((body) => ({ bytes: whole(body), shown: `message ${body}` })),
    fc.constant({ bytes: Buffer.from('\r\n\r\n'), shown: 'ping' }),
  );
  const property = fc.property(fc.array(piece, { maxLength: 6 }), fc.array(fc.nat(2500), { maxLength: 12 }), (pieces, cuts) => {
    const bytes = Buffer.concat(pieces.map((each) => each.bytes));
    const framer = new SipFramer();
    const seen: Frame[] = [];
    let from = 0;
    for (const cut of [...new Set(cuts.filter((each) => each < bytes.length))].sort((a, b) => a - b)) {
      seen.push(...framer.push(Buffer.from(bytes.subarray(from, cut))));
      from = cut;
    }
    seen.push(...framer.push(Buffer.from(bytes.subarray(from))));
    assert.deepEqual(
      all(seen).filter((each) => each !== 'pong'),
      pieces.map((each) => each.shown),
    );
    assert.equal(framer.awaiting, 'nothing');
  });
  fc.assert(property, { numRuns: 300 });
});

test('what was given out is not overwritten by what comes later', () => {
  const framer = new SipFramer();
  const stream = Buffer.concat(Array.from({ length: 50 }, (_, at) => whole(`body ${at}`)));
  const frames: Frame[] = [];
  for (let at = 0; at < stream.length; at += 37) frames.push(...framer.push(Buffer.from(stream.subarray(at, at + 37))));
  assert.deepEqual(
    all(frames),
    Array.from({ length: 50 }, (_, at) => `message body ${at}`),
  );
});

test('time grows with the bytes, not with their square: the largest message, one byte at a time', () => {
  const largest = message(
    [...Array.from({ length: 100 }, () => `A: ${'b'.repeat(300)}`), `l: ${FRAMING_LIMITS.maxBodyBytes}`],
    'x'.repeat(FRAMING_LIMITS.maxBodyBytes),
  );
  const time = (bytes: Buffer): number => {
    const framer = new SipFramer();
    const start = process.cpuUsage();
    let messages = 0;
    for (let at = 0; at < bytes.length; at++) messages += framer.push(bytes.subarray(at, at + 1)).length;
    assert.equal(messages, 1);
    const used = process.cpuUsage(start);
    return (used.user + used.system) / 1000;
  };
  time(largest);
  // Quadratic rescanning would take 95 kB x 95 kB / 2 steps: seconds. Linear is some milliseconds.
  assert.ok(time(largest) < 500);
});
