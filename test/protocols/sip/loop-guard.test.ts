// Loops and merged requests, by the identifiers and by Via.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopGuard, requestIdentity } from '../../../src/protocols/sip/loop-guard.ts';
import type { SipHeaders } from '../../../src/protocols/sip/message.ts';

const vias = (...lines: string[]): SipHeaders => ({ get: () => lines[0], all: (name) => (name === 'via' ? lines : []), entries: () => [] });
const OURS = [
  { host: 'edge.contoso.example', port: 5061 },
  { host: 'in.contoso.example', port: 5060 },
];
const ID = requestIdentity('MESSAGE', 'c1', 'tag1', 7);

const ROWS: readonly [string, readonly string[], boolean][] = [
  ['nobody of us', ['SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bK1'], false],
  [
    'us at the bottom',
    ['SIP/2.0/TLS edge.fabrikam.example;branch=z9hG4bK1', 'SIP/2.0/TLS edge.contoso.example:5061;branch=z9hG4bK2'],
    true,
  ],
  [
    'us in the middle of a line',
    ['SIP/2.0/TLS a.example;branch=z9hG4bK1, SIP/2.0/TLS EDGE.contoso.example;branch=z9hG4bK2, SIP/2.0/TCP b.example'],
    true,
  ],
  ['our host, another port: another program', ['SIP/2.0/TLS edge.contoso.example:5071;branch=z9hG4bK1'], false],
  ['the inside host over TCP', ['SIP/2.0/TCP in.contoso.example;branch=z9hG4bK1'], true],
  ['our name in a parameter only', ['SIP/2.0/TLS a.example;branch=z9hG4bKedge.contoso.example'], false],
  ['a host that ends like ours', ['SIP/2.0/TLS x-edge.contoso.example;branch=z9hG4bK1'], false],
];
for (const [what, lines, loops] of ROWS) {
  test(`Via: ${what}: ${loops ? 'a loop' : 'no loop'}`, () => {
    assert.equal(new LoopGuard(OURS).returned(vias(...lines), ID, 0), loops);
  });
}

test('what we sent is recognised for at least a minute and forgotten after two', () => {
  const guard = new LoopGuard(OURS);
  const none = vias('SIP/2.0/TLS a.example;branch=z9hG4bK1');
  guard.sent('other', 60_000);
  guard.sent(ID, 119_000);
  assert.equal(guard.returned(none, ID, 120_500), true);
  assert.equal(guard.returned(none, ID, 179_000), true);
  assert.equal(guard.returned(none, requestIdentity('MESSAGE', 'c1', 'tag1', 8), 179_000), false);
  assert.equal(guard.returned(none, ID, 400_000), false);
});

test('the same request twice at once is one', () => {
  const guard = new LoopGuard(OURS);
  assert.equal(guard.begin(ID), true);
  assert.equal(guard.begin(ID), false);
  guard.finish(ID);
  assert.equal(guard.begin(ID), true);
});
