import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backOffMs, PartnerWindow } from '../../src/outbox/window.ts';

test('the back-off doubles from 1 s, never passes 5 min, and spreads by a quarter either way', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 9, 10, 40].map((failures) => backOffMs(failures, 0.5)),
    [1000, 2000, 4000, 8000, 256_000, 300_000, 300_000],
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
      const plain = Math.min(1000 * 2 ** (failures - 1), 300_000);
      const wait = backOffMs(failures, random);
      assert.ok(wait >= Math.floor(plain * 0.75) && wait <= Math.min(plain * 1.25 + 1, 300_000), `${failures} ${random} ${wait}`);
    }),
  );
});

test('rows that were on their way when the road failed are one failure, not many', () => {
  const window = new PartnerWindow(4);
  const epochs = [window.started(), window.started(), window.started()];
  for (const epoch of epochs) {
    window.returned();
    window.failed(epoch, 0, 0, 0.5);
  }
  assert.equal(window.failures, 1);
  assert.equal(window.openAt, 1000);
});

test('after a failure one row goes first; its answer opens the window again', () => {
  const window = new PartnerWindow(4);
  window.failed(window.started(), 0, 0, 0.5);
  window.returned();
  assert.equal(window.hasRoom(999), false);
  assert.equal(window.isDown(999), true);
  const probe = window.started();
  assert.equal(window.hasRoom(1000), false);
  window.returned();
  window.answered(probe);
  window.started();
  assert.equal(window.hasRoom(1000), true);
});

test('an old answer does not open a road that has failed since', () => {
  const window = new PartnerWindow(4);
  const [first, second] = [window.started(), window.started()];
  window.failed(first, 0, 0, 0.5);
  window.answered(second);
  assert.equal(window.failures, 1);
});
