// certs/own/<name>/ on disk. A pair is two files, and a process may be killed between them; so the order of the steps is
// such that after each one a matching pair can be read (edge/own-pair.ts takes the key from next/arriving.pem as well):
//   next/arriving.pem   the new key                    old chain, old key
//   previous/           a copy of the old pair         old chain, old key
//   fullchain.pem       renamed into place             new chain, new key in next/arriving.pem
//   key.pem             renamed from next/             new chain, new key
// next/key.pem is another thing: the key of a certificate to come, made ahead so that partners can be told its fingerprint.

import { createPrivateKey, randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ACCEPTED } from '../edge/own-pair.ts';
import { readCertificates } from '../edge/pem.ts';
import { checkPair, type Pair, type PairCheck, type PairNeeds } from './pair-check.ts';

/** Where a pair could not be written, or is not ours to write. */
export class PairError extends Error {}

/**
 * Checks a pair and, when nothing is wrong with it, puts it in force: new handshakes use it as soon as the running process
 * sees the files. For ACME: `chainAsSent` in `needs`.
 * @param folder the home's certs folder
 */
export function replacePair(folder: string, name: string, chainPem: string, keyPem: string, needs: PairNeeds): PairCheck {
  const check = checkPair(readCertificates(chainPem), createPrivateKey(keyPem), needs);
  if (check.pair !== undefined && check.faults.length === 0) putPair(folder, name, check.pair);
  return check;
}

/**
 * Puts a pair in force. What was there before lies in certs/own/<name>/previous/ afterwards.
 * @param folder the home's certs folder
 * @param how.acceptNames somebody wants it although it loses names; the running process then takes it too
 * @throws PairError when the folder is not ours to write; the error of node:fs when it cannot be written
 */
export function putPair(
  folder: string,
  name: string,
  pair: Pick<Pair, 'chainPem' | 'keyPem'>,
  how: { readonly acceptNames?: boolean } = {},
): void {
  const own = ownFolder(folder, name);
  finishEarlier(own);
  const next = hiddenFolder(join(own, 'next'));
  const arriving = join(next, 'arriving.pem');
  writeFile(arriving, pair.keyPem, 0o600);
  keepPrevious(own);
  if (how.acceptNames === true) writeFile(join(own, ACCEPTED), `${readCertificates(pair.chainPem)[0].fingerprint256}\n`, 0o644);
  writeFile(join(own, 'fullchain.pem'), pair.chainPem, 0o644);
  renameSync(arriving, join(own, 'key.pem'));
  syncFolder(own);
  const staged = stagedKey(folder, name);
  // A key that waits for yet another certificate stays: partners may have been told of it.
  if (staged === undefined || createPrivateKey(staged).equals(createPrivateKey(pair.keyPem)))
    rmSync(next, { recursive: true, force: true });
}

/** Writes the key that the next certificate will be made for; mode 0600. @returns its path */
export function stageKey(folder: string, name: string, keyPem: string): string {
  const next = hiddenFolder(join(ownFolder(folder, name), 'next'));
  writeFile(join(next, 'key.pem'), keyPem, 0o600);
  return join(next, 'key.pem');
}

/** The key made for the next certificate; undefined when there is none. */
export function stagedKey(folder: string, name: string): string | undefined {
  return readIfThere(join(folder, 'own', name, 'next', 'key.pem'));
}

/** A file beside the staged key, such as the request that was made with it. */
export function stageFile(folder: string, name: string, file: string, text: string): void {
  writeFile(join(hiddenFolder(join(ownFolder(folder, name), 'next')), file), text, 0o600);
}

/** Names of the folders in certs/own, sorted. */
export function pairNames(folder: string): string[] {
  const own = join(folder, 'own');
  if (!existsSync(own)) return [];
  return readdirSync(own)
    .filter((name) => !name.startsWith('.') && statSync(join(own, name), { throwIfNoEntry: false })?.isDirectory() === true)
    .sort();
}

/** The text of a file; undefined when it is not there. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** May a folder in certs/own be called so? Returns what would be right when not. */
export function pairNameFault(name: string): string | undefined {
  return /^[a-z0-9][a-z0-9._-]{0,99}$/i.test(name) ? undefined : 'letters, digits, dots and hyphens, such as main or corp.example';
}

function ownFolder(folder: string, name: string): string {
  const fault = pairNameFault(name);
  if (fault !== undefined) throw new PairError(`"${name.slice(0, 100)}" cannot be the name of a folder in certs/own; ${fault}`);
  const own = join(folder, 'own', name);
  // Another program keeps the pair then, and would not know of ours.
  if (lstatSync(own, { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new PairError(`certs/own/${name} is a link to another folder; whoever keeps that one must renew it, or name another folder`);
  }
  for (const file of ['fullchain.pem', 'key.pem']) {
    if (!lstatSync(join(own, file), { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    throw new PairError(
      `certs/own/${name}/${file} is a link to another file; whoever keeps that one must renew it, or name another folder`,
    );
  }
  makeFolder(own, 0o755);
  return own;
}

/** A replacement that was killed between its two files: its key goes where it belongs before another one comes. */
function finishEarlier(own: string): void {
  const arriving = join(own, 'next', 'arriving.pem');
  const chain = readIfThere(join(own, 'fullchain.pem'));
  const key = readIfThere(arriving);
  if (chain !== undefined && key !== undefined && match(chain, key)) renameSync(arriving, join(own, 'key.pem'));
}

function keepPrevious(own: string): void {
  const chain = readIfThere(join(own, 'fullchain.pem'));
  const key = readIfThere(join(own, 'key.pem'));
  if (chain === undefined || key === undefined || !match(chain, key)) return;
  const previous = hiddenFolder(join(own, 'previous'));
  writeFile(join(previous, 'key.pem'), key, 0o600);
  writeFile(join(previous, 'fullchain.pem'), chain, 0o644);
}

function match(chainPem: string, keyPem: string): boolean {
  try {
    return readCertificates(chainPem)[0].checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false; // what cannot be read is not worth keeping
  }
}

/** A folder that git must not see, also in a home whose .gitignore is older than the folder. */
function hiddenFolder(path: string): string {
  makeFolder(path, 0o700);
  if (!existsSync(join(path, '.gitignore'))) writeFile(join(path, '.gitignore'), '*\n', 0o644);
  return path;
}

/** Makes a folder and those above it, for whoever owns the one that is there. */
export function makeFolder(path: string, mode: number): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path), 0o755);
  mkdirSync(path, { mode });
  const owner = ownerToBe(dirname(path));
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
}

/** Whole or not at all: written beside, synced, renamed. */
export function writeFile(path: string, text: string, mode: number): void {
  const folder = dirname(path);
  const draft = join(folder, `.${randomBytes(6).toString('hex')}.tmp`);
  const file = openSync(draft, 'wx', mode);
  try {
    fchmodSync(file, mode); // the umask may have taken bits away
    const owner = ownerToBe(folder);
    if (owner !== undefined) fchownSync(file, owner.uid, owner.gid);
    writeFileSync(file, text); // all of it: writeSync may stop half-way on a disk that is nearly full
    fsyncSync(file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  syncFolder(folder);
}

/** Root writes for whoever owns the folder: the process that reads the key rarely is root. */
function ownerToBe(folder: string): { readonly uid: number; readonly gid: number } | undefined {
  return process.getuid?.() === 0 ? statSync(folder) : undefined;
}

function syncFolder(folder: string): void {
  const file = openSync(folder, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
