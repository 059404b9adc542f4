// What an operator does with users: add, look, switch off, passwords, away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PasswordSignIn } from '../../../src/core/sign-in/sign-in.ts';
import { SILENT } from '../../../src/log.ts';
import type { Live } from '../../../src/ops/live.ts';
import { makePassword, passwordFault } from '../../../src/ops/user/password-rules.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { PeopleHome } from './people-home.ts';

const KEY = 'nora@people.example';
const NORA = { local: 'nora', domain: 'people.example' };

test('a user is added before the first start, signs in with the password that was made, and nothing on record tells it', async () => {
  using home = new PeopleHome();
  const added = await home.run('user add', {
    address: 'Nora@OLD.example',
    name: 'Nora Berg',
    mail: 'nora.berg@people.example',
    generate: true,
  });
  assert.equal(added.exit, 0, added.text);
  const { password, address } = added.json as { password: string; address: string };
  assert.equal(address, KEY);
  assert.match(added.text, new RegExp(`password: ${password}\n`));

  const { people } = await home.operations.people();
  const signIn = new PasswordSignIn({ people, clock: new ManualClock(), log: SILENT, secret: Buffer.from('x') });
  assert.equal((await signIn.password(NORA, password, { face: 'xmpp', address: '192.0.2.1', connection: 'c' })).ok, true);

  const shown = await home.run('user show', { address: KEY });
  assert.match(shown.text, /name +Nora Berg\n[\s\S]*passwords +main since \d{4}-\d\d-\d\d\n/);
  const lines = JSON.stringify([await home.operations.audit().list({ from: 1, limit: 10 }), shown.json]);
  assert.doesNotMatch(lines, new RegExp(password));
  assert.match(lines, /added nora@people\.example/);
});

test('who cannot be added, and why', async () => {
  using home = new PeopleHome();
  const refusal = async (given: Readonly<Record<string, unknown>>): Promise<string> => {
    const { exit, text } = await home.run('user add', given);
    assert.equal(exit, 2, text);
    return text;
  };
  assert.match(
    await refusal({ address: 'li@corp.example' }),
    /corp\.example is served: sip.*routes\/domains\.yaml.*the core serves people\.example/,
  );
  assert.match(await refusal({ address: 'li@nowhere.example' }), /no domain of ours/);
  const file = home.write('short', 'short\nanother line\n');
  assert.match(await refusal({ address: 'li@people.example', passwordFile: file }), /at least 8 characters, this one 5/);
  assert.match(await refusal({ address: 'li@people.example', passwordFile: `${file}s` }), /there is no such file/);
  const api = { actor: { name: 'x', role: 'admin', via: 'api' } } as const;
  const overApi = await home.run('user add', { address: 'li@people.example', passwordFile: file }, api);
  assert.deepEqual([overApi.exit, /over the API/.test(overApi.text)], [2, true]);
  assert.equal((await home.run('user list')).text, 'No user yet: isthmus user add ADDRESS, or isthmus user import FILE.csv');
  assert.equal((await home.run('user add', { address: KEY })).exit, 0);
  assert.match(await refusal({ address: KEY }), /is a user already/);
});

test('disabled, enabled, changed, listed, removed', async () => {
  using home = new PeopleHome();
  await home.run('user add', { address: KEY, name: 'Nora', mobile: '+49 170 1', group: ['traders'] });
  await home.run('user add', { address: 'omar@people.example', name: 'Omar' });
  assert.equal((await home.run('user disable', { address: KEY })).exit, 0);
  assert.match((await home.run('user disable', { address: KEY })).text, /disabled already/);
  const names = async (given: Readonly<Record<string, unknown>>): Promise<unknown> =>
    ((await home.run('user list', given)).json as { users: { address: string }[] }).users.map(({ address }) => address);
  assert.deepEqual(await names({ disabled: true }), [KEY]);
  assert.deepEqual(await names({ find: 'OMA' }), ['omar@people.example']);
  assert.deepEqual(await names({ find: '+49 170' }), [KEY]);
  assert.deepEqual(await names({ group: 'Traders' }), [KEY]);
  assert.deepEqual(await names({ domain: 'other.example' }), []);
  const page = await home.run('user list', { limit: '1' });
  assert.match(page.text, /1 of 2 users\nthe next page: --after nora@people\.example/);
  assert.deepEqual(await names({ after: KEY }), ['omar@people.example']);
  assert.equal((await home.run('user enable', { address: KEY })).exit, 0);
  const changed = await home.run('user change', { address: KEY, mobile: '', title: 'Head', group: [''] });
  assert.match(changed.text, /mobile: \+49 170 1 -> \(none\)\n {2}title: Head\n {2}groups: traders -> \(none\)/);
  assert.match((await home.run('user remove', { address: KEY })).text, /--yes/);
  assert.equal((await home.run('user remove', { address: KEY, yes: true })).exit, 0);
  const gone = await home.run('user show', { address: KEY });
  assert.deepEqual([gone.exit, gone.status], [2, 404]);
});

