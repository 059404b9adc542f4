// Unpacks a backup into an empty folder and checks it on the way: every file's SHA-256, nothing missing, nothing more. What
// the archive calls its files decides nothing about where they land outside that folder.

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { DATA_FOLDER, HOME_FOLDER, MANIFEST, MAX_MANIFEST_BYTES, type Manifest, parseManifest } from './manifest.ts';
import { readTar, TarError, type TarFile } from './tar.ts';

/** More than any home has; a bomb stops here. */
const MAX_FILES = 60_000;
const MAX_BYTES = 1024 ** 4;
const MAX_PATH = 1024;

export type Extracted =
  | { readonly ok: true; readonly manifest: Manifest; readonly bytes: number }
  | { readonly ok: false; readonly why: string };

/** @param into an empty folder; afterwards it holds `home/` and `data/` */
export async function extract(file: string, into: string, signal: AbortSignal): Promise<Extracted> {
  const found = new Map<string, { bytes: number; sha256: string }>();
  let manifest: Manifest | undefined;
  let bytes = 0;
  const source = file === '-' ? process.stdin : createReadStream(file);
  const unzipped = createGunzip();
  const piped = pipeline(source, unzipped, { signal });
  piped.catch(() => undefined); // the reader below sees the same failure
  try {
    for await (const entry of readTar(unzipped)) {
      if (manifest !== undefined) return refused(`${shown(entry.path)} comes after ${MANIFEST}, which is the last file of a backup`);
      bytes += entry.size;
      if (bytes > MAX_BYTES || found.size >= MAX_FILES) return refused('it holds more than any home does');
      if (entry.path === MANIFEST) {
        const read = await readManifest(entry);
        if (typeof read === 'string') return refused(read);
        manifest = read;
      } else if (!isOurs(entry.path)) return refused(`it holds ${shown(entry.path)}, which no backup of Isthmus does`);
      else if (found.has(entry.path)) return refused(`it holds ${shown(entry.path)} twice`);
      else found.set(entry.path, await write(entry, into));
    }
  } catch (error) {
    if (signal.aborted) throw error;
    return refused(readableFault(error));
  } finally {
    source.destroy();
  }
  if (manifest === undefined) return refused(`it has no ${MANIFEST}: the backup was cut off while it was written`);
  const wrong = difference(manifest, found);
  return wrong === undefined ? { ok: true, manifest, bytes } : refused(wrong);
}

const refused = (why: string): Extracted => ({ ok: false, why });
const shown = (path: string): string => JSON.stringify(path.slice(0, 200));

/** Below home/ or data/, and nothing that could lead out of it. */
function isOurs(path: string): boolean {
  if (path.length > MAX_PATH || /[\x00-\x1f\x7f\\]/.test(path)) return false;
  const steps = path.split('/');
  return (
    steps.length > 1 &&
    (steps[0] === HOME_FOLDER || steps[0] === DATA_FOLDER) &&
    // A home is often a git folder, whose configuration runs commands: backup leaves it out, and nobody may bring one in.
    steps.every((step) => step !== '' && step !== '.' && step !== '..' && step.toLowerCase() !== '.git')
  );
}

async function readManifest(entry: TarFile): Promise<Manifest | string> {
  if (entry.size > MAX_MANIFEST_BYTES) return `${MANIFEST} is too long`;
  const parts: Buffer[] = [];
  for await (const chunk of entry.chunks) parts.push(chunk);
  return parseManifest(Buffer.concat(parts).toString('utf8'));
}

async function write(entry: TarFile, into: string): Promise<{ bytes: number; sha256: string }> {
  const path = join(into, entry.path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of entry.chunks) {
      hash.update(chunk);
      yield Buffer.from(chunk); // the piece is part of a buffer that is used again
    }
  };
  await pipeline(Readable.from(hashed()), createWriteStream(path, { flags: 'wx', mode: entry.mode & 0o755 & ~0o111, flush: true }));
  return { bytes: entry.size, sha256: hash.digest('hex') };
}

function difference({ files }: Manifest, found: ReadonlyMap<string, { bytes: number; sha256: string }>): string | undefined {
  for (const { path, bytes, sha256 } of files) {
    const one = found.get(path);
    if (one === undefined) return `${path} is missing`;
    if (one.bytes !== bytes || one.sha256 !== sha256) return `${path} is not what was backed up (SHA-256 differs)`;
  }
  const known = new Set(files.map((one) => one.path));
  const more = [...found.keys()].find((path) => !known.has(path));
  return more === undefined ? undefined : `${more} was put in later`;
}

function readableFault(error: unknown): string {
  if (error instanceof TarError) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'it may not be read by this user';
  if (code === 'Z_BUF_ERROR') return 'it ends early: the backup was cut off';
  if (code.startsWith('Z_')) return 'it is no gzip file, or it is damaged';
  return error instanceof Error ? error.message : String(error);
}
