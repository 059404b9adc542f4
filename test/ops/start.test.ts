import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runCommand } from '../../src/ops/command.ts';
import { demoCommand } from '../../src/ops/demo.ts';
import { type Ready, startCommand } from '../../src/ops/start.ts';
import { EXAMPLE_HOME } from '../config/example.ts';
import { keep } from './terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-start-'));
after(() => rmSync(folder, { recursive: true }));
const LAUNCHER = join(import.meta.dirname, '../../src/launcher.js');

const handedOver: Ready[] = [];
const command = startCommand({
  judge: () => ({ message: { allowed: true, because: '' }, presence: { allowed: false, because: '' } }),
  run: async (ready) => {
    handedOver.push(ready);
    return 0;
  },
  developmentHome: async () => join(folder, 'dev'),
});

async function start(args: readonly string[], cwd = folder) {
  handedOver.length = 0;
  const terminal = keep(cwd);
  const code = await runCommand(command, args, terminal);
  return { code, err: terminal.complained(), ran: handedOver[0] };
}
function withoutTests(dir: string): string {
  cpSync(EXAMPLE_HOME, dir, { recursive: true });
  const path = join(dir, 'routes/policy.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^tests:.*/ms, ''));
  return dir;
}

test('without a home nothing is started: exit 2, where it looked, what to type', async () => {
  const { code, err, ran } = await start([]);
  assert.equal(code, 2);
  assert.match(err, /no home found\. Looked at:/);
  assert.match(err, /isthmus init \.\/home --domain corp\.example/);
  assert.match(err, /isthmus start --home \.\/home/);
  assert.match(err, /isthmus demo/);
  assert.equal(ran, undefined);
});

test('a good home is handed over; a reload reads the same folder under the next number', async () => {
  const dir = withoutTests(join(folder, 'good'));
  const { code, ran } = await start(['--home', dir]);
  assert.equal(code, 0);
  assert.equal(ran?.home.dir, dir);
  const again = ran?.reload(8);
  assert.ok(again?.ok && again.table.generation === 8);
  writeFileSync(join(dir, 'routes/domains.yaml'), 'domains: 3\n');
  assert.equal(ran?.reload(9).ok, false);
});

test('with one fault nothing is started, and every fault is shown', async () => {
  const dir = withoutTests(join(folder, 'bad'));
  writeFileSync(join(dir, 'routes/partners/new.example.yaml'), 'xmpp: { prof: dialback }\n');
  const { code, err, ran } = await start(['--home', dir]);
  assert.equal(code, 2);
  assert.match(err, /^routes\/partners\/new\.example\.yaml:1:9: fault: unknown key "prof".*Did you mean "proof"\?$/m);
  assert.match(err, /one fault in .*; nothing was started/);
  assert.equal(ran, undefined);
});

test('--dev uses the development home, and not together with --home', async () => {
  withoutTests(join(folder, 'dev'));
  assert.equal((await start(['--dev'])).ran?.home.dir, join(folder, 'dev'));
  assert.equal((await start(['--dev', '--home', 'x'])).code, 2);
});

test('demo passes --once on and keeps the exit code', async () => {
  const seen: unknown[] = [];
  const demo = demoCommand(async (options) => {
    seen.push(options);
    return 1;
  });
  assert.equal(await runCommand(demo, ['--once'], keep()), 1);
  assert.deepEqual(seen, [{ once: true, json: false }]);
});

// --- the launcher -------------------------------------------------------------------------------------------

test('the launcher runs the command line and keeps its exit code and words', () => {
  const version = spawnSync(process.execPath, [LAUNCHER, '--version'], { encoding: 'utf8' });
  assert.equal(version.status, 0);
  assert.match(version.stdout, /^isthmus \d+\.\d+\.\d+, node v2[6-9]\./);
  const start = spawnSync(process.execPath, [LAUNCHER, 'start'], { encoding: 'utf8', cwd: folder });
  assert.equal(start.status, 2);
  assert.match(start.stderr, /Looked at:/);
});

test('the launcher works through a link, as npx makes one', () => {
  const link = join(folder, 'isthmus');
  symlinkSync(LAUNCHER, link);
  assert.equal(spawnSync(process.execPath, [link, '--version'], { encoding: 'utf8' }).status, 0);
});

// An old node in place of the one that runs the tests: the launcher is told that it is one.
const OLD = ['--import', 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.0.0"})'];

/** A copy of the launcher beside a main.ts of its own, with the pinned node where npm puts it. */
function launcherBeside(main: string): string {
  const dir = mkdtempSync(join(folder, 'launcher-'));
  mkdirSync(join(dir, 'src'));
  mkdirSync(join(dir, 'node_modules/node/bin'), { recursive: true });
  symlinkSync(process.execPath, join(dir, 'node_modules/node/bin/node'));
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  cpSync(LAUNCHER, join(dir, 'src/launcher.js'));
  writeFileSync(join(dir, 'src/main.ts'), main);
  return join(dir, 'src/launcher.js');
}

test('under an old node it finds the pinned one, passes signals on once, and ends as its child ends', async () => {
  const main = `
    let heard = 0;
    process.on('SIGTERM', () => { heard += 1; setTimeout(() => process.exit(heard === 1 ? 7 : 8), 100); });
    console.log('up'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, [...OLD, launcherBeside(main)], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  // The whole group, as `timeout` and a terminal do.
  process.kill(-child.pid!, 'SIGTERM');
  const code = await new Promise((resolve) => child.once('exit', resolve));
  assert.equal(code, 7);
});

test('under an old node without the pinned one it says what to type', () => {
  const launcher = launcherBeside('');
  rmSync(join(launcher, '../../node_modules'), { recursive: true });
  const { status, stderr } = spawnSync(process.execPath, [...OLD, launcher], { encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /needs node 26 or newer/);
  assert.match(stderr, /npm ci/);
});
