// How many connections one host may hold, whatever addresses it has.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission } from '../../src/edge/admission.ts';

test('a host with a whole /64 of IPv6 takes the places of one address, and gives them back', () => {
  const admission = new Admission({ perAddress: 2, total: 100 });
  const leave = [1, 2].map((host) => admission.enter(`2001:db8:1:2::${host}`));
  assert.equal(admission.enter('2001:db8:1:2:ffff::3'), undefined);
  assert.ok(admission.enter('2001:db8:1:3::1'));
  leave[0]?.();
  leave[0]?.();
  assert.ok(admission.enter('2001:db8:1:2:ffff::3'));
  assert.equal(admission.enter('2001:db8:1:2:ffff::4'), undefined);
  assert.equal(admission.total, 3);
});

test('addresses of IPv4 are one host each, also written as IPv6', () => {
  const admission = new Admission({ perAddress: 1, total: 3 });
  for (const address of ['192.0.2.1', '192.0.2.2', '::ffff:192.0.2.3']) assert.ok(admission.enter(address), address);
  assert.equal(admission.enter('192.0.2.4'), undefined);
});
