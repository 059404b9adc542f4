// `npm test`: the unit part, then the suites with real peers, with one summary. It never touches the system. What it had to
// skip stands at the end with the reason and the line that helps; with CI=true a skip is a failure.
//   node test/run.ts [PART OF A PATH ...]     only the files whose path contains one of these

import { globSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** The longest file takes a minute; one that hangs must not take the ten of the whole run. */
const FILE_LIMIT_MS = 5 * 60_000;

const wanted = process.argv.slice(2);
const chosen = (pattern: string): string[] =>
  globSync(pattern)
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    .sort();
const unit = chosen('test/**/*.test.ts');
const peers = chosen('test/**/*.peers.ts');
if (unit.length + peers.length === 0) {
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

// The unit part in one process: a process for each file would cost more than the tests. Peers each need a process of their own,
// because that process moves itself into a network namespace. It ends with its last test,
// whatever connection a scene has left behind.
await part(unit, { isolation: 'none' });
await part(peers, { concurrency: 2, timeout: FILE_LIMIT_MS, execArgv: ['--test-force-exit'] });
report();

async function part(files: readonly string[], options: Omit<Parameters<typeof run>[0] & object, 'files'>): Promise<void> {
  if (files.length === 0) return;
  const events = run({ files, ...options });
  events.on('test:pass', (test) => {
    if (test.skip === undefined || test.skip === false) return;
    skips.push({ file: test.file ?? '', title: test.name, why: typeof test.skip === 'string' ? test.skip : 'no reason given' });
  });
  events.on('test:fail', (test) => {
    if (test.todo === undefined || test.todo === false) failed = true;
  });
  for await (const text of events.compose(new spec())) process.stdout.write(text);
}

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
