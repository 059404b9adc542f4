// A small mutation fuzzer without coverage: seeded, so that a run can be repeated, and fast, so that ten million inputs fit in a
// night. A target is a plain function that throws when a promise is broken; jsfuzz or jazzer.js could drive the same ones.

export interface Target {
  readonly name: string;
  /** Good inputs to begin with. */
  readonly seeds: readonly Buffer[];
  /** Pieces that mean something to the reader. */
  readonly words: readonly string[];
  /** Runs one input; throws when a promise is broken. Hostile input is no exception: it is an answer. */
  readonly run: (input: Buffer) => void;
}

export interface Finding {
  readonly target: string;
  readonly input: Buffer;
  readonly what: string;
}
export interface Report {
  readonly target: string;
  readonly inputs: number;
  readonly slowestMs: number;
  readonly findings: readonly Finding[];
  readonly tookMs: number;
}

/** What one input may take, ms. */
export const MAX_MS = 100;
const MAX_FINDINGS = 10;
const MAX_BYTES = 70_000;

/** Runs `count` inputs that follow from `seed`. */
export function fuzz(target: Target, count: number, seed: number): Report {
  const random = sfc32(seed);
  const mutator = new Mutator(target, random);
  const findings: Finding[] = [];
  const started = performance.now();
  let slowestMs = 0;
  let inputs = 0;
  for (; inputs < count && findings.length < MAX_FINDINGS; inputs++) {
    const input = inputs < target.seeds.length ? target.seeds[inputs]! : mutator.next();
    const before = performance.now();
    let what = attempt(target, input);
    let tookMs = performance.now() - before;
    if (what === undefined && tookMs > MAX_MS) {
      // The machine may have been elsewhere: only what is slow three times is slow.
      for (let again = 0; again < 3; again++) tookMs = Math.min(tookMs, timed(target, input));
      if (tookMs > MAX_MS) what = `took ${Math.round(tookMs)} ms`;
    }
    slowestMs = Math.max(slowestMs, tookMs);
    if (what !== undefined) findings.push({ target: target.name, input: Buffer.from(input), what });
  }
  return { target: target.name, inputs, slowestMs, findings, tookMs: performance.now() - started };
}

/** Runs one input; what went wrong, in words. */
export function attempt(target: Target, input: Buffer): string | undefined {
  try {
    target.run(input);
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

function timed(target: Target, input: Buffer): number {
  const before = performance.now();
  attempt(target, input);
  return performance.now() - before;
}

type Random = () => number;

/** Chris Doty-Humphrey's sfc32: whole numbers below 2^32. */
function sfc32(seed: number): Random {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = 0xb7e15162;
  let d = seed >>> 0;
  const next = (): number => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let warm = 0; warm < 15; warm++) next();
  return next;
}

const ODD_BYTES = Buffer.from([
  0, 1, 9, 10, 13, 32, 34, 37, 38, 39, 44, 47, 58, 59, 60, 61, 62, 64, 92, 127, 128, 0xc0, 0xed, 0xf4, 0xfe, 0xff,
]);
const ODD_NUMBERS = [
  '0',
  '-1',
  '1',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '4294967296',
  '99999999999999999999',
  '1e3',
  '0x10',
  '+5',
  '',
];
const ODD_TEXT = [
  '\u202e',
  '\u2028',
  '\ufeff',
  '\u0085',
  '\ufffe',
  '\u{1f600}',
  'é',
  '%00',
  '%0d%0a',
  '%',
  '%zz',
  '\r\n',
  '\r\n\r\n',
  '\0',
  '__proto__',
  'constructor',
];

class Mutator {
  readonly #random: Random;
  readonly #seeds: readonly Buffer[];
  readonly #words: readonly Buffer[];

  constructor(target: Target, random: Random) {
    this.#random = random;
    this.#seeds = target.seeds;
    this.#words = [...target.words, ...ODD_TEXT].map((word) => Buffer.from(word));
  }

  next(): Buffer {
    let bytes = this.#pick(this.#seeds);
    if (this.#below(64) === 0) return this.#noise(this.#below(512));
    for (let times = 1 + this.#below(4); times > 0; times--) bytes = this.#mutated(bytes);
    return bytes.length > MAX_BYTES ? bytes.subarray(0, MAX_BYTES) : bytes;
  }

  #mutated(bytes: Buffer): Buffer {
    const at = this.#below(bytes.length + 1);
    const length = Math.min(1 + this.#below(this.#below(8) === 0 ? bytes.length + 1 : 24), bytes.length - at);
    const piece = bytes.subarray(at, at + length);
    switch (this.#below(11)) {
      case 0: {
        if (bytes.length === 0) return bytes;
        const changed = Buffer.from(bytes);
        changed[at % bytes.length]! ^= 1 << this.#below(8);
        return changed;
      }
      case 1:
        return spliced(bytes, at, Math.min(1, length), ODD_BYTES.subarray(this.#below(ODD_BYTES.length)).subarray(0, 1));
      case 2:
      case 3:
        return spliced(bytes, at, this.#below(2) === 0 ? 0 : length, this.#pick(this.#words));
      case 4:
        return spliced(bytes, at, length, Buffer.alloc(0));
      case 5:
        return spliced(bytes, this.#below(bytes.length + 1), 0, piece);
      case 6: {
        const other = this.#pick(this.#seeds);
        return Buffer.concat([bytes.subarray(0, at), other.subarray(this.#below(other.length + 1))]);
      }
      case 7: {
        // Seldom very often: what is quadratic shows.
        const word = this.#below(2) === 0 ? piece : this.#pick(this.#words);
        const room = Math.floor((MAX_BYTES - bytes.length) / Math.max(1, word.length));
        const times = this.#below(200) === 0 ? room : Math.min(room, 1 + this.#below(64));
        return times <= 0 ? bytes : spliced(bytes, at, 0, Buffer.from(word.toString('latin1').repeat(times), 'latin1'));
      }
      case 8:
        return this.#swapped(bytes);
      case 9: {
        const text = bytes.toString('latin1');
        const number = /\d+/g;
        number.lastIndex = at;
        const found = number.exec(text);
        return found === null ? bytes : spliced(bytes, found.index, found[0].length, Buffer.from(this.#pick(ODD_NUMBERS)));
      }
      default:
        return spliced(bytes, at, length, this.#noise(length));
    }
  }

  /** Two lines change places. */
  #swapped(bytes: Buffer): Buffer {
    const lines = bytes.toString('latin1').split('\r\n');
    const [one, other] = [this.#below(lines.length), this.#below(lines.length)];
    [lines[one], lines[other]] = [lines[other]!, lines[one]!];
    return Buffer.from(lines.join('\r\n'), 'latin1');
  }

  #noise(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let index = 0; index < length; index++) bytes[index] = this.#random() & 0xff;
    return bytes;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }

  #below(limit: number): number {
    return this.#random() % limit;
  }
}

function spliced(bytes: Buffer, at: number, remove: number, insert: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
}
