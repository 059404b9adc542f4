// What every partner command that changes something does: work out the edit, check the set, write the file, show the diff, and
// say when it takes effect. With `now` the same edit is made on what is in force, and on nothing else: changes that wait in
// the files go on waiting.

import { AppliedError } from '../../config/applied.ts';
import { editHome, type FileChanges } from '../../config/edit.ts';
import { readHomeFiles } from '../../config/files.ts';
import { showFinding } from '../../config/finding.ts';
import { EditError } from '../../config/yaml-plain.ts';
import type { Operations } from '../operations.ts';
import { acceptedBy, deskOf, takenReport } from '../rules/by.ts';
import type { Report } from '../verb.ts';

/** The text of a file of the home, as it stands where the edit is to be made. */
export type ReadText = (path: string) => string | undefined;

export interface PartnerEdit {
  /** Of the command: `partner block`. */
  readonly words: string;
  /** As given, to be asked of the process with `now` and `keepFiles`. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly now: boolean;
  readonly keepFiles: boolean;
  /** The edit, seen from the texts as they are; a sentence when there is nothing to do. */
  make(read: ReadText): FileChanges | string;
  /** Lines below the diff. */
  readonly after?: readonly string[];
}

/** Options of every such command. */
export const EFFECT_OPTIONS = {
  now: { type: 'boolean', says: 'takes effect at once: this edit alone, other changes that wait for isthmus apply go on waiting' },
  'keep-files': { type: 'boolean', says: 'with --now: leave the files as they are; only what is in force changes' },
} as const;

/** Edits the files, and with `now` what is in force. */
export async function editPartner(operations: Operations, edit: PartnerEdit): Promise<Report> {
  const { words, now, keepFiles } = edit;
  if (keepFiles && !now)
    return { text: `isthmus ${words}: --keep-files goes with --now: without it nothing would change`, json: { error: 'usage' }, exit: 2 };
  const onDisk = keepFiles ? undefined : editFiles(operations, edit);
  if (onDisk !== undefined && onDisk.exit === 2) return onDisk;
  if (!now)
    return onDisk === undefined
      ? nothing('nothing to do')
      : { ...onDisk, text: [onDisk.text, ...effectLines(operations, onDisk)].join('\n') };
  const inForce = await editInForce(operations, edit);
  if (onDisk === undefined || inForce.text === `in force: ${onDisk.text}`) return inForce;
  return {
    ...inForce,
    text: [onDisk.text, inForce.text].join('\n'),
    json: { files: onDisk.json, inForce: inForce.json },
    ...(onDisk.changes !== undefined && { changes: onDisk.changes }),
  };
}

const DISK_FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function editFiles(operations: Operations, { words, make, after = [] }: PartnerEdit): Report {
  const { dir, judge, clock } = operations;
  const files = readHomeFiles(dir);
  try {
    const changes = make((path) => files.get(path)?.text);
    if (typeof changes === 'string') return nothing(changes);
    const edit = editHome(dir, changes, { judge, nowMs: clock.now() });
    if ('refused' in edit) {
      const text = [...edit.faults.map(showFinding), `isthmus ${words}: ${edit.refused}; nothing was written`];
      return { text: text.join('\n'), json: { refused: edit.refused, faults: edit.faults }, exit: 2, status: 409 };
    }
    return {
      text: [edit.diff.trimEnd(), ...after].join('\n'),
      json: { changed: edit.changed, diff: edit.diff },
      exit: 0,
      changes: edit.diff,
    };
  } catch (error) {
    if (error instanceof EditError)
      return { text: `isthmus ${words}: ${error.message}; nothing was written`, json: { error: error.message }, exit: 2 };
    if (!(error instanceof Error && 'code' in error)) throw error;
    const code = String(error.code);
    const who = operations.live === undefined ? 'you' : 'the running process';
    const why = DISK_FULL.has(code) ? `no room is left on the disk of ${dir}` : `${who} may not write to ${dir}/routes`;
    return { text: `isthmus ${words}: the file cannot be written (${code}); ${why}`, json: { error: 'files', code }, exit: 2 };
  }
}

/** The process does it; while nothing runs, it is done to the kept set. */
async function editInForce(operations: Operations, { words, given, make }: PartnerEdit): Promise<Report> {
  if (operations.live === undefined) {
    const { why } = operations;
    const report = await operations.ask(words, { ...given, now: true, keepFiles: true, ...(why !== undefined && { why }) });
    if (report !== undefined) return report;
  }
  const desk = deskOf(operations);
  try {
    const current = desk.current();
    if (current === undefined) return nothing('nothing is in force yet: the first start accepts the files as they are');
    const changes = make((path) => current.files.get(path));
    if (typeof changes === 'string') return nothing(`in force: ${changes}`);
    return takenReport(words, desk.takeEdit(changes, acceptedBy(operations)), operations.live !== undefined);
  } catch (error) {
    if (!(error instanceof AppliedError || error instanceof EditError)) throw error;
    return { text: `isthmus ${words}: ${error.message}`, json: { error: error.message }, exit: 2 };
  }
}

function effectLines(operations: Operations, report: Report): string[] {
  if (report.changes === undefined) return [];
  const loaded = operations.load();
  if (loaded.ok && loaded.home.reload === 'onChange') return ['written; a running process takes it by itself (reload: onChange)'];
  return ['written, not in force yet: isthmus plan shows the effect, isthmus apply takes it'];
}

function nothing(text: string): Report {
  return { text, json: { changed: [], text }, exit: 0 };
}
