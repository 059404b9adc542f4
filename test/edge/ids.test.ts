// Identifiers and the clock of the process.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeIds } from '../../src/edge/ids.ts';
import { systemClock } from '../../src/edge/system-clock.ts';
import type { Clock } from '../../src/model/ports.ts';

describe('ids', () => {
  it('events are UUIDv7 that sort in the order they were made, also when the clock stands or steps back', () => {
    let now = 1_700_000_000_000;
    const clock: Clock = { now: () => now, monotonic: () => now, after: () => ({ cancel() {} }) };
    const ids = makeIds(clock);
    const made: string[] = [];
    for (let count = 0; count < 10_000; count++) {
      if (count === 3000) now -= 5000;
      if (count === 6000) now += 60_000;
      made.push(ids.event());
    }
    for (const id of made.slice(0, 100)) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(made.toSorted(), made);
    assert.equal(new Set(made).size, made.length);
    assert.equal(Number.parseInt(made[0]!.replaceAll('-', '').slice(0, 12), 16), 1_700_000_000_000);
  });

  it('tokens are hex of the length asked for and do not repeat', () => {
    const ids = makeIds(systemClock);
    assert.match(ids.token(), /^[0-9a-f]{16}$/);
    assert.match(ids.token(20), /^[0-9a-f]{40}$/);
    assert.equal(ids.token(5000).length, 10_000);
    assert.equal(new Set(Array.from({ length: 5000 }, () => ids.token())).size, 5000);
  });
});

describe('system clock', () => {
  it('fires once after the time, and not when cancelled', async () => {
    let fired = 0;
    const keep = setTimeout(() => {}, 1000); // the clock's own timers keep nothing alive
    systemClock.after(5, () => fired++);
    systemClock.after(5, () => (fired += 100)).cancel();
    systemClock.after(2 ** 31 + 5, () => (fired += 1000)).cancel();
    await new Promise((resolve) => setTimeout(resolve, 30));
    clearTimeout(keep);
    assert.equal(fired, 1);
  });
});
