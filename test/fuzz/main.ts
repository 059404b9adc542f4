// `npm run fuzz`: ten million inputs, a table of what they took, and every finding with a file of the bytes that show it. Exit 1 when
// there is one, or when memory grew with the inputs.
//   node --expose-gc test/fuzz/main.ts [--count 10000000] [--seed 1] [--target PART OF A NAME] [--input FILE]

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { attempt, type Finding, fuzz } from './engine.ts';
import { TARGETS } from './targets.ts';

const MAX_GROWTH_BYTES = 16 * 1024 * 1024;
const SLICES = 10;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000000' },
    seed: { type: 'string', default: String(Date.now() >>> 0) },
    target: { type: 'string', default: '' },
    input: { type: 'string' },
  },
});
const chosen = TARGETS.filter(({ target }) => target.name.includes(values.target));

if (values.input !== undefined) {
  // One input again, as a finding printed it.
  for (const { target } of chosen) console.log(`${target.name}: ${attempt(target, readFileSync(values.input)) ?? 'good'}`);
} else process.exitCode = run(Number(values.count), Number(values.seed));

function run(count: number, seed: number): number {
  console.log(`${count} inputs, seed ${seed}\n`);
  const each = Math.ceil(count / chosen.length / SLICES);
  const findings: Finding[] = [];
  let grew = false;
  for (const { target } of chosen) {
    let slowestMs = 0;
    let inputs = 0;
    let tookMs = 0;
    let heldAfterFirst = 0;
    let heldNow = 0;
    for (let slice = 0; slice < SLICES; slice++) {
      const report = fuzz(target, each, seed + slice);
      findings.push(...report.findings);
      inputs += report.inputs;
      tookMs += report.tookMs;
      slowestMs = Math.max(slowestMs, report.slowestMs);
      heldNow = held();
      if (slice === 0) heldAfterFirst = heldNow;
    }
    const growth = heldNow - heldAfterFirst;
    grew ||= growth > MAX_GROWTH_BYTES;
    const figures = [`${inputs} inputs`, `${((tookMs * 1000) / inputs).toFixed(1)} µs each`, `slowest ${slowestMs.toFixed(1)} ms`];
    console.log(
      `${target.name}\n  ${figures.join(', ')}, held ${growth < 0 ? '' : '+'}${(growth / 1048576).toFixed(1)} MiB since the first tenth`,
    );
  }
  const folder = findings.length > 0 ? mkdtempSync(join(tmpdir(), 'isthmus-fuzz-')) : '';
  for (const [index, { target, what, input }] of findings.entries()) {
    const file = join(folder, `${index}.bin`);
    writeFileSync(file, input);
    console.log(`\n${target}\n${what.slice(0, 2000)}\n--input ${file}`);
  }
  console.log(`\n${findings.length} findings${grew ? '; memory grew with the inputs' : ''}`);
  return findings.length > 0 || grew ? 1 : 0;
}

function held(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
