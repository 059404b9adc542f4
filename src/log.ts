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

/** Opens the process log. @param level pino level; @param destination a file descriptor or path, default stdout */
export function openLog(level: string, destination: number | string = 1): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    pino.destination({ dest: destination, sync: false, minLength: GATHER_BYTES, periodicFlush: GATHER_MS }),
  ) as unknown as Log; // pino's own overloads are wider than ours
}

/** A log that forgets, for tests and tools. */
export const SILENT: Log = { child: () => SILENT, error() {}, warn() {}, info() {}, debug() {} };
