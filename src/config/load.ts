// The home as a whole: read, parse, check each file by its section, lay them side by side, run the tests inside, and hand
// out a Home and a Table - or every fault at once. Reads files only, no network. A bad set never takes effect.

import { resolve } from 'node:path';
import type * as z from 'zod';
import type { Table } from '../model/table.ts';
import { ACME_FILE, acmeOf } from './acme.ts';
import { checkAdmin } from './admin.ts';
import { DIRECTORY_GROUPS, type HomeFiles, readHomeFiles, WHOLE_FOLDER } from './files.ts';
import { checkFilters, FILTERS_FILE, filtersOf } from './filters.ts';
import { type Fault, Findings, type Notice, wholeFile } from './finding.ts';
import type { Home } from './home.ts';
import { homeOf } from './home-of.ts';
import { checkSection } from './issues.ts';
import { checkLayout } from './layout.ts';
import { type IsthmusInput, type Listeners, listenersOf, placeOf, showBind } from './listeners.ts';
import type { FileMemory, FilePartner, FileReading } from './memory.ts';
import { tellNotYet } from './not-yet.ts';
import { ownDomainsOf } from './own-domains.ts';
import { covers, type OwnPair, ownPairs } from './own-pairs.ts';
import { domainOfFile, partnerOf } from './partners.ts';
import { peopleOf } from './people-files.ts';
import { defaultPolicy, POLICY_FILE, policyOf } from './policy.ts';
import { type Judge, runPolicyTests } from './policy-tests.ts';
import { checkIdentities, checkPartners, checkPolicy, checkSecrets, partnersByDomain } from './references.ts';
import { acmeSection } from './sections/acme.ts';
import { domainsSection } from './sections/domains.ts';
import { filtersSection } from './sections/filters.ts';
import { isthmusSection } from './sections/isthmus.ts';
import { networkSection, providerSection, refusedSection } from './sections/later.ts';
import { type PartnerInput, partnerSection } from './sections/partner.ts';
import { policySection } from './sections/policy.ts';
import { checkTrust } from './trust-folders.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

const ISTHMUS_FILE = 'isthmus.yaml';
const DOMAINS_FILE = 'routes/domains.yaml';
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
  const open = (file: string) => openFile(file, files, findings);
  const section = <T extends z.ZodType>(source: YamlSource | undefined, schema: T) =>
    source === undefined ? undefined : checkSection(source, schema, findings);

  checkLayout(files, findings);
  // Taken for empty, an unreadable folder would cut off every partner, or forget every block.
  for (const [path, { unreadable }] of files) {
    if (unreadable === undefined || !path.endsWith(WHOLE_FOLDER) || path.startsWith('secrets/')) continue;
    const folder = path.slice(0, -WHOLE_FOLDER.length);
    findings.fault(
      'CONFIG_FILE',
      wholeFile(folder),
      `the folder cannot be read: ${unreadable}`,
      'readable by whoever checks and whoever runs it',
    );
  }
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
    const schema = inFolder(path, 'routes/providers') ? providerSection : inFolder(path, 'routes/networks') ? networkSection : undefined;
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
  const partnerPaths = [...files.keys()].filter((path) => inFolder(path, 'routes/partners'));
  const partners = partnerPaths.flatMap((path) => {
    const reading = partnerFile(path, files, options.memory, findings);
    const { source, value: written } = reading;
    if (source === undefined || written === undefined) return [];
    const make = (): FilePartner => {
      const own = new Findings();
      const partner = partnerOf(written, source, listed, own);
      return { partner, findings: [...own.faults(), ...own.notices()] };
    };
    const made = options.memory?.partner(reading, files.get(POLICY_FILE)?.text, make) ?? make();
    findings.take(made.findings);
    const { partner } = made;
    return partner === undefined ? [] : [{ partner, source, reviewBefore: written.reviewBefore }];
  });
  options.memory?.turn();
  const byDomain = partnersByDomain(partners, domains, findings);
  // Without our domains every user would look like a stranger: first things first.
  if (policyFile !== undefined && policyInput !== undefined && domainsInput !== undefined) {
    checkPolicy(policyInput, policyFile, domains, byDomain, nowMs, findings);
  }
  const pairs = ownPairs(files, nowMs, findings);
  const acmeFile = open(ACME_FILE);
  const acmeInput = section(acmeFile, acmeSection);
  const around = { dir, files, domains, host: input.edge?.host, listeners, credentials: options.credentials ?? false };
  const acme = acmeFile === undefined || acmeInput === undefined ? undefined : acmeOf(acmeInput, acmeFile, around, findings);
  const coming = acme?.certificates ?? [];
  checkIdentities(domains, pairs, coming, input.edge?.identity, { isthmus, domains: domainsFile, input: domainsInput }, findings);
  checkTrust(files, new Set([...byDomain.keys(), ...partnerPaths.map(domainOfFile)]), nowMs, findings);
  checkSecrets(domains, files, options.credentials ?? false, findings);
  checkPartners(partners, [...new Set(domains.values())], nowMs, findings);
  const host = edgeHost(input, isthmus, pairs, coming, [...domains.keys()], findings);
  warnPlain(listeners, isthmus, findings);
  // Of a file with a fault nothing is known but the fault.
  const isRead = isthmus === undefined || isthmusInput !== undefined;
  if (isRead && listeners.insideSip.length === 0 && [...domains.values()].some((own) => own.served === 'sip')) {
    findings.warning(
      'CONFIG_MISSING_KEY',
      isthmus?.place(['inside']) ?? wholeFile(ISTHMUS_FILE),
      'no inside.sip',
      'internal SIP servers have nowhere to send what goes outside',
    );
  }
  for (const own of new Set(domains.values())) {
    if (own.component === undefined || own.component.dial !== undefined || listeners.insideComponent.length > 0) continue;
    findings.warning(
      'CONFIG_MISSING_KEY',
      domainsFile?.place(['domains', own.domain, 'component']) ?? wholeFile(DOMAINS_FILE),
      `${own.domain} has no component.dial`,
      'write where its server listens for components, or inside.component in isthmus.yaml when it dials us',
    );
  }
  const home = homeOf(dir, input, listeners, host);
  const pairNames = pairs.map((pair) => pair.name);
  checkAdmin(home, input, isthmus, files, pairNames, options.credentials ?? false, findings);
  tellNotYet(isthmus, domainsFile, later, findings);

  const filters = filtersOf(filtersInput, filtersFile, byDomain.values());
  const people = peopleOf(
    open,
    { files, domains, groups: Object.keys(policyInput?.groups ?? {}), credentials: options.credentials ?? false },
    findings,
  );
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
  return { ok: true, home: { ...home, people: people.settings, ...(acme !== undefined && { acme }) }, table, notices, faults: [] };
}

