// Where sets are accepted: read, checked with the tests inside, compared, kept, and only then in force. The same steps for
// the running process, which swaps its table in the end, and for the command line while nothing runs.

import {
  type AcceptedBy,
  type AcceptedSet,
  AppliedError,
  type AppliedSets,
  filesOf,
  type SetHead,
  setOf,
  withSet,
} from '../../config/applied.ts';
import { type Change, compareSets, type Side } from '../../config/compare.ts';
import { differingPaths, type FileChanges, newFileText, unifiedDiff } from '../../config/edit.ts';
import { type HomeFiles, readHomeFiles } from '../../config/files.ts';
import type { Fault } from '../../config/finding.ts';
import { checkHome, type Loaded } from '../../config/load.ts';
import type { Judge } from '../../config/policy-tests.ts';
import { EditError } from '../../config/yaml-plain.ts';

export type Taken =
  | {
      readonly kind: 'taken';
      /** The set that is in force now. */
      readonly set: SetHead;
      /** The one that was. */
      readonly before?: SetHead;
      readonly changes: readonly Change[];
      readonly diff: string;
    }
  /** The files are those in force. */
  | { readonly kind: 'same'; readonly set: SetHead }
  /** Nothing has changed. */
  | { readonly kind: 'refused'; readonly text: string; readonly faults: readonly Fault[] };

/** What is in force, and how it is replaced. */
export interface RulesDesk {
  /** The set in force; undefined: none was accepted yet. @throws AppliedError */
  current(): AcceptedSet | undefined;
  /** Accepts the files as they stand now. */
  takeFiles(by: AcceptedBy): Taken;
  /** Accepts one edit on top of what is in force; other changes in the files stay where they are. */
  takeEdit(changes: FileChanges, by: AcceptedBy): Taken;
  /** Puts the set before in force. The files stay as they are. */
  goBack(): Taken;
}

export interface DeskParts {
  readonly dir: string;
  readonly sets: AppliedSets;
  readonly judge: Judge;
  now(): number;
  /** What is in force now, where it is known; else it is read from the set. */
  inForce?(): Side;
  /** Number of the table that comes next. */
  generation?(): number;
  /** The set is on disk: take it. */
  swap?(loaded: Extract<Loaded, { ok: true }>, set: SetHead): void;
  /** Reads and checks; default: checkHome. */
  check?(files: HomeFiles, generation: number): Loaded;
}

/** @param parts of the process, or of the command line */
export function rulesDesk(parts: DeskParts): RulesDesk {
  const { dir, sets, judge } = parts;
  const check = (files: HomeFiles): Loaded => {
    const generation = parts.generation?.() ?? 1;
    return (
      parts.check?.(files, generation) ??
      checkHome(dir, files, { judge, generation, nowMs: parts.now(), credentials: process.env.CREDENTIALS_DIRECTORY !== undefined })
    );
  };
  const sideOf = (set: AcceptedSet | undefined, home: HomeFiles): Side | undefined => {
    if (parts.inForce !== undefined) return parts.inForce();
    const loaded = set === undefined ? undefined : check(withSet(home, set.files));
    return loaded?.ok === true ? loaded : undefined;
  };

  /** Checks `files`, keeps them as a set by `keep`, and swaps. */
  const take = (home: HomeFiles, files: HomeFiles, current: AcceptedSet | undefined, keep: () => SetHead): Taken => {
    const loaded = check(files);
    if (!loaded.ok) return refusedBy(loaded.faults);
    const [old, now] = [filesOf(current?.files ?? new Map()), filesOf(setOf(files))];
    const paths = differingPaths(old, now);
    const before = sideOf(current, home);
    if (paths.length === 0 && current !== undefined) {
      parts.swap?.(loaded, current);
      return { kind: 'same', set: headOf(current) };
    }
    const changes = compareSets(before, loaded);
    const set = keep();
    parts.swap?.(loaded, set);
    return { kind: 'taken', set, ...(current !== undefined && { before: headOf(current) }), changes, diff: unifiedDiff(old, now, paths) };
  };
  const guarded = (work: () => Taken): Taken => {
    try {
      return sets.locked(work);
    } catch (error) {
      if (error instanceof AppliedError || error instanceof EditError) return { kind: 'refused', text: error.message, faults: [] };
      throw error;
    }
  };

  return {
    current: () => sets.current(),
    takeFiles: (by) =>
      guarded(() => {
        const home = readHomeFiles(dir);
        return take(home, home, currentOrNone(sets), () => sets.accept(setOf(home), by));
      }),
    takeEdit: (changes, by) =>
      guarded(() => {
        const current = sets.current();
        if (current === undefined) throw new AppliedError('nothing is in force yet: the first start accepts the files as they are');
        const home = readHomeFiles(dir);
        const files = new Map(current.files);
        for (const [path, change] of changes instanceof Map ? changes : Object.entries(changes)) {
          const old = files.get(path);
          const text = newFileText(old === undefined ? undefined : { text: old, mode: 0o644 }, change);
          if (text === undefined) files.delete(path);
          else files.set(path, text);
        }
        return take(home, withSet(home, files), current, () => sets.accept(files, by));
      }),
    goBack: () =>
      guarded(() => {
        const current = sets.current();
        if (current === undefined) throw new AppliedError('nothing was accepted yet, so there is nothing to go back to');
        if (current.before === undefined) throw new AppliedError(`set ${current.number} is the first one; there is none before it`);
        const target = sets.get(current.before);
        const home = readHomeFiles(dir);
        return take(home, withSet(home, target.files), current, () => sets.point(target.number));
      }),
  };
}

/** A set in force that cannot be read must not keep a good one from replacing it. */
function currentOrNone(sets: AppliedSets): AcceptedSet | undefined {
  try {
    return sets.current();
  } catch (error) {
    if (error instanceof AppliedError) return undefined;
    throw error;
  }
}

function headOf({ files: _texts, ...head }: AcceptedSet): SetHead {
  return head;
}

function refusedBy(faults: readonly Fault[]): Taken {
  return {
    kind: 'refused',
    text: `${faults.length === 1 ? 'one fault' : `${faults.length} faults`}; what was in force stays in force`,
    faults,
  };
}
