// `isthmus plan`: what `apply` would change, key by key, and what that would have meant for the people of the last days: the
// decisions on record are asked again under the files as they stand.

import * as z from 'zod';
import { AppliedError, filesOf, setOf } from '../../config/applied.ts';
import { compareSets } from '../../config/compare.ts';
import { differingPaths, unifiedDiff } from '../../config/edit.ts';
import { isoTime } from '../../config/effective.ts';
import { readHomeFiles } from '../../config/files.ts';
import { showFinding } from '../../config/finding.ts';
import { StoreError } from '../../model/outbox-store.ts';
import type { Operations } from '../operations.ts';
import { verb } from '../verb.ts';
import { count, span } from '../words.ts';
import { deskOf, showChanges, showSet } from './by.ts';
import { sideInForce } from './in-force.ts';
import { type Difference, type Replayed, type ReplayReport, replayDecisions } from './replay.ts';

const DAY_MS = 86_400_000;
const MAX_LINES = 50;

export const plan = verb({
  words: 'plan',
  summary: 'what apply would change, and who would be cut off or newly allowed',
  positionals: [],
  options: {
    days: { type: 'string', value: 'N', says: 'ask the decisions of the last N days again; 0: none. Default: 7' },
    diff: { type: 'boolean', says: 'the files line by line too' },
  },
  details: [
    'Compares the files with what is in force, then asks the recorded decisions again under both: the same rules as for real traffic, no body needed.',
    'The record holds no network addresses and no sizes, so blocked addresses and limits are not part of it; who knew whom is taken as it is now.',
    'Exit 1: somebody would be cut off. Exit 2: the files have faults, and apply would refuse them.',
  ].join('\n'),
  example: 'isthmus plan --home ./home --days 14',
  input: z.object({
    days: z.coerce
      .number('a number')
      .min(0, 'at least 0')
      .max(3650, 'at most 3650')
      .default(7)
      .describe('Days of decisions that are asked again.'),
    diff: z.boolean().default(false).describe('The files line by line too.'),
  }),
  http: { method: 'GET', path: '/rules/plan' },
  role: 'operator',
  audited: false,
  where: 'here',
  async run(operations, { days, diff }) {
    const loaded = operations.load();
    if (!loaded.ok) {
      const text = [...loaded.faults.map(showFinding), 'isthmus plan: apply would refuse these files; what is in force stays in force'];
      return { text: text.join('\n'), json: { good: false, faults: loaded.faults }, exit: 2 };
    }
    try {
      const current = deskOf(operations).current();
      if (current === undefined) {
        const text = 'nothing is in force yet: the first start, or isthmus apply, accepts the files as they are. They are good';
        return { text, json: { good: true, inForce: null }, exit: 0 };
      }
      const [now, then] = [filesOf(current.files), filesOf(setOf(readHomeFiles(operations.dir)))];
      const files = differingPaths(now, then);
      const head = { good: true, inForce: { number: current.number, at: new Date(current.at).toISOString(), by: current.by }, files };
      if (files.length === 0)
        return { text: `nothing to do: the files are ${showSet(current)}, which is in force`, json: { ...head, changes: [] }, exit: 0 };
      const before = sideInForce(operations, current);
      const changes = compareSets(before, loaded);
      const lines = [
        `in force: ${showSet(current)}`,
        `${files.length === 1 ? 'one file differs' : `${files.length} files differ`}: ${files.slice(0, 10).join(', ')}${files.length > 10 ? ', ...' : ''}`,
        ...(changes.length === 0 ? ['  no rule changes: notes, comments, or what is not yet in force'] : showChanges(changes)),
        ...(diff ? [unifiedDiff(now, then, files).trimEnd()] : []),
      ];
      const replayed = before === undefined || days === 0 ? undefined : await replayIt(operations, before.table, loaded.table, days);
      const cut = typeof replayed === 'object' ? replayed.cut.length : 0;
      return {
        text: [...lines, ...replayLines(replayed, days, operations.clock.now()), 'isthmus apply takes it'].join('\n'),
        json: {
          ...head,
          changes,
          ...(diff && { diff: unifiedDiff(now, then, files) }),
          ...(typeof replayed === 'object' && { days, replay: replayJson(replayed) }),
        },
        exit: cut > 0 ? 1 : 0,
      };
    } catch (error) {
      if (!(error instanceof AppliedError)) throw error;
      return { text: `isthmus plan: ${error.message}`, json: { error: error.message }, exit: 2 };
    }
  },
});

type Tables = Parameters<typeof replayDecisions>[1];

/** @returns a sentence when there is nothing on record */
async function replayIt(
  operations: Operations,
  before: Tables['before'],
  after: Tables['after'],
  days: number,
): Promise<ReplayReport | string> {
  const { clock, replay, signal } = operations;
  const nowMs = clock.now();
  try {
    return await replayDecisions(operations.records(), {
      before,
      after,
      sinceMs: nowMs - days * DAY_MS,
      nowMs,
      replay,
      signal,
      progress: operations.progress,
    });
  } catch (error) {
    if (error instanceof StoreError) return 'no decisions are on record: this home has not been started yet';
    throw error;
  }
}

function replayJson({ cut, allowed, oldest, ...counts }: ReplayReport): object {
  const dated = (one: Difference): object => ({ ...one, last: new Date(one.last).toISOString() });
  return {
    ...counts,
    ...(oldest !== undefined && { oldest: new Date(oldest).toISOString() }),
    cut: cut.map(dated),
    allowed: allowed.map(dated),
  };
}

function replayLines(replayed: ReplayReport | string | undefined, days: number, now: number): string[] {
  if (replayed === undefined) return [];
  if (typeof replayed === 'string') return ['', replayed];
  const { read, cut, allowed, unlisted, oldest } = replayed;
  if (read === 0) return ['', `no decision of the last ${count(days, 'day')} is on record`];
  const since = oldest === undefined ? '' : `, the oldest of ${isoTime(oldest)}`;
  const head = ['', `${count(read, 'decision')} of the last ${count(days, 'day')} asked again${since}`];
  if (cut.length === 0 && allowed.length === 0) return [...head, '  for nobody on record anything changes'];
  const more = unlisted === 0 ? [] : [`  ${unlisted} more exchanges, of pairs that are not listed`];
  return [...head, ...list('would be cut off', cut, now), ...list('would be newly allowed', allowed, now), ...more];
}

function list(title: string, differences: readonly Difference[], now: number): string[] {
  if (differences.length === 0) return [];
  const lines = differences
    .slice(0, MAX_LINES)
    .flatMap((one) => [
      `    ${one.from} -> ${one.to}  ${one.what}, ${count(one.count, 'time')}, last ${span(now - one.last)} ago`,
      `      now ${showReplayed(one.now)}; then ${showReplayed(one.then)}`,
    ]);
  const left = differences.length - MAX_LINES;
  return [`  ${title}: ${count(differences.length, 'pair')}`, ...lines, ...(left > 0 ? [`    and ${left} more (--json has all)`] : [])];
}

function showReplayed({ verdict, code, where }: Replayed): string {
  const word = { allow: 'allowed', hold: 'waits for approval', refuse: 'refused' }[verdict];
  const place =
    where.file === undefined ? '' : ` (${where.line === undefined ? `${where.file}${where.key ?? ''}` : `${where.file}:${where.line}`})`;
  return `${word}${code === undefined ? '' : ` ${code}`}${place}`;
}
