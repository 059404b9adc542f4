// Samples to a table: medians of rounds, and medians of the ratios within a round.

import type { Sample } from './rounds.ts';

export interface Line {
  readonly work: string;
  readonly name: string;
  readonly samples: readonly Sample[];
  /** What it is compared with: its name, the samples of the same rounds, and the goal of DESIGN 12. */
  readonly against: readonly { readonly name: string; readonly samples: readonly Sample[]; readonly goal?: number }[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The median of the ratios of samples of the same round. */
export function ratio(of: readonly Sample[], to: readonly Sample[]): number {
  return median(of.flatMap((sample, round) => (to[round] === undefined ? [] : [sample.usEach / to[round].usEach])));
}

/** One line of the table a work and subject, as Markdown, which can also be read as it is. */
export function table(lines: readonly Line[]): string {
  const head = ['work', 'subject', 'CPU µs each', 'each/s', 'busy', 'median ms', 'p99 ms', 'failed', 'ratios (goal)'];
  const rows = lines.map((line) => {
    const of = (pick: (sample: Sample) => number): number => median(line.samples.map(pick));
    const against = line.against
      .filter((one) => one.samples.length > 0)
      .map((one) => {
        const found = ratio(line.samples, one.samples);
        const goal = one.goal === undefined ? '' : ` (${one.goal}: ${found <= one.goal ? 'reached' : 'not reached'})`;
        return `${found.toFixed(2)} x ${one.name}${goal}`;
      });
    return [
      line.work,
      line.name,
      of((sample) => sample.usEach).toFixed(1),
      of((sample) => sample.perSecond).toFixed(0),
      `${(of((sample) => sample.busy) * 100).toFixed(0)} %`,
      shown(of((sample) => sample.medianMs)),
      shown(of((sample) => sample.p99Ms)),
      String(line.samples.reduce((sum, sample) => sum + sample.failures, 0)),
      against.join('; '),
    ];
  });
  return columns([head, ...rows]);
}

export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const text = rows.map((row) => `| ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`);
  text.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  return text.join('\n');
}

function shown(ms: number): string {
  return Number.isNaN(ms) ? '' : ms.toFixed(1);
}
