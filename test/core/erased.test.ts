// Somebody is erased while the core runs: lists and clients of others know at once, and a restart brings nothing back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreWorld, li, nora, omar } from './world.ts';

const OMAR = 'omar@people.example';

test('who is erased stands in no list any more, and clients that are open hear of it', async () => {
  await using world = await coreWorld();
  const [desk, tablet, phone] = [await world.client(nora, 'desk'), await world.client(li, 'tablet'), await world.client(omar, 'phone')];
  for (const one of [desk, tablet]) await one.session.putContact({ address: omar, name: 'Omar from work', groups: ['Work'] });
  await tablet.session.putContact({ address: nora, groups: [] });
  await world.settle();
  for (const one of [desk, tablet]) one.forget();

  await world.temp.store.people.remove(OMAR);
  await world.core.erased(OMAR);
  await world.settle();
  assert.ok(phone.ended !== undefined);
  assert.deepEqual([desk.pushed.at(-1), tablet.pushed.at(-1)], [`${OMAR} removed`, `${OMAR} removed`]);
  const names = async (): Promise<unknown> => (await tablet.session.contacts()).contacts.map(({ address }) => address.local);
  assert.deepEqual([await names(), await world.temp.store.contacts.ownersOf(OMAR)], [['nora'], []]);
  await tablet.session.putContact({ address: nora, groups: ['Friends'] });
  await world.settle();
  assert.deepEqual(await world.temp.store.contacts.ownersOf(OMAR), []);
});
