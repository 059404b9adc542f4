// The home that an import meets, as plain data: which domains are ours, which files partners have, what policy.yaml says. A
// file with a fault is looked past; the check of the whole set tells of it.

import type { HomeFiles } from '../../config/files.ts';
import { domainOfFile } from '../../config/partners.ts';
import { parseDomain, Wrong } from '../../config/values.ts';
import { EditError, plainOf } from '../../config/yaml-plain.ts';

export type Data = Readonly<Record<string, unknown>>;

export interface HomeView {
  readonly own: ReadonlySet<string>;
  /** Partner files by each of their domains. */
  readonly partners: ReadonlyMap<string, { readonly path: string; readonly data: Data }>;
  readonly policy: Data | undefined;
  readonly providers: ReadonlyMap<string, Data>;
}

export function viewOf(files: HomeFiles): HomeView {
  const read = (path: string): Data | undefined => {
    const file = files.get(path);
    if (file === undefined || file.unreadable !== undefined) return undefined;
    try {
      return asData(plainOf(file.text));
    } catch (error) {
      if (!(error instanceof EditError)) throw error;
      return {};
    }
  };
  const own = new Set<string>();
  for (const [name, entry] of Object.entries(asData(read('routes/domains.yaml')?.domains)))
    for (const written of [name, ...asList(asData(entry).aliases)]) addDomain(own, written);
  const partners = new Map<string, { path: string; data: Data }>();
  const providers = new Map<string, Data>();
  for (const path of files.keys()) {
    const folder = /^routes\/(partners|providers)\/[^/.][^/]*\.yaml$/.exec(path)?.[1];
    if (folder === undefined) continue;
    const data = read(path) ?? {};
    if (folder === 'providers') providers.set(path, data);
    else {
      const domains = new Set<string>();
      for (const written of [domainOfFile(path), ...asList(data.domains)]) addDomain(domains, written);
      for (const domain of domains) partners.set(domain, { path, data });
    }
  }
  return { own, partners, policy: read('routes/policy.yaml'), providers };
}

function addDomain(set: Set<string>, written: unknown): void {
  const domain = typeof written === 'string' ? parseDomain(written) : undefined;
  if (domain !== undefined && !(domain instanceof Wrong)) set.add(domain);
}

export function asData(value: unknown): Data {
  // The cast holds: what is an object and no list came from a mapping of YAML.
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Data) : {};
}

/** A list may be written as one value. */
export function asList(value: unknown): readonly unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}
