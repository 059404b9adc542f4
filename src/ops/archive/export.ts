// `isthmus archive export`: lines of the archive as files, by person or domain and time, with a manifest that says who took
// them out, why, who agreed, and the SHA-256 of each file. One pass through the archive; nothing is held but what is being written.

import { resolve } from 'node:path';
import * as z from 'zod';
import type { ArchiveFilter, ArchiveLine } from '../../model/archive.ts';
import type { HistoryLine } from '../../model/history.ts';
import { guarded } from '../approval.ts';
import { asRefusal, type ConversationFile, ExportFolder, fileName, MANIFEST } from '../export-folder.ts';
import type { Operations } from '../operations.ts';
import { FORMATS, type Format, WRITERS } from '../user/export-formats.ts';
import { Refused } from '../user/given.ts';
import { type Report, verb } from '../verb.ts';
import { count } from '../words.ts';
import { filterOf, LINES_INPUT, LINES_OPTIONS, orRefused } from './given.ts';

/** Lines read at one time. */
const PAGE = 500;
/** After so long without a word the next one begins another mail, ms. */
const PAUSE_MS = 30 * 60_000;

const { limit: _option, ...WHICH_OPTIONS } = LINES_OPTIONS;
const { limit: _input, ...WHICH_INPUT } = LINES_INPUT;
const where = 'right would be a folder that is new or empty';

const row = verb({
  words: 'archive export',
  summary: 'messages of the archive as files, with a manifest of hashes; audited',
  positionals: [],
  options: {
    ...WHICH_OPTIONS,
    all: { type: 'boolean', says: 'everything' },
    format: { type: 'string', value: FORMATS.join('|'), says: 'how they are written; default eml' },
    out: { type: 'string', value: 'DIR', says: 'where to: a folder that is new or empty' },
  },
  details: [
    '--user, --domain or --all says whose. eml: one mail for each conversation of two people, in a folder for each day (UTC); after half an hour',
    'without a word another begins. html and json: one file for each two people. manifest.json is written last: who, when, why, who agreed,',
    'what was asked for, the first line and the last, every file with its SHA-256. Its own hash is printed, and stands in the audit log.',
    'isthmus archive verify DIR checks it. Lines handed out are marked (purge: onlyExported). The archive is not changed otherwise.',
  ].join('\n'),
  example: 'isthmus archive export --user nora@people.example --since 90d --format eml --out ./nora-4711 --why "case 4711"',
  input: z
    .object({
      ...WHICH_INPUT,
      all: z.union([z.boolean(), z.stringbool()]).default(false).describe('Everything.'),
      format: z
        .enum(FORMATS, `right would be ${FORMATS.join(', ')}`)
        .default('eml')
        .describe('html, eml or json.'),
      out: z.string(where).min(1, where).max(4096).describe('A folder that is new or empty.'),
    })
    .refine(({ user, domain, all }) => all !== (user !== undefined || domain !== undefined), {
      message: '--user ADDRESS, --domain DOMAIN or --all says whose messages',
    }),
  http: { method: 'POST', path: '/archive/export' },
  role: 'compliance',
  only: true,
  audited: true,
  where: 'here',
  run: (operations, input) =>
    orRefused('archive export', async (): Promise<Report> => {
      if (operations.actor.via === 'api') throw new Refused('an export writes into a folder: run it on the machine');
      const filter = filterOf(operations, input);
      // The period always has an end, so that a manifest says what it speaks of.
      return handOut(operations, { ...filter, until: filter.until ?? operations.clock.now() }, input.format, input.out);
    }),
});

/** What people said is handed to nobody alone where the home asks for a second person. */
export const archiveExport = guarded(row);

interface Counts {
  files: number;
  lines: number;
  unreadable: number;
  bytes: number;
}

async function handOut(operations: Operations, filter: ArchiveFilter, format: Format, out: string): Promise<Report> {
  const path = resolve(out);
  const folder = ExportFolder.begin(path);
  const done = await writeAll(operations, filter, format, folder).catch((error: unknown) => {
    throw asRefusal(error, path);
  });
  if (done === undefined) {
    const text = `Cut short; ${path} holds a part, without a manifest. Nothing is marked as handed out.`;
    return { text, json: { error: 'interrupted', text }, exit: 1, changes: text };
  }
  const { counts, ends } = done;
  const custody = custodyOf(operations, filter);
  const head = { kind: 'isthmus archive export', version: 1, ...custody, format, counts, ...ends };
  const sha256 = await folder.finish(head).catch((error: unknown) => {
    throw asRefusal(error, path);
  });
  // Marked once it is there: an export that is cut short leaves the lines to the next one.
  if (ends.lastLine !== null) await operations.records().archive.exported(filter, ends.lastLine.number);
  const text = [
    `${count(counts.lines, 'line')} in ${count(counts.files, 'file')}: ${path}`,
    ...(counts.unreadable > 0
      ? [`${count(counts.unreadable, 'line')} could not be read: records.key is another one, or rows are damaged`]
      : []),
    `SHA-256 of ${MANIFEST}: ${sha256}`,
  ].join('\n');
  const json = { folder: path, ...head, manifestSha256: sha256 };
  return { text, json, exit: counts.unreadable > 0 ? 1 : 0, changes: `${count(counts.lines, 'line')}, manifest ${sha256}` };
}

