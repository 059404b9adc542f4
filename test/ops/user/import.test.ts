// Users from a table: each line judged for itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeopleHome } from './people-home.ts';

const TABLE = [
  'SipAddress;DisplayName;EmailAddress;Groups;Password;Shoe',
  'sip:li@people.example;Lí;li@people.example;traders|board;;42',
  'sip:nora@people.example;Nora B.;;;qwertzuiop99;',
  'li@people.example;Li;;;;',
  'x@corp.example;;;;;',
  'omar@people.example;Omar;not-a-mail;;;',
  'zed@people.example;Zed;;;zed@people.example;',
  '',
].join('\r\n');

interface Result {
  readonly users: readonly { readonly line: number; readonly address: string; readonly done: string; readonly password?: string }[];
  readonly faults: readonly { readonly line: number; readonly fault: string }[];
}

test('good lines are taken, faults are told by line, a dry run writes nothing', async () => {
  using home = new PeopleHome();
  const file = home.write('staff.csv', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(TABLE, 'utf16le')]));
  await home.run('user add', { address: 'nora@people.example', name: 'Nora' });
  const dry = await home.run('user import', { file, dryRun: true });
  assert.equal(dry.exit, 1);
  assert.match(dry.text, /line 2: li@people\.example would be added/);
  assert.equal(((await home.run('user list')).json as { total: number }).total, 1);

  const done = await home.run('user import', { file });
  const { users, faults } = done.json as Result;
  assert.deepEqual(
    users.map(({ line, address, done: what }) => [line, address, what]),
    [
      [2, 'li@people.example', 'added'],
      [3, 'nora@people.example', 'changed'],
    ],
  );
  assert.deepEqual(
    faults.map(({ line, fault }) => [line, fault.split(/[;"]/)[0]]),
    [
      [4, 'stands in line 2 already'],
      [5, 'corp.example is served: sip, its users live there (routes/domains.yaml)'],
      [6, 'mail '],
      [7, "the user's own address or name is no password"],
    ],
  );
  assert.match(done.text, /column "Shoe" is not read/);
  const shown = await home.run('user show', { address: 'li@people.example' });
  assert.match(shown.text, /name +Lí\n[\s\S]*groups +traders, board\n/);
  assert.match((await home.run('user show', { address: 'nora@people.example' })).text, /passwords +main/);
  const again = await home.run('user import', { file });
  assert.match(again.text, /has a password already, which stays[\s\S]*0 users added, 0 changed, 2 as they were, 4 left out/);
});

test('passwords are made for new users, and shown once', async () => {
  using home = new PeopleHome();
  const { text, json } = await home.run('user import', { csv: 'address\nli@people.example\n', generate: true });
  const [li] = (json as Result).users;
  assert.match(text, new RegExp(`passwords, shown this once:\n {2}li@people\\.example {2}${li?.password}`));
  const lines = JSON.stringify(await home.operations.audit().list({ from: 1, limit: 10 }));
  assert.equal(lines.includes(li!.password!), false);
});

test('what is no table of users is told', async () => {
  using home = new PeopleHome();
  for (const [csv, why] of [
    ['name,mail\nLi,li@people.example\n', /no column "address"/],
    ['address,name\n', /a heading and no user/],
    ['', /the table is empty/],
    ['address,address\nli@people.example,x\n', /names "address" twice/],
  ] as const) {
    const { exit, text } = await home.run('user import', { csv });
    assert.equal(exit, 2);
    assert.match(text, why);
  }
});
