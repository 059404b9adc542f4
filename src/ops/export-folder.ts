// A folder that is handed out: conversations and other files while they are written, the hash of each, and a manifest that
// is written last. It holds no more in memory than a part of what is being written, however many conversations are open.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { HistoryLine } from '../model/history.ts';
import type { Conversation, FormatWriter } from './user/export-formats.ts';
import { Refused } from './user/given.ts';

export const MANIFEST = 'manifest.json';
/** As `sha256sum -c` reads it. */
export const MANIFEST_HASH = 'manifest.json.sha256';

/** What one file holds back before it is written, and what all of them together do, UTF-16 units. */
const PIECE_CHARS = 64 * 1024;
const ALL_CHARS = 8 * 1024 * 1024;

/** A file as the manifest names it. */
export interface WrittenFile {
  /** Within the folder, with `/`. */
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface WrittenConversation extends WrittenFile {
  readonly lines: number;
  readonly unreadable: number;
  /** ISO time of the first line and of the last. */
  readonly first: string;
  readonly last: string;
}

/** Entries of the manifest until it is written: there may be a million of them. */
const SPOOL = '.files.part';
/** Entries that are held before they are written there. */
const SPOOLED = 500;

export class ExportFolder {
  readonly path: string;
  readonly #open = new Set<ConversationFile>();
  #held = 0;
  #entries: string[] = [];
  #spooled = false;
  #count = 0;

  private constructor(path: string) {
    this.path = path;
  }

  /** @throws Refused when it holds something already, or cannot be written */
  static begin(path: string): ExportFolder {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      if (readdirSync(path).length === 0) return new ExportFolder(path);
    } catch (error) {
      throw new Refused(`${path} cannot be used: ${error instanceof Error ? error.message : String(error)}`);
    }
    throw new Refused(`${path} is not empty; name a folder that is new, so that the manifest speaks of all that is in it`);
  }

  /** Entries that the manifest will have. */
  get count(): number {
    return this.#count;
  }

