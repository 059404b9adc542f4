// The home as a whole: read, parse, check each file by its section, lay them side by side, run the tests inside, and hand
// out a Home and a Table - or every fault at once. Reads files only, no network. A bad set never takes effect.

import { resolve } from 'node:path';
import type * as z from 'zod';
import type { Table } from '../model/table.ts';
import { ACME_FILE, acmeOf } from './acme.ts';
import { checkAdmin } from './admin.ts';
import { ARCHIVE_FILE, archiveOf } from './archive.ts';
import { edgeHost } from './edge-host.ts';
import { DIRECTORY_GROUPS, DOMAINS_FILE, type HomeFiles, ISTHMUS_FILE, isYamlIn, readHomeFiles } from './files.ts';
import { checkFilters, FILTERS_FILE, filtersOf } from './filters.ts';
import { type Fault, Findings, type Notice, wholeFile } from './finding.ts';
import type { Home } from './home.ts';
import { homeOf } from './home-of.ts';
import { checkSection } from './issues.ts';
import { checkFolders, checkLayout } from './layout.ts';
import { checkListeners } from './listener-checks.ts';
import { type IsthmusInput, listenersOf } from './listeners.ts';
import type { FileMemory } from './memory.ts';
import { tellNotYet } from './not-yet.ts';
import { ownDomainsOf } from './own-domains.ts';
import { ownPairs } from './own-pairs.ts';
import { partnerPaths, readPartnerFiles } from './partner-files.ts';
import { domainOfFile } from './partners.ts';
import { peopleOf } from './people-files.ts';
import { defaultPolicy, POLICY_FILE, policyOf } from './policy.ts';
import { type Judge, runPolicyTests } from './policy-tests.ts';
import { checkIdentities, checkPartners, checkPolicy, checkSecrets, partnersByDomain } from './references.ts';
import { acmeSection } from './sections/acme.ts';
import { archiveSection } from './sections/archive.ts';
import { domainsSection } from './sections/domains.ts';
import { filtersSection } from './sections/filters.ts';
import { isthmusSection } from './sections/isthmus.ts';
import { networkSection, providerSection, refusedSection } from './sections/later.ts';
import { policySection } from './sections/policy.ts';
import { checkTrust } from './trust-folders.ts';
import { openYaml, type YamlSource } from './yaml-source.ts';

/** edge/trust-store.ts reads the first that is there. */
const REFUSED_FILES = ['certs/revoked/refused.yaml', 'certs/refused.yaml'] as const;

export interface LoadOptions {
  /** Wall ms, for expiry and `until`. Default: now. */
  readonly nowMs?: number;
  /** Number of the set, counted by whoever swaps it in. Default: 1. */
  readonly generation?: number;
  /** Says what policy decides, for `tests:` in policy.yaml; without it they are not run. */
  readonly judge?: Judge;
  /** Secrets may come from $CREDENTIALS_DIRECTORY, so a missing file in secrets/ is not warned about. */
  readonly credentials?: boolean;
  /** For who reads the same home again and again: partners' files that are as they were are not parsed anew. */
  readonly memory?: FileMemory;
}

export type Loaded =
  | { readonly ok: true; readonly home: Home; readonly table: Table; readonly notices: readonly Notice[]; readonly faults: readonly [] }
  | { readonly ok: false; readonly faults: readonly Fault[]; readonly notices: readonly Notice[] };

/** Reads and checks the home in `dir`. Never throws for what stands in it; a folder that cannot be read is a fault. */
export function loadHome(dir: string, options: LoadOptions = {}): Loaded {
  const credentials = options.credentials ?? process.env.CREDENTIALS_DIRECTORY !== undefined;
  try {
    return checkHome(resolve(dir), readHomeFiles(dir), { ...options, credentials });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const findings = new Findings();
    findings.fault(
      'CONFIG_FILE',
      wholeFile(dir),
      `the folder cannot be read: ${String(error.code)}`,
      'a folder with isthmus.yaml and routes/',
    );
    return { ok: false, faults: findings.faults(), notices: [] };
  }
}

