// The people of the core as the tables keep them: who changed since, last sign-in, photos.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Person } from '../../src/model/core.ts';
import { openStore } from '../../src/store/store.ts';
import { tempStore } from './temp-store.ts';

const person = (local: string, more: Partial<Person> = {}): Person => ({
  address: { local, domain: 'people.example' },
  name: local,
  disabled: false,
  groups: [],
  createdAt: 1000,
  ...more,
});
const credential = { kind: 'scrypt', data: Buffer.from('x'), madeAt: 1 } as const;

test('a running process is told once of everybody who changed, whoever changed them', async () => {
  await using temp = tempStore();
  const { people } = temp.store;
  const beside = openStore({ folder: temp.folder, clock: temp.clock, mode: 'visit' });
  try {
    await people.put(person('nora'));
    await people.put(person('omar'));
    let seen = await people.changedSince(0);
    assert.deepEqual(seen.addresses, ['nora@people.example', 'omar@people.example']);
    assert.deepEqual(await people.changedSince(seen.version), { version: seen.version, addresses: [] });

    await beside.people.put(person('nora', { disabled: true }));
    seen = await people.changedSince(seen.version);
    assert.deepEqual(seen.addresses, ['nora@people.example']);
    assert.equal((await people.get('nora@people.example'))?.disabled, true);

    await beside.people.putCredentials('omar@people.example', 'phone', [credential]);
    seen = await people.changedSince(seen.version);
    assert.deepEqual(seen.addresses, ['omar@people.example']);

    await beside.people.remove('omar@people.example');
    seen = await people.changedSince(seen.version);
    assert.deepEqual(seen.addresses, ['omar@people.example']);
    assert.equal(await people.get('omar@people.example'), undefined);
    assert.deepEqual(await people.credentials('omar@people.example'), []);
  } finally {
    beside.close();
  }
});

test('last sign-in, photo and directory entry go with the person', async () => {
  await using temp = tempStore();
  const { people, directory } = temp.store;
  const key = 'nora@people.example';
  await people.put(person('nora'));
  people.noteSignIn(key, 5000);
  temp.store.flush();
  assert.equal(await people.lastSignIn(key), 5000);
  const photo = { type: 'image/jpeg', hash: 'ab'.repeat(20), data: Buffer.from([0xff, 0xd8]), changedAt: 7 } as const;
  await people.putPhoto(key, photo);
  const kept = await people.photo(key);
  assert.deepEqual({ ...kept, data: Buffer.from(kept!.data) }, photo);
  const entry = { address: key, dn: 'cn=nora', stamp: 's1', disabled: true, seenAt: 9 };
  await directory.put(entry);
  assert.deepEqual(await directory.all(), [entry]);
  await people.remove(key);
  assert.deepEqual([await people.lastSignIn(key), await people.photo(key), await directory.get(key)], [undefined, undefined, undefined]);
});
