// `isthmus undo`: the set before is in force again, and the files of the home are put back to it, so that the next `apply`
// does not bring back what was undone. Changes in the files that were never applied are not thrown away: it refuses, or
// saves them aside. First the rules, then the files: a crash between the two leaves a good set in force, and `plan` shows the rest.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { type AcceptedSet, AppliedError, filesOf, setOf } from '../../config/applied.ts';
import { differingPaths, unifiedDiff, writeWhole } from '../../config/edit.ts';
import { isoTime } from '../../config/effective.ts';
import { readHomeFiles } from '../../config/files.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { changeRefused } from './access.ts';
import { deskOf, setsOf, showSet, takenReport } from './by.ts';
import type { Taken } from './desk.ts';

export const undo = verb({
  words: 'undo',
  summary: 'the set before is in force again',
  positionals: [],
  options: {
    force: { type: 'boolean', says: 'also when files have changes that were never applied; they are saved in var/applied/aside-...' },
    'keep-files': { type: 'boolean', says: 'leave the files as they are; only what is in force changes' },
  },
  details: [
    'Goes back one step of isthmus apply: the rules at once, then the files of the home, whose diff is printed. Certificates and keys stay as they are.',
    'Again goes back one step more. With changes in the files that were never applied it refuses (exit 2); isthmus plan shows them.',
  ].join('\n'),
  example: 'isthmus undo --home ./home --why "partner bank.example was cut off"',
  input: z.object({
    force: z.boolean().default(false).describe('Also when files have changes that were never applied; they are saved aside.'),
    keepFiles: z.boolean().default(false).describe('Leave the files as they are; only what is in force changes.'),
  }),
  http: { method: 'POST', path: '/rules/undo' },
  role: 'operator',
  audited: true,
  where: 'here',
  async run(operations, { force, keepFiles }) {
    const refuse = (text: string): Report => ({ text: `isthmus undo: ${text}`, json: { refused: text }, exit: 2, status: 409 });
    try {
      const sets = setsOf(operations);
      const current = sets.current();
      if (current === undefined) return refuse('nothing was accepted yet, so there is nothing to go back to');
      if (current.before === undefined) return refuse(`${showSet(current)} is the first one; there is none before it`);
      const target = sets.get(current.before);
      const forbidden = changeRefused('undo', operations, () => [current.files, target.files]);
      if (forbidden !== undefined) return forbidden;
      const unapplied = keepFiles ? [] : changedSince(operations.dir, current);
      if (unapplied.length > 0 && !force) {
        const list = unapplied.map((path) => `  ${path}`).join('\n');
        return refuse(
          `files have changes that were never applied:\n${list}\n  isthmus plan shows them; --force saves them aside, --keep-files leaves the files alone`,
        );
      }
      const { report, running } = await swap(operations);
      if (report.exit !== 0 || keepFiles) return report;
      return restored(operations, { current, target, unapplied, report, running });
    } catch (error) {
      if (error instanceof AppliedError) return refuse(error.message);
      throw error;
    }
  },
});

/** The rules first: by the process, or on disk while nothing runs. */
async function swap(operations: Operations): Promise<{ report: Report; running: boolean }> {
  if (operations.live === undefined) {
    const { why } = operations;
    const report = await operations.ask('undo', { keepFiles: true, ...(why !== undefined && { why }) });
    if (report !== undefined) return { report: { ...report, recorded: true }, running: true };
  }
  const taken: Taken = deskOf(operations).goBack();
  const running = operations.live !== undefined;
  return { report: takenReport('undo', taken, running), running };
}

function changedSince(dir: string, set: AcceptedSet): string[] {
  return differingPaths(filesOf(set.files), filesOf(setOf(readHomeFiles(dir))));
}

interface Restore {
  readonly current: AcceptedSet;
  readonly target: AcceptedSet;
  readonly unapplied: readonly string[];
  readonly report: Report;
  readonly running: boolean;
}

/** Puts the files back, each whole. */
function restored(operations: Operations, { target, unapplied, report }: Restore): Report {
  const { dir, clock } = operations;
  const here = readHomeFiles(dir);
  const [now, wanted] = [filesOf(setOf(here)), filesOf(target.files)];
  const paths = differingPaths(now, wanted);
  const diff = unifiedDiff(now, wanted, paths);
  const lines: string[] = [];
  try {
    if (unapplied.length > 0) {
      const aside = join(setsOf(operations).folder, `aside-${isoTime(clock.now()).replaceAll(':', '')}`);
      mkdirSync(aside, { recursive: true, mode: 0o700 });
      for (const path of unapplied) {
        const text = now.get(path)?.text;
        if (text !== undefined) writeWhole(join(aside, path), text, 0o600);
      }
      lines.push(`changes that were never applied are saved in ${aside}`);
    }
    for (const path of paths) {
      const text = target.files.get(path);
      if (text === undefined) rmSync(join(dir, path), { force: true });
      else writeWhole(join(dir, path), text, here.get(path)?.mode ?? 0o644);
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const text = `the set before is in force, but the files could not all be put back (${code}); isthmus undo --keep-files is what was done, isthmus plan shows what differs`;
    return { ...report, text: `${report.text}\nisthmus undo: ${text}`, json: { ...Object(report.json), filesFailed: code }, exit: 2 };
  }
  const files =
    paths.length === 0
      ? 'the files are those of this set already'
      : paths.length === 1
        ? 'one file was put back'
        : `${paths.length} files were put back`;
  return {
    ...report,
    text: [report.text, ...lines, files, ...(diff === '' ? [] : [diff.trimEnd()])].join('\n'),
    json: { ...Object(report.json), files: paths },
  };
}
