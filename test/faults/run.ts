// `npm run faults`: every fault of reliability's list against the real edge, full figures, about a quarter of an hour.
//   node test/faults/run.ts [--short] [CASE ...]      only these cases; the report in docs/ is written by a full run of all

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAULTS } from './list.ts';
import { type Absent, line, markdown } from './report.ts';
import { NotHere, type Row, type Scale } from './row.ts';

const REPORT = join(import.meta.dirname, '../../docs/faults.md');

const words = process.argv.slice(2);
const scale: Scale = words.includes('--short') ? 'short' : 'full';
const wanted = words.filter((word) => !word.startsWith('--'));
const unknown = wanted.filter((word) => !(word in FAULTS));
if (unknown.length > 0) {
  console.error(`no such case: ${unknown.join(', ')}; there are ${Object.keys(FAULTS).join(', ')}`);
  process.exit(2);
}

const rows: Row[] = [];
const absent: Absent[] = [];
for (const [id, fault] of Object.entries(FAULTS)) {
  if (wanted.length > 0 && !wanted.includes(id)) continue;
  try {
    const row = await fault(scale);
    rows.push(row);
    console.log(line(row));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    absent.push({ id, why: error instanceof NotHere ? why : `broke off: ${why}` });
    console.log(error instanceof NotHere ? `not here: ${why}` : `${id.padEnd(14)} ${why}`);
    if (!(error instanceof NotHere)) process.exitCode = 1;
  }
}
const text = markdown(rows, absent, scale);
if (scale === 'full' && wanted.length === 0) writeFileSync(REPORT, text);
else console.log(`\n${text}`);
// A count that does not hold is a failure; a time that is not reached is a figure.
if (rows.some((row) => row.goals.some(({ kind, met }) => kind === 'count' && !met))) process.exitCode = 1;

// A socket that was reset may be left behind; it must not keep the run.
process.exit();
