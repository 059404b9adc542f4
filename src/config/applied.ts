// The sets of files that were accepted, below `data:` in applied/. `isthmus apply` puts one there, a start uses the current
// one, `isthmus undo` goes back to the one before.
//   applied/7.json     one set: who accepted it, when, why, and every file of it
//   applied/current    the number of the set in force; replaced by a rename, so it names the old set or the new one
// A set is everything that does not take effect at once: isthmus.yaml, routes/, people/, records/, certs/acme.yaml. Never keys, never secrets.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writeWhole } from './edit.ts';
import type { HomeFile, HomeFiles } from './files.ts';

/** Sets that are kept. */
const KEPT = 50;
/** Accepting a set takes well under a second; a lock that is older was left behind. */
const LOCK_MS = 60_000;
/** How long another one's change is waited for, and how often it is looked at. Several commands at a time are no mistake. */
const LOCK_WAIT_MS = 3000;
const LOCK_STEP_MS = 20;
const MAX_SET_BYTES = 256 * 1024 * 1024;

/** Who had a set accepted. */
export interface AcceptedBy {
  /** Wall ms. */
  readonly at: number;
  /** A user of this machine, a token's name, or what made it happen: `start`, `SIGHUP`, `save`. */
  readonly by: string;
  readonly why?: string;
}

export interface SetHead extends AcceptedBy {
  readonly number: number;
  /** The set that was in force before it. */
  readonly before?: number;
  readonly count: number;
}

export interface AcceptedSet extends SetHead {
  /** Text by path. */
  readonly files: ReadonlyMap<string, string>;
}

/** A set cannot be read or written; the message says what to do. */
export class AppliedError extends Error {}

const setFile = z.object({
  format: z.literal(1),
  number: z.int().positive(),
  at: z.number(),
  by: z.string(),
  why: z.string().optional(),
  before: z.int().positive().optional(),
  digest: z.string(),
  files: z.record(z.string(), z.string()),
});

/** Is this file part of a set, or does it take effect at once (certificates, keys, CRLs) or never (for people)? */
export function belongsToSet(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.startsWith('.')) return false;
  return path === 'isthmus.yaml' || path === 'certs/acme.yaml' || (/^(?:routes|people|records)\//.test(path) && /\.(yaml|csv)$/.test(name));
}

/** What of a home's files is a set. */
export function setOf(files: HomeFiles): Map<string, string> {
  const own = [...files].filter(([path, file]) => belongsToSet(path) && file.unreadable === undefined);
  return new Map(own.map(([path, file]) => [path, file.text]));
}

/**
 * The home as it is in force: certificates and secrets as they lie there, everything else from the set. Roots for single
 * partners are left to the edge, which reads them by itself: a new partner's may lie there before its file is accepted.
 */
export function withSet(files: HomeFiles, set: ReadonlyMap<string, string>): HomeFiles {
  const atOnce = [...files].filter(
    ([path]) => !belongsToSet(path) && !/^(?:routes|people|records)\//.test(path) && !path.startsWith('certs/trust/partners/'),
  );
  const accepted = [...set].map(([path, text]): [string, HomeFile] => [path, { text, mode: files.get(path)?.mode ?? 0o644 }]);
  return new Map<string, HomeFile>([...atOnce, ...accepted]);
}

/** A set as files, to compare it with others. */
export function filesOf(set: ReadonlyMap<string, string>): HomeFiles {
  return new Map([...set].map(([path, text]) => [path, { text, mode: 0o644 }]));
}

export class AppliedSets {
  /** Absolute path of the folder. */
  readonly folder: string;
  readonly #waitMs: number;

  /**
   * @param data absolute path of `data:`
   * @param waitMs how long somebody else is waited for
   */
  constructor(data: string, waitMs = LOCK_WAIT_MS) {
    this.folder = join(data, 'applied');
    this.#waitMs = waitMs;
  }

  /** Number of the set in force; undefined: nothing was accepted yet. @throws AppliedError */
  currentNumber(): number | undefined {
    let text: string;
    try {
      text = readFileSync(join(this.folder, 'current'), 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw new AppliedError(`${this.folder}/current cannot be read: ${codeOf(error)}`, { cause: error });
    }
    const number = /^(\d{1,9})\n?$/.exec(text)?.[1];
    if (number === undefined)
      throw new AppliedError(`${this.folder}/current holds no number; write one of ${this.#numbers().join(', ')} into it`);
    return Number(number);
  }

  /** The set in force. @throws AppliedError */
  current(): AcceptedSet | undefined {
    const number = this.currentNumber();
    return number === undefined ? undefined : this.get(number);
  }

  /** @throws AppliedError when it is gone or damaged */
  get(number: number): AcceptedSet {
    const path = join(this.folder, `${number}.json`);
    const damaged = (what: string, cause?: unknown): AppliedError =>
      new AppliedError(`${path} ${what}; isthmus apply accepts the files as they are`, { cause });
    let text: string;
    try {
      if (statSync(path).size > MAX_SET_BYTES) throw damaged('is larger than a set can be');
      text = readFileSync(path, 'utf8');
    } catch (error) {
      throw error instanceof AppliedError
        ? error
        : damaged(codeOf(error) === 'ENOENT' ? 'is gone' : `cannot be read: ${codeOf(error)}`, error);
    }
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      throw damaged('is damaged', error);
    }
    const parsed = setFile.safeParse(json);
    if (!parsed.success || parsed.data.number !== number || digestOf(parsed.data.files) !== parsed.data.digest) throw damaged('is damaged');
    const { at, by, why, before, files } = parsed.data;
    return {
      number,
      at,
      by,
      count: Object.keys(files).length,
      ...(why !== undefined && { why }),
      ...(before !== undefined && { before }),
      files: new Map(Object.entries(files)),
    };
  }

