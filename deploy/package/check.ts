// Proves the npm package as an operator meets it: packed, installed into an empty folder with npm (scripts forbidden), and used
// from there with whatever node the machine has.
//
//   npm run package:check

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packForNpm } from './build.ts';

const LIMIT_MS = 120_000;

const folder = mkdtempSync(join(tmpdir(), 'isthmus-package-'));
try {
  const packed = packForNpm();
  say('packed', packed);
  writeFileSync(join(folder, 'package.json'), '{}\n');
  run('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--silent', packed]);
  say('installed', folder);
  expect(/^isthmus \d+\.\d+\.\d+, node v2[6-9]\./, isthmus('--version'));
  isthmus('init', 'home', '--domain', 'corp.example', '--served', 'sip');
  expect(/good \(0 faults/, isthmus('check', '--home', 'home'));
  await startAndStop();
  expect(/everything crossed, both ways/, isthmus('demo', '--once'));
  process.stdout.write('the npm package works\n');
} finally {
  rmSync(folder, { recursive: true });
}

function isthmus(...words: readonly string[]): string {
  return run(join(folder, 'node_modules/.bin/isthmus'), words);
}

/** @throws with what it said, when it fails */
function run(command: string, words: readonly string[]): string {
  return execFileSync(command, words, { cwd: folder, encoding: 'utf8', timeout: LIMIT_MS, env: environment() });
}

/** Without the node of this run in PATH: the package must find its own. */
function environment(): NodeJS.ProcessEnv {
  const path = (process.env.PATH ?? '').split(':').filter((one) => !one.includes('node_modules'));
  return { ...process.env, PATH: path.join(':') };
}

/** The edge runs from the package with a home of its own on free ports, and drains. */
async function startAndStop(): Promise<void> {
  const file = join(folder, 'home/isthmus.yaml');
  const text = readFileSync(file, 'utf8').replaceAll(/\*:\d+/g, '127.0.0.1:0');
  writeFileSync(file, text);
  const child = spawn(join(folder, 'node_modules/.bin/isthmus'), ['start', '--home', 'home'], { cwd: folder, env: environment() });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let said = '';
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it was not ready in time: ${said.slice(-2000)}`)), LIMIT_MS);
    const hear = (bytes: Buffer): void => {
      said += bytes.toString('utf8');
      if (!said.includes('"event":"ready"')) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`it ended with ${code}: ${said.slice(-2000)}`));
    });
  });
  await ready;
  child.kill('SIGTERM');
  const code = await ended;
  if (code !== 0) throw new Error(`after SIGTERM it ended with ${code}: ${said.slice(-2000)}`);
  say('started, drained', 'exit 0');
}

function expect(pattern: RegExp, text: string): void {
  if (!pattern.test(text)) throw new Error(`expected ${pattern} in: ${text.slice(-2000)}`);
  say('said', pattern.exec(text)![0]);
}

function say(what: string, detail: string): void {
  process.stdout.write(`${what}: ${detail}\n`);
}
