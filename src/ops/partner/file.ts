// Which file a partner's domain is written in, also while other files of the home have faults; and what people wrote there
// for people: owner, contact, note, the day of the next review.

import { type HomeFiles, readHomeFiles } from '../../config/files.ts';
import { nearest } from '../../config/spelling.ts';
import { parseDomain, Wrong } from '../../config/values.ts';
import { EditError, plainOf } from '../../config/yaml-plain.ts';
import type { Operations } from '../operations.ts';
import type { Report } from '../verb.ts';

const PARTNER_FILE = /^routes\/partners\/([^/.][^/]*)\.yaml$/;

/** Every partner's file with its domains; a file that cannot be read counts by its name. */
export function partnerFiles(files: HomeFiles): { readonly path: string; readonly domains: readonly string[] }[] {
  return [...files].flatMap(([path, { text }]) => {
    const name = PARTNER_FILE.exec(path)?.[1];
    if (name === undefined) return [];
    const written = keysOf(text).domains;
    const list: readonly unknown[] = written === undefined ? [name] : Array.isArray(written) ? written : [written];
    const domains = list.flatMap((one) => (typeof one === 'string' ? parsed(one) : []));
    return [{ path, domains: domains.length === 0 ? parsed(name) : domains }];
  });
}

/** @returns undefined when no file names the domain */
export function fileOf(operations: Pick<Operations, 'dir'>, domain: string): string | undefined {
  return partnerFiles(readHomeFiles(operations.dir)).find(({ domains }) => domains.includes(domain))?.path;
}

export function noPartner(operations: Pick<Operations, 'dir'>, words: string, domain: string): Report {
  const known = partnerFiles(readHomeFiles(operations.dir)).flatMap(({ domains }) => domains);
  const meant = nearest(domain, known);
  const adds = words === 'partner show' || words === 'partner pause';
  const lists = adds ? `isthmus partner add ${domain} makes it one` : 'isthmus partner list shows which have one';
  const hint = meant === undefined ? lists : `Did you mean "${meant}"?`;
  return {
    text: `isthmus ${words}: ${domain} has no file in routes/partners/. ${hint}`,
    json: { error: 'unknown', text: `${domain} has no file in routes/partners/. ${hint}`, domain, meant },
    exit: 2,
    status: 404,
  };
}

/** What stands in the file for people. */
export interface ForPeople {
  readonly owner?: string;
  readonly contact?: string;
  readonly note?: string;
  /** `2027-06-01` */
  readonly reviewBefore?: string;
}

export function forPeople(text: string): ForPeople {
  const keys = keysOf(text);
  const word = (key: string): string | undefined =>
    typeof keys[key] === 'string' || typeof keys[key] === 'number' ? String(keys[key]) : undefined;
  const [owner, contact, note, reviewBefore] = ['owner', 'contact', 'note', 'reviewBefore'].map(word);
  return {
    ...(owner !== undefined && { owner }),
    ...(contact !== undefined && { contact }),
    ...(note !== undefined && { note }),
    ...(reviewBefore !== undefined && { reviewBefore }),
  };
}

function keysOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = plainOf(text);
    return value !== null && typeof value === 'object' ? { ...value } : {};
  } catch (error) {
    if (error instanceof EditError) return {};
    throw error;
  }
}

function parsed(text: string): string[] {
  const domain = parseDomain(text);
  return domain instanceof Wrong ? [] : [domain];
}