/** The same for files already in memory. Pure but for `options.judge`. */
export function checkHome(dir: string, files: HomeFiles, options: LoadOptions = {}): Loaded {
  const nowMs = options.nowMs ?? Date.now();
  const findings = new Findings();
  const open = (file: string) => openYaml(file, files, findings);
  const section = <T extends z.ZodType>(source: YamlSource | undefined, schema: T) =>
    source === undefined ? undefined : checkSection(source, schema, findings);

  checkLayout(files, findings);
  checkFolders(files, findings);
  const isthmus = open(ISTHMUS_FILE);
  const domainsFile = open(DOMAINS_FILE);
  const policyFile = open(POLICY_FILE);
  const isthmusInput = section(isthmus, isthmusSection);
  const input: IsthmusInput = isthmusInput ?? isthmusSection.parse({});
  const domainsInput = section(domainsFile, domainsSection);
  const policyInput = section(policyFile, policySection);
  const filtersFile = open(FILTERS_FILE);
  const filtersInput = section(filtersFile, filtersSection);
  checkFilters(filtersInput, filtersFile, files, options.credentials ?? false, findings);
  const refusedFiles = REFUSED_FILES.filter((file) => files.has(file));
  for (const file of refusedFiles) section(open(file), refusedSection);
  if (refusedFiles.length > 1)
    findings.fault('CONFIG_CONFLICT', wholeFile(REFUSED_FILES[1]), 'a second refused.yaml', `only ${REFUSED_FILES[0]} is read`);
  const later: YamlSource[] = [];
  for (const path of files.keys()) {
    const schema = isYamlIn(path, 'routes/providers') ? providerSection : isYamlIn(path, 'routes/networks') ? networkSection : undefined;
    if (schema === undefined) continue;
    const source = open(path);
    if (source === undefined) continue;
    section(source, schema);
    later.push(source);
  }
  if (domainsFile === undefined && !files.has(DOMAINS_FILE)) {
    findings.fault(
      'CONFIG_FILE',
      wholeFile(DOMAINS_FILE),
      'the file is missing',
      'it names the domains that are ours; isthmus init writes one',
    );
  } else if (domainsInput !== undefined && Object.keys(domainsInput.domains).length === 0) {
    findings.warning('CONFIG_MISSING_KEY', wholeFile(DOMAINS_FILE), 'no domain of ours', 'nothing can be carried; add one under domains:');
  }

  const listeners = listenersOf(input, isthmus, findings);
  const domains = domainsFile === undefined || domainsInput === undefined ? new Map() : ownDomainsOf(domainsInput, domainsFile, findings);
  const listedOff = policyInput?.listed.enabled === false;
  const listed = {
    allow: (listedOff ? undefined : policyInput?.listed.allow) ?? {},
    limits: (listedOff ? undefined : policyInput?.listed.limits) ?? {},
    source: policyFile,
  };
  const partners = readPartnerFiles(files, listed, options.memory, findings);
  const byDomain = partnersByDomain(partners, domains, findings);
  // Without our domains every user would look like a stranger: first things first.
  if (policyFile !== undefined && policyInput !== undefined && domainsInput !== undefined) {
    checkPolicy(policyInput, policyFile, domains, byDomain, nowMs, findings);
  }
  const pairs = ownPairs(files, nowMs, findings);
  const acmeFile = open(ACME_FILE);
  const acmeInput = section(acmeFile, acmeSection);
  const around = {
    dir,
    files,
    domains,
    host: input.edge?.host,
    clientsHost: input.clients?.host,
    listeners,
    credentials: options.credentials ?? false,
  };
  const acme = acmeFile === undefined || acmeInput === undefined ? undefined : acmeOf(acmeInput, acmeFile, around, findings);
  const coming = acme?.certificates ?? [];
  checkIdentities(domains, pairs, coming, input.edge?.identity, { isthmus, domains: domainsFile, input: domainsInput }, findings);
  checkTrust(files, new Set([...byDomain.keys(), ...partnerPaths(files).map(domainOfFile)]), nowMs, findings);
  checkSecrets(domains, files, options.credentials ?? false, findings);
  checkPartners(partners, [...new Set(domains.values())], nowMs, findings);
  const host = edgeHost(input, isthmus, pairs, coming, [...domains.keys()], findings);
  checkListeners(
    listeners,
    domains,
    { isthmus, isRead: isthmus === undefined || isthmusInput !== undefined, domains: domainsFile },
    findings,
  );
  const home = homeOf(dir, input, listeners, host);
  const pairNames = pairs.map((pair) => pair.name);
  checkAdmin(home, input, isthmus, files, pairNames, options.credentials ?? false, findings);
  tellNotYet(isthmus, later, findings);

  const filters = filtersOf(filtersInput, filtersFile, byDomain.values());
  const people = peopleOf(
    open,
    { files, domains, groups: Object.keys(policyInput?.groups ?? {}), credentials: options.credentials ?? false },
    findings,
  );
  const archiveFile = open(ARCHIVE_FILE);
  const archiveInput = section(archiveFile, archiveSection);
  const groups = Object.keys(policyInput?.groups ?? {});
  const archive = archiveFile && archiveInput && archiveOf(archiveInput, archiveFile, { ...around, groups }, findings);
  const policy = policyOf(policyInput ?? defaultPolicy(), policyInput === undefined ? undefined : policyFile, files, findings);
  for (const name of policy.ldapGroups?.keys() ?? []) {
    // A wall that is written but not there is worse than one that is refused.
    if (people.settings.directory !== undefined && policyFile !== undefined && !files.has(DIRECTORY_GROUPS))
      findings.warning(
        'CONFIG_REFERENCE',
        policyFile.place(['groups', name]),
        'nobody is in this group yet: the directory has not been asked',
        'isthmus user import --ldap asks it now, and isthmus start from then on',
      );
    if (people.settings.directory === undefined && policyFile !== undefined)
      findings.fault(
        'CONFIG_REFERENCE',
        policyFile.place(['groups', name]),
        'no directory fills this group',
        'ldap: in people/directory.yaml, or { file: NAME.csv }',
      );
  }
  const table: Table = {
    generation: options.generation ?? 1,
    domains,
    partners: byDomain,
    policy: { ...policy, rules: [...people.rules, ...policy.rules] },
    ...(filters !== undefined && { filters }),
  };
  if (options.judge !== undefined && findings.faults().length === 0 && policyFile !== undefined) {
    runPolicyTests(table, options.judge, policyFile, findings);
  }
  const faults = findings.faults();
  const notices = findings.notices();
  if (faults.length > 0) return { ok: false, faults, notices };
  return {
    ok: true,
    home: { ...home, people: people.settings, ...(acme !== undefined && { acme }), ...(archive !== undefined && { archive }) },
    table,
    notices,
    faults: [],
  };
}
