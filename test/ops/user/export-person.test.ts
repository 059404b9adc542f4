// A person's own data, as they may ask for it: account, lists and settings as JSON, contacts as vCards, and no secrets.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { vCard } from '../../../src/ops/user/export-person.ts';
import { openStore } from '../../../src/store/store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { PeopleHome } from './people-home.ts';

const NORA = 'nora@people.example';

test('everything that is kept of a person is exported as data, without secrets, and the manifest covers it', async () => {
  using home = new PeopleHome();
  home.why = 'case 4711';
  await home.run('user add', { address: NORA, name: 'Nora Berg', mail: 'nora.berg@people.example' });
  const store = openStore({ folder: `${home.dir}/var`, clock: new ManualClock(), mode: 'visit' });
  await store.people.putCredentials(NORA, 'phone', [{ kind: 'scrypt', data: Buffer.from('the secret itself'), madeAt: 0 }]);
  const entry = {
    ...{ address: 'omar@people.example', name: 'Omar', groups: ['Work'], sees: true, seen: true, asked: false, asks: false },
    ...{ approved: false, listed: true, favourite: true },
  };
  await store.contacts.write([{ owner: NORA, address: entry.address, entry, wasListed: false, version: 1 }]);
  await store.blocked.put(NORA, ['bob@partner.example']);
  await store.personal.putPrivate(NORA, '{storage:bookmarks}storage', '<storage/>', { bytes: 10_000, nodes: 10 });
  store.close();
  const out = join(home.dir, 'out');
  const { exit, text } = await home.run('user export', { address: NORA, out });
  assert.equal(exit, 0, text);
  const raw = readFileSync(join(out, 'person.json'), 'utf8');
  const person = JSON.parse(raw);
  assert.deepEqual(
    [person.account.name, person.account.mail, person.account.passwords[0].device],
    ['Nora Berg', 'nora.berg@people.example', 'phone'],
  );
  assert.deepEqual([person.contactList.contacts[0].address, person.contactList.blocked], ['omar@people.example', ['bob@partner.example']]);
  assert.match(raw, /storage:bookmarks/);
  assert.doesNotMatch(raw, /the secret itself|dGhlIHNlY3JldCBpdHNlbGY/);
  assert.match(readFileSync(join(out, 'contacts.vcf'), 'utf8'), /FN:Omar\r\nIMPP:im:omar@people\.example\r\nCATEGORIES:Work\r\n/);
  assert.equal((await home.run('archive verify', { folder: out })).exit, 0);
  const part = join(home.dir, 'part');
  await home.run('user export', { address: NORA, out: part, since: '7d' });
  assert.equal(existsSync(join(part, 'person.json')), false, 'a part of the conversations is for a case');
});

test('a contact is a vCard that other programs read, whatever it is called', () => {
  const name = `Li; "the, one"\\\nBEGIN:VCARD ${'ä'.repeat(60)}`;
  const card = vCard({ address: 'li und co@people.example', name, groups: ['a,b', 'c'] });
  assert.match(card, /^BEGIN:VCARD\r\nVERSION:4\.0\r\nFN:Li\\; "the\\, one"\\\\\\nBEGIN:VCARD /);
  assert.match(card, /\r\nIMPP:im:li%20und%20co@people\.example\r\nCATEGORIES:a\\,b,c\r\nEND:VCARD\r\n$/);
  for (const line of card.split('\r\n')) assert.ok(Buffer.byteLength(line) <= 75);
  assert.equal(
    card
      .replaceAll('\r\n ', '')
      .split('\r\n')
      .filter((line) => line === 'BEGIN:VCARD').length,
    1,
  );
});
