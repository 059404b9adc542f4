// The report of a run: one table on the terminal and, for the full scale, docs/faults.md.

import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import type { Row, Scale } from './row.ts';

/** A case that was not played, and why. */
export interface Absent {
  readonly id: string;
  readonly why: string;
}

const HEAD = ['fault', 'load', 'sent', 'delivered once', 'refused', 'lost', 'doubled', 'out of order', 'copies, same id', 'recovery'];

export function markdown(rows: readonly Row[], absent: readonly Absent[], scale: Scale): string {
  const lines = [HEAD, HEAD.map(() => '---'), ...rows.map(cells)].map((line) => `| ${line.join(' | ')} |`);
  const missed = rows.flatMap((row) => row.goals.filter(({ met }) => !met).map((goal) => `- ${row.id}: ${goal.what}: ${goal.came}`));
  const goals = rows.flatMap((row) =>
    row.goals.map((goal) => `| ${row.id} | ${goal.what} | ${goal.came} | ${goal.met ? 'yes' : '**no**'} |`),
  );
  const minutes = rows.reduce((sum, row) => sum + row.tookMs, 0) / 60_000;
  return `# What Isthmus survives

Written by \`npm run faults\`; the short versions run in \`npm test\`. ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, scale \`${scale}\`,
${machine()}; ${minutes.toFixed(1)} minutes in all. The edge is the real \`isthmus start\` with its durable outbox, between a
scripted SIP system and scripted XMPP partners, with a TCP fault proxy on every road. The load and the peers run in one process on the same machine, so rates and
latencies include them.

A message counts as *delivered once* when it arrived under one id; *copies, same id* are what a crash or reset made the edge send again with the Call-ID or
stanza id of the first, so that a peer that compares ids shows one. *Doubled* are copies under another id. *Refused* were told so with a reason and did not arrive.
*Recovery* runs from the end of the fault to the first message that arrived.

${lines.join('\n')}

## Goals not reached

${missed.length === 0 ? 'None.' : missed.join('\n')}

## Not played here

${absent.length === 0 ? 'None of the cases above were left out.' : absent.map(({ id, why }) => `- ${id}: ${why}`).join('\n')}
- F17, F19: two edges on one outbox and the soak of eight hours belong to later work.
- A power cut cannot be played: these are process crashes, and the page cache survives them.

## Every goal

| case | goal | came out | reached |
| --- | --- | --- | --- |
${goals.join('\n')}
`;
}

/** The same for a terminal, one line a case. */
export function line(row: Row): string {
  const bad = row.goals.filter(({ met }) => !met);
  const recovery = row.recoveryMs === undefined ? '' : `, recovery ${seconds(row.recoveryMs)}`;
  const sums = `sent ${row.sent} = ${row.delivered} + ${row.refused} refused, lost ${row.lost}, doubled ${row.doubled}, out of order ${row.outOfOrder}, copies ${row.copies}`;
  const goals = bad.length === 0 ? 'all goals reached' : bad.map(({ what, came }) => `NOT REACHED ${what}: ${came}`).join('; ');
  return `${row.id.padEnd(14)} ${row.fault}\n${' '.repeat(15)}${sums}${recovery}; ${goals}; took ${seconds(row.tookMs)}`;
}

function cells(row: Row): string[] {
  const { sent, delivered, refused, lost, doubled, outOfOrder, copies } = row;
  const figures = [sent, delivered - doubled, refused, lost, doubled, outOfOrder, copies].map(String);
  return [`${row.id}: ${row.fault}`, row.load, ...figures, row.recoveryMs === undefined ? '-' : seconds(row.recoveryMs)];
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}, Node ${process.versions.node}, commit ${commit()}`;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
