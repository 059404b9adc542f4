// What `--help` shows is true: every command has its options, --json and an example that is accepted as it is typed, and
// fits a window of 100 columns.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { restoreParts } from '../../src/assembly/restore.ts';
import { reason } from '../../src/errors.ts';
import { StoreError } from '../../src/model/outbox-store.ts';
import { restoreCommand } from '../../src/ops/backup/restore.ts';
import { checkCommand } from '../../src/ops/check.ts';
import { type Command, runCommand } from '../../src/ops/command.ts';
import { demoCommand } from '../../src/ops/demo.ts';
import { init } from '../../src/ops/init.ts';
import { startCommand } from '../../src/ops/start.ts';
import { verbCommand } from '../../src/ops/verb-command.ts';
import { VERBS } from '../../src/ops/verb-table.ts';
import { keep } from './terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-help-'));
after(() => rmSync(folder, { recursive: true }));
for (const home of [folder, join(folder, 'home')]) {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'isthmus.yaml'), '');
}

const judge = () => assert.fail('nothing is judged for a help');
const NO_DATABASE = new StoreError(reason('STORE_FULL', 'there is no database'));
const ACCEPTED = new Error('the example was accepted');

const own: readonly Command[] = [
  init,
  checkCommand(judge),
  demoCommand(() => assert.fail()),
  startCommand({ judge, run: () => assert.fail(), developmentHome: () => assert.fail() }),
  restoreCommand(restoreParts(judge)),
];
const verbs = await Promise.all(
  VERBS.map(async ({ words, load }) => {
    const verb = await load();
    assert.equal(verb.words, words);
    return verbCommand(verb, () => {
      throw ACCEPTED;
    });
  }),
);

for (const command of [...own, ...verbs]) {
  test(`isthmus ${command.words} --help`, async () => {
    const terminal = keep(folder);
    assert.equal(await runCommand(command, ['--help'], terminal), 0);
    assert.equal(terminal.complained(), '');
    const lines = terminal.said().split('\n');
    const [head = ''] = lines;
    assert.ok(head.startsWith(`isthmus ${command.words}: `), head);
    for (const [name, { says, type, value }] of Object.entries(command.options)) {
      assert.ok(says !== '', name);
      assert.equal(type === 'string', value !== undefined, `--${name}: a value has a name`);
      assert.ok(lines.some((line) => line.startsWith(`  --${name}`)));
    }
    // The process that runs in the foreground logs JSON anyway.
    if (command.words !== 'start') assert.ok('json' in command.options, '--json');
    const example = lines[lines.indexOf('example') + 1]?.trim() ?? '';
    assert.ok(`${example} `.startsWith(`isthmus ${command.words} `), example);
    assert.deepEqual(
      lines.filter((line) => line.length > 100 && line.trim() !== example),
      [],
    );
  });

  test(`the example of isthmus ${command.words} is accepted`, async () => {
    const words: string[] = command.example.replace(/ [|>] .*/, '').match(/"[^"]*"|\S+/g) ?? [];
    const args = words.slice(1 + command.words.split(' ').length).map((word) => word.replaceAll('"', ''));
    const terminal = keep(folder);
    // A verb is taken as far as the opening of its home; the others as far as their own work.
    if (verbs.includes(command)) await assert.rejects(runCommand(command, args, terminal), ACCEPTED, terminal.complained());
    else assert.equal(await runCommand({ ...command, run: async () => 0 }, args, terminal), 0, terminal.complained());
  });
}

test('for programs every refusal is JSON with a code and a sentence: no home, wrong input, no database', async () => {
  const { load } = VERBS.find(({ words }) => words === 'queue list')!;
  const command = verbCommand(await load(), () => assert.fail('nothing is opened'));
  const empty = verbCommand({ ...(await load()), where: 'here', run: () => Promise.reject(NO_DATABASE) }, () => ({ close() {} }) as never);
  const refusing = verbCommand(
    { ...(await load()), where: 'here', run: async () => ({ text: 'no', json: { refused: 'no' }, exit: 2 }) },
    () => ({ close() {} }) as never,
  );
  for (const [which, args, error, exit] of [
    [command, ['--home', 'nowhere'], 'noHome', 2],
    [command, ['--limit', 'many'], 'input', 2],
    [refusing, [], 'refused', 2],
    [empty, [], 'noDatabase', 3],
  ] as const) {
    const terminal = keep(folder);
    assert.equal(await runCommand(which, [...args, '--json'], terminal), exit);
    assert.equal(terminal.complained(), '');
    const said = JSON.parse(terminal.said());
    assert.equal(said.error, error);
    assert.match(said.text, /\w/);
  }
});
