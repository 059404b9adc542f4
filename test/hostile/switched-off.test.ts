// Somebody is switched off while they have clients open, and on again a moment later: nothing of before goes on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreWorld, nora } from '../core/world.ts';

test('a client of somebody who was disabled has ended before they are enabled again', async () => {
  await using world = await coreWorld();
  const desk = await world.client(nora, 'desk');
  const phone = await world.client(nora, 'phone', { face: 'sip' });
  const { people } = world.temp.store;
  const person = await people.get('nora@people.example');
  assert(person !== undefined);
  await people.put({ ...person, disabled: true });
  // A look that the clock began has just read what has changed; the one that the operator waits for does not overtake it.
  void world.core.look();
  await world.core.look();
  assert.deepEqual([desk.ended?.code, phone.ended?.code], ['AUTH_SIGN_IN_FAILED', 'AUTH_SIGN_IN_FAILED']);
  await people.put({ ...person, disabled: false });
  await world.core.look();
  assert.equal(world.core.clients.list().length, 0);
});
