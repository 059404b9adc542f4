// isthmus partner import: the partners of a Lync or Skype for Business edge, of Prosody or of ejabberd, as files of this home.
// Files only; nothing takes effect before `isthmus apply`.

import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { type Edit, editHome, planEdit, type Refused } from '../../config/edit.ts';
import { readHomeFiles } from '../../config/files.ts';
import type { Finding } from '../../config/finding.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { readCliXml } from './clixml.ts';
import { readCsv } from './csv.ts';
import { decodeText, MAX_IMPORT_BYTES } from './decode.ts';
import { Drafts } from './drafts.ts';
import { takeEjabberd } from './ejabberd.ts';
import { readJson } from './json.ts';
import { takeLync } from './lync.ts';
import { CMDLETS, kindOf, LYNC_KINDS, type LyncKind } from './lync-kinds.ts';
import { planImport } from './plan.ts';
import { takeProsody } from './prosody.ts';
import type { Read } from './record.ts';
import { type ImportResult, plural, type ReadSource, reportJson, reportText } from './report.ts';

const FORMATS = ['csv', 'json', 'clixml', 'prosody', 'ejabberd'] as const;
type Format = (typeof FORMATS)[number];
const MAX_FILES = 64;
/** In the home: what may be imported over the API. */
const API_FOLDER = 'import';

const input = z.object({
  files: z
    .array(z.string().min(1))
    .min(1, 'at least one file')
    .max(MAX_FILES, `at most ${MAX_FILES} files`)
    .describe('The files to read; over the API names of files in the folder import/ of the home.'),
  format: z
    .enum(['auto', ...FORMATS], { error: () => `one of auto, ${FORMATS.join(', ')}` })
    .default('auto')
    .describe('How the files are written.'),
  kind: z
    .enum(LYNC_KINDS, { error: () => `one of ${LYNC_KINDS.join(', ')}` })
    .optional()
    .describe('Which cmdlet a table came from, where its columns do not tell.'),
  into: z.string().min(1).default('home').describe('`home`, or a new folder to look at first.'),
  dryRun: z.boolean().default(false).describe('Shows everything and writes nothing.'),
});

export const partnerImport = verb({
  words: 'partner import',
  summary: "takes over another system's partners: Lync and Skype for Business, Prosody, ejabberd",
  positionals: ['files...'],
  options: {
    format: { type: 'string', value: 'FORMAT', says: `auto (default), ${FORMATS.join(', ')}` },
    kind: {
      type: 'string',
      value: 'KIND',
      says: 'which cmdlet a table came from, if its columns do not tell: allowedDomain, blockedDomain, ...',
    },
    into: { type: 'string', value: 'DIR', says: 'a new folder to look at first; default: the home' },
    'dry-run': { type: 'boolean', says: 'shows everything and writes nothing' },
  },
  details: [
    'Lync, Skype for Business: Get-CsAllowedDomain, Get-CsBlockedDomain, Get-CsXmppAllowedPartner, Get-CsPublicProvider and Get-CsHostingProvider,',
    'each piped into Export-Csv, ConvertTo-Json or (best, nothing is lost) Export-Clixml. Settings of the access edge, of the XMPP gateway and of',
    'external access policies are compared and told. Prosody: prosody.cfg.lua. ejabberd: ejabberd.yml. They are read as data, nothing in them is run.',
    'New files are written, files that are there keep every line: what is missing is added, what differs is shown. The whole home is checked',
    'first; with a fault nothing is written. Exit 1: something could not be carried over, was invalid where it came from, or differs.',
  ].join('\n'),
  example: 'isthmus partner import allowed.csv blocked.csv xmpp.xml --home ./home --dry-run',
  input,
  http: { method: 'POST', path: '/partners/import' },
  role: 'operator',
  audited: true,
  where: 'here',
  run: async (operations, given) => run(operations, given),
});

async function run(operations: Operations, { files, format, kind, into, dryRun }: z.output<typeof input>): Promise<Report> {
  const refuse = (sentence: string): Report => ({ text: `isthmus partner import: ${sentence}`, json: { error: sentence }, exit: 2 });
  // Over the API only what an operator has put aside for it is read, or a caller could have any file read to him.
  const overApi = operations.actor.via === 'api';
  if (overApi && into !== 'home') return refuse('--into is for the command line');
  const drafts = new Drafts();
  const sources: ReadSource[] = [];
  for (const path of files) {
    const at = overApi ? putAside(operations.dir, path) : resolve(path);
    if (at === undefined) return refuse(`${path} is not a file in ${join(operations.dir, API_FOLDER)}, where files for the API are put`);
    const taken = takeFile(at, path, format === 'auto' ? undefined : format, kind, drafts);
    if (typeof taken === 'string') return refuse(`${path}: ${taken}`);
    sources.push(taken);
  }
  const target = into === 'home' ? operations.dir : resolve(into);
  if (into !== 'home' && existsSync(target) && readdirSync(target).length > 0)
    return refuse(`--into ${into}: the folder is not empty; name a new one`);

  const nowMs = operations.clock.now();
  const plan = planImport(drafts, readHomeFiles(operations.dir), new Date(nowMs).toISOString().slice(0, 10));
  const write = into === 'home' && !dryRun ? editHome : planEdit;
  const edit: Edit | Refused = write(operations.dir, plan.changes, { nowMs, judge: operations.judge });
  const base = { sources, plan, drafts, into: target };
  if ('refused' in edit) {
    const result: ImportResult = { ...base, diff: '', notices: [], ending: 'refused', refused: { why: edit.refused, faults: edit.faults } };
    return { text: reportText(result), json: reportJson(result), exit: 2 };
  }
  if (into !== 'home' && !dryRun) {
    for (const path of edit.changed) {
      const file = join(target, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, edit.after.get(path)?.text ?? '', { flag: 'wx' });
    }
  }
  const result: ImportResult = {
    ...base,
    diff: edit.diff,
    notices: noticesOf(edit),
    ending: dryRun ? 'dryRun' : into === 'home' ? 'written' : 'aside',
  };
  const open = plan.differences.length + drafts.remarks.filter((remark) => remark.kind !== 'note').length;
  const changes = dryRun || into !== 'home' || edit.changed.length === 0 ? {} : { changes: edit.diff };
  return { text: reportText(result), json: reportJson(result), exit: open > 0 ? 1 : 0, ...changes };
}

