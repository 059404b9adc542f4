// `isthmus user export`: the conversations of one user as files, page by page, and a manifest with the SHA-256 of each. The hash
// of the manifest stands in the audit log, so that what was handed out can be recognised later.

import { resolve } from 'node:path';
import * as z from 'zod';
import type { HistoryFilter, HistoryLine, HistoryStore } from '../../model/history.ts';
import { guarded } from '../approval.ts';
import {
  asRefusal,
  type ConversationFile,
  ExportFolder,
  fileName,
  MANIFEST,
  type WrittenConversation,
  type WrittenFile,
} from '../export-folder.ts';
import type { Operations } from '../operations.ts';
import { meantAt } from '../since.ts';
import { type Report, verb } from '../verb.ts';
import { count } from '../words.ts';
import { FORMATS, type Format, WRITERS } from './export-formats.ts';
import { writePerson } from './export-person.ts';
import { addressInput, atPeople, Refused, sayingWhy } from './given.ts';
import { ownerOf, PART_INPUT, PART_OPTIONS, partOf } from './history-given.ts';

/** Lines read at one time. */
const PAGE = 500;

const row = verb({
  words: 'user export',
  summary: "a user's conversations and everything else that is kept of them as files, with a manifest of hashes; audited",
  positionals: ['address'],
  options: {
    format: { type: 'string', value: FORMATS.join('|'), says: 'how they are written; default html' },
    out: { type: 'string', value: 'DIR', says: 'where to: a folder that is new or empty' },
    ...PART_OPTIONS,
  },
  details: [
    'Without --with, --since and --until also person.json (account, contact list, block list, settings, what their clients keep; no secrets)',
    'and contacts.vcf. html and json: one file for each conversation. eml: one mail for each conversation and day (UTC). manifest.json is written last and',
    'names every file with its SHA-256; its own is printed, and stands in the audit log. Without it the export was cut short.',
    'Folder and files can be read by you alone. Over the API there are no folders: GET /v1/users/{address}/history gives the lines.',
  ].join('\n'),
  example: 'isthmus user export nora@people.example --format eml --since 90d --out ./nora-4711 --why "case 4711"',
  input: z.object({
    address: addressInput,
    format: z
      .enum(FORMATS, `right would be ${FORMATS.join(', ')}`)
      .default('html')
      .describe('html, eml or json.'),
    out: z
      .string('right would be a folder that is new or empty')
      .min(1, 'right would be a folder that is new or empty')
      .max(4096)
      .describe('A folder that is new or empty.'),
    ...PART_INPUT,
  }),
  http: { method: 'POST', path: '/users/{address}/export' },
  role: 'compliance',
  only: true,
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atPeople(operations, 'user export', async (desk): Promise<Report> => {
      if (operations.actor.via === 'api')
        throw new Refused('an export writes into a folder: run it on the machine, or read GET /v1/users/{address}/history');
      sayingWhy(operations);
      const owner = await ownerOf(operations, desk, input.address);
      const part = partOf(input, meantAt(operations));
      const folder = resolve(input.out);
      const done = await writeAll(operations, owner, part, input.format, ExportFolder.begin(folder)).catch((error: unknown) => {
        throw asRefusal(error, folder);
      });
      if (done === undefined) {
        const text = `Cut short; ${folder} holds a part, without a manifest.`;
        return { text, json: { error: 'interrupted', text }, exit: 1, changes: text };
      }
      const { files, person, sha256 } = done;
      const [messages, unreadable] = [sum(files, 'lines'), sum(files, 'unreadable')];
      const text = [
        `${count(messages, 'line')} of ${owner} in ${count(files.length, 'file')}: ${folder}`,
        ...(person.length > 0 ? [`beside them: ${person.map(({ path }) => path).join(', ')}`] : []),
        ...(unreadable > 0 ? [`${count(unreadable, 'line')} could not be read: archive.key is another one, or rows are damaged`] : []),
        `SHA-256 of ${MANIFEST}: ${sha256}`,
      ].join('\n');
      const json = { user: owner, folder, format: input.format, files, person, manifestSha256: sha256 };
      return { text, json, exit: unreadable > 0 ? 1 : 0, changes: `${count(messages, 'line')}, manifest ${sha256}` };
    }),
});

/** What people said is handed to nobody alone where the home asks for a second person. */
export const userExport = guarded(row);

interface Written extends WrittenConversation {
  readonly with: string;
}

const sum = (files: readonly Written[], key: 'lines' | 'unreadable'): number => files.reduce((all, file) => all + file[key], 0);

/** @returns undefined when it was interrupted */
async function writeAll(
  operations: Operations,
  owner: string,
  part: HistoryFilter,
  format: Format,
  folder: ExportFolder,
): Promise<{ readonly files: readonly Written[]; readonly person: readonly WrittenFile[]; readonly sha256: string } | undefined> {
  const { histories, ofPerson } = operations.records();
  const writer = WRITERS[format];
  const files: Written[] = [];
  const peers = part.peer === undefined ? await histories.peers(owner) : [part.peer];
  for (const peer of peers) {
    const filter: HistoryFilter = { ...part, peer, ...(!writer.receipts && { kind: 'message' }) };
    let file: ConversationFile | undefined;
    const ended = async (): Promise<void> => {
      if (file === undefined) return;
      const written = { ...(await folder.end(file)), with: peer };
      files.push(written);
      await folder.list(written);
    };
    for await (const line of linesOf(histories, owner, filter)) {
      if (operations.signal.aborted) {
        await ended();
        return undefined;
      }
      const path = `${fileName(peer)}${writer.daily ? `_${new Date(line.at).toISOString().slice(0, 10)}` : ''}.${format}`;
      if (file?.path !== path) {
        await ended();
        file = folder.conversation(path, writer, { owner, peer }, line);
      }
      await folder.add(file, line);
    }
    await ended();
    operations.progress(`${files.length} files, ${count(sum(files, 'lines'), 'line')}`);
  }
  const at = new Date(operations.clock.now()).toISOString();
  const asked = { since: part.since, until: part.until };
  const period = Object.fromEntries(Object.entries(asked).map(([key, ms]) => [key, ms === undefined ? null : new Date(ms).toISOString()]));
  const made = { madeAt: at, by: operations.actor.name, why: operations.why ?? null };
  // A part of the conversations is for a case; everything is for the person themselves.
  const person = Object.keys(part).length === 0 ? await writePerson(folder, ofPerson, owner) : [];
  for (const one of person) await folder.list(one);
  const sha256 = await folder.finish({ user: owner, ...made, format, ...period, with: part.peer ?? null });
  return { files, person, sha256 };
}

async function* linesOf(histories: HistoryStore, owner: string, filter: HistoryFilter): AsyncIterable<HistoryLine> {
  let last: HistoryLine | undefined;
  for (;;) {
    const page =
      (await histories.page(owner, filter, { limit: PAGE, ...(last !== undefined && { after: last.id }) })) ??
      // Retention has just removed that line, and with it all that is as old.
      (await histories.page(owner, { ...filter, since: (last?.at ?? 0) + 1 }, { limit: PAGE }));
    if (page === undefined) return;
    yield* page.lines;
    last = page.lines.at(-1);
    if (page.complete || last === undefined) return;
    await new Promise((turn) => setImmediate(turn));
  }
}
