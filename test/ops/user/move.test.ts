// What an operator does with a split domain: people move between the core and the internal system. And other addresses.

import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contactFile } from '../../../src/ops/user/contact-files.ts';
import { PeopleHome } from './people-home.ts';

const OMAR = 'omar@people.example';
const SPLIT =
  'domains:\n  people.example:\n    served: core\n    otherwise: { served: sip, nextHop: tls://fe1.people.example, acceptFrom: fe1.people.example }\n  corp.example:\n    served: core\n';

test('to the core and back: account, password, contacts in a file, and what to do at the other system', async () => {
  using home = new PeopleHome();
  home.write('routes/domains.yaml', SPLIT);
  const dry = await home.run('user move', { address: OMAR, to: 'core', dryRun: true });
  assert.match(
    dry.text,
    /^omar@people\.example would live in the core from now on; nothing is written\.\nat the other system:\n {2}take the account/,
  );
  assert.equal((await home.run('user list')).text, 'No user yet: isthmus user add ADDRESS, or isthmus user import FILE.csv');

  const moved = await home.run('user move', { address: OMAR, to: 'core', name: 'Omar Haddad', generate: true });
  assert.equal(moved.exit, 0, moved.text);
  assert.match(moved.text, /\npassword: \S+\nIt is shown this once/);
  assert.match((await home.run('user show', { address: OMAR })).text, /name +Omar Haddad\n[\s\S]*passwords +main since/);
  assert.match((await home.run('user move', { address: OMAR, to: 'core' })).text, /is a user of the core already/);

  const { people } = await home.operations.people();
  assert.notEqual(await people.get(OMAR), undefined);
  const file = join(home.dir, 'omar.vcf');
  const back = await home.run('user move', { address: OMAR, to: 'inside', out: file });
  assert.equal(back.exit, 0, back.text);
  assert.match(back.text, /lives in the internal SIP system[\s\S]*make the account omar@people\.example there|make the account/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(readFileSync(file, 'utf8'), '');
  assert.equal(await people.get(OMAR), undefined);
  const audit = JSON.stringify(await home.operations.audit().list({ from: 1, limit: 10 }));
  assert.match(audit, /moved omar@people\.example to the core/);
  assert.match(audit, /moved omar@people\.example to the inside \(sip\)/);
  assert.doesNotMatch(audit, new RegExp(/password: (\S+)/.exec(moved.text)?.[1] ?? 'no password'));
});

test('who cannot be moved, and why', async () => {
  using home = new PeopleHome();
  home.write('routes/domains.yaml', SPLIT);
  const refusal = async (given: Readonly<Record<string, unknown>>, more: object = {}): Promise<string> => {
    const { exit, text } = await home.run('user move', given, more);
    assert.equal(exit, 2, text);
    return text;
  };
  assert.match(await refusal({ address: 'li@corp.example', to: 'core' }), /served: core for everybody; otherwise:/);
  assert.match(await refusal({ address: 'li@nowhere.example', to: 'core' }), /no domain of ours/);
  assert.match(await refusal({ address: OMAR, to: 'inside' }), /no user of the core; every other address/);
  await home.run('user add', { address: OMAR });
  assert.match(await refusal({ address: OMAR, to: 'inside', generate: true }), /are for --to core/);
  assert.match(await refusal({ address: OMAR, to: 'inside', out: home.write('there', '') }), /is there already/);
  const api = { actor: { name: 'x', role: 'admin', via: 'api' } } as const;
  assert.match(await refusal({ address: OMAR, to: 'inside', out: 'x.json' }, api), /over the API the answer has the contacts/);
});

test('contacts as vCards: escaped, folded at 75 octets, one card each', () => {
  const contact = { groups: ['Work, north', 'Friends'], favourite: false, subscription: 'both' } as const;
  const text = contactFile('x.vcf', [
    { ...contact, address: 'ann lee@other.example', name: `Ann; Lee\\${'ü'.repeat(60)}` },
    { ...contact, address: 'bob@other.example', name: null, groups: [] },
  ]);
  const lines = text.split('\r\n');
  assert.ok(lines.every((line) => Buffer.byteLength(line) <= 75));
  const unfolded = text.replaceAll('\r\n ', '');
  assert.match(
    unfolded,
    /^BEGIN:VCARD\r\nVERSION:4\.0\r\nFN:Ann\\; Lee\\\\ü{60}\r\nIMPP:xmpp:ann%20lee@other\.example\r\nCATEGORIES:Work\\, north,Friends\r\nEND:VCARD\r\n/,
  );
  assert.match(unfolded, /FN:bob@other\.example\r\nIMPP:xmpp:bob@other\.example\r\nEND:VCARD\r\n$/);
  assert.deepEqual(
    JSON.parse(contactFile('x.json', [{ ...contact, address: 'a@b.example', name: null }])).contacts[0].groups,
    contact.groups,
  );
});

test('other addresses: in any form that people write, found, shown, changed, and named where somebody types one', async () => {
  using home = new PeopleHome();
  const nora = {
    address: 'nora@people.example',
    mail: 'nora.berg@corp.example',
    other: ['SIP:Nora@lync.example', 'smtp:berg@people.example'],
  };
  assert.equal((await home.run('user add', nora)).exit, 0);
  assert.match((await home.run('user show', { address: nora.address })).text, /also known by +nora@lync\.example, berg@people\.example/);
  assert.match((await home.run('user list', { find: 'nora@lync' })).text, /^nora@people\.example/m);
  for (const known of ['berg@people.example', 'nora.berg@corp.example'])
    assert.match(
      (await home.run('user show', { address: known })).text,
      new RegExp(`no user ${known}; it is an other address of nora@people\\.example`),
    );
  assert.match(
    (await home.run('user change', { address: nora.address, other: 'x@y.example' })).text,
    /other addresses: nora@lync\.example, berg@people\.example -> x@y\.example/,
  );
  assert.match((await home.run('user change', { address: nora.address, other: '' })).text, /x@y\.example -> \(none\)/);
  await assert.rejects(
    home.run('user add', { address: 'li@people.example', other: 'no address' }),
    /an address such as nora@corp\.example/,
  );
  const file = home.write('staff.csv', 'address,proxyAddresses\nomar@people.example,"SMTP:o@corp.example; sip:omar@lync.example"\n');
  await home.run('user import', { file });
  const { people } = await home.operations.people();
  assert.deepEqual((await people.get(OMAR))?.addresses, ['o@corp.example', 'omar@lync.example']);
  await home.run('user remove', { address: OMAR, yes: true });
  assert.deepEqual(await people.knownBy('o@corp.example'), []);
});
