import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NO_SETTINGS, type PresenceSettings } from '../../src/model/presence-settings.ts';
import { tempStore } from './temp-store.ts';

const NORA = 'nora@people.example';
const SAID: PresenceSettings = {
  note: 'a secret note',
  notes: [{ text: 'a secret note', at: 1 }],
  outOfOffice: { text: 'gone', from: 1, until: 2 },
  location: 'Hamburg',
  contactsOnly: true,
  domains: { 'partner.example': 'blocked' },
};

test('what is said of presence survives a crash, is sealed, and goes with its owner', async () => {
  await using temp = tempStore();
  assert.deepEqual(await temp.store.presenceSettings.of(NORA), NO_SETTINGS);
  await temp.store.presenceSettings.put(NORA, SAID);
  const store = temp.crash();
  assert.deepEqual(await store.presenceSettings.of(NORA), SAID);
  for (const file of ['isthmus.db', 'isthmus.db-wal'])
    assert.ok(!readFileSync(join(temp.folder, file)).includes('a secret note'), `${file} holds the words`);
  await store.contacts.forget(NORA);
  assert.deepEqual(await store.presenceSettings.of(NORA), NO_SETTINGS);
  await store.presenceSettings.put(NORA, SAID);
  await store.presenceSettings.put(NORA, NO_SETTINGS);
  assert.deepEqual(await store.presenceSettings.of(NORA), NO_SETTINGS);
});
