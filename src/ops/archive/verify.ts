// `isthmus archive verify`: is a folder that was handed out still what its manifest says, and is the manifest the one that the
// audit log knows? For `archive export` and `user export`.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import type { AuditLine } from '../../model/audit.ts';
import { hashLine, MANIFEST, MANIFEST_HASH } from '../export-folder.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { count } from '../words.ts';

const ACTS = ['archive export', 'user export'];
/** A manifest of a million files is smaller. */
const MAX_MANIFEST_BYTES = 512 * 1024 * 1024;
/** Lines of the audit log that are looked through. */
const MAX_LINES = 20_000;
/** Faults shown; all are counted. */
const SHOWN = 20;

const manifestShape = z.looseObject({
  files: z.array(z.looseObject({ path: z.string().refine(isInside), sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.int().min(0) })),
});

export const archiveVerify = verb({
  words: 'archive verify',
  summary: 'checks a folder that archive export or user export has written',
  positionals: ['folder'],
  options: { expect: { type: 'string', value: 'SHA256', says: 'the hash of the manifest, as it was printed' } },
  details: [
    'Every file is read and its hash compared; files that are missing, changed or not in the manifest are named (exit 1). The manifest itself is',
    'compared with manifest.json.sha256, with --expect, and with the audit log of this home, which says who made it. Elsewhere, without Isthmus:',
    'sha256sum -c manifest.json.sha256, and the hashes in manifest.json.',
  ].join('\n'),
  example: 'isthmus archive verify ./nora-4711',
  input: z.object({
    folder: z.string('the folder that was written').min(1).max(4096).describe('The folder that was written.'),
    expect: z
      .string()
      .trim()
      .toLowerCase()
      .regex(/^[0-9a-f]{64}$/, '64 characters 0-9 a-f')
      .optional()
      .describe('SHA-256 of the manifest.'),
  }),
  http: { method: 'POST', path: '/archive/verify' },
  role: 'compliance',
  only: true,
  audited: false,
  where: 'here',
  async run(operations, { folder: given, expect }) {
    const folder = resolve(given);
    if (operations.actor.via === 'api') return refuse('it reads a folder: run it on the machine');
    let raw: Buffer;
    try {
      const path = join(folder, MANIFEST);
      if ((await stat(path)).size > MAX_MANIFEST_BYTES) return refuse(`${path} is too large to be a manifest`);
      raw = await readFile(path);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      return refuse(code === 'ENOENT' ? `${folder} has no ${MANIFEST}: the export was cut short, or it is none` : `${folder}: ${code}`);
    }
    const sha256 = createHash('sha256').update(raw).digest('hex');
    const faults = await manifestFaults(folder, sha256, expect);
    const manifest = manifestOf(raw);
    if (manifest === undefined) faults.push(`${MANIFEST} cannot be read: it is not what was written`);
    else faults.push(...(await fileFaults(folder, manifest.files, operations)));
    if (operations.signal.aborted) return { text: 'Stopped.', json: { error: 'interrupted' }, exit: 1 };
    const known = await auditLineOf(operations, sha256);
    const told =
      known === undefined
        ? `The audit log of this home does not know this manifest${expect === undefined ? '; --expect compares it with a hash that was kept elsewhere' : ''}.`
        : `Made by ${known.actor.name} at ${new Date(known.at).toISOString()}${known.why === undefined ? '' : ` (${known.why})`}: line ${known.number} of the audit log.`;
    const json = {
      folder,
      whole: faults.length === 0,
      files: manifest?.files.length ?? 0,
      manifestSha256: sha256,
      faults,
      audit: known === undefined ? null : { number: known.number, by: known.actor.name, at: new Date(known.at).toISOString() },
    };
    const more = faults.length > SHOWN ? [`and ${faults.length - SHOWN} more`] : [];
    const verdict = faults.length === 0 ? [`Whole: ${count(json.files, 'file')}.`] : ['Not whole:', ...faults.slice(0, SHOWN), ...more];
    return { text: [...verdict, `SHA-256 of ${MANIFEST}: ${sha256}`, told].join('\n'), json, exit: faults.length === 0 ? 0 : 1 };
  },
});

function refuse(text: string): Report {
  return { text: `isthmus archive verify: ${text}`, json: { error: 'refused', text }, exit: 2 };
}

/** No path of a manifest leads out of its folder. */
function isInside(path: string): boolean {
  return path !== '' && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..') && !path.includes('\0');
}

function manifestOf(raw: Buffer): z.output<typeof manifestShape> | undefined {
  try {
    return manifestShape.safeParse(JSON.parse(raw.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

async function manifestFaults(folder: string, sha256: string, expect: string | undefined): Promise<string[]> {
  const beside = await readFile(join(folder, MANIFEST_HASH), 'utf8').catch(() => undefined);
  return [
    ...(beside === undefined
      ? [`${MANIFEST_HASH} is missing`]
      : beside === hashLine(sha256)
        ? []
        : [`${MANIFEST} is not the one that ${MANIFEST_HASH} names`]),
    ...(expect === undefined || expect === sha256 ? [] : [`${MANIFEST} is not the expected one`]),
  ];
}

async function fileFaults(
  folder: string,
  files: readonly { readonly path: string; readonly sha256: string; readonly bytes: number }[],
  operations: Operations,
): Promise<string[]> {
  const faults: string[] = [];
  const named = new Set([MANIFEST, MANIFEST_HASH]);
  for (const [index, { path, sha256, bytes }] of files.entries()) {
    if (operations.signal.aborted) return faults;
    if (named.has(path)) faults.push(`${path} is named twice`);
    named.add(path);
    const found = await hashOf(join(folder, path));
    if (typeof found === 'string') faults.push(`${path}: ${found}`);
    else if (found.sha256 !== sha256)
      faults.push(`${path} was changed${found.bytes === bytes ? '' : `: ${found.bytes} bytes, ${bytes} were written`}`);
    if (index % 100 === 99) operations.progress(`${index + 1} of ${count(files.length, 'file')}`);
  }
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
    if (!named.has(path)) faults.push(`${path} is not in the manifest`);
  }
  return faults;
}

async function hashOf(path: string): Promise<{ readonly sha256: string; readonly bytes: number } | string> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const piece of createReadStream(path)) {
      const chunk: Buffer = piece; // without an encoding a stream of a file gives buffers
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return code === 'ENOENT' ? 'is missing' : `cannot be read (${code})`;
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** Who made it, where the audit log of this home knows. */
async function auditLineOf(operations: Operations, sha256: string): Promise<AuditLine | undefined> {
  for (const act of ACTS) {
    const lines = await operations.audit().list({ act, limit: MAX_LINES });
    const found = lines.find(({ changes }) => changes?.includes(`manifest ${sha256}`) === true);
    if (found !== undefined) return found;
  }
  return undefined;
}
