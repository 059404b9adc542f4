// `isthmus archive status`: what of whom is archived and which line says so, how much there is, and whether it works.

import * as z from 'zod';
import { ARCHIVE_FILE } from '../../config/archive.ts';
import { parseUser, Wrong } from '../../config/values.ts';
import type { ArchiveSettings, ArchiveSight, ArchiveSize, Hold, JournalState, Purged } from '../../model/archive.ts';
import { sizeText } from '../backup/backup.ts';
import { tableOf } from '../user/given.ts';
import { type Report, verb } from '../verb.ts';
import { columns, count, minuteOf, oneLine, span } from '../words.ts';
import { namesOf, orRefused } from './given.ts';
import { archivedOf, archivedWords, settingsOf } from './settings.ts';

export const archiveStatus = verb({
  words: 'archive status',
  summary: 'what of whom is archived, by which line, how much there is, and whether it works',
  positionals: ['[address]'],
  options: {},
  details: [
    'With an address: whether this user is archived and held. Failures are those since the start of the process. Exit 1: archiving or the journal fails now.',
    'Shows nothing of what people said.',
  ].join('\n'),
  example: 'isthmus archive status',
  input: z.object({
    address: z
      .string()
      .transform((value, context) => {
        const parsed = parseUser(value);
        if (!(parsed instanceof Wrong)) return parsed;
        context.addIssue({ code: 'custom', message: parsed.right });
        return z.NEVER;
      })
      .optional()
      .describe('A user: user@domain.'),
  }),
  http: { method: 'GET', path: '/archive' },
  role: 'viewer',
  audited: false,
  where: 'here',
  run: (operations, { address }) =>
    orRefused('archive status', async (): Promise<Report> => {
      // What is in force, and how it goes, the process knows.
      const input = address === undefined ? {} : { address };
      const there = operations.live === undefined ? await operations.ask('archive status', input) : undefined;
      if (there !== undefined) return there;
      const { archive, holds } = operations.records();
      const settings = settingsOf(operations);
      if (address !== undefined) {
        const user = namesOf(operations).user(address);
        const table = operations.live?.table() ?? tableOf(operations);
        const one = archivedOf(user, settings, table, await holds.of(user));
        return { text: `${user}: ${archivedWords(one)}`, json: { user, ...one }, exit: 0 };
      }
      const sight = operations.live?.archive();
      const journal = await operations.live?.journal();
      const facts = { settings, sight, journal, size: await archive.size(), purged: await archive.lastPurge(), holds: holds.inForce() };
      const exit = sight?.failing === undefined && journal?.failing === undefined ? 0 : 1;
      return { text: textOf(facts, operations.clock.now()), json: jsonOf(facts), exit };
    }),
});

interface Facts {
  readonly settings: ArchiveSettings | undefined;
  readonly sight: ArchiveSight | undefined;
  /** Undefined: nothing is journaled, or no process runs. */
  readonly journal: JournalState | undefined;
  readonly size: ArchiveSize;
  readonly purged: Purged | undefined;
  readonly holds: readonly Hold[];
}

