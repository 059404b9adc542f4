// The one writer. Writes of one turn of the event loop share one transaction and one fsync (WAL, synchronous=FULL);
// their promises resolve after the commit. Lazy writes are gathered for 50 ms and go without an fsync of their own; those that
// can be made again from what is on disk, or be missed, are gathered for a second: they touch pages all over the file.
// Reads are synchronous and see what is committed. What the tables mean is the business of the rooms beside this one.

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { reason } from '../errors.ts';
import { StoreError } from '../model/outbox-store.ts';

/** How long lazy writes are gathered, in ms: many rows then share the pages they touch. */
const LAZY_MS = 50;
/** The same for writes that nobody would miss after a crash. */
const IDLE_MS = 1000;
/** WAL pages (4 KiB) after which a commit also checkpoints: 64 MiB. Most pages are written many times before. */
const CHECKPOINT_PAGES = 16_000;
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

interface Write {
  readonly run: () => unknown;
  readonly done: (value: unknown) => void;
  readonly failed: (error: StoreError) => void;
}

export interface CommitStats {
  /** Groups committed with an fsync, and writes in all groups. */
  readonly groups: number;
  readonly writes: number;
  /** Of the last 1024 groups, in ms. */
  readonly p99Ms: number;
  /** Writes that failed and why the last one did. */
  readonly failures: number;
}

