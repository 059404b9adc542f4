// RFC 4475 and RFC 5118 as far as the codec decides them: framing, parsing, placing headers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRequest, readResponse } from '../../../src/protocols/sip/check-request.ts';
import type { Frame } from '../../../src/protocols/sip/frame.ts';
import { SipFramer } from '../../../src/protocols/sip/framing.ts';
import { parseMessage } from '../../../src/protocols/sip/parse.ts';
import { printResponse } from '../../../src/protocols/sip/print.ts';
import { RFC4475 } from '../../vectors/sip/rfc4475.ts';
import { RFC5118 } from '../../vectors/sip/rfc5118.ts';
import type { Answer } from '../../vectors/sip/torture-case.ts';

function verdict(frame: Frame | undefined): Answer {
  if (frame === undefined) return 'wait';
  if (frame.kind === 'refused') return frame.status;
  assert.equal(frame.kind, 'message');
  const message = parseMessage(frame.head, frame.body);
  const read = message.kind === 'request' ? readRequest(message) : message.kind === 'response' ? readResponse(message) : message;
  if (read.kind === 'error') return read.of === 'response' ? 'drop' : read.status;
  return 'ok';
}

test('the tables hold every case of the RFCs once', () => {
  assert.equal(RFC4475.length, 49);
  assert.equal(new Set(RFC4475.map((each) => each.name)).size, 49);
  assert.equal(RFC5118.length, 12);
  assert.equal(new Set(RFC5118.map((each) => each.name)).size, 12);
});

for (const each of [...RFC4475, ...RFC5118]) {
  test(`RFC ${RFC4475.includes(each) ? 4475 : 5118} §${each.section} ${each.name}: ${each.fact}`, () => {
    const frames = new SipFramer().push(each.bytes).filter((frame) => frame.kind !== 'pong');
    const verdicts = (each.messages === 0 ? [undefined] : frames).map(verdict);
    assert.deepEqual(new Set(verdicts), new Set([each.codec]));
    assert.equal(frames.length, each.messages ?? 1);
    assert.equal(frames.at(-1)?.kind === 'refused', each.closes === true || each.name === 'inv2543');
  });
}

test('a response to every refused request can be built from what is readable of it, and holds one message', () => {
  for (const each of [...RFC4475, ...RFC5118]) {
    const frame = new SipFramer().push(each.bytes).find((one) => one.kind === 'message' || one.kind === 'refused');
    if (typeof each.codec !== 'number' || frame?.head === undefined) continue;
    const { headers } = parseMessage(frame.head, Buffer.alloc(0));
    if (headers === undefined) continue;
    const copied = ['via', 'from', 'to', 'call-id', 'cseq'].flatMap((name) => headers.all(name).map((value) => [name, value] as const));
    const again = new SipFramer().push(printResponse({ status: each.codec, phrase: 'No', headers: copied }));
    assert.equal(again.length, 1, each.name);
    assert.equal(again[0]?.kind, 'message', each.name);
  }
});
