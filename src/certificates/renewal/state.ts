// What renewal remembers between two runs, in var/acme/state.json: who issued the certificate in force, what the CA said about
// its renewal, and how often each authority has failed. Small, written whole; when it is damaged it begins anew, and the worst
// that follows is one try too early.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { RenewalFault } from '../../model/acme.ts';
import type { RenewalInfo } from '../acme/ari.ts';
import { makeFolder, writeFile } from '../pairs.ts';

/** How one authority has treated one certificate. */
export interface Tries {
  /** In a row. */
  readonly failures: number;
  readonly nextTryAt: number;
  readonly fault?: RenewalFault;
}

export interface Remembered {
  /** SHA-256 of the certificate that the next lines are about; of another one they say nothing. */
  readonly fingerprint?: string;
  readonly authority?: string;
  readonly renewedAt?: number;
  readonly info?: RenewalInfo;
  /** When the CA is asked for renewal information again, also after a failure. */
  readonly askAt?: number;
  readonly tries: Readonly<Record<string, Tries>>;
}

const time = z.number().finite();
const shape = z.object({
  version: z.literal(1),
  certificates: z.record(
    z.string(),
    z.object({
      fingerprint: z.string().optional(),
      authority: z.string().optional(),
      renewedAt: time.optional(),
      info: z.object({ start: time, end: time, renewAt: time, askAt: time, explanation: z.string().optional() }).optional(),
      askAt: time.optional(),
      tries: z.record(
        z.string(),
        z.object({
          failures: z.number().int().min(0),
          nextTryAt: time,
          fault: z.looseObject({ code: z.string(), text: z.string(), advice: z.string() }).optional(),
        }),
      ),
    }),
  ),
});

const NOTHING: Remembered = { tries: {} };

export class RenewalMemory {
  readonly #folder: string;
  /** What could not be written: without it a full disk would be a storm on the authority. */
  readonly #unwritten = new Map<string, Remembered>();

  /** @param folder var/acme */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Read anew each time: a command may have written it in between. */
  get(name: string): Remembered {
    const all = this.#read();
    return this.#unwritten.get(name) ?? (Object.hasOwn(all, name) ? all[name]! : NOTHING);
  }

  /** @throws what the file system says; this process remembers it all the same */
  put(name: string, remembered: Remembered): void {
    this.#unwritten.set(name, remembered);
    const all = { ...this.#read(), ...Object.fromEntries(this.#unwritten) };
    makeFolder(this.#folder, 0o700);
    writeFile(join(this.#folder, 'state.json'), `${JSON.stringify({ version: 1, certificates: all }, null, 1)}\n`, 0o600);
    this.#unwritten.clear();
  }

  #read(): Readonly<Record<string, Remembered>> {
    const file = join(this.#folder, 'state.json');
    if (!existsSync(file)) return {};
    try {
      // What we wrote ourselves and what the shape lets pass is what Remembered says, but for the union of codes.
      return shape.parse(JSON.parse(readFileSync(file, 'utf8'))).certificates as unknown as Record<string, Remembered>;
    } catch {
      return {};
    }
  }
}
