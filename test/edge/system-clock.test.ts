// The clock of the process keeps its word about time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/edge/system-clock.ts';

test('a timer never runs before its time: messages to a user whose server was silent do not wait for ever', async () => {
  // A lane that is held until a moment is looked at when its timer runs; half a millisecond too early was never again.
  const awake = setInterval(() => undefined, 1000); // our timers keep nothing alive
  const early = await Promise.all(
    Array.from({ length: 400 }, (_, index) => {
      const due = systemClock.monotonic() + 5 + index / 37;
      return new Promise<number>((resolve) => {
        systemClock.after(due - systemClock.monotonic(), () => resolve(due - systemClock.monotonic()));
      });
    }),
  );
  clearInterval(awake);
  assert.deepEqual(
    early.filter((ms) => ms > 0.001),
    [],
  );
});

test('a cancelled timer does not run', async () => {
  let ran = false;
  systemClock
    .after(1, () => {
      ran = true;
    })
    .cancel();
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(ran, false);
});
