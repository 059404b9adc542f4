#!/usr/bin/env node
// The `isthmus` command on a machine whose own node may be old: finds the node that the package pins (npm package
// `node`) and runs src/main.ts with it: standard streams, signals and exit status as if it were one program.
// Plain JavaScript that node 20 understands.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 26;
const here = dirname(fileURLToPath(import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  await import('./main.ts');
} else {
  const node = pinnedNode(here);
  if (node === undefined) {
    process.stderr.write(
      `isthmus needs node ${NEEDED_MAJOR} or newer; this is ${process.version} and the pinned one is not installed.\n` +
        `What to type: npm ci   in ${dirname(here)} (it brings node ${NEEDED_MAJOR} as the package "node"),\n` +
        `or install node ${NEEDED_MAJOR} and try again.\n`,
    );
    process.exitCode = 2;
  } else {
    run(node);
  }
}

/** The npm package `node`, beside this package or above it, where npm hoists it (node_modules/.bin/node points there). */
function pinnedNode(start) {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  for (let folder = dirname(start); ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', 'node', 'bin', name);
    if (existsSync(found)) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

function run(node) {
  // A process group of its own: Ctrl-C and `timeout` signal the whole group, and a child that hears a signal twice, once
  // from there and once from here, would take the second for "stop at once".
  const child = spawn(node, [join(here, 'main.ts'), ...process.argv.slice(2)], {
    stdio: 'inherit',
    detached: process.platform !== 'win32',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`isthmus: ${node} cannot be started: ${error.message}\n`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1;
    else process.exitCode = 128 + (constants.signals[signal] ?? 0);
  });
}
