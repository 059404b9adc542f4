// What cert commands are given and what they look at: files by path on the command line, content over the API; our names;
// the passports of partners.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import * as z from 'zod';
import type { Loaded } from '../../config/load.ts';
import {
  type CertificateDesk,
  type CertificateFacts,
  DeskError,
  type GivenFile,
  type RevocationListFacts,
} from '../../model/certificate-desk.ts';
import { daysLeft } from '../../model/expiry.ts';
import { StoreError } from '../../model/outbox-store.ts';
import type { Passport } from '../../model/passport.ts';
import type { Operations } from '../operations.ts';
import type { Report } from '../verb.ts';

/** In place of FILE over the API, whose process must not read any file that a caller names. */
export const CONTENT = z
  .array(z.string().max(6_000_000))
  .max(20)
  .optional()
  .describe('Over the API, in place of files: PEM text, or the file in base64.')
  .meta({ secret: true });

/** The files of a call. @throws DeskError in words */
export function givenFiles(operations: Operations, files: readonly string[], content: readonly string[] | undefined): GivenFile[] {
  if (content !== undefined && content.length > 0) {
    return content.map((text, index) => ({
      label: content.length === 1 ? 'the content' : `content ${index + 1}`,
      bytes: text.includes('-----BEGIN') ? Buffer.from(text, 'latin1') : Buffer.from(text, 'base64'),
    }));
  }
  if (files.length === 0) throw new DeskError('a file is needed: PEM, DER, PKCS#12 (.pfx) or PKCS#7 (.p7b)');
  if (operations.actor.via === 'api') throw new DeskError('over the API give the content, not the path of a file');
  return files.map((path) => ({ label: basename(path), bytes: readGiven(path) }));
}

/** The first line of a file that holds a password. @throws DeskError in words */
export function passwordIn(operations: Operations, path: string | undefined, password: string | undefined): string | undefined {
  if (path === undefined) return password;
  if (operations.actor.via === 'api') throw new DeskError('over the API give the password itself, not the path of a file');
  return Buffer.from(readGiven(path)).toString('utf8').split(/\r?\n/)[0];
}

const MAX_FILE_BYTES = 4 * 1024 * 1024;

function readGiven(path: string): Uint8Array {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > MAX_FILE_BYTES) throw new DeskError(`${path} has ${bytes.length} bytes; a certificate file has a few thousand`);
    return bytes;
  } catch (error) {
    if (error instanceof DeskError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new DeskError(`${path} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : code}`);
  }
}

/** Our domains with their aliases; undefined while the home has faults. */
export function ourDomains(loaded: Loaded): readonly string[] | undefined {
  return loaded.ok ? [...loaded.table.domains.keys()] : undefined;
}

/** What partners have shown; undefined: this home has never been started. */
export async function passportsOf(operations: Operations): Promise<readonly Passport[] | undefined> {
  try {
    return await operations.records().passports.all();
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}

/** Works at the desk; what it refuses becomes a report with exit 2. */
export async function atDesk(operations: Operations, words: string, work: (desk: CertificateDesk) => Promise<Report>): Promise<Report> {
  try {
    return await work(await operations.certificates());
  } catch (error) {
    if (!(error instanceof DeskError)) throw error;
    return { text: `isthmus ${words}: ${error.message}`, json: { error: 'refused', text: error.message }, exit: 2 };
  }
}

/** A certificate as programs read it: times as ISO strings, days rounded down. */
export function inJson(one: CertificateFacts, now: number): Readonly<Record<string, unknown>> {
  return {
    ...one,
    notBefore: new Date(one.notBefore).toISOString(),
    notAfter: new Date(one.notAfter).toISOString(),
    daysLeft: daysLeft(one.notAfter, now),
  };
}

/** The same for a revocation list. */
export function listInJson(list: Omit<RevocationListFacts, 'file'>): Readonly<Record<string, unknown>> {
  return {
    ...list,
    thisUpdate: new Date(list.thisUpdate).toISOString(),
    ...(list.nextUpdate !== undefined && { nextUpdate: new Date(list.nextUpdate).toISOString() }),
  };
}

/** A diff for people and the audit log: the base64 of PEM says nothing to either. */
export function readableDiff(diff: string): string {
  return diff
    .trimEnd()
    .replaceAll(
      /(?:^([+-])[A-Za-z0-9+/=]{1,76}\n){3,}/gm,
      (lines, sign: string) => `${sign}... (${lines.split('\n').length - 1} lines of base64)\n`,
    );
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** The common name in a distinguished name, else all of it. */
export function commonName(name: string): string {
  return /(?:^|, )CN=([^,]*)/.exec(name)?.[1] ?? name;
}
