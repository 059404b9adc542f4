// people/*.yaml to what the core obeys: custom states, the directory. access.yaml is in people-access.ts.

import type { CustomState } from '../model/custom-state.ts';
import type { DirectorySettings } from '../model/directory.ts';
import type { OwnDomain } from '../model/table.ts';
import type { HomeFiles } from './files.ts';
import type { Findings } from './finding.ts';
import type { DirectoryInput } from './sections/directory.ts';
import { LOCALE, MAX_STATES, STATE_NAME, type StatesInput } from './sections/states.ts';
import { nearest } from './spelling.ts';
import { parseDomain, Wrong } from './values.ts';
import type { YamlSource } from './yaml-source.ts';

export const STATES_FILE = 'people/states.yaml';
export const DIRECTORY_FILE = 'people/directory.yaml';

/** Names that the built-in states have (core/presence/states.ts). */
const BUILT_IN: readonly string[] = [
  'available inactive busy inACall inAConference inAMeeting busyInactive presenting doNotDisturb beRightBack away offWork outOfOffice',
  'appearOffline offline reset',
].flatMap((words) => words.split(' '));
const SHORTEST_REFRESH_MS = 5000;
const LONGEST_REFRESH_MS = 86_400_000;

/** The custom states, in the order in which they are written. */
export function statesOf(input: StatesInput, source: YamlSource, findings: Findings): readonly CustomState[] {
  if (input.enabled === false) return [];
  const on = Object.entries(input.states).filter(([, state]) => state.enabled !== false);
  const surplus = on[MAX_STATES];
  if (surplus !== undefined)
    findings.fault(
      'CONFIG_VALUE',
      source.place(['states', surplus[0]]),
      `${on.length} states`,
      `at most ${MAX_STATES}; enabled: false keeps one for later`,
    );
  for (const [id] of on) {
    if (!STATE_NAME.test(id))
      findings.fault('CONFIG_VALUE', source.place(['states', id]), `"${id.slice(0, 60)}"`, 'a short name of letters, digits and hyphens');
    if (BUILT_IN.some((word) => word.toLowerCase() === id.toLowerCase()))
      findings.fault('CONFIG_VALUE', source.place(['states', id]), `"${id}" is a built-in state`, 'another name');
  }
  return on.map(([id, { class: bound, words }]) => {
    if (typeof words === 'string') return { id, class: bound, words: { '': words } };
    for (const language of Object.keys(words)) {
      if (!LOCALE.test(language))
        findings.fault(
          'CONFIG_VALUE',
          source.place(['states', id, 'words', language]),
          `"${language.slice(0, 60)}"`,
          'a language such as en, de or pt-BR',
        );
    }
    const [first] = Object.values(words);
    if (first === undefined)
      findings.fault('CONFIG_VALUE', source.place(['states', id, 'words']), 'no text', 'text, or text for at least one language');
    return { id, class: bound, words: { ...words, '': first ?? id } };
  });
}

export interface DirectorySurroundings {
  readonly files: HomeFiles;
  readonly domains: ReadonlyMap<string, OwnDomain>;
  /** Secrets may come from $CREDENTIALS_DIRECTORY. */
  readonly credentials: boolean;
}

/** @returns undefined when there is none, or it is switched off */
export function directoryOf(
  input: DirectoryInput,
  source: YamlSource,
  { files, domains, credentials }: DirectorySurroundings,
  findings: Findings,
): DirectorySettings | undefined {
  const { ldap } = input;
  if (input.enabled === false || ldap === undefined || ldap.enabled === false) {
    if (input.enabled !== false && input.signIn === 'ldap')
      findings.fault('CONFIG_MISSING_KEY', source.place(['signIn']), 'signIn: ldap without ldap:', 'ldap: { url: ..., base: ... }');
    return undefined;
  }
  const core = [...new Set(domains.values())].filter(({ served }) => served === 'core').map(({ domain }) => domain);
  const at = (...path: readonly string[]) => source.place(['ldap', ...path], 'value');
  if (core.length === 0)
    findings.warning(
      'CONFIG_REFERENCE',
      source.place(['ldap']),
      'no domain is served: core',
      'people of a directory live in one; see routes/domains.yaml',
    );
  const isCore = (domain: string): boolean => domains.get(domain)?.served === 'core';
  if (ldap.domain !== undefined && !isCore(ldap.domain))
    findings.fault(
      'CONFIG_REFERENCE',
      at('domain'),
      `${ldap.domain} is not served: core`,
      core.join(', ') || 'a domain that is',
      nearest(ldap.domain, core),
    );
  const mapped = new Map<string, string>();
  for (const [from, to] of Object.entries(ldap.domains)) {
    const parsed = parseDomain(from);
    if (parsed instanceof Wrong) findings.fault('CONFIG_VALUE', at('domains', from), `"${from}"`, parsed.right);
    else if (!isCore(to))
      findings.fault(
        'CONFIG_REFERENCE',
        at('domains', from),
        `${to} is not served: core`,
        core.join(', ') || 'a domain that is',
        nearest(to, core),
      );
    else mapped.set(parsed, to);
  }
  if (ldap.refresh < SHORTEST_REFRESH_MS || ldap.refresh > LONGEST_REFRESH_MS)
    findings.fault('CONFIG_VALUE', at('refresh'), `${ldap.refresh / 1000} s`, 'from 5s to 1d');
  if (ldap.url.length === 0) findings.fault('CONFIG_MISSING_KEY', at('url'), 'no server', 'ldaps://dc1.corp.example:636');
  for (const [index, one] of ldap.url.entries()) {
    if (one.scheme !== 'plain') continue;
    const place = source.place(['ldap', 'url', index], 'value');
    findings.warning(
      'CONFIG_EXPOSED',
      place,
      `${one.host} is asked without TLS`,
      'whoever is between reads every password; ldaps:// or ldap:// (STARTTLS)',
    );
  }
  if ((ldap.bindDn === undefined) !== (ldap.password === undefined))
    findings.fault('CONFIG_MISSING_KEY', source.place(['ldap']), 'one of bindDn and password alone', 'both, or none to ask as nobody');
  const secretFile = ldap.password === undefined ? undefined : `secrets/${ldap.password.secret}`;
  if (secretFile !== undefined && !files.has(secretFile) && !credentials)
    findings.warning(
      'CONFIG_SECRET_MISSING',
      at('password'),
      `${secretFile} is not there`,
      `write the password into ${secretFile} (mode 0600)`,
    );
  const domain = ldap.domain ?? (core.length === 1 ? core[0] : undefined);
  return {
    servers: ldap.url,
    ...(ldap.bindDn !== undefined && { bindDn: ldap.bindDn }),
    ...(ldap.password !== undefined && { password: ldap.password.secret }),
    base: ldap.base,
    filter: ldap.filter,
    attributes: ldap.attributes,
    ...(domain !== undefined && { domain }),
    domains: mapped,
    refreshMs: ldap.refresh,
    signIn: input.signIn,
  };
}