/** A file of the folder for it, links followed. @returns undefined for any other */
function putAside(dir: string, path: string): string | undefined {
  try {
    const folder = realpathSync(join(dir, API_FOLDER));
    const at = realpathSync(resolve(folder, path));
    return dirname(at) === folder ? at : undefined;
  } catch {
    return undefined;
  }
}

/** What the check says about files that the import touched. */
function noticesOf(edit: Edit): Finding[] {
  const touched = new Set(edit.changed);
  return edit.loaded.notices.filter(({ file }) => touched.has(file));
}

function takeFile(path: string, shown: string, asked: Format | undefined, kind: LyncKind | undefined, drafts: Drafts): ReadSource | string {
  let bytes: Buffer;
  try {
    const { size } = statSync(path);
    if (size > MAX_IMPORT_BYTES) return `it has ${size} bytes; at most ${MAX_IMPORT_BYTES} are read`;
    bytes = readFileSync(path);
  } catch (error) {
    return `it cannot be read: ${error instanceof Error && 'code' in error ? String(error.code) : String(error)}`;
  }
  const decoded = decodeText(bytes);
  if (typeof decoded === 'string') return decoded;
  const { text } = decoded;
  const format = asked ?? formatOf(shown, text);
  if (format === undefined) return 'neither a PowerShell export nor a configuration of Prosody or ejabberd; --format says which';
  const file = basename(shown);
  if (format === 'prosody' || format === 'ejabberd') {
    const before = drafts.partners.length;
    const wrong = (format === 'prosody' ? takeProsody : takeEjabberd)(file, text, drafts);
    return (
      wrong ?? {
        file: shown,
        format,
        held: `configuration of ${format === 'prosody' ? 'Prosody' : 'ejabberd'}, ${plural(drafts.partners.length - before, 'partner')}`,
      }
    );
  }
  const read = READERS[format](file, text);
  return typeof read === 'string' ? read : takeObjects(shown, format, read, kind, drafts);
}

const READERS: Readonly<Record<'csv' | 'json' | 'clixml', (file: string, text: string) => Read>> = {
  csv: readCsv,
  json: readJson,
  clixml: readCliXml,
};

function takeObjects(
  shown: string,
  format: Format,
  { objects }: Exclude<Read, string>,
  asked: LyncKind | undefined,
  drafts: Drafts,
): ReadSource | string {
  const counts = new Map<LyncKind, number>();
  for (const object of objects) {
    const kind = asked ?? kindOf(object) ?? kindByName(shown, object.names);
    if (kind === undefined) {
      const { row, unit } = object.origin;
      const names = object.names.slice(0, 6).join(', ');
      return `${unit} ${row}: its properties (${names}) do not tell which cmdlet it came from; --kind says so, e.g. --kind allowedDomain`;
    }
    takeLync(object, kind, drafts);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const held = [...counts].map(([kind, count]) => `${count} of ${CMDLETS[kind]}`).join(', ');
  return { file: shown, format, held: held === '' ? 'no entries' : held };
}

/** A table of domains and comments alone is an allow list or a block list; what the file is called tells which. */
function kindByName(shown: string, names: readonly string[]): LyncKind | undefined {
  if (!names.some((name) => /^(?:domain|identity)$/i.test(name))) return undefined;
  const name = basename(shown).toLowerCase();
  if (name.includes('block')) return 'blockedDomain';
  return name.includes('allow') && !name.includes('xmpp') ? 'allowedDomain' : undefined;
}

function formatOf(shown: string, text: string): Format | undefined {
  const start = text.trimStart().slice(0, 4096);
  if (/^(?:#< CLIXML|<)/.test(start)) return 'clixml';
  if (/\.lua$/i.test(shown) || /^\s*(?:VirtualHost|Component)\s*\(?["']/m.test(text)) return 'prosody';
  if (/\.ya?ml$/i.test(shown)) return 'ejabberd';
  if (/^[[{]/.test(start)) return 'json';
  if (/^#TYPE /i.test(start) || /^["A-Za-z][^\n]*[,;\t|]/.test(start) || /\.csv$/i.test(shown)) return 'csv';
  return undefined;
}