  /** One file as a whole. */
  async write(path: string, text: string): Promise<WrittenFile> {
    const bytes = Buffer.from(text);
    await append(join(this.path, path), bytes, true);
    return { path, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
  }

  /** Names a file in the manifest, with whatever else is to be said of it. */
  async list<F extends WrittenFile>(file: F): Promise<void> {
    this.#count += 1;
    this.#entries.push(JSON.stringify(file));
    if (this.#entries.length >= SPOOLED) await this.#spool();
  }

  async #spool(): Promise<void> {
    const lines = this.#entries.map((line) => `${line}\n`).join('');
    this.#entries = [];
    await append(join(this.path, SPOOL), Buffer.from(lines), !this.#spooled);
    this.#spooled = true;
  }

  /** A conversation, to which lines are added. Many may be open at one time. */
  conversation(path: string, writer: FormatWriter, about: Conversation, first: HistoryLine): ConversationFile {
    const file = new ConversationFile(path, writer, about, first);
    this.#open.add(file);
    return file;
  }

  async add(file: ConversationFile, line: HistoryLine): Promise<void> {
    this.#held += file.add(line);
    if (file.held >= PIECE_CHARS) this.#held -= await file.flush(this.path);
    if (this.#held < ALL_CHARS) return;
    for (const one of this.#open) await one.flush(this.path);
    this.#held = 0;
  }

  async end(file: ConversationFile): Promise<WrittenConversation> {
    this.#open.delete(file);
    this.#held = Math.max(0, this.#held - file.held);
    return file.end(this.path);
  }

  /** Says what the folder holds, and is the last word: all of it is on disk then. @returns its SHA-256 */
  async finish(manifest: Readonly<Record<string, unknown>>): Promise<string> {
    await this.#spool();
    const spool = join(this.path, SPOOL);
    await onDisk(this.path, spool);
    const out = await open(join(this.path, MANIFEST), 'wx', 0o600);
    const hash = createHash('sha256');
    const put = async (text: string): Promise<void> => {
      hash.update(text);
      await out.appendFile(text);
    };
    try {
      await put(`${JSON.stringify(manifest, null, 2).replace(/\n\}$/, '')},\n  "files": [`);
      let piece = '';
      let first = true;
      for await (const line of linesOf(spool)) {
        piece += `${first ? '' : ','}\n    ${line}`;
        first = false;
        if (piece.length < PIECE_CHARS) continue;
        await put(piece);
        piece = '';
      }
      await put(`${piece}${first ? '' : '\n  '}]\n}\n`);
      await out.sync();
    } finally {
      await out.close();
    }
    await rm(spool);
    const sha256 = hash.digest('hex');
    await this.write(MANIFEST_HASH, hashLine(sha256));
    const folder = await open(this.path);
    await folder.sync().finally(() => folder.close());
    return sha256;
  }
}

/** One call for the whole file system; where there is no such command, one for each file, which takes a thousand times as long. */
async function onDisk(folder: string, spool: string): Promise<void> {
  const done = await promisify(execFile)('sync', ['-f', folder]).then(
    () => true,
    () => false,
  );
  if (done) return;
  for await (const line of linesOf(spool)) {
    const { path }: { path: string } = JSON.parse(line); // written by list
    const file = await open(join(folder, path));
    await file.sync().finally(() => file.close());
  }
}

const linesOf = (path: string): AsyncIterable<string> => createInterface({ input: createReadStream(path, 'utf8') });

/** The only line of `manifest.json.sha256`. */
export const hashLine = (sha256: string): string => `${sha256}  ${MANIFEST}\n`;

/** One conversation while it is written. */
export class ConversationFile {
  readonly path: string;
  readonly #writer: FormatWriter;
  readonly #about: Conversation;
  readonly #hash = createHash('sha256');
  readonly #first: number;
  #last: number;
  #pieces: string[] = [];
  #held = 0;
  #bytes = 0;
  #lines = 0;
  #unreadable = 0;

  constructor(path: string, writer: FormatWriter, about: Conversation, first: HistoryLine) {
    this.path = path;
    this.#writer = writer;
    this.#about = about;
    this.#first = first.at;
    this.#last = first.at;
    this.#put(writer.begin(about, first));
  }

  /** What waits to be written, UTF-16 units. */
  get held(): number {
    return this.#held;
  }
  /** Wall ms of its newest line. */
  get last(): number {
    return this.#last;
  }

  /** @returns by how much `held` has grown */
  add(line: HistoryLine): number {
    const before = this.#held;
    this.#put(this.#writer.line(line, this.#about, this.#lines));
    this.#lines += 1;
    if (line.said === undefined) this.#unreadable += 1;
    this.#last = Math.max(this.#last, line.at);
    return this.#held - before;
  }

  /** @returns how much was held before */
  async flush(folder: string, last = false): Promise<number> {
    const held = this.#held;
    if (held === 0 && !last) return 0;
    const bytes = Buffer.from(this.#pieces.join(''));
    this.#pieces = [];
    this.#held = 0;
    const isNew = this.#bytes === 0;
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    await append(join(folder, this.path), bytes, isNew);
    return held;
  }

  async end(folder: string): Promise<WrittenConversation> {
    this.#put(this.#writer.end());
    await this.flush(folder, true);
    const [first = '', last = ''] = [this.#first, this.#last].map((at) => new Date(at).toISOString());
    const size = { bytes: this.#bytes, lines: this.#lines, unreadable: this.#unreadable };
    return { path: this.path, sha256: this.#hash.digest('hex'), ...size, first, last };
  }

  #put(text: string): void {
    this.#pieces.push(text);
    this.#held += text.length;
  }
}

/** Readable by its owner alone. */
async function append(path: string, bytes: Uint8Array, isNew: boolean): Promise<void> {
  if (isNew) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, isNew ? 'wx' : 'a', 0o600);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

/** What went wrong on the disk, in words for who named the folder. */
export function asRefusal(error: unknown, folder: string): unknown {
  return error instanceof Error && 'syscall' in error ? new Refused(`${folder} cannot be written: ${error.message}`) : error;
}

/** Letters, digits and `@._-` as they are, the rest as in a URL; a long one ends in a hash. */
export function fileName(address: string, most = 150): string {
  const safe = [...Buffer.from(address)]
    .map((byte) => (/[A-Za-z0-9@._-]/.test(String.fromCharCode(byte)) && byte < 0x80 ? String.fromCharCode(byte) : `%${byte.toString(16)}`))
    .join('')
    .replace(/^\./, '%2e');
  return safe.length <= most ? safe : `${safe.slice(0, most - 20)}-${createHash('sha256').update(address).digest('hex').slice(0, 16)}`;
}
