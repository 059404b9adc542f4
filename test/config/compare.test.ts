import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Change, compareSets, showChange } from '../../src/config/compare.ts';
import { check, exampleText, exampleWith } from './example.ts';

const POLICY = 'routes/policy.yaml';

function compared(changes: Readonly<Record<string, string | undefined>>): readonly Change[] {
  const [before, after] = [check(exampleWith({})), check(exampleWith(changes))];
  assert.ok(before.ok && after.ok, JSON.stringify(after.faults));
  return compareSets(before, after);
}

const edited = (path: string, from: string | RegExp, to: string): Record<string, string> => ({
  [path]: exampleText(path).replace(from, to),
});

const rows: readonly [what: string, changes: Readonly<Record<string, string | undefined>>, shown: readonly RegExp[]][] = [
  ['nothing', {}, []],
  ['a line that moved is no change', edited(POLICY, /^/, '# one more line\n'), []],
  ['a partner more', { 'routes/partners/a.example.yaml': '' }, [/^\+ partner a\.example \(routes\/partners\/a\.example\.yaml:1\)$/]],
  ['a partner less', { 'routes/partners/old.example.yaml': undefined }, [/^- partner old\.example/]],
  [
    'a default that is written now',
    edited('routes/partners/old.example.yaml', /$/, 'idleWatcherDays: 3\n'),
    [/idleWatcherDays: 7 \(default\) -> 3 \(routes\/partners\/old\.example\.yaml:4\)$/],
  ],
  [
    'presence of people that has its default before',
    { 'people/presence.yaml': 'contactsOnly: true\n' },
    [/^~ people: contactsOnly: false \(default\) -> true \(people\/presence\.yaml\/contactsOnly\)$/],
  ],
  [
    'an archive that begins',
    { 'records/archive.yaml': 'retention: 30d\n' },
    [
      /^~ archive: blockOnFailure: none -> false \(default\)$/,
      /retention: none -> 30d \(records\/archive\.yaml\/retention\)$/,
      ...['purge.hour', 'purge.onlyExported', 'secondPerson'].map((key) => new RegExp(`${key}: none -> \\S+ \\(default\\)$`)),
    ],
  ],
  [
    'the switch',
    edited(POLICY, 'federation: closed', 'federation: off'),
    [/^~ policy: federation: closed \(routes\/policy\.yaml:2\) -> off/],
  ],
  ['a block more', edited(POLICY, 'blocked:\n', 'blocked:\n  - { domain: x.example }\n'), [/^\+ block x\.example/]],
  [
    'a block that ends sooner',
    edited(POLICY, '2026-12-24', '2026-12-20'),
    [/^~ block mallory@partner\.example: until: 2026-12-24T06:00:00Z .* -> 2026-12-20T06:00:00Z/],
  ],
  [
    'a member of a group',
    edited(POLICY, ', omar@corp.example', ''),
    [/^~ policy: groups\.traders: \[nora@corp\.example, omar@corp\.example\] .* -> \[nora@corp\.example\]/],
  ],
  ['a rule less', edited(POLICY, /.*who: everyone.*\n/, ''), [/^- rule \{ who: everyone, with: listed, messages: both \}/]],
  [
    'what policy.yaml says about every partner',
    edited(POLICY, 'messageSize: 64KiB }\ndiscovered', 'messageSize: 32KiB }\ndiscovered'),
    Array.from({ length: 3 }, () => /limits\.messageSize: 64KiB .* -> 32KiB/),
  ],
  [
    'a place of the process',
    edited('isthmus.yaml', 'ledger: 30d', 'ledger: 31d'),
    [/^~ isthmus\.yaml: retention\.ledgerMs: .*; with the next start$/],
  ],
];
for (const [what, changes, shown] of rows)
  test(`compare: ${what}`, () => {
    const found = compared(changes).map(showChange);
    assert.equal(found.length, shown.length, found.join('\n'));
    for (const [index, pattern] of shown.entries()) assert.match(found[index]!, pattern);
  });

test('compare: the order of rules alone', () => {
  const rules = /^rules:.*\n(.*\n)(.*\n)(.*\n)/m.exec(exampleText(POLICY))!;
  const turned = exampleText(POLICY).replace(`${rules[1]}${rules[2]}`, `${rules[2]}${rules[1]}`);
  assert.deepEqual(compared({ [POLICY]: turned }).map(showChange), ['~ policy: order of rules']);
});
