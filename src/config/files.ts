// Reads the files of a home into memory: YAML, groups, PEM; of secrets only names and modes. The checks work on this
// picture alone, so that one set is judged as it was read, and tests need no disk.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { placesOf } from './places.ts';

export interface HomeFile {
  /** Empty for what is not read: secrets, unreadable files. */
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
  /** Why it could not be read. */
  readonly unreadable?: string;
}

/** Every file of the parts that Isthmus reads, by its path relative to the home with forward slashes. */
export type HomeFiles = ReadonlyMap<string, HomeFile>;

export const ISTHMUS_FILE = 'isthmus.yaml';
export const DOMAINS_FILE = 'routes/domains.yaml';
const FOLDERS = ['routes', 'people', 'records', 'certs', 'secrets'] as const;
/** Who is in the groups of a directory, as its sync found them, by their names in routes/policy.yaml; lies in `data:`. */
export const DIRECTORY_GROUPS = 'data/directory/groups.json';
/** Behind a folder's path: what stands there is about the folder itself. No file has this name. */
export const WHOLE_FOLDER = '/.';
const MAX_FILES = 20_000;
const MAX_DEPTH = 6;
const MAX_READ_BYTES = 4 * 1024 * 1024;

/** Reads the home. @throws the error of node:fs when `dir` itself is not a readable folder */
export function readHomeFiles(dir: string): HomeFiles {
  const files = new Map<string, HomeFile>();
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (!entry.isDirectory() && /\.ya?ml$/.test(entry.name)) files.set(entry.name, readOne(dir, entry.name));
  }
  for (const folder of FOLDERS) walk(dir, folder, files, 0);
  const groups = readOne(placesOf(dir).data, 'directory/groups.json');
  if (groups.unreadable === undefined) files.set(DIRECTORY_GROUPS, groups);
  return files;
}

/** Is it a YAML file directly in `folder`, and no editor's draft? */
export function isYamlIn(path: string, folder: string): boolean {
  const name = path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : '';
  return name.endsWith('.yaml') && !name.includes('/') && !name.startsWith('.');
}

function walk(dir: string, folder: string, files: Map<string, HomeFile>, depth: number): void {
  let names: string[];
  try {
    names = readdirSync(join(dir, folder)).sort();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    // A folder that is not there holds nothing. One that may not be read could hold every partner.
    if (code !== 'ENOENT') files.set(`${folder}${WHOLE_FOLDER}`, { text: '', mode: 0, unreadable: code });
    return;
  }
  for (const name of names) {
    if (files.size >= MAX_FILES) {
      files.set(`${folder}${WHOLE_FOLDER}`, { text: '', mode: 0, unreadable: `the home has more than ${MAX_FILES} files` });
      return;
    }
    const path = `${folder}/${name}`;
    if (isFolder(join(dir, path))) {
      if (depth < MAX_DEPTH && name !== '.git') walk(dir, path, files, depth + 1);
    } else {
      files.set(path, readOne(dir, path));
    }
  }
}

/** Follows symbolic links: ACME tools keep the live certificate behind one. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function readOne(dir: string, path: string): HomeFile {
  try {
    const { mode, size } = statSync(join(dir, path));
    const permissions = mode & 0o777;
    if (path.startsWith('secrets/')) return { text: '', mode: permissions };
    if (size > MAX_READ_BYTES) return { text: '', mode: permissions, unreadable: `it has ${size} bytes` };
    return { text: readFileSync(join(dir, path), 'utf8'), mode: permissions };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { text: '', mode: 0, unreadable: code };
  }
}
