// All eighteen rows of the XMPP gateway's documentation.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carryOver, type Wish } from '../../../src/ops/import/negotiation.ts';

/** TLS, SASL, dialback: what it becomes, and whether something did not work there. */
const ROWS: readonly [Wish, Wish, boolean, 'certificate' | 'dialback' | undefined, boolean][] = [
  ['required', 'required', true, 'certificate', false],
  ['required', 'required', false, 'certificate', false],
  ['optional', 'required', true, 'dialback', true],
  ['optional', 'required', false, 'certificate', true],
  ['notsupported', 'required', true, 'dialback', true],
  ['notsupported', 'required', false, undefined, true],
  ['required', 'optional', true, 'dialback', false],
  ['required', 'optional', false, 'certificate', false],
  ['optional', 'optional', true, 'dialback', false],
  ['optional', 'optional', false, 'certificate', false],
  ['notsupported', 'optional', true, 'dialback', true],
  ['notsupported', 'optional', false, undefined, true],
  ['required', 'notsupported', true, 'dialback', false],
  ['required', 'notsupported', false, undefined, true],
  ['optional', 'notsupported', true, 'dialback', false],
  ['optional', 'notsupported', false, undefined, true],
  ['notsupported', 'notsupported', true, 'dialback', false],
  ['notsupported', 'notsupported', false, undefined, true],
];

for (const [tls, sasl, dialback, proof, invalid] of ROWS) {
  test(`TLS ${tls}, SASL ${sasl}, dialback ${dialback}: ${proof ?? 'nobody could prove anything'}`, () => {
    const carried = carryOver({ tls, sasl, dialback });
    assert.equal(carried.proof, proof);
    assert.equal(
      carried.remarks.some(({ kind }) => kind === 'invalid'),
      invalid,
    );
    // Going without TLS is never carried over, and always told.
    const told = carried.remarks.some(({ kind, why }) => kind === 'lost' && /TLS is always required/.test(why));
    assert.equal(told, tls !== 'required' && proof !== undefined);
  });
}

test('dialback is never taken over without a word', () => {
  for (const [tls, sasl, dialback, proof] of ROWS)
    if (proof === 'dialback') assert.ok(carryOver({ tls, sasl, dialback }).remarks.some(({ why }) => /marked unproven/.test(why)));
});
