// Who tries passwords out is made to wait, however many addresses the host has.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LockOut } from '../../../src/core/sign-in/lock-out.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('a host that takes another IPv6 address for each try is one address', () => {
  const lockOut = new LockOut(new ManualClock(), { user: 10, address: 50, windowMs: 60_000 });
  for (let count = 0; count < 50; count++) lockOut.failed(`user${count}@people.example`, `2001:db8:1:2::${count.toString(16)}`);
  assert.equal(lockOut.waitMs('li@people.example', '2001:db8:1:2:ffff::1'), 60_000);
  assert.equal(lockOut.waitMs('li@people.example', '2001:db8:1:3::1'), 0);
});

test('a user who signs in is not held up by failures of before, the address is', () => {
  const clock = new ManualClock();
  const lockOut = new LockOut(clock, { user: 2, address: 3, windowMs: 60_000 });
  lockOut.failed('li@people.example', '192.0.2.1');
  lockOut.succeeded('li@people.example');
  lockOut.failed('li@people.example', '192.0.2.1');
  assert.equal(lockOut.waitMs('li@people.example', '192.0.2.1'), 0);
  lockOut.failed('omar@people.example', '192.0.2.1');
  assert.equal(lockOut.waitMs('li@people.example', '192.0.2.1'), 60_000);
  assert.equal(lockOut.waitMs('li@people.example', '192.0.2.2'), 0);
  clock.advance(60_000);
  assert.equal(lockOut.waitMs('li@people.example', '192.0.2.1'), 0);
});
