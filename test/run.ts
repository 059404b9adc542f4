// `npm test`: the unit part, then the suites with real peers, with one summary. It never touches the system. What it had to
// skip stands at the end with the reason and the line that helps; with CI=true a skip is a failure.
//   node test/run.ts [--unit] [PART OF A PATH ...]     the part without peers; only the files whose path contains one of these

import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { dot, spec } from 'node:test/reporters';
import { faultFiles, fuzzFiles, heavyFiles, lightFiles, peerFiles } from './files.ts';

/** The longest file takes a minute; one that hangs must not take the ten of the whole run. */
const FILE_LIMIT_MS = 5 * 60_000;

/** Processes for the light part, beside the one of the heavy part: tests wait more than they work. */
const SHARES = 2;

/** Suites with peers at one time, on two cores: they wait two thirds of their time. Those with faults and a load wait less. */
const PEERS_AT_ONCE = 3;
const FAULTS_AT_ONCE = 2;

/** Where Linux keeps files in memory, and how much has to be free there: a container often has 64 MiB. */
const MEMORY = '/dev/shm';
const MEMORY_BYTES = 2 ** 30;

const unitOnly = process.argv.includes('--unit');
const wanted = process.argv.slice(2).filter((word) => word !== '--unit');
const light = lightFiles(wanted);
const heavy = heavyFiles(wanted);
const faults = unitOnly ? [] : faultFiles(wanted);
const peers = unitOnly ? [] : [...fuzzFiles(wanted), ...peerFiles(wanted)];
if (light.length + heavy.length + faults.length + peers.length === 0) {
  console.error(`no test file's path contains ${wanted.join(' or ')}`);
  process.exit(2);
}

interface Skip {
  readonly file: string;
  readonly title: string;
  readonly why: string;
}
const skips: Skip[] = [];
let failed = false;

keepInMemory();

// The light part in a few processes, beside it the heavy one. Peers each need a process of their own, because that process
// moves itself into a network namespace. It ends with its last test, whatever connection a scene has left behind.
const shares = Array.from({ length: Math.min(SHARES, light.length) }, (_, index) => `${index + 1}/${SHARES}`);
const beside = [
  ...shares.map((share) => part(['test/shard.ts'], { argv: [share, ...wanted], timeout: FILE_LIMIT_MS })),
  part(heavy, { concurrency: 1, timeout: FILE_LIMIT_MS }),
];
for (const texts of beside) for await (const text of await texts) process.stdout.write(text);
for (const [files, concurrency] of [
  [faults, FAULTS_AT_ONCE],
  [peers, PEERS_AT_ONCE],
] as const)
  for await (const text of await part(files, { concurrency, timeout: FILE_LIMIT_MS, execArgv: ['--test-force-exit'] }))
    process.stdout.write(text);
report();

/** Starts the files; what is to be printed comes back, as it happens. */
async function part(files: readonly string[], options: Omit<Parameters<typeof run>[0] & object, 'files'>): Promise<AsyncIterable<string>> {
  if (files.length === 0) return nothing();
  const events = run({ files, ...options });
  events.on('test:pass', (test) => {
    if (test.skip === undefined || test.skip === false) return;
    skips.push({ file: test.file ?? '', title: test.name, why: typeof test.skip === 'string' ? test.skip : 'no reason given' });
  });
  events.on('test:fail', (test) => {
    if (test.todo === undefined || test.todo === false) failed = true;
  });
  return unitOnly ? events.compose(dot) : events.compose(new spec());
}

/** Temporary files of all tests go into memory where there is room: thousands of small databases wait for no disk then. */
function keepInMemory(): void {
  let folder: string;
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (process.env.TMPDIR !== undefined || bavail * bsize < MEMORY_BYTES) return;
    folder = mkdtempSync(join(MEMORY, 'it-')); // short: the path of a socket may have 108 bytes
  } catch {
    return; // no such place here: the disk will do
  }
  process.env.TMPDIR = folder;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
}

async function* nothing(): AsyncIterable<string> {}

function report(): void {
  process.exitCode = failed ? 1 : 0;
  if (skips.length === 0) return;
  const lines = skips.map((skip) => `  ${skip.file.replace(`${process.cwd()}/`, '')}: ${skip.title}\n    ${skip.why}`);
  process.stdout.write(`\nSkipped, and why:\n${[...new Set(lines)].join('\n')}\n`);
  if (process.env.CI === 'true') {
    process.stdout.write('With CI=true nothing may be skipped: this run has failed.\n');
    process.exitCode = 1;
  }
}
