// One share of the light unit tests in one process: a process for each file would cost more than the tests, and one process
// for all leaves a core idle while a test waits for a socket or a disk.
//   node --test test/shard.ts K/N [PART OF A PATH ...]

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lightFiles } from './files.ts';

// Timers of ours keep no process alive, and a test may wait for nothing else.
const awake = setInterval(() => undefined, 60_000);

const [share = '1/1', ...wanted] = process.argv.slice(2);
const [mine = 1, all = 1] = share.split('/').map(Number);
const files = lightFiles(wanted).filter((_, index) => index % all === mine - 1);
let read = 0;
for (const file of files) {
  await import(`../${file}`);
  read += 1;
}

// Tests run one after the other, so this one is the last.
test(`share ${share} of the unit tests is whole`, () => {
  clearInterval(awake);
  assert.equal(read, files.length);
});
