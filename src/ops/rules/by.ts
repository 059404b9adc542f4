// Who accepts a set, and the desk for a verb: the running process' own, or one on the files while nothing runs.

import { type AcceptedBy, AppliedSets, type SetHead } from '../../config/applied.ts';
import { type Change, showChange } from '../../config/compare.ts';
import { isoTime } from '../../config/effective.ts';
import { showFinding } from '../../config/finding.ts';
import { placesOf } from '../../config/places.ts';
import type { Operations } from '../operations.ts';
import type { Report } from '../verb.ts';
import { type RulesDesk, rulesDesk, type Taken } from './desk.ts';

export function acceptedBy(operations: Operations): AcceptedBy {
  const { clock, actor, why } = operations;
  return { at: clock.now(), by: actor.name, ...(why !== undefined && { why }) };
}

/** The process' desk inside it; else one that works on the files alone. Ask the process first. */
export function deskOf(operations: Operations): RulesDesk {
  const { dir, judge, clock, live } = operations;
  return live?.rules ?? rulesDesk({ dir, sets: setsOf(operations), judge, now: () => clock.now() });
}

export function setsOf({ dir, live }: Operations): AppliedSets {
  return new AppliedSets(live?.home.data ?? placesOf(dir).data);
}

/** `set 7 (nora, 2026-11-23T10:00:00Z)` */
export function showSet({ number, by, at }: SetHead): string {
  return `set ${number} (${by}, ${isoTime(at)})`;
}

/** With its time as programs read it. */
function setJson({ at, ...head }: SetHead): object {
  return { ...head, at: new Date(at).toISOString() };
}

const MAX_LINES = 200;

/** One line for each change, and what is left out of them. */
export function showChanges(changes: readonly Change[]): string[] {
  const lines = changes.slice(0, MAX_LINES).map((change) => `  ${showChange(change)}`);
  return changes.length <= MAX_LINES ? lines : [...lines, `  and ${changes.length - MAX_LINES} more (--json has all)`];
}

/** What came of accepting a set, as an answer. @param words of the command @param after lines below */
export function takenReport(words: string, taken: Taken, running: boolean, after: readonly string[] = []): Report {
  if (taken.kind === 'refused') {
    const faults = taken.faults.map(showFinding);
    return {
      text: [...faults, `isthmus ${words}: ${taken.text}`].join('\n'),
      json: { refused: taken.text, faults: taken.faults },
      exit: 2,
      status: 422,
    };
  }
  const { set } = taken;
  const json = {
    set: setJson(set),
    running,
    ...(taken.kind === 'taken' && {
      ...(taken.before !== undefined && { before: setJson(taken.before) }),
      changes: taken.changes,
      diff: taken.diff,
    }),
  };
  const where = running ? 'is in force' : 'is accepted; nothing runs with this home, the next start uses it';
  if (taken.kind === 'same') {
    const text = [`nothing to do: ${showSet(set)} ${running ? 'is in force and' : ''} has these files`.replaceAll(/ +/g, ' '), ...after];
    return { text: text.join('\n'), json, exit: 0 };
  }
  const later = taken.changes.some(({ effect }) => effect === 'nextStart') ? ['what says "with the next start" waits for a restart'] : [];
  const shown =
    taken.changes.length === 0 ? ['  no rule changes: notes, comments, or what is not yet in force'] : showChanges(taken.changes);
  return {
    text: [`${showSet(set)} ${where}`, ...shown, ...later, ...after].join('\n'),
    json,
    exit: 0,
    changes: taken.before === undefined ? `set ${set.number}, the first: ${set.count} files` : `set ${set.number}\n${taken.diff}`.trimEnd(),
  };
}
