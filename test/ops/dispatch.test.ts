import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call, Command } from '../../src/ops/command.ts';
import { type CommandRow, dispatch } from '../../src/ops/dispatch.ts';
import { keep } from './terminal.ts';

const calls: Call[] = [];
const command = (words: string, positionals: readonly string[] = []): Command => ({
  words,
  summary: 'does it',
  positionals,
  options: { home: { type: 'string', value: 'DIR', says: 'where' }, json: { type: 'boolean', says: 'JSON' } },
  details: 'Details.',
  example: `isthmus ${words} --home ./home`,
  async run(call) {
    calls.push(call);
    return 1;
  },
});
const table: readonly CommandRow[] = [command('check', ['[FILE]']), command('partner test', ['DOMAIN']), command('request list')].map(
  (one) => ({
    words: one.words,
    summary: one.summary,
    load: async () => one,
  }),
);

async function type(line: string) {
  calls.length = 0;
  const terminal = keep();
  const code = await dispatch(table, line === '' ? [] : line.split(' '), '1.2.3', terminal);
  return { code, out: terminal.said(), err: terminal.complained(), called: calls[0] };
}

test('runs the command of the words, with its options and what else was typed', async () => {
  const { code, called } = await type('partner test partner.example --home=./h --json');
  assert.equal(code, 1);
  assert.deepEqual(called?.positionals, ['partner.example']);
  assert.deepEqual({ ...called?.values }, { home: './h', json: true });
});

const NEAR: readonly [string, RegExp][] = [
  ['chekc', /unknown command "chekc"\. Did you mean "isthmus check"\?/],
  ['partner tset x', /Did you mean "isthmus partner test"\?/],
  ['partner', /one word more is needed:\n {2}isthmus partner test {2}does it/],
  ['request aprove 1', /unknown command "request aprove"\. There is:\n {2}isthmus request list/],
  ['help banana', /unknown command "banana"/],
  ['rooms', /"isthmus room" is not part of this version yet/],
  ['check -v', /unknown option "-v"/],
  ['check --json=1', /--json takes no value/],
  ['check --home -1', /--home needs a value: DIR; one that begins with a hyphen is written --home=-/],
  ['check --hmoe x', /unknown option "--hmoe"\. Did you mean "--home"\?/],
  ['check --home', /isthmus check: --home needs a value: DIR\n/],
  ['check a b', /"b" is one word too many/],
  ['partner test', /DOMAIN is missing/],
  ['room', /isthmus room: not part of this version yet/],
  ['network list', /isthmus network: not part of this version yet/],
  ['banana', /unknown command "banana"\. isthmus --help lists all/],
];
for (const [line, says] of NEAR) {
  test(`isthmus ${line}: a usage fault that helps, exit 2`, async () => {
    const { code, err, out, called } = await type(line);
    assert.equal(code, 2);
    assert.match(err, says);
    assert.equal(out, '');
    assert.equal(called, undefined);
  });
}

test('--help lists every command; a command’s --help shows options, an example and the exit status', async () => {
  const all = await type('--help');
  assert.equal(all.code, 0);
  for (const { words } of table) assert.ok(all.out.includes(`isthmus ${words}`));
  for (const line of ['check --help', 'check -h', 'help check', 'partner test --help']) {
    const { code, out } = await type(line);
    assert.equal(code, 0);
    assert.match(out, /--home DIR/);
    assert.match(out, /example\n {2}isthmus /);
    assert.match(out, /exit status: 0 good, 1 a finding/);
  }
});

test('nothing typed shows the overview and exits 2; --version says both versions', async () => {
  assert.equal((await type('')).code, 2);
  const { code, out } = await type('--version');
  assert.equal(code, 0);
  assert.equal(out, `isthmus 1.2.3, node ${process.version}`);
});

test('a noun with --help lists its commands', async () => {
  for (const line of ['partner --help', 'help partner']) {
    const { code, out } = await type(line);
    assert.equal(code, 0);
    assert.match(out, /^ {2}isthmus partner test {2}does it$/m);
    assert.ok(!out.includes('isthmus check'));
  }
});

test('with --json a usage fault is JSON on stdout', async () => {
  const { code, out, err } = await type('check a b --json');
  assert.equal(code, 2);
  assert.equal(err, '');
  assert.deepEqual(JSON.parse(out), { error: 'usage', text: 'isthmus check: "b" is one word too many' });
});