/** A partner's file by itself: what stands in it, and its faults, which go to `findings`. */
function partnerFile(path: string, files: HomeFiles, memory: FileMemory | undefined, findings: Findings): FileReading<PartnerInput> {
  const read = (): FileReading<PartnerInput> => {
    const own = new Findings();
    const source = openFile(path, files, own);
    const value = source === undefined ? undefined : checkSection(source, partnerSection, own);
    return { text: files.get(path)?.text ?? '', source, value, findings: [...own.faults(), ...own.notices()] };
  };
  const file = files.get(path);
  const reading =
    memory === undefined || file === undefined || file.unreadable !== undefined ? read() : memory.reading(path, file.text, read);
  findings.take(reading.findings);
  return reading;
}

function openFile(file: string, files: HomeFiles, findings: Findings): YamlSource | undefined {
  const found = files.get(file);
  if (found === undefined) return undefined;
  if (found.unreadable !== undefined) {
    findings.fault('CONFIG_FILE', wholeFile(file), `cannot be read: ${found.unreadable}`, 'a readable file');
    return undefined;
  }
  return readYaml(file, found.text, findings);
}

function inFolder(path: string, folder: string): boolean {
  const name = path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : '';
  return name.endsWith('.yaml') && !name.includes('/') && !name.startsWith('.');
}

/** What we call ourselves on the edge: as written, else the certificate's own name, else our first domain. */
function edgeHost(
  input: IsthmusInput,
  source: YamlSource | undefined,
  pairs: readonly OwnPair[],
  coming: readonly Pick<OwnPair, 'names'>[],
  domains: readonly string[],
  findings: Findings,
): string {
  const written = input.edge?.host;
  const valid = pairs.filter((pair) => pair.valid);
  if (written !== undefined) {
    if (source !== undefined && valid.length > 0 && !valid.some((pair) => covers(pair.names, written))) {
      const names = valid.flatMap((pair) => pair.names);
      // What renewal will bring must not keep the set from taking effect that asks for it.
      const tell = coming.some((pair) => covers(pair.names, written)) ? 'warning' : 'fault';
      findings[tell](
        'CONFIG_CERTIFICATE',
        source.place(['edge', 'host'], 'value'),
        `no certificate in certs/own names ${written}`,
        `partners compare it with our certificate; one of ${names.join(', ')}`,
      );
    }
    return written;
  }
  const ranked = [...valid].sort((a, b) => coverage(b, domains) - coverage(a, domains));
  const identity = valid.find((pair) => pair.name === input.edge?.identity) ?? ranked[0];
  return identity?.names.find((name) => !name.startsWith('*.')) ?? domains[0] ?? 'localhost';
}

function coverage(pair: OwnPair, domains: readonly string[]): number {
  return domains.filter((domain) => covers(pair.names, domain)).length;
}

function warnPlain(listeners: Listeners, source: YamlSource | undefined, findings: Findings): void {
  if (source === undefined) return;
  for (const bind of [...listeners.insideSip, ...listeners.insideComponent]) {
    if (bind.transport !== 'plain') continue;
    const right = 'anyone who can reach it can read and inject; use tls://, or keep the network to these servers';
    findings.warning('CONFIG_EXPOSED', placeOf(bind, source), `${showBind(bind)} is not encrypted`, right);
  }
  for (const bind of listeners.clientSip) {
    if (bind.transport !== 'plain') continue;
    const right = 'what people write can be read on the way, and digests of their passwords be tried; use tls://';
    findings.warning('CONFIG_EXPOSED', placeOf(bind, source), `${showBind(bind)} is not encrypted`, right);
  }
}
