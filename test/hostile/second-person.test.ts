// One person who would be two: under another name of theirs, nobody approves what they have asked for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { issuedName, maybeSame } from '../../src/model/audit.ts';
import { PeopleHome } from '../ops/user/people-home.ts';

const NORA = 'nora@people.example';

test('who calls themselves otherwise at the issuer, or comes by another door, is still who has asked', async () => {
  using home = new PeopleHome({ 'records/archive.yaml': 'secondPerson: true\n' });
  await home.run('user add', { address: NORA, name: 'Nora' });
  const as = (name: string, words: string, given: object) =>
    home.run(words, { ...given }, { actor: { name, role: 'compliance', via: 'api' }, why: 'case 4711' });
  const id = String(((await as(issuedName('f3-91', 'olga'), 'user history', { address: NORA })).json as { approval?: unknown }).approval);
  for (const name of [issuedName('f3-91', 'pavel'), issuedName('f3-91', undefined), issuedName('f3-91', 'x (a1-02'), 'olga', 'OLGA']) {
    const { exit, text } = await as(name, 'archive approve', { id });
    assert.deepEqual([exit, /who cannot also decide it/.test(text)], [2, true], name);
  }
  assert.equal((await as(issuedName('a1-02', 'pavel'), 'archive approve', { id })).exit, 0);
});

test('names are of one person when they may be, and of two when they cannot', () => {
  for (const [one, other, same] of [
    ['olga', 'Olga', true],
    ['olga', 'pavel', false],
    [issuedName('1', 'olga'), issuedName('2', 'olga'), true],
    [issuedName('1', 'olga'), issuedName('2', 'pavel'), false],
    [issuedName('x (y)', undefined), issuedName('x (y)', 'olga'), true],
    [issuedName('1', 'a (2)'), issuedName('2', 'b'), false],
  ] as const)
    assert.equal(maybeSame(one, other), same, `${one}, ${other}`);
});
