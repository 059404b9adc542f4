// records/archive.yaml to what capture and purge obey: one list of entries, the most special first.

import type { ArchiveRule, ArchiveSettings } from '../model/archive.ts';
import type { Where } from '../model/table.ts';
import { showValue } from './effective.ts';
import type { HomeFiles } from './files.ts';
import type { Findings } from './finding.ts';
import { namedIn, type OurNames } from './named.ts';
import type { ArchiveInput } from './sections/archive.ts';
import { type Path, pointer, type YamlSource } from './yaml-source.ts';

export const ARCHIVE_FILE = 'records/archive.yaml';

export interface ArchiveSurroundings extends OurNames {
  readonly files: HomeFiles;
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

function rulesOf(input: ArchiveInput, source: YamlSource, around: ArchiveSurroundings, findings: Findings): readonly ArchiveRule[] {
  const where = (path: Path): Where => ({
    file: ARCHIVE_FILE,
    key: pointer(path),
    ...(source.has(path) && { line: source.place(path).line }),
  });
  return namedIn(input, source, around, findings).map(({ who, mainName, entry, path }) => ({
    who,
    name: mainName,
    ...said(entry),
    where: where(path),
  }));
}

function said({ internal, external }: { readonly internal?: boolean | undefined; readonly external?: boolean | undefined }): {
  readonly internal?: boolean;
  readonly external?: boolean;
} {
  return { ...(internal !== undefined && { internal }), ...(external !== undefined && { external }) };
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
