import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distance, nearest } from '../../src/config/spelling.ts';

const DISTANCES: readonly [string, string, number][] = [
  ['', '', 0],
  ['served', 'served', 0],
  ['sevred', 'served', 1],
  ['servd', 'served', 1],
  ['sserved', 'served', 1],
  ['sarved', 'served', 1],
  ['check', 'start', 5],
  ['ca', 'abc', 3],
];
for (const [a, b, expected] of DISTANCES) {
  test(`from "${a}" to "${b}" are ${expected} edits, either way`, () => {
    assert.equal(distance(a, b), expected);
    assert.equal(distance(b, a), expected);
  });
}

test('names the nearest candidate, whatever the case', () => {
  assert.equal(nearest('NextHops', ['served', 'nextHop', 'acceptFrom']), 'nextHop');
  assert.equal(nearest('messageperSecond', ['messageSize', 'messagesPerSecond']), 'messagesPerSecond');
});

test('names nothing when nothing is near, or the word is endless', () => {
  assert.equal(nearest('banana', ['served', 'nextHop']), undefined);
  assert.equal(nearest('', ['a']), undefined);
  assert.equal(nearest('x'.repeat(10_000), ['x'.repeat(10_001)]), undefined);
});
