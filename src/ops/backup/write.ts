// Writes one backup: a gzip'd tar of the home's files, the data folder, copies of both databases, and the manifest last.

import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Snapshots } from '../../model/snapshot.ts';
import { type Collected, collect } from './collect.ts';
import { DATA_FOLDER, MANIFEST, type Manifest, type ManifestFile, printManifest } from './manifest.ts';
import { TAR_END, tarHeader, tarPadding } from './tar.ts';

/** A copy of the database takes minutes at most. */
const LEFTOVER_MS = 24 * 3_600_000;

export interface BackupJob {
  /** The home. */
  readonly dir: string;
  /** Absolute path of `data:`. */
  readonly data: string;
  readonly keys: Manifest['keys'];
  readonly generation: number;
  readonly version: string;
  /** Wall ms. */
  now(): number;
  readonly snapshots: Snapshots;
  progress(line: string): void;
  readonly signal: AbortSignal;
}

export interface BackupDone {
  readonly manifest: Omit<Manifest, 'format'>;
  /** Keys and secrets that stayed out. */
  readonly left: readonly string[];
  /** Bytes before compression. */
  readonly bytes: number;
}

/** Streams a backup into `to`, which is ended. Rejects when anything could not be read; what was written then has no manifest. */
export async function writeBackup(job: BackupJob, to: Writable): Promise<BackupDone> {
  // The moment: everything that was acknowledged before it is in the copy that is taken now.
  const takenAt = new Date(job.now()).toISOString();
  mkdirSync(job.data, { recursive: true, mode: 0o700 });
  removeLeftovers(job.data, job.now());
  // Beside the data, where there is room for it and nobody else may look.
  const folder = mkdtempSync(join(job.data, '.backup-'));
  try {
    const copied = await job.snapshots.copy(job.data, folder, shareProgress(job.progress), job.signal);
    const { files, left } = collect(job.dir, job.data, job.keys);
    const databases = ['isthmus.db', 'audit.db']
      .map((name): Collected => ({ path: `${DATA_FOLDER}/${name}`, file: join(folder, name) }))
      .filter(({ file }) => statSync(file, { throwIfNoEntry: false }) !== undefined);
    const manifest = {
      version: job.version,
      host: hostname(),
      takenAt,
      generation: job.generation,
      databaseShape: copied.shape,
      ...(copied.auditLast !== undefined && { auditLast: copied.auditLast }),
      keys: job.keys,
      files: [] as ManifestFile[],
    };
    const tar = new PassThrough();
    const sent = pipeline(tar, createGzip(), to, { signal: job.signal });
    sent.catch(() => tar.destroy()); // told below; a writer that waits for room must not wait for ever
    for (const one of [...files, ...databases]) {
      const added = await addFile(tar, one);
      if (added !== undefined) manifest.files.push(added);
    }
    const text = Buffer.from(printManifest(manifest));
    await put(tar, tarHeader({ path: MANIFEST, size: text.length, mode: 0o600, changedAt: job.now() }));
    await put(tar, Buffer.concat([text, tarPadding(text.length), TAR_END]));
    tar.end();
    await sent;
    return { manifest, left, bytes: manifest.files.reduce((sum, one) => sum + one.bytes, 0) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a backup that was killed has left. One that is still at work is younger. */
function removeLeftovers(data: string, now: number): void {
  for (const name of readdirSync(data)) {
    const path = join(data, name);
    if (name.startsWith('.backup-') && now - statSync(path).mtimeMs > LEFTOVER_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** @returns undefined for a file that went away since it was listed */
async function addFile(tar: PassThrough, { path, file }: Collected): Promise<ManifestFile | undefined> {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const { size, mode, mtimeMs } = found;
  await put(tar, tarHeader({ path, size, mode: mode & 0o777, changedAt: mtimeMs }));
  const hash = createHash('sha256');
  let bytes = 0;
  if (size > 0) {
    for await (const chunk of createReadStream(file, { end: size - 1 })) {
      hash.update(chunk);
      bytes += chunk.length;
      await put(tar, chunk);
    }
  }
  if (bytes !== size) throw new Error(`${file} became shorter while it was read; try again`);
  await put(tar, tarPadding(size));
  return { path, bytes, sha256: hash.digest('hex') };
}

/** Waits while the reader is slower. */
async function put(tar: PassThrough, bytes: Buffer): Promise<void> {
  if (tar.destroyed) throw new Error('the backup could not be written to its end');
  if (tar.write(bytes)) return;
  await new Promise<void>((done) => {
    const go = (): void => {
      tar.removeListener('drain', go).removeListener('close', go);
      done();
    };
    tar.once('drain', go).once('close', go);
  });
}

/** A line for each tenth. */
function shareProgress(progress: (line: string) => void): (done: number, all: number) => void {
  let told = 0;
  return (done, all) => {
    const tenths = all === 0 ? 10 : Math.floor((done / all) * 10);
    if (tenths <= told) return;
    told = tenths;
    progress(`copying the database: ${tenths * 10} %`);
  };
}
