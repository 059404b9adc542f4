// manifest.json, the last file of a backup: what is in it, and the SHA-256 of each file. A backup without it is not whole.

import * as z from 'zod';

export const MANIFEST = 'manifest.json';
/** Files of the home stand below this in the archive, those of `data:` below that. */
export const HOME_FOLDER = 'home';
export const DATA_FOLDER = 'data';
/** A manifest of more is no manifest of ours. */
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
const FORMAT = 1;

const file = z.strictObject({ path: z.string(), bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const manifest = z.object({
  format: z.literal(FORMAT),
  /** Of Isthmus, as it was when the backup was made. */
  version: z.string(),
  host: z.string(),
  /** ISO: what was acknowledged before stands in it. */
  takenAt: z.iso.datetime(),
  /** Of the home, counted up by each takeover. */
  generation: z.int().min(1),
  /** Of isthmus.db; 0: there was none. */
  databaseShape: z.int().min(0),
  /** Last hash of the audit log. */
  auditLast: z.string().optional(),
  /** What was left out. `none`: store.key too; `store`: certificates' keys and secrets; `all`: nothing. */
  keys: z.enum(['none', 'store', 'all']),
  files: z.array(file),
});

export type Manifest = z.output<typeof manifest>;
export type ManifestFile = z.output<typeof file>;

export function printManifest(value: Omit<Manifest, 'format'>): string {
  return `${JSON.stringify({ format: FORMAT, ...value }, null, 1)}\n`;
}

/** @returns a sentence when it is none */
export function parseManifest(text: string): Manifest | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `${MANIFEST} is no JSON`;
  }
  const parsed = manifest.safeParse(value);
  if (parsed.success) return parsed.data;
  const format = z.object({ format: z.number() }).safeParse(value);
  if (format.success && format.data.format > FORMAT)
    return `the backup has format ${format.data.format}, this version reads ${FORMAT}: use the Isthmus that made it`;
  return `${MANIFEST}: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`;
}
