// Reads the write-ahead log before SQLite does. SQLite stops at the first frame that does not check out and says nothing;
// this says how much was there, so that a start after damage can report what is gone (sqlite.org/fileformat2.html §4).

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** A longer log is not read: the checkpoint keeps it far below. */
const MAX_BYTES = 256 * 1024 * 1024;

export interface WalFinding {
  /** Frames up to the last good commit: what SQLite will use. */
  readonly good: number;
  /** Frames after it that belong to this log: of a transaction that never committed, or damaged. */
  readonly lost: number;
  /** True when the file ends inside a frame. */
  readonly cut: boolean;
}

/** @returns undefined when there is no log, or none that can be judged */
export function inspectWal(path: string): WalFinding | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const size = fstatSync(file).size;
    if (size < HEADER_BYTES || size > MAX_BYTES) return undefined;
    const log = Buffer.alloc(size);
    return judge(log.subarray(0, readSync(file, log, 0, size, 0)));
  } finally {
    closeSync(file);
  }
}

function judge(log: Buffer): WalFinding | undefined {
  const magic = log.readUInt32BE(0);
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return undefined;
  const bigEndian = magic === 0x377f0683;
  const frameBytes = FRAME_HEADER_BYTES + log.readUInt32BE(8);
  const salt = log.readBigUInt64BE(16);
  let sum = checksum(log, 0, 24, bigEndian, [0, 0]);
  const whole = Math.floor((log.length - HEADER_BYTES) / frameBytes);
  let good = 0;
  let valid = true;
  let ours = 0;
  for (let frame = 0; frame < whole; frame += 1) {
    const at = HEADER_BYTES + frame * frameBytes;
    // Frames of an earlier use of the file carry another salt; they end the log.
    if (log.readBigUInt64BE(at + 8) !== salt) {
      if (valid) break;
      continue;
    }
    ours = frame + 1;
    if (!valid) continue;
    sum = checksum(log, at, 8, bigEndian, sum);
    sum = checksum(log, at + FRAME_HEADER_BYTES, frameBytes - FRAME_HEADER_BYTES, bigEndian, sum);
    valid = sum[0] === log.readUInt32BE(at + 16) && sum[1] === log.readUInt32BE(at + 20);
    // The frame of a commit carries the size of the database after it.
    if (valid && log.readUInt32BE(at + 4) !== 0) good = frame + 1;
  }
  return { good, lost: ours - good, cut: (log.length - HEADER_BYTES) % frameBytes !== 0 };
}

function checksum(log: Buffer, start: number, length: number, bigEndian: boolean, seed: readonly [number, number]): [number, number] {
  let [a, b] = seed;
  const view = new DataView(log.buffer, log.byteOffset + start, length);
  for (let at = 0; at < length; at += 8) {
    a = (a + view.getUint32(at, !bigEndian) + b) >>> 0;
    b = (b + view.getUint32(at + 4, !bigEndian) + a) >>> 0;
  }
  return [a, b];
}
