// records/archive.yaml to what capture and purge obey: one list of entries, the most special first.

import type { ArchiveRule, ArchiveSettings } from '../model/archive.ts';
import type { OwnDomain, Where } from '../model/table.ts';
import { showValue } from './effective.ts';
import type { HomeFiles } from './files.ts';
import type { Findings } from './finding.ts';
import type { ArchiveInput } from './sections/archive.ts';
import { nearest } from './spelling.ts';
import { parseDomain, parseUser, Wrong } from './values.ts';
import { type Path, pointer, type YamlSource } from './yaml-source.ts';

export const ARCHIVE_FILE = 'records/archive.yaml';

export interface ArchiveSurroundings {
  readonly files: HomeFiles;
  readonly domains: ReadonlyMap<string, OwnDomain>;
  /** Names of the groups in routes/policy.yaml. */
  readonly groups: readonly string[];
  /** Secrets may come from $CREDENTIALS_DIRECTORY. */
  readonly credentials: boolean;
}

/** @returns undefined when the file is switched off */
export function archiveOf(
  input: ArchiveInput,
  source: YamlSource,
  around: ArchiveSurroundings,
  findings: Findings,
): ArchiveSettings | undefined {
  if (input.enabled === false) return undefined;
  const { blockOnFailure, retention, purge, secondPerson, journal } = input;
  if (purge.onlyExported && purge.enabled !== false && retention === 'forever')
    findings.warning(
      'CONFIG_VALUE',
      source.place(['purge', 'onlyExported']),
      'retention: forever',
      'a time: nothing is purged as it stands',
    );
  const password = journal?.password?.secret;
  if (journal?.enabled !== false && password !== undefined && !around.files.has(`secrets/${password}`) && !around.credentials)
    findings.warning(
      'CONFIG_SECRET_MISSING',
      source.place(['journal', 'password'], 'value'),
      `secrets/${password} is not there`,
      `write the password into secrets/${password} (mode 0600)`,
    );
  const keeps = retention !== 'forever' && purge.enabled !== false;
  return {
    rules: rulesOf(input, source, around, findings),
    blockOnFailure,
    ...(keeps && { keepMs: retention }),
    purgeHour: purge.hour,
    purgeOnlyExported: purge.onlyExported,
    secondPerson,
    ...(journal !== undefined && journal.enabled !== false && { journal }),
  };
}

/** Every entry that is switched on, most special first; one that names nobody of ours is a fault. */
function rulesOf(input: ArchiveInput, source: YamlSource, around: ArchiveSurroundings, findings: Findings): readonly ArchiveRule[] {
  const { domains, groups } = around;
  const where = (path: Path): Where => ({
    file: ARCHIVE_FILE,
    key: pointer(path),
    ...(source.has(path) && { line: source.place(path).line }),
  });
  const own = [...new Set([...domains.values()].map(({ domain }) => domain))];
  const foreign = (path: Path, domain: string): void =>
    findings.fault(
      'CONFIG_REFERENCE',
      source.place(path),
      `${domain} is no domain of ours`,
      own.slice(0, 10).join(', ') || 'a domain of routes/domains.yaml',
      nearest(domain, [...domains.keys()]),
    );
  const wrong = (path: Path, written: string, { right, meant }: Wrong): [] => {
    findings.fault('CONFIG_VALUE', source.place(path), `"${written.slice(0, 80)}"`, right, meant);
    return [];
  };
  const users = on(input.users).flatMap(([written, { internal, external }]): ArchiveRule[] => {
    const path = ['users', written];
    const user = parseUser(written);
    if (user instanceof Wrong) return wrong(path, written, user);
    const domain = user.slice(user.lastIndexOf('@') + 1);
    const main = domains.get(domain)?.domain;
    if (main === undefined) foreign(path, domain);
    const name = `${user.slice(0, user.lastIndexOf('@'))}@${main ?? domain}`;
    return [{ who: 'user', name, ...said({ internal, external }), where: where(path) }];
  });
  const grouped = on(input.groups).map(([group, { internal, external }]): ArchiveRule => {
    const path = ['groups', group];
    if (!groups.includes(group))
      findings.fault(
        'CONFIG_REFERENCE',
        source.place(path),
        `there is no group "${group}" in routes/policy.yaml`,
        groups.join(', ') || 'a group under groups: there',
        nearest(group, groups),
      );
    return { who: 'group', name: group, ...said({ internal, external }), where: where(path) };
  });
  const byDomain = on(input.domains).flatMap(([written, { internal, external }]): ArchiveRule[] => {
    const path = ['domains', written];
    const domain = parseDomain(written);
    if (domain instanceof Wrong) return wrong(path, written, domain);
    const main = domains.get(domain)?.domain;
    if (main === undefined) foreign(path, domain);
    return [{ who: 'domain', name: main ?? domain, ...said({ internal, external }), where: where(path) }];
  });
  const { everyone } = input;
  const rest: ArchiveRule[] =
    everyone === undefined || everyone.enabled === false
      ? []
      : [{ who: 'everyone', name: '', ...said(everyone), where: where(['everyone']) }];
  return [...users, ...grouped, ...byDomain, ...rest];
}

function said({ internal, external }: { readonly internal?: boolean | undefined; readonly external?: boolean | undefined }): {
  readonly internal?: boolean;
  readonly external?: boolean;
} {
  return { ...(internal !== undefined && { internal }), ...(external !== undefined && { external }) };
}

function on<T extends { readonly enabled?: boolean | undefined }>(entries: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(entries).filter(([, entry]) => entry.enabled !== false);
}

/** Key by key, for `plan`: a change of what is kept must be seen by whoever accepts it. */
export function archiveFacts(settings: ArchiveSettings | undefined): ReadonlyMap<string, ArchiveFact> {
  const facts = new Map<string, ArchiveFact>();
  if (settings === undefined) return facts;
  for (const { who, name, internal, external, where } of settings.rules)
    facts.set(who === 'everyone' ? who : `${who} ${name}`, { value: showValue({ ...said({ internal, external }) }), where });
  const { blockOnFailure, keepMs, purgeHour, purgeOnlyExported, secondPerson, journal } = settings;
  const rest = {
    blockOnFailure,
    retention: keepMs === undefined ? 'forever' : `${keepMs / 86_400_000}d`,
    'purge.hour': purgeHour,
    'purge.onlyExported': purgeOnlyExported,
    secondPerson,
    ...(journal !== undefined && { journal }),
  };
  for (const [key, value] of Object.entries(rest))
    facts.set(key, {
      value: showValue(value),
      where: { file: ARCHIVE_FILE, key: `/${key.replace('.', '/')}` },
      ...(BY_DEFAULT[key] !== undefined && { byDefault: BY_DEFAULT[key] }),
    });
  return facts;
}

interface ArchiveFact {
  readonly value: string;
  readonly where: Where;
  /** What holds where nothing is written. */
  readonly byDefault?: string;
}

const BY_DEFAULT: Readonly<Record<string, string>> = {
  blockOnFailure: 'false',
  retention: '14d',
  'purge.hour': '2',
  'purge.onlyExported': 'false',
  secondPerson: 'false',
};