interface Ends {
  readonly firstLine: End | null;
  readonly lastLine: End | null;
}
interface End {
  readonly number: number;
  readonly id: string;
  readonly at: string;
}

interface OpenConversation {
  readonly file: ConversationFile;
  readonly between: readonly [string, string];
}

/** @returns undefined when it was interrupted */
async function writeAll(
  operations: Operations,
  filter: ArchiveFilter,
  format: Format,
  folder: ExportFolder,
): Promise<{ readonly counts: Counts; readonly ends: Ends } | undefined> {
  const { archive } = operations.records();
  const writer = WRITERS[format];
  const open = new Map<string, OpenConversation>();
  const counts: Counts = { files: 0, lines: 0, unreadable: 0, bytes: 0 };
  const ended = async ({ file, between }: OpenConversation): Promise<void> => {
    const written = await folder.end(file);
    for (const key of ['lines', 'unreadable', 'bytes'] as const) counts[key] += written[key];
    counts.files += 1;
    await folder.list({ ...written, between });
  };
  let [firstLine, lastLine]: (End | null)[] = [null, null];
  for (;;) {
    const page = await archive.page(filter, lastLine?.number ?? 0, PAGE);
    for (const line of page) {
      const pair = pairOf(line);
      const key = pair.join(' ');
      const seen = historyLine(line, pair[0]);
      let one = open.get(key);
      if (one !== undefined && writer.daily && line.at - one.file.last > PAUSE_MS) {
        await ended(one);
        one = undefined;
      }
      if (one === undefined) {
        const path = pathOf(pair, line.at, format);
        one = { between: pair, file: folder.conversation(path, writer, { owner: pair[0], peer: pair[1] }, seen) };
        open.set(key, one);
      }
      await folder.add(one.file, seen);
      lastLine = { number: line.number, id: line.id, at: new Date(line.at).toISOString() };
      firstLine ??= lastLine;
    }
    if (operations.signal.aborted) return undefined;
    // What nobody has gone on with is over: no more than half an hour of an organisation is open at one time.
    if (writer.daily && page.length > 0)
      for (const [key, one] of open)
        if (page.at(-1)!.at - one.file.last > PAUSE_MS) {
          open.delete(key);
          await ended(one);
        }
    if (page.length < PAGE) break;
    operations.progress(`${lastLine?.at ?? ''}: ${count(counts.files + open.size, 'conversation')}`);
    await new Promise((turn) => setImmediate(turn));
  }
  for (const one of open.values()) await ended(one);
  return { counts, ends: { firstLine: firstLine ?? null, lastLine: lastLine ?? null } };
}

/** The two of them, whoever spoke first. */
function pairOf({ from, to }: ArchiveLine): readonly [string, string] {
  return from < to ? [from, to] : [to, from];
}

/** As one of the two would have it in their history: the formats are the same. */
function historyLine({ id, at, scope, from, to, event }: ArchiveLine, owner: string): HistoryLine {
  const [direction, peer] = from === owner ? (['out', to] as const) : (['in', from] as const);
  return { id, at, kind: 'message', direction, peer, border: scope === 'external', ...(event !== undefined && { said: { event } }) };
}

/** Long names end in a hash, so that two of them and a time fit into the name of a file. */
function pathOf([one, other]: readonly [string, string], at: number, format: Format): string {
  const names = `${fileName(one, 100)}__${fileName(other, 100)}`;
  const [day, time] = new Date(at).toISOString().split('T');
  return format === 'eml' ? `${day}/${names}_${time?.slice(0, 8).replaceAll(':', '')}.eml` : `${names}.${format}`;
}

/** Who took it out, when, why, with whose word, and what was asked for. */
function custodyOf({ clock, actor, why, approval }: Operations, filter: ArchiveFilter): Readonly<Record<string, unknown>> {
  const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
  const { user, peer, domain, scope, since, until } = filter;
  return {
    madeAt: time(clock.now()),
    by: actor.name,
    via: actor.via,
    why: why ?? null,
    approval:
      approval === undefined
        ? null
        : {
            ...{ id: approval.id, askedBy: approval.askedBy, askedAt: time(approval.askedAt), why: approval.why },
            ...{ approvedBy: approval.decided?.by ?? null, approvedAt: time(approval.decided?.at), said: approval.decided?.why ?? null },
          },
    filter: {
      ...{ user: user ?? null, with: peer ?? null, domain: domain ?? null, all: user === undefined && domain === undefined },
      ...{ scope: scope ?? null, since: time(since), until: time(until) },
    },
  };
}
