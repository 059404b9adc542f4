// Which files of a home go into a backup. Databases are copied apart; sockets, locks and what can be made again stay out.

import { closeSync, lstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DATA_FOLDER, HOME_FOLDER, type Manifest } from './manifest.ts';

export interface Collected {
  /** In the archive. */
  readonly path: string;
  /** On this disk. */
  readonly file: string;
}

const MAX_FILES = 50_000;
const MAX_DEPTH = 8;
/** Files of the data folder that are copied apart, belong to the process that runs, or were set aside. */
const NOT_DATA =
  /^(isthmus\.db|audit\.db|isthmus\.owner)(-|$)|\.damaged-|\.sock$|^backups(\/|$)|^\.backup-|^applied\/lock$|^generation\.json$|^last-backup\.json$/;
/** Files that users shared: many, large, and gone after retention.uploads. */
const UPLOADS = 'uploads';
/** Private keys by name, besides those that are seen by what they begin with. */
const KEY_NAME = /(^|\/)(key|arriving|next)\.pem$|\.(key|p12|pfx)$/i;

/**
 * @param dir the home @param data absolute path of `data:`
 * @returns what goes in, and the keys and secrets that stay out
 */
export function collect(
  dir: string,
  data: string,
  keys: Manifest['keys'],
): { readonly files: readonly Collected[]; readonly left: readonly string[] } {
  const files: Collected[] = [];
  const left: string[] = [];
  const take = (folder: string, root: string, path: string): void => {
    const file = join(root, path);
    const shown = `${folder}/${path}`;
    const isStoreKey = folder === DATA_FOLDER && (path === 'store.key' || path === 'archive.key' || path === 'records.key');
    const secret = !isStoreKey && (/^secrets\/[^.]/.test(path) || KEY_NAME.test(path) || holdsKey(file));
    const wanted = isStoreKey ? keys !== 'none' : !secret || keys === 'all';
    if (wanted) files.push({ path: shown, file });
    else left.push(shown);
  };
  for (const path of walk(dir)) {
    const first = path.split('/')[0] ?? '';
    if (
      ['routes', 'people', 'records', 'certs', 'secrets'].includes(first) ||
      /^[^/]+\.(ya?ml|json|md)$/.test(path) ||
      path === '.gitignore'
    )
      take(HOME_FOLDER, dir, path);
  }
  for (const path of walk(data, UPLOADS)) if (!NOT_DATA.test(path)) take(DATA_FOLDER, data, path);
  return { files, left };
}

/** Regular files below a folder but one, sorted. Links are followed, as ACME tools keep live certificates behind one. */
function walk(root: string, without?: string): string[] {
  const found: string[] = [];
  const into = (path: string, depth: number): void => {
    for (const name of namesIn(join(root, path))) {
      const inner = path === '' ? name : `${path}/${name}`;
      const is = statSync(join(root, inner), { throwIfNoEntry: false });
      if (is === undefined || name === '.git' || name === 'node_modules' || inner === without) continue;
      if (is.isDirectory() && depth < MAX_DEPTH && !isLink(join(root, inner))) into(inner, depth + 1);
      else if (is.isFile()) found.push(inner);
      if (found.length > MAX_FILES) throw new Error(`${root} holds more than ${MAX_FILES} files`);
    }
  };
  into('', 0);
  return found;
}

function isLink(path: string): boolean {
  const is = lstatSync(path);
  // A linked folder is walked only where a home may have one: a certificate's own.
  return is.isSymbolicLink() && !/\/certs\/own\/[^/]+$/.test(path);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // not there: nothing to keep
  }
}

/** Does it carry a private key in PEM? */
function holdsKey(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(64 * 1024);
    return head.toString('latin1', 0, readSync(file, head, 0, head.length, 0)).includes('PRIVATE KEY-----');
  } finally {
    closeSync(file);
  }
}
