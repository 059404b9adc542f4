// The container of a backup: a tar archive (POSIX.1-1988 ustar), so that every system's own tool lists and unpacks it. Only
// regular files; a name that does not fit the header goes into a pax record (POSIX.1-2001).

import type { Readable } from 'node:stream';

const BLOCK = 512;
const MAX_NAME = 100;
const MAX_PREFIX = 155;
/** Octal digits of a size: 8 GiB; a larger file is written in base 256, as GNU tar and bsdtar read it. */
const MAX_OCTAL_SIZE = 0o77777777777;
/** A pax record of ours holds one path. */
const MAX_PAX_BYTES = 16 * 1024;

export interface TarEntry {
  /** With forward slashes, relative. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Wall ms. */
  readonly changedAt: number;
}

/** The header blocks of one file; its content follows, filled up with `tarPadding`. */
export function tarHeader(entry: TarEntry): Buffer {
  const place = splitName(entry.path);
  if (place !== undefined) return header({ ...entry, ...place, type: '0' });
  const record = paxRecord('path', entry.path);
  const pax = header({ ...entry, prefix: '', name: 'pax', size: record.length, type: 'x' });
  const name = Buffer.from(entry.path).subarray(0, MAX_NAME).toString('latin1');
  return Buffer.concat([pax, record, tarPadding(record.length), header({ ...entry, prefix: '', name, type: '0' })]);
}

/** Zeros up to the next block. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** Two empty blocks end an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

interface Header extends TarEntry {
  readonly prefix: string;
  readonly name: string;
  readonly type: '0' | 'x';
}

function header({ prefix, name, size, mode, changedAt, type }: Header): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, MAX_NAME, 'latin1');
  block.write(octal(mode & 0o777, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  if (size <= MAX_OCTAL_SIZE) block.write(octal(size, 12), 124);
  else {
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(size), 128);
  }
  block.write(octal(Math.floor(changedAt / 1000), 12), 136);
  block.fill(' ', 148, 156);
  block.write(type, 156);
  block.write('ustar\x0000', 257);
  block.write(prefix, 345, MAX_PREFIX, 'latin1');
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\x00 `, 148);
  return block;
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\x00`;

function checksum(block: Buffer): number {
  let sum = 0;
  for (let at = 0; at < BLOCK; at += 1) sum += at >= 148 && at < 156 ? 32 : (block[at] ?? 0);
  return sum;
}

/** Name and prefix, cut at a slash; undefined when it does not fit, or is not plain ASCII. */
function splitName(path: string): { name: string; prefix: string } | undefined {
  if (!/^[\x20-\x7e]+$/.test(path)) return undefined;
  if (path.length <= MAX_NAME) return { name: path, prefix: '' };
  const cut = path.indexOf('/', path.length - MAX_NAME - 1);
  return cut <= 0 || cut > MAX_PREFIX ? undefined : { prefix: path.slice(0, cut), name: path.slice(cut + 1) };
}

/** `27 path=...\n`, the length counting itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest) + 1;
  while (String(length).length + Buffer.byteLength(rest) !== length) length = String(length).length + Buffer.byteLength(rest);
  return Buffer.from(`${length}${rest}`);
}

/** An archive that is none, or ends early. */
export class TarError extends Error {}

/** One file of an archive; `chunks` must be read to its end before the next one is asked for. */
export interface TarFile extends TarEntry {
  readonly chunks: AsyncGenerator<Buffer>;
}

/** Reads an archive file by file. @throws TarError for what is not an archive of regular files, or ends early */
export async function* readTar(stream: Readable): AsyncGenerator<TarFile> {
  const source = new Source(stream);
  let longPath: string | undefined;
  for (;;) {
    const block = await source.take(BLOCK);
    if (block === undefined) throw new TarError('the archive ends early');
    if (block.every((byte) => byte === 0)) break;
    const sum = Number.parseInt(block.toString('latin1', 148, 156), 8);
    if (sum !== checksum(block)) throw new TarError('this is no tar archive, or it is damaged');
    const size = sizeOf(block);
    const type = block.toString('latin1', 156, 157);
    if (type === 'x') {
      if (size > MAX_PAX_BYTES) throw new TarError('a pax record is too long');
      const record = await source.take(size);
      await source.take(tarPadding(size).length);
      longPath = /^\d+ path=(.*)\n$/s.exec(record?.toString('utf8') ?? '')?.[1] ?? longPath;
      continue;
    }
    const name = zeroEnded(block, 0, MAX_NAME);
    const prefix = zeroEnded(block, 345, MAX_PREFIX);
    const path = longPath ?? (prefix === '' ? name : `${prefix}/${name}`);
    longPath = undefined;
    if (type === '5') continue; // a folder, as other tools write them
    if (type !== '0' && type !== '\0') throw new TarError(`${path} is not a regular file`);
    const mode = Number.parseInt(zeroEnded(block, 100, 8), 8) & 0o777;
    const changedAt = Number.parseInt(zeroEnded(block, 136, 12), 8) * 1000;
    yield { path, size, mode, changedAt, chunks: source.chunks(size) };
    await source.take(tarPadding(size).length);
  }
}

function sizeOf(block: Buffer): number {
  const size = block[124] === 0x80 ? Number(block.readBigUInt64BE(128)) : Number.parseInt(zeroEnded(block, 124, 12), 8);
  if (!Number.isSafeInteger(size) || size < 0) throw new TarError('a size that cannot be');
  return size;
}

function zeroEnded(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at);
  return block.toString('latin1', at, end === -1 || end > at + length ? at + length : end).trim();
}

/** Takes pieces of any length from a stream. */
class Source {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** @returns undefined when the stream ends before */
  async take(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let have = 0;
    while (have < length) {
      const part = await this.#some(length - have);
      if (part === undefined) return undefined;
      parts.push(part);
      have += part.length;
    }
    return Buffer.concat(parts);
  }

  async *chunks(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      const part = await this.#some(left);
      if (part === undefined) throw new TarError('the archive ends early');
      left -= part.length;
      yield part;
    }
  }

  /** Between one and `most` bytes. */
  async #some(most: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      this.#rest = next.value;
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }
}