  /** The kept sets, newest first; one that cannot be read is left out. */
  list(): SetHead[] {
    return this.#numbers().flatMap((number) => {
      try {
        const { files: _texts, ...head } = this.get(number);
        return [head];
      } catch {
        return [];
      }
    });
  }

  /** Keeps a set and makes it the current one. @throws AppliedError: nothing has changed then */
  accept(files: ReadonlyMap<string, string>, { at, by, why }: AcceptedBy): SetHead {
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      const before = this.#currentIfAny();
      const number = Math.max(0, before ?? 0, ...this.#numbers()) + 1;
      const head = { number, at, by, ...(why !== undefined && { why }), ...(before !== undefined && { before }) };
      const texts = Object.fromEntries(files);
      const set = { format: 1, ...head, digest: digestOf(texts), files: texts };
      writeWhole(join(this.folder, `${number}.json`), `${JSON.stringify(set, null, 1)}\n`, 0o600);
      this.#point(number);
      this.#tidy(number);
      return { ...head, count: files.size };
    } catch (error) {
      throw error instanceof AppliedError
        ? error
        : new AppliedError(`${this.folder} cannot be written: ${codeOf(error)}`, { cause: error });
    }
  }

  /** Makes a kept set the current one. @throws AppliedError: nothing has changed then */
  point(number: number): SetHead {
    const { files: _texts, ...set } = this.get(number);
    try {
      this.#point(number);
    } catch (error) {
      throw new AppliedError(`${this.folder}/current cannot be written: ${codeOf(error)}`, { cause: error });
    }
    return set;
  }

  /** One at a time, across processes. @throws AppliedError when somebody else stays at it, and what `work` throws */
  locked<T>(work: () => T): T {
    const path = join(this.folder, 'lock');
    const unwritable = (error: unknown): AppliedError =>
      new AppliedError(`${this.folder} cannot be written: ${codeOf(error)}`, { cause: error });
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      if (isStale(path)) rmSync(path, { force: true });
    } catch (error) {
      throw unwritable(error);
    }
    for (let waited = 0; !this.#takeLock(path, unwritable); waited += LOCK_STEP_MS) {
      if (waited >= this.#waitMs) throw new AppliedError('somebody else is changing the rules at this moment; try again');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_STEP_MS);
    }
    try {
      return work();
    } finally {
      rmSync(path, { force: true });
    }
  }

  /** @returns false when somebody else holds it */
  #takeLock(path: string, unwritable: (error: unknown) => AppliedError): boolean {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      rmSync(path, { force: true }); // made, and then no room for its number: nobody must wait for it
      throw unwritable(error);
    }
  }

  #point(number: number): void {
    writeWhole(join(this.folder, 'current'), `${number}\n`, 0o600);
  }

  /** For a set that replaces whatever there was: a pointer that cannot be read is no reason to stay broken. */
  #currentIfAny(): number | undefined {
    try {
      return this.currentNumber();
    } catch {
      return undefined;
    }
  }

  /** The way back stays: only sets that are older than the newest ones, and not in force, go. */
  #tidy(current: number): void {
    for (const old of this.#numbers().slice(KEPT)) if (old !== current) rmSync(join(this.folder, `${old}.json`), { force: true });
  }

  /** Newest first. */
  #numbers(): number[] {
    let names: string[];
    try {
      names = readdirSync(this.folder);
    } catch {
      return [];
    }
    const numbers = names.flatMap((name) => /^(\d{1,9})\.json$/.exec(name)?.[1] ?? []).map(Number);
    return numbers.sort((a, b) => b - a);
  }
}

/** Left behind by a process that is gone, or older than anybody can take. */
function isStale(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  if (Date.now() - stat.mtimeMs > LOCK_MS) return true;
  try {
    process.kill(Number(readFileSync(path, 'utf8')), 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

function digestOf(files: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256');
  for (const path of Object.keys(files).sort()) hash.update(`${path}\0${files[path]}\0`);
  return hash.digest('hex');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