function textOf({ settings, sight, journal, size, purged, holds }: Facts, now: number): string {
  const held =
    holds.length === 0
      ? 'no hold is in force'
      : `${count(holds.length, 'hold')} in force: ${holds.map(({ matter }) => oneLine(matter)).join(', ')}`;
  const kept =
    settings?.keepMs === undefined
      ? 'for good'
      : `for ${settings.keepMs / 86_400_000} d; purged every day at ${settings.purgeHour}:00${settings.purgeOnlyExported ? ', only what was handed out' : ''}`;
  const last =
    purged === undefined
      ? 'never'
      : `${minuteOf(purged.at)} (${span(now - purged.at)} ago): ${count(purged.removed, 'line')} removed, ${purged.held} kept by holds`;
  const period =
    size.oldestAt === undefined || size.newestAt === undefined ? '' : `, from ${minuteOf(size.oldestAt)} to ${minuteOf(size.newestAt)}`;
  const rows: (readonly [string, string])[] = [
    ['lines', `${size.lines} (${sizeText(size.bytes)} sealed)${period}`],
    ...(settings === undefined ? [] : [['kept', kept] as const]),
    ['last purge', last],
    ['holds', held],
    ...(settings === undefined
      ? []
      : ([
          ['cannot be archived', settings.blockOnFailure ? 'it is refused (blockOnFailure)' : 'it passes, and is counted'],
          ['second person', settings.secondPerson ? 'must agree to what is read, handed out, erased or released' : 'is not asked'],
        ] as const)),
    ...(settings?.journal === undefined ? [] : [['journal', journalWords(settings.journal.to, journal, now)] as const]),
    ...(sight === undefined
      ? [['process', 'not running with this home: what its files say'] as const]
      : [['since the start', sightWords(sight, now)] as const]),
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return [...ruleLines(settings), '', ...rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`)].join('\n');
}

function ruleLines(settings: ArchiveSettings | undefined): string[] {
  if (settings === undefined)
    return [`Nothing is archived: there is no ${ARCHIVE_FILE} (records/README.md). Held people are, all the same.`];
  const word = (value: boolean | undefined): string => (value === undefined ? '-' : value ? 'yes' : 'no');
  return columns([
    ['WHO', 'INTERNAL', 'EXTERNAL', 'BY'],
    ...settings.rules.map(({ who, name, internal, external, where }) => [
      who === 'everyone' ? 'everyone else' : who === 'group' ? `group ${name}` : name,
      word(internal),
      word(external),
      `${where.file}${where.line === undefined ? '' : `:${where.line}`}`,
    ]),
    ...(settings.rules.some(({ who }) => who === 'everyone') ? [] : [['everyone else', 'no', 'no', 'default']]),
  ]);
}

function sightWords({ written, missed, refused, failing }: ArchiveSight, now: number): string {
  const counts = `${written} written, ${missed} passed without a line, ${refused} refused`;
  return failing === undefined ? counts : `${counts}; FAILS for ${span(now - failing.since)}: ${oneLine(failing.why)}`;
}

function jsonOf({ settings, sight, journal, size, purged, holds }: Facts): unknown {
  const { lines, bytes, oldestAt, newestAt } = size;
  return {
    rules: (settings?.rules ?? []).map(({ where, ...rule }) => ({
      ...rule,
      file: where.file,
      ...(where.line !== undefined && { line: where.line }),
    })),
    ...(settings !== undefined && {
      blockOnFailure: settings.blockOnFailure,
      retentionDays: settings.keepMs === undefined ? null : settings.keepMs / 86_400_000,
      purge: { hour: settings.purgeHour, onlyExported: settings.purgeOnlyExported },
      secondPerson: settings.secondPerson,
    }),
    lines,
    bytes,
    ...(oldestAt !== undefined && { oldest: iso(oldestAt) }),
    ...(newestAt !== undefined && { newest: iso(newestAt) }),
    ...(purged !== undefined && { lastPurge: { ...purged, at: iso(purged.at), before: iso(purged.before) } }),
    holds: holds.map(({ matter }) => matter),
    ...(settings?.journal !== undefined && { journal: { to: settings.journal.to, ...(journal !== undefined && journalView(journal)) } }),
    ...(sight !== undefined && {
      process: {
        written: sight.written,
        missed: sight.missed,
        refused: sight.refused,
        ...(sight.failing !== undefined && { failing: { since: iso(sight.failing.since), why: sight.failing.why } }),
      },
    }),
  };
}

/** @param to where it is to go, by the files */
function journalWords(to: readonly string[], journal: JournalState | undefined, now: number): string {
  const where = `to ${to.join(', ')}`;
  if (journal === undefined) return `${where}; goes on while Isthmus runs`;
  const { sent, waiting, oldestAt, failing } = journal;
  const behind = waiting === 0 ? 'nothing waits' : `about ${count(waiting, 'line')} behind, the oldest of ${iso(oldestAt ?? now)}`;
  return `${where}: ${sent} sent since the start, ${behind}${failing === undefined ? '' : `; FAILS for ${span(now - failing.since)}: ${oneLine(failing.text)}`}`;
}

function journalView({ sent, waiting, oldestAt, failing }: JournalState): Readonly<Record<string, unknown>> {
  return {
    sent,
    waiting,
    ...(oldestAt !== undefined && { oldest: iso(oldestAt) }),
    ...(failing !== undefined && { failing: { since: iso(failing.since), why: failing.text } }),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
