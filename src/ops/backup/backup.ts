// `isthmus backup`: one file with everything that a home is, made while it runs.

import { once } from 'node:events';
import { closeSync, createWriteStream, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import * as z from 'zod';
import packageJson from '../../../package.json' with { type: 'json' };
import { placesOf } from '../../config/places.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { generationOf } from './generation.ts';
import { noteBackup } from './last.ts';
import { DATA_FOLDER, type Manifest } from './manifest.ts';
import { type BackupDone, type BackupJob, writeBackup } from './write.ts';

export const backup = verb({
  words: 'backup',
  summary: 'writes everything of a home into one file, while it runs',
  positionals: ['[file]'],
  options: {
    'with-keys': { type: 'boolean', says: "the certificates' private keys and secrets/ too; keep such a file like the keys themselves" },
    'without-keys': {
      type: 'boolean',
      says: 'not even store.key, archive.key and records.key, without which what waits, histories and the archive cannot be read',
    },
  },
  details: [
    'FILE is a gzip-compressed tar archive (mode 0600) that tar can list; "-" writes it to standard output, for ssh or age. Default:',
    'isthmus-HOST-TIME.tar.gz in this folder. In it: isthmus.yaml, routes/, people/, records/, certs/, the database as of one moment, the audit log,',
    "the applied sets, store.key, archive.key and records.key. The certificates' keys and secrets/ stay out unless --with-keys. Over the API the file is a plain",
    'name and stands in backups/ of the data folder. isthmus restore FILE --verify says whether it could be used.',
  ].join('\n'),
  example: 'isthmus backup - --with-keys | ssh standby "cat > /var/backups/isthmus.tar.gz"',
  input: z.object({
    file: z.string().min(1, 'a file name, or - for standard output').max(4096).optional().describe('Where to write it.'),
    withKeys: z.boolean().default(false),
    withoutKeys: z.boolean().default(false),
  }),
  http: { method: 'POST', path: '/backup' },
  role: 'admin',
  audited: true,
  where: 'here',
  async run(operations, { file, withKeys, withoutKeys }) {
    if (withKeys && withoutKeys) return usage('--with-keys and --without-keys exclude each other');
    const keys = withKeys ? 'all' : withoutKeys ? 'none' : 'store';
    const { data } = placesOf(operations.dir);
    const job: BackupJob = {
      dir: operations.dir,
      data,
      keys,
      generation: generationOf(data)?.generation ?? 1,
      version: packageJson.version,
      now: () => operations.clock.now(),
      snapshots: await operations.snapshots(),
      progress: operations.progress,
      signal: operations.signal,
    };
    if (file === '-') {
      if (operations.live !== undefined) return usage('over the API a backup has a name and stands in backups/ of the data folder');
      return toStandardOutput(job);
    }
    const path = placeOf(operations, data, file, new Date(operations.clock.now()));
    return path === undefined ? usage('over the API the file is a plain name, such as before-upgrade.tar.gz') : toFile(job, path);
  },
});

/** The path; undefined when the API may not write there. */
function placeOf(operations: Operations, data: string, file: string | undefined, now: Date): string | undefined {
  const name = file ?? `isthmus-${hostname()}-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.tar.gz`;
  if (operations.live === undefined) return resolve(name);
  if (name !== basename(name) || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$/.test(name)) return undefined;
  mkdirSync(join(data, 'backups'), { recursive: true, mode: 0o700 });
  return join(data, 'backups', name);
}

async function toFile(job: BackupJob, path: string): Promise<Report> {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return usage(`${path} is there already and is not overwritten`);
  const part = `${path}.part`;
  let done: BackupDone;
  try {
    // Of the user alone from its first byte on. Nothing is copied for a file that cannot be made.
    const stream = createWriteStream(part, { flags: 'wx', mode: 0o600 });
    await once(stream, 'open');
    done = await writeBackup(job, stream);
    const file = openSync(part, 'r');
    fsyncSync(file);
    closeSync(file);
    renameSync(part, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) rmSync(part, { force: true });
    if (job.signal.aborted) return { text: 'stopped; nothing was written', json: { error: 'stopped' }, exit: 1 };
    return failed(part, error);
  }
  return finished(job, done, path, statSync(path).size);
}

async function toStandardOutput(job: BackupJob): Promise<Report> {
  if (process.stdout.isTTY) return usage('a backup is no text: send it into a file or a pipe');
  let bytes = 0;
  const { stdout } = process;
  const counted = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      stdout.write(chunk, (error) => done(error));
    },
  });
  try {
    const done = await writeBackup(job, counted);
    return { ...finished(job, done, '-', bytes), text: '' };
  } catch (error) {
    return failed('standard output', error);
  }
}

function finished({ data, now }: BackupJob, { manifest, left, bytes }: BackupDone, file: string, written: number): Report {
  const { takenAt, generation, keys, files } = manifest;
  noteBackup(data, { takenAt, file, bytes: written, generation });
  const seconds = Math.round((now() - Date.parse(takenAt)) / 100) / 10;
  const text = [
    `wrote ${file}: ${files.length} files, ${sizeText(bytes)}, ${sizeText(written)} compressed, as of ${takenAt} (${seconds} s)`,
    ...keysText(
      keys,
      left,
      files.some(({ path }) => path === `${DATA_FOLDER}/store.key`),
    ),
    `isthmus restore ${file} --verify says whether it could be used`,
  ].join('\n');
  const json = { file, takenAt, generation, files: files.length, bytes, written, keys, leftOut: left };
  return { text, json, exit: 0, changes: `${file}: ${files.length} files, keys: ${keys}` };
}

function keysText(keys: Manifest['keys'], left: readonly string[], opens: boolean): string[] {
  const shown = `${left.slice(0, 5).join(', ')}${left.length > 5 ? ` and ${left.length - 5} more` : ''}`;
  if (keys === 'all') return ['It holds every private key and secret of this home: keep it like them.'];
  if (keys === 'none')
    return [
      `Left out: ${shown}. Without store.key messages that wait, and secrets in the database, cannot be read from it; without archive.key histories cannot, without records.key the archive.`,
    ];
  const kept = opens
    ? [
        'It holds store.key, archive.key and records.key, which open messages that wait and what people said: keep it where only operators read.',
      ]
    : [];
  return left.length === 0 ? kept : [...kept, `Left out: ${shown}; keep those elsewhere, or use --with-keys.`];
}

export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${Math.round(bytes / 1024)} KiB`;
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}

function failed(place: string, error: unknown): Report {
  const said = error instanceof Error ? error.message : String(error);
  return { text: `isthmus backup: ${place} could not be written: ${said}`, json: { error: 'failed', text: said }, exit: 2 };
}

function usage(text: string): Report {
  return { text: `isthmus backup: ${text}`, json: { error: 'usage', text }, exit: 2 };
}
