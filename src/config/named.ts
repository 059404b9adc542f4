// Whom the entries of a file are about that speaks of our own people in four sizes: users, groups of routes/policy.yaml, domains
// of ours, everyone (people/access.yaml, records/archive.yaml). A name that nobody of ours has is a fault.

import type { OwnDomain } from '../model/table.ts';
import type { Findings } from './finding.ts';
import { nearest } from './spelling.ts';
import { parseDomain, parseUser, Wrong } from './values.ts';
import type { Path, YamlSource } from './yaml-source.ts';

export interface OurNames {
  readonly domains: ReadonlyMap<string, OwnDomain>;
  /** Names of the groups in routes/policy.yaml. */
  readonly groups: readonly string[];
}

interface Entries<T> {
  readonly users: Readonly<Record<string, T>>;
  readonly groups: Readonly<Record<string, T>>;
  readonly domains: Readonly<Record<string, T>>;
  readonly everyone?: T | undefined;
}

export interface Named<T> {
  readonly who: 'user' | 'group' | 'domain' | 'everyone';
  /** The user, group or domain as it is written, in lower case where that means nothing; empty for everyone. */
  readonly name: string;
  /** The same under the own name of its domain, where the one that is written is another name of it. */
  readonly mainName: string;
  readonly entry: T;
  readonly path: Path;
}

/** Every entry that is switched on, most special first. */
export function namedIn<T extends { readonly enabled?: boolean | undefined }>(
  input: Entries<T>,
  source: YamlSource,
  { domains, groups }: OurNames,
  findings: Findings,
): readonly Named<T>[] {
  const wrong = (path: Path, written: string, { right, meant }: Wrong): [] => {
    findings.fault('CONFIG_VALUE', source.place(path), `"${written.slice(0, 80)}"`, right, meant);
    return [];
  };
  const mainOf = (path: Path, domain: string): string => {
    const own = domains.get(domain)?.domain;
    if (own === undefined)
      findings.fault(
        'CONFIG_REFERENCE',
        source.place(path),
        `${domain} is no domain of ours`,
        known(domains),
        nearest(domain, [...domains.keys()]),
      );
    return own ?? domain;
  };
  const users = on(input.users).flatMap(([written, entry]): Named<T>[] => {
    const path = ['users', written];
    const user = parseUser(written);
    if (user instanceof Wrong) return wrong(path, written, user);
    const at = user.lastIndexOf('@') + 1;
    return [{ who: 'user', name: user, mainName: user.slice(0, at) + mainOf(path, user.slice(at)), entry, path }];
  });
  const grouped = on(input.groups).map(([group, entry]): Named<T> => {
    const path = ['groups', group];
    if (!groups.includes(group))
      findings.fault(
        'CONFIG_REFERENCE',
        source.place(path),
        `there is no group "${group}" in routes/policy.yaml`,
        groups.join(', ') || 'a group under groups: there',
        nearest(group, groups),
      );
    return { who: 'group', name: group, mainName: group, entry, path };
  });
  const byDomain = on(input.domains).flatMap(([written, entry]): Named<T>[] => {
    const path = ['domains', written];
    const domain = parseDomain(written);
    if (domain instanceof Wrong) return wrong(path, written, domain);
    return [{ who: 'domain', name: domain, mainName: mainOf(path, domain), entry, path }];
  });
  const { everyone } = input;
  const rest: Named<T>[] =
    everyone === undefined || everyone.enabled === false
      ? []
      : [{ who: 'everyone', name: '', mainName: '', entry: everyone, path: ['everyone'] }];
  return [...users, ...grouped, ...byDomain, ...rest];
}

function known(domains: ReadonlyMap<string, OwnDomain>): string {
  return [...new Set([...domains.values()].map(({ domain }) => domain))].slice(0, 10).join(', ') || 'a domain of routes/domains.yaml';
}

function on<T extends { readonly enabled?: boolean | undefined }>(entries: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(entries).filter(([, entry]) => entry.enabled !== false);
}
