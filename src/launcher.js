#!/usr/bin/env node
// The `isthmus` command on a machine whose own node may be old: finds the node that the package pins (npm package `node` in
// the repository, one for the kind of machine in the published package) and runs main with it: standard streams, signals and
// exit status as if it were one program. Plain JavaScript that node 20 understands.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED_MAJOR = 26;
const here = dirname(fileURLToPath(import.meta.url));
// The repository has TypeScript, the published package what the compiler made of it.
const main = join(here, existsSync(join(here, 'main.ts')) ? 'main.ts' : 'main.js');

if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  await import(pathToFileURL(main).href);
} else {
  const node = pinnedNode(here);
  if (node === undefined) {
    process.stderr.write(
      `isthmus needs node ${NEEDED_MAJOR} or newer; this is ${process.version} and the pinned one is not installed.\n` +
        `What to type: npm ci   in ${dirname(here)}, or, when it was installed as a package,\n` +
        `npm install -g --include=optional isthmus-VERSION.tgz (npm brings node ${NEEDED_MAJOR} with it). Or install node ${NEEDED_MAJOR} and try again.\n`,
    );
    process.exitCode = 2;
  } else {
    run(node);
  }
}

/** The pinned node, beside this package or above it, where npm hoists it (node_modules/.bin/node points there). */
function pinnedNode(start) {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const packages = ['node', `node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`];
  for (let folder = dirname(start); ; folder = dirname(folder)) {
    const found = packages.map((one) => join(folder, 'node_modules', one, 'bin', name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

function run(node) {
  // A process group of its own: Ctrl-C and `timeout` signal the whole group, and a child that hears a signal twice, once
  // from there and once from here, would take the second for "stop at once".
  const child = spawn(node, [main, ...process.argv.slice(2)], {
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
