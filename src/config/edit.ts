// Edits files of a home: the whole set is checked as it would stand afterwards, and only if the edit makes no new fault are
// the files written, each by a rename. What is written is what the diff shows.

import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import { editYaml } from './edit-yaml.ts';
import { type HomeFile, type HomeFiles, readHomeFiles } from './files.ts';
import type { Fault, Finding } from './finding.ts';
import { checkHome, type Loaded, type LoadOptions } from './load.ts';
import { EditError } from './yaml-plain.ts';
import type { Step } from './yaml-step.ts';

/** What becomes of one file: its new text, steps on its old one, or `undefined`: it is taken away. */
export type FileChange = string | readonly Step[] | undefined;

/** By path relative to the home, with forward slashes: `routes/policy.yaml`. */
export type FileChanges = ReadonlyMap<string, FileChange> | Readonly<Record<string, FileChange>>;

/** The files before and after, and how the set stands afterwards. */
export interface Edit {
  readonly before: HomeFiles;
  readonly after: HomeFiles;
  /** Paths that differ, in order. */
  readonly changed: readonly string[];
  /** Unified diff of all of them; empty: nothing changes. */
  readonly diff: string;
  readonly loaded: Loaded;
}

/** An edit that cannot be made: nothing was written. */
export interface Refused {
  readonly refused: string;
  /** The faults that the edit would make. */
  readonly faults: readonly Fault[];
}

/** Works an edit out and checks it; writes nothing. */
export function planEdit(dir: string, changes: FileChanges, options: LoadOptions = {}): Edit | Refused {
  const before = readHomeFiles(dir);
  const after = new Map(before);
  const entries = changes instanceof Map ? changes : Object.entries(changes);
  for (const [path, change] of entries) {
    try {
      const text = newFileText(before.get(path), change);
      if (text === undefined) after.delete(path);
      else after.set(path, { text, mode: before.get(path)?.mode ?? 0o644 });
    } catch (error) {
      if (!(error instanceof EditError)) throw error;
      return { refused: `${path}: ${error.message}`, faults: [] };
    }
  }
  const loaded = checkHome(dir, after, options);
  const made = newFaults(checkHome(dir, before, options).faults, loaded.faults);
  if (made.length > 0)
    return { refused: made.length === 1 ? 'the edit would make a fault' : `the edit would make ${made.length} faults`, faults: made };
  const changed = differingPaths(before, after);
  return { before, after, changed, diff: unifiedDiff(before, after, changed), loaded };
}

/**
 * Works an edit out and writes it. Keeps mode and owner of a file; a new one gets the owner of the folder it comes into.
 * @throws the error of node:fs; each file then is as it was or as it was to be, never between
 */
export function editHome(dir: string, changes: FileChanges, options: LoadOptions = {}): Edit | Refused {
  const edit = planEdit(dir, changes, options);
  if ('refused' in edit) return edit;
  for (const path of edit.changed) {
    const now = readHere(join(dir, path));
    if (now !== edit.before.get(path)?.text) return { refused: `${path} was changed by somebody else meanwhile; try again`, faults: [] };
  }
  for (const path of edit.changed) {
    const file = edit.after.get(path);
    if (file === undefined) rmSync(join(dir, path));
    else writeWhole(join(dir, path), file.text, file.mode);
  }
  return edit;
}

/** What becomes of a file's text. @throws EditError */
export function newFileText(file: HomeFile | undefined, change: FileChange): string | undefined {
  if (change === undefined || typeof change === 'string') return change;
  if (file?.unreadable !== undefined) throw new EditError(`cannot be read: ${file.unreadable}`);
  return editYaml(file?.text ?? '', change);
}

/** Faults of `after` that were not there before; where a fault stands in its file does not count. */
function newFaults<F extends Finding>(before: readonly Finding[], after: readonly F[]): readonly F[] {
  const name = ({ code, file, found, right }: Finding): string =>
    [code, file, found.replaceAll(/:\d+/g, ''), right.replaceAll(/line \d+/g, '')].join('\0');
  const known = new Map<string, number>();
  for (const fault of before) known.set(name(fault), (known.get(name(fault)) ?? 0) + 1);
  return after.filter((fault) => {
    const left = known.get(name(fault)) ?? 0;
    known.set(name(fault), left - 1);
    return left <= 0;
  });
}

/** The paths whose texts differ, in order. */
export function differingPaths(before: HomeFiles, after: HomeFiles): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path)?.text !== after.get(path)?.text).sort();
}

/** A unified diff of texts by path; a file that is new or gone is compared with /dev/null. */
export function unifiedDiff(before: HomeFiles, after: HomeFiles, paths: readonly string[]): string {
  return paths
    .map((path) => {
      const [old, now] = [before.get(path)?.text, after.get(path)?.text];
      const patch = createTwoFilesPatch(
        old === undefined ? '/dev/null' : `a/${path}`,
        now === undefined ? '/dev/null' : `b/${path}`,
        old ?? '',
        now ?? '',
      );
      return patch.replace(/^=+\n/, '');
    })
    .join('');
}

function readHere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Writes beside the file, to the disk, then over it by a rename: a crash leaves the old text or the new one. @throws the error of node:fs */
export function writeWhole(written: string, text: string, mode: number): void {
  mkdirSync(dirname(written), { recursive: true });
  const old = statSync(written, { throwIfNoEntry: false });
  const path = old === undefined ? written : realpathSync(written); // a link stays one
  const folder = dirname(path);
  const { uid, gid } = old ?? statSync(folder);
  const beside = join(folder, `.${process.pid}.new~`);
  try {
    const file = openSync(beside, 'w', mode);
    try {
      writeFileSync(file, text); // all of it: writeSync may stop half-way on a disk that is nearly full
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    chmodSync(beside, mode); // open() leaves out what the umask forbids
    if (process.getuid?.() === 0) chownSync(beside, uid, gid);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/** Makes a rename inside the folder last through a power cut. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