test('who is disabled or removed is out at once: enabled a moment later, or with somebody else under the address, nothing goes on', async () => {
  using home = new PeopleHome();
  await home.run('user add', { address: KEY });
  const desk = await home.operations.people();
  const seen: unknown[] = [];
  // The running process as the commands see it.
  const live = { peopleChanged: async () => void seen.push((await desk.people.get(KEY))?.disabled) } as unknown as Live;
  await home.run('user disable', { address: KEY }, { live });
  await home.run('user enable', { address: KEY }, { live });
  await home.run('user remove', { address: KEY, yes: true }, { live });
  assert.deepEqual(seen, [true, undefined]);
});

test('a password for a device comes and goes alone', async () => {
  using home = new PeopleHome();
  await home.run('user add', { address: KEY });
  const { json } = await home.run('user password', { address: KEY, device: 'phone', generate: true });
  assert.match((json as { password: string }).password, /^([a-z2-9]{5}-){3}[a-z2-9]{5}$/);
  assert.match((await home.run('user show', { address: KEY })).text, /passwords +"phone" since/);
  assert.match((await home.run('user password', { address: KEY, removeDevice: 'fone' })).text, /there is phone/);
  assert.equal((await home.run('user password', { address: KEY, removeDevice: 'phone' })).exit, 0);
  assert.match((await home.run('user show', { address: KEY })).text, /passwords +none/);
  assert.equal((await home.run('user password', { address: KEY })).exit, 2);
});

test('which passwords are taken', () => {
  const person = { address: NORA, name: 'Nora Berg', mail: 'nora.berg@people.example' };
  for (const [password, fault] of [
    ['correct horse', undefined],
    ['пароль-длинный', undefined],
    ['seven77', /at least 8/],
    ['x'.repeat(257), /at most 256/],
    ['Nora@People.example', /own address/],
    ['nora berg', /own address or name/],
    ['password1', /first that anybody/],
    ['aaaaaaaaaa', /first that anybody/],
    ['bell\u0007bell', /control/],
  ] as const) {
    const found = passwordFault(password, person);
    if (fault === undefined) assert.equal(found, undefined, password);
    else assert.match(found ?? '', fault, password);
  }
  assert.equal(passwordFault(makePassword(), person), undefined);
  assert.notEqual(makePassword(), makePassword());
});

test('a list marks who is disabled, and has no column for it while nobody is; an address that is like nobody suggests nobody', async () => {
  using home = new PeopleHome();
  await home.run('user add', { address: KEY, name: 'Nora Berg' });
  assert.match((await home.run('user list')).text, /^ADDRESS +NAME +MAIL/);
  await home.run('user disable', { address: KEY });
  assert.match((await home.run('user list')).text, /^ADDRESS +STATE +NAME[^\n]*\nnora@people\.example +disabled +Nora Berg/);
  await home.run('user enable', { address: KEY });
  assert.match((await home.run('user show', { address: 'nora@corp.example' })).text, /Did you mean nora@people\.example/);
  assert.match((await home.run('user show', { address: 'norra@people.example' })).text, /Did you mean nora@people\.example/);
  assert.doesNotMatch((await home.run('user show', { address: 'a@b.example' })).text, /Did you mean/);
});

test('two users of one domain: what they write and see of each other is not looked for at the border', async () => {
  using home = new PeopleHome();
  for (const address of [KEY, 'li@people.example']) await home.run('user add', { address });
  const words = await home.run('explain', { idOrFrom: KEY, to: 'li@people.example' });
  assert.deepEqual([words.exit, /does not pass the border.*user history nora@people\.example --with li@/s.test(words.text)], [0, true]);
  const seen = await home.run('explain', { idOrFrom: KEY, to: 'li@people.example', presence: true });
  assert.match(seen.text, /permission: none; nora@people\.example has not asked/);
  assert.match((await home.run('explain', { idOrFrom: KEY, to: 'lee@people.example' })).text, /there is no user lee@people\.example/);
});
