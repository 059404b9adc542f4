// SIPp 3.6.1: plays one scenario against a TCP address and says how it ended. Debian's build has no TLS, and its own timeout
// never ends an open loop, so it is bounded from outside.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SippRun {
  readonly folder: string;
  /** The scenario's XML. */
  readonly scenario: string;
  readonly target: { readonly address: string; readonly port: number };
  /** Where SIPp itself listens. */
  readonly own: { readonly address: string; readonly port: number };
  readonly calls: number;
  readonly perSecond: number;
  /** Fields of the scenario: `[service]`. */
  readonly service?: string;
  /** What its digests name, without `sip:`; default: where it connects. */
  readonly authUri?: string;
  readonly withinMs?: number;
}

/** @returns SIPp's exit code: 0 when every call went as the scenario says; null when it was ended for taking too long. */
export async function sipp(run: SippRun): Promise<{ readonly code: number | null; readonly output: string }> {
  const file = join(run.folder, 'scenario.xml');
  writeFileSync(file, run.scenario);
  const args = [
    `${run.target.address}:${run.target.port}`,
    ...['-sf', file, '-t', 't1', '-i', run.own.address, '-p', String(run.own.port), '-m', String(run.calls), '-r', String(run.perSecond)],
    ...(run.authUri === undefined ? [] : ['-auth_uri', run.authUri]),
    ...['-s', run.service ?? 'nobody', '-nostdin', '-trace_err', '-error_file', join(run.folder, 'sipp-errors.log')],
  ];
  const child = spawn('sipp', args, { cwd: run.folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TERM: 'dumb' } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
  const tooLong = setTimeout(() => child.kill('SIGKILL'), run.withinMs ?? 30_000);
  const code = await new Promise<number | null>((resolve, reject) => child.once('exit', resolve).once('error', reject));
  clearTimeout(tooLong);
  return { code, output };
}
