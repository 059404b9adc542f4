// An address is given to somebody else: whoever has it next gets nothing of the one before, also when no process ran in between.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/edge/system-clock.ts';
import { openStore } from '../../src/store/store.ts';
import { message } from '../core/world.ts';
import { PeopleHome } from '../ops/user/people-home.ts';

const NORA = 'nora@people.example';

for (const [how, addAgain] of [
  ['user add', (home: PeopleHome) => home.run('user add', { address: NORA, name: 'Another Nora' })],
  ['user import', (home: PeopleHome) => home.run('user import', { file: home.write('staff.csv', `address,name\n${NORA},Another Nora\n`) })],
] as const)
  test(`no contact, block, choice or waiting message of before, by ${how}`, async () => {
    using home = new PeopleHome();
    await home.run('user add', { address: NORA, name: 'Nora' });
    const store = openStore({ folder: join(home.dir, 'var'), clock: systemClock, mode: 'visit' });
    try {
      const entry = { address: 'ann@partner.example', groups: ['confidential'], listed: true, favourite: false };
      const flags = { sees: true, seen: true, asked: false, asks: false, approved: false };
      await store.contacts.write([{ owner: NORA, address: entry.address, entry: { ...entry, ...flags }, wasListed: false, version: 1 }]);
      await store.blocked.put(NORA, ['bob@partner.example']);
      await store.chosen.put(NORA, { state: 'busy' });
      const said = {
        event: message({ local: 'li', domain: 'people.example' }, { local: 'nora', domain: 'people.example' }, 'for the first'),
      };
      await store.kept.keep(NORA, said, Date.now(), { items: 10, bytes: 10_000 });
      assert.equal(await store.kept.count(NORA), 1);
      await home.run('user remove', { address: NORA, yes: true });
      assert.equal((await addAgain(home)).exit, 0);
      assert.deepEqual((await store.contacts.of(NORA)).entries, []);
      assert.deepEqual(await store.blocked.of(NORA), []);
      assert.equal(await store.chosen.of(NORA), undefined);
      assert.equal(await store.kept.count(NORA), 0);
    } finally {
      store.close();
    }
  });