export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #writes: Write[] = [];
  #lazies: (() => void)[] = [];
  #idles: (() => void)[] = [];
  #idleTimer: NodeJS.Timeout | undefined;
  #withIdles = false;
  #scheduled = false;
  #withLazies = false;
  #lazyTimer: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #durations = new Float64Array(1024);
  #groups = 0;
  #count = 0;
  #failures = 0;

  /**
   * @param path a file or `:memory:`
   * @param busyMs how long a write of another process (the command line) is waited for
   */
  constructor(path: string, busyMs = 2000) {
    this.#db = new DatabaseSync(path, { timeout: busyMs });
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -64000; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = 67108864`);
  }

  /** The prepared statement of a text; kept. */
  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Runs statements that return nothing: pragmas and migrations. */
  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /**
   * Joins the group of this turn. `run` must do nothing but write: when a neighbour fails, it is run a second time.
   * Resolves with what `run` returned once that is on disk; rejects with StoreError when it is not there.
   * @param afterLazy `run` needs the lazy writes before it
   */
  write<T>(run: () => T, afterLazy = false): Promise<T> {
    if (this.#closed) return Promise.reject(storeError(new Error('the database is closed')));
    return new Promise<T>((done, failed) => {
      this.#writes.push({ run, done: done as (value: unknown) => void, failed });
      this.#withLazies ||= afterLazy;
      if (this.#scheduled) return;
      this.#scheduled = true;
      // After the poll phase: everything that arrived in this turn shares the fsync.
      setImmediate(() => this.#turn());
    });
  }

  /** Is written within 50 ms. A failure of the disk keeps it for the next attempt. */
  lazy(run: () => void): void {
    if (this.#closed) return;
    this.#lazies.push(run);
    if (this.#lazyTimer !== undefined) return;
    this.#lazyTimer = setTimeout(() => this.#flushLazies(), LAZY_MS);
    this.#lazyTimer.unref();
  }

  #flushLazies(): void {
    this.#withLazies = true;
    this.#turn();
  }

  /** Is written within a second, and may be lost in a crash. Otherwise like `lazy`. */
  idle(run: () => void): void {
    if (this.#closed) return;
    this.#idles.push(run);
    if (this.#idleTimer !== undefined) return;
    this.#idleTimer = setTimeout(() => this.flush(), IDLE_MS);
    this.#idleTimer.unref();
  }

  /** Lazy writes that wait; grows while the disk is full. What can be missed is not added past a bound. */
  get backlog(): number {
    return this.#lazies.length + this.#idles.length;
  }

  /** Commits everything that waits, now. */
  flush(): void {
    this.#withIdles = true;
    this.#flushLazies();
  }

  #turn(): void {
    this.#scheduled = false;
    const writes = this.#writes;
    const lazies = this.#withIdles ? [...this.#lazies, ...this.#idles] : this.#withLazies ? this.#lazies : [];
    if (this.#withIdles) {
      if (this.#idleTimer !== undefined) clearTimeout(this.#idleTimer);
      this.#idleTimer = undefined;
      this.#idles = [];
    }
    if (this.#withLazies) {
      if (this.#lazyTimer !== undefined) clearTimeout(this.#lazyTimer);
      this.#lazyTimer = undefined;
      this.#lazies = [];
    }
    this.#withLazies = false;
    this.#withIdles = false;
    this.#writes = [];
    if (this.#closed || (writes.length === 0 && lazies.length === 0)) return;
    const started = performance.now();
    try {
      const results = this.#commit(writes, lazies, writes.length > 0);
      this.#note(started, writes.length, lazies.length);
      for (let i = 0; i < writes.length; i += 1) writes[i]?.done(results[i]);
    } catch (error) {
      this.#recover(writes, lazies, error);
    }
  }

  #note(started: number, writes: number, lazies: number): void {
    this.#count += writes + lazies;
    if (writes === 0) return;
    this.#durations[this.#groups % this.#durations.length] = performance.now() - started;
    this.#groups += 1;
  }

  #commit(writes: readonly Write[], lazies: readonly (() => void)[], durable: boolean): unknown[] {
    // Marks alone need no fsync (DESIGN 8); in WAL mode NORMAL leaves it to the next durable group or checkpoint.
    if (!durable) this.#db.exec('PRAGMA synchronous = NORMAL');
    try {
      this.prepare('BEGIN IMMEDIATE').run();
      for (const run of lazies) run();
      const results = writes.map((write) => write.run());
      this.prepare('COMMIT').run();
      return results;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    } finally {
      if (!durable) this.#db.exec('PRAGMA synchronous = FULL');
    }
  }

  /** A group failed: a full or busy disk fails all of it; anything else is one bad write, and the others are saved. */
  #recover(writes: readonly Write[], lazies: readonly (() => void)[], error: unknown): void {
    this.#failures += 1;
    const everyone = isDisk(error);
    if (everyone) {
      this.#lazies.unshift(...lazies);
      this.#retryLater();
    } else {
      for (const run of lazies) this.#alone(run);
    }
    for (const write of writes) {
      if (everyone) {
        write.failed(storeError(error));
        continue;
      }
      try {
        write.done(this.#commit([write], [], true)[0]);
      } catch (own) {
        write.failed(storeError(own));
      }
    }
  }

  #alone(run: () => void): void {
    try {
      this.#commit([], [run], false);
    } catch (error) {
      // A mark that cannot be made on a healthy disk is a defect; the row is sent again after a restart.
      if (isDisk(error)) this.#lazies.push(run);
    }
  }

  #retryLater(): void {
    if (this.#lazyTimer !== undefined || this.#lazies.length === 0) return;
    this.#lazyTimer = setTimeout(() => this.flush(), 1000);
    this.#lazyTimer.unref();
  }

  stats(): CommitStats {
    const kept = this.#durations.slice(0, Math.min(this.#groups, this.#durations.length)).sort();
    return { groups: this.#groups, writes: this.#count, p99Ms: kept[Math.floor(kept.length * 0.99)] ?? 0, failures: this.#failures };
  }

  /** Flushes, checkpoints and closes. */
  close(): void {
    if (this.#closed) return;
    this.flush();
    clearTimeout(this.#lazyTimer);
    clearTimeout(this.#idleTimer);
    this.#closed = true;
    this.#db.close();
  }
}

/** Is it the disk (full, busy, failing) rather than one statement? */
export function isDisk(error: unknown): boolean {
  const code = errorCode(error);
  // SQLITE_BUSY, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB
  return code !== undefined && [SQLITE_BUSY, 7, 8, 10, SQLITE_CORRUPT, 13, 14, SQLITE_NOTADB].includes(code & 0xff);
}

/** True when the file itself is damaged (SQLITE_CORRUPT, SQLITE_NOTADB). */
export function isDamage(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && [SQLITE_CORRUPT, SQLITE_NOTADB].includes(code & 0xff);
}

/** True when another process holds the file (SQLITE_BUSY). */
export function isBusy(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && (code & 0xff) === SQLITE_BUSY;
}

function errorCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
}

/** What SQLite said, as our own failure. */
export function storeError(error: unknown): StoreError {
  if (error instanceof StoreError) return error; // a write that knows itself what is wrong
  const said = error instanceof Error ? error.message : String(error);
  const fact = isDisk(error) ? 'the database could not be written' : 'a write was refused by the database';
  return new StoreError(reason(isDisk(error) ? 'STORE_FULL' : 'US_BUG', `${fact}: ${said}`), { cause: error });
}
