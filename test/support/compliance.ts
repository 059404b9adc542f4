// docs/compliance.md as rows: what it says is announced, and by which test it is shown.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ComplianceRow {
  readonly feature: string;
  /** `yes`, `no: why` or `partly: what`; undefined beyond the suites, where everything is there. */
  readonly here?: string;
  readonly announced: readonly { readonly by: string; readonly what: string }[];
  /** Undefined: none. */
  readonly test?: string;
}

const ROOT = join(import.meta.dirname, '../..');

export function complianceRows(): readonly ComplianceRow[] {
  const lines = readFileSync(join(ROOT, 'docs/compliance.md'), 'utf8').split('\n');
  return lines.flatMap((line): ComplianceRow[] => {
    const cells = line.split('|').map((cell) => cell.trim());
    const [, first = ''] = cells;
    if (!line.startsWith('|') || first.startsWith('---') || first === 'Suite' || first === 'Feature') return [];
    // Seven columns in the first table, four in the second.
    const [feature = '', here, announced = '', test = ''] =
      cells.length === 9 ? [cells[2], cells[5], cells[6], cells[7]] : [first, undefined, cells[3], cells[4]];
    const said = announced === '-' ? [] : announced.split(', ').map((one) => one.split(': ', 2));
    return [
      {
        feature,
        ...(here !== undefined && { here }),
        announced: said.map(([by = '', what = '']) => ({ by, what })),
        ...(test !== '-' && { test: join(ROOT, test) }),
      },
    ];
  });
}
