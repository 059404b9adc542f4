// One share of the light unit tests in one process: a process for each file would cost more than the tests, and one process
// for all leaves a core idle while a test waits for a socket or a disk.
//   node --test test/shard.ts K/N [PART OF A PATH ...]

import { lightFiles } from './files.ts';

const [share = '1/1', ...wanted] = process.argv.slice(2);
const [mine = 1, all = 1] = share.split('/').map(Number);
for (const file of lightFiles(wanted).filter((_, index) => index % all === mine - 1)) await import(`../${file}`);
