import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkCommand } from '../../src/ops/check.ts';
import { runCommand } from '../../src/ops/command.ts';
import { judgeTest } from '../../src/routing/policy-test.ts';
import { EXAMPLE_HOME, NOW_MS } from '../config/example.ts';
import { keep } from './terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-check-'));
after(() => rmSync(folder, { recursive: true }));

const command = checkCommand((table, test) => judgeTest(table, test, NOW_MS));

function copyOfExample(name: string): string {
  const dir = join(folder, name);
  cpSync(EXAMPLE_HOME, dir, { recursive: true });
  return dir;
}
async function check(args: readonly string[], cwd = folder, env = {}) {
  const terminal = keep(cwd, env);
  const code = await runCommand(command, args, terminal);
  return { code, out: terminal.said(), err: terminal.complained() };
}

test('the example home is good, its own tests hold, and what is not yet in force is named', async () => {
  const { code, out } = await check(['--home', EXAMPLE_HOME]);
  assert.equal(code, 0, out);
  assert.match(out, /dialect: lync; calls and sessions/);
  assert.match(out, /good \(0 faults/);
  assert.match(out, /3 domains of ours: corp\.example \(sip\)/);
});

test('with --strict warnings are findings: exit 1', async () => {
  assert.equal((await check(['--home', EXAMPLE_HOME, '--strict'])).code, 1);
});

test('every fault is shown with file:line:column, and the exit is 2', async () => {
  const dir = copyOfExample('faulty');
  writeFileSync(join(dir, 'isthmus.yaml'), 'reload: onSave\n');
  writeFileSync(join(dir, 'routes/policy.yaml'), 'federation: close\n');
  const { code, out } = await check(['--home', dir]);
  assert.equal(code, 2);
  assert.match(out, /^isthmus\.yaml:1:9: fault: "onSave"/m);
  assert.match(out, /^routes\/policy\.yaml:1:13: fault: "close".*Did you mean "closed"\?$/m);
  assert.match(out, /2 faults.*Nothing of this set takes effect/);
});

test('a test in policy.yaml that does not hold is a fault that says what decided', async () => {
  const dir = copyOfExample('tests');
  writeFileSync(
    join(dir, 'routes/policy.yaml'),
    'federation: off\ntests:\n  - { from: li@partner.example, to: nora@corp.example, message: allow }\n',
  );
  const { code, out } = await check(['--home', dir]);
  assert.equal(code, 2);
  assert.match(
    out,
    /^routes\/policy\.yaml:3:56: fault: message from li@partner\.example to nora@corp\.example is refused \(POLICY_FEDERATION_OFF/m,
  );
});

test('--json tells the same to programs', async () => {
  const dir = copyOfExample('json');
  writeFileSync(join(dir, 'routes/policy.yaml'), 'federation: close\n');
  const { code, out } = await check(['--home', dir, '--json']);
  assert.equal(code, 2);
  const report = JSON.parse(out) as { ok: boolean; faults: number; findings: Record<string, unknown>[] };
  assert.equal(report.ok, false);
  assert.equal(report.faults, 1);
  assert.deepEqual(
    report.findings.find((finding) => finding.level === 'fault'),
    {
      level: 'fault',
      code: 'CONFIG_VALUE',
      file: 'routes/policy.yaml',
      line: 1,
      column: 13,
      key: '/federation',
      found: '"close"',
      right: 'one of closed, discovered, off',
      meant: 'closed',
    },
  );
});

test('with FILE only that file is shown; it may be named from here or from the home, and the home is found above it', async () => {
  const dir = copyOfExample('onefile');
  writeFileSync(join(dir, 'isthmus.yaml'), 'reload: onSave\n');
  writeFileSync(join(dir, 'routes/policy.yaml'), 'federation: close\n');
  for (const [args, cwd] of [
    [['--home', dir, 'routes/policy.yaml'], folder],
    [['onefile/routes/policy.yaml'], folder],
    [['policy.yaml'], join(dir, 'routes')],
  ] as const) {
    const { code, out } = await check(args, cwd);
    assert.equal(code, 2);
    assert.match(out, /^routes\/policy\.yaml:1:13/m);
    assert.doesNotMatch(out, /isthmus\.yaml:/);
  }
  const typo = await check(['--home', dir, 'routes/polcy.yaml']);
  assert.equal(typo.code, 2);
  assert.match(typo.err, /not a file of the home.*Did you mean "routes\/policy\.yaml"\?/);
});

test('without a home it says where it looked and what to type, exit 2', async () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const { code, err } = await check([], empty);
  assert.equal(code, 2);
  assert.match(
    err,
    new RegExp(`Looked at:\n {2}${empty}/isthmus\\.yaml\n {2}${empty}/isthmus/isthmus\\.yaml\n {2}/etc/isthmus/isthmus\\.yaml`),
  );
  assert.match(err, /isthmus init/);
  const named = await check(['--home', 'nope'], empty);
  assert.equal(named.code, 2);
  assert.match(named.err, /--home: there is no such folder/);
});

test('the home is found: --home, then $ISTHMUS_HOME, then here, then ./isthmus', async () => {
  const here = copyOfExample('here');
  assert.match((await check([], here)).out, new RegExp(`^${here}: good`, 'm'));
  const other = copyOfExample('other');
  assert.match((await check([], here, { ISTHMUS_HOME: other })).out, new RegExp(`^${other}: good`, 'm'));
  assert.match((await check(['--home', here], here, { ISTHMUS_HOME: other })).out, new RegExp(`^${here}: good`, 'm'));
  const parent = join(folder, 'parent');
  cpSync(EXAMPLE_HOME, join(parent, 'isthmus'), { recursive: true });
  assert.match((await check([], parent)).out, new RegExp(`^${parent}/isthmus: good`, 'm'));
});
