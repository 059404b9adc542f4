// The log: pino JSON lines, one `event` name a line from ops/events.ts. Children carry connection and exchange fields.
// Message text, notes, credentials and keys never go in; fields are chosen where the line is written.

import pino from 'pino';

/** What a room is given to log with. */
export interface Log {
  child(fields: Record<string, unknown>): Log;
  error(fields: { readonly event: string } & Record<string, unknown>, sentence?: string): void;
  warn(fields: { readonly event: string } & Record<string, unknown>, sentence?: string): void;
  info(fields: { readonly event: string } & Record<string, unknown>, sentence?: string): void;
  debug(fields: { readonly event: string } & Record<string, unknown>, sentence?: string): void;
}

/** Lines are written together: so many bytes, or after so many ms. */
const GATHER_BYTES = 4096;
const GATHER_MS = 100;

// JSON escapes C0 alone. What else moves a terminal's cursor or turns its text round (C1 controls, bidi controls and isolates,
// line separators) is written out too, so that reading a log can do nothing to the reader.
const DANGEROUS = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const written = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Opens the process log. @param level pino level; @param destination a file descriptor or path, default stdout */
export function openLog(level: string, destination: number | string = 1): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: (line) => line.replace(DANGEROUS, written) },
    },
    pino.destination({ dest: destination, sync: false, minLength: GATHER_BYTES, periodicFlush: GATHER_MS }),
  ) as unknown as Log; // pino's own overloads are wider than ours
}

/** A log that forgets, for tests and tools. */
export const SILENT: Log = { child: () => SILENT, error() {}, warn() {}, info() {}, debug() {} };

/** One line as it was written, before any level is looked at. */
export interface LogLine {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly fields: { readonly event: string } & Record<string, unknown>;
  /** Fields of the children it came through: connection, exchange. */
  readonly bound: Readonly<Record<string, unknown>>;
  readonly sentence?: string;
}

/**
 * The same log, and everybody who counts or watches what happens sees each line too: metrics, partner health, alerts.
 * A watcher must be quick, must not throw and must not log.
 */
export function observed(log: Log, watchers: readonly ((line: LogLine) => void)[], bound: Readonly<Record<string, unknown>> = {}): Log {
  const tell = (level: LogLine['level'], fields: LogLine['fields'], sentence?: string): void => {
    for (const watch of watchers) watch({ level, fields, bound, ...(sentence !== undefined && { sentence }) });
    log[level](fields, sentence);
  };
  return {
    child: (fields) => observed(log.child(fields), watchers, { ...bound, ...fields }),
    error: (fields, sentence) => tell('error', fields, sentence),
    warn: (fields, sentence) => tell('warn', fields, sentence),
    info: (fields, sentence) => tell('info', fields, sentence),
    debug: (fields, sentence) => tell('debug', fields, sentence),
  };
}
