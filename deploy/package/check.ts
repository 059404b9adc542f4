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
  await startAndStop('home');
  isthmus('init', 'people', '--domain', 'people.example', '--served', 'core');
  expect(/nora@people\.example added/, isthmus('user', 'add', 'nora@people.example', '--generate', '--home', 'people'));
  await startAndStop('people');
  expect(/entries 1/, calendarRead());
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

/** The thread that reads calendars has a file of its own, which nothing imports. */
function calendarRead(): string {
  const script = `
    import { makeReader } from './node_modules/isthmus/src/directory/calendar-reader.js';
    const reader = makeReader({ after: (ms, then) => { const timer = setTimeout(then, ms); return { cancel: () => clearTimeout(timer) }; } });
    const event = ['BEGIN:VEVENT', 'UID:1', 'DTSTAMP:20261123T080000Z', 'DTSTART:20261123T090000Z', 'DTEND:20261123T100000Z', 'END:VEVENT'];
    const text = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//check//EN', ...event, 'END:VCALENDAR', ''].join('\\r\\n');
    const at = Date.parse('2026-11-23T00:00:00Z');
    const read = await reader.read(text, { from: at, until: at + 86_400_000, owner: 'nora@people.example' });
    console.log('entries', read.entries?.length, read.wrong ?? '');
    await reader.close();`;
  writeFileSync(join(folder, 'calendar.mjs'), script);
  return run(process.execPath, ['calendar.mjs']);
}

/** The edge runs from the package with a home of its own on free ports, and drains. */
async function startAndStop(home: string): Promise<void> {
  const file = join(folder, home, 'isthmus.yaml');
  const text = readFileSync(file, 'utf8').replaceAll(/\*:\d+/g, '127.0.0.1:0');
  writeFileSync(file, text);
  const child = spawn(join(folder, 'node_modules/.bin/isthmus'), ['start', '--home', home], { cwd: folder, env: environment() });
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
