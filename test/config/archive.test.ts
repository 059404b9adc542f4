// records/archive.yaml: entries in the order in which they count, bounds, faults with their place, and what plan tells of a change.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compareSets, showChange } from '../../src/config/compare.ts';
import { showFinding } from '../../src/config/finding.ts';
import { checkHome, type Loaded } from '../../src/config/load.ts';

const BASE = {
  'routes/domains.yaml':
    'domains:\n  people.example: { served: core, aliases: [old.example] }\n  corp.example: { served: sip, nextHop: tls://fe1.corp.example:5061 }\n',
  'routes/policy.yaml': 'groups:\n  traders: [nora@people.example]\n',
};
function load(text?: string): Loaded {
  const files = { ...BASE, ...(text !== undefined && { 'records/archive.yaml': text }) };
  return checkHome('/home', new Map(Object.entries(files).map(([path, one]) => [path, { text: one, mode: 0o644 }])), { nowMs: 0 });
}
function good(text?: string): Loaded & { readonly ok: true } {
  const loaded = load(text);
  assert.ok(loaded.ok, loaded.faults.map(showFinding).join('\n'));
  return loaded;
}

test('without the file nothing is archived; with an empty one the defaults hold', () => {
  assert.equal(good().home.archive, undefined);
  const { keepMs, blockOnFailure, purgeHour, purgeOnlyExported, secondPerson, rules } = good('{}\n').home.archive ?? {};
  assert.deepEqual(
    [keepMs, blockOnFailure, purgeHour, purgeOnlyExported, secondPerson, rules],
    [14 * 86_400_000, false, 2, false, false, []],
  );
  assert.equal(good('retention: forever\n').home.archive?.keepMs, undefined);
});

test('entries stand most special first, under the own names of our domains', () => {
  const text = [
    'everyone: { external: true }',
    'domains:',
    '  old.example: { internal: true }',
    'groups:',
    '  traders: { internal: true, external: true }',
    'users:',
    '  Nora@old.example: { external: false }',
    '  li@people.example: { internal: true, enabled: false }',
    '',
  ].join('\n');
  const { archive } = good(text).home;
  assert.deepEqual(
    archive?.rules.map(({ who, name, internal, external, where }) => [who, name, internal, external, where.line]),
    [
      ['user', 'nora@people.example', undefined, false, 7],
      ['group', 'traders', true, true, 5],
      ['domain', 'people.example', true, undefined, 3],
      ['everyone', '', undefined, true, 1],
    ],
  );
});

for (const [title, text, told] of [
  ['a retention below a day', 'retention: 1h\n', /archive\.yaml:1:12.*from 1d to 2562d, or forever/s],
  ['a retention above the bound', 'retention: 2563d\n', /from 1d to 2562d/],
  ['an hour that is none', 'purge: { hour: 24 }\n', /archive\.yaml:1/],
  [
    'somebody who is not ours',
    'users:\n  ann@partner.example: { internal: true }\n',
    /archive\.yaml:2.*partner\.example is no domain of ours/s,
  ],
  ['a group that is not there', 'groups:\n  tradres: { internal: true }\n', /no group "tradres".*traders/s],
  ['a key that is none', 'blockOnFailures: true\n', /blockOnFailure/],
] as const)
  test(`${title} is a fault with its place`, () => assert.match(load(text).faults.map(showFinding).join('\n'), told));

test('plan tells what changes, in force at once', () => {
  const told = compareSets(good('retention: 14d\nusers:\n  nora@people.example: { internal: true }\n'), good('retention: 30d\n')).map(
    showChange,
  );
  assert.deepEqual(told, [
    '~ archive: user nora@people.example: { internal: true } (records/archive.yaml:3) -> none',
    '~ archive: retention: 14d (default) -> 30d (records/archive.yaml/retention)',
  ]);
});

test('the example is understood, and a stray file is told', () => {
  good(readFileSync(new URL('../../records/archive.yaml.example', import.meta.url), 'utf8'));
  const files = new Map(Object.entries({ ...BASE, 'records/archiv.yaml': '' }).map(([path, text]) => [path, { text, mode: 0o644 }]));
  assert.match(checkHome('/home', files, { nowMs: 0 }).faults.map(showFinding).join('\n'), /archiv\.yaml.*archive\.yaml/s);
});
