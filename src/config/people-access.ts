// people/access.yaml to rules of the table: what it takes away from somebody becomes a rule about them that leaves out whoever a
// more special entry gives it to. So nobody but the table needs to know of it, and a refusal names the line that decided.

import type { OwnDomain, Rule, Where, Who } from '../model/table.ts';
import type { Findings } from './finding.ts';
import { ACCESS_KEYS, type AccessInput } from './sections/access.ts';
import { nearest } from './spelling.ts';
import { parseDomain, parseUser, Wrong } from './values.ts';
import { type Path, pointer, type YamlSource } from './yaml-source.ts';

export const ACCESS_FILE = 'people/access.yaml';

/** One entry, and who it is about. */
interface Level {
  readonly who: Who;
  readonly may: NonNullable<AccessInput['everyone']>;
  readonly path: Path;
}

export interface AccessSurroundings {
  readonly domains: ReadonlyMap<string, OwnDomain>;
  /** Names of the groups in routes/policy.yaml. */
  readonly groups: readonly string[];
}

/** The rules, to stand before those of routes/policy.yaml. */
export function accessRules(input: AccessInput, source: YamlSource, around: AccessSurroundings, findings: Findings): readonly Rule[] {
  if (input.enabled === false) return [];
  const levels = levelsOf(input, source, around, findings);
  return ACCESS_KEYS.flatMap((key) =>
    levels.flatMap(({ who, may, path }, index): Rule[] => {
      if (may[key] !== false) return [];
      const place = [...path, key];
      const where: Where = { file: ACCESS_FILE, key: pointer(place), ...(source.has(place) && { line: source.place(place).line }) };
      // The levels stand most special first.
      const except = levels.slice(0, index).flatMap((above) => (above.may[key] === true ? [above.who] : []));
      const reach: Rule['with'] =
        key === 'partners' ? { kind: 'everyone' } : key === 'discovered' ? { kind: 'discovered' } : { kind: 'protocol', protocol: key };
      return [{ who, with: reach, ...(except.length > 0 && { except }), messages: 'none', theySee: [], weSee: false, where, whole: true }];
    }),
  );
}

/** Every entry that is switched on, most special first. */
function levelsOf(input: AccessInput, source: YamlSource, { domains, groups }: AccessSurroundings, findings: Findings): readonly Level[] {
  const users = on(input.users).flatMap(([written, may]): Level[] => {
    const user = parseUser(written);
    const path = ['users', written];
    if (user instanceof Wrong) {
      findings.fault('CONFIG_VALUE', source.place(path), `"${written.slice(0, 80)}"`, user.right, user.meant);
      return [];
    }
    const domain = user.slice(user.lastIndexOf('@') + 1);
    if (!domains.has(domain))
      findings.fault(
        'CONFIG_REFERENCE',
        source.place(path),
        `${domain} is no domain of ours`,
        known(domains),
        nearest(domain, [...domains.keys()]),
      );
    return [{ who: { kind: 'user', user }, may, path }];
  });
  const grouped = on(input.groups).map(([group, may]): Level => {
    const path = ['groups', group];
    if (!groups.includes(group))
      findings.fault(
        'CONFIG_REFERENCE',
        source.place(path),
        `there is no group "${group}" in routes/policy.yaml`,
        groups.join(', ') || 'a group under groups: there',
        nearest(group, groups),
      );
    return { who: { kind: 'group', group }, may, path };
  });
  const own = on(input.domains).flatMap(([written, may]): Level[] => {
    const path = ['domains', written];
    const domain = parseDomain(written);
    if (domain instanceof Wrong) {
      findings.fault('CONFIG_VALUE', source.place(path), `"${written.slice(0, 80)}"`, domain.right, domain.meant);
      return [];
    }
    if (!domains.has(domain))
      findings.fault(
        'CONFIG_REFERENCE',
        source.place(path),
        `${domain} is no domain of ours`,
        known(domains),
        nearest(domain, [...domains.keys()]),
      );
    return [{ who: { kind: 'domain', domain }, may, path }];
  });
  const { everyone } = input;
  const rest: Level[] =
    everyone === undefined || everyone.enabled === false ? [] : [{ who: { kind: 'everyone' }, may: everyone, path: ['everyone'] }];
  return [...users, ...grouped, ...own, ...rest];
}

function known(domains: ReadonlyMap<string, OwnDomain>): string {
  return [...new Set([...domains.values()].map(({ domain }) => domain))].slice(0, 10).join(', ') || 'a domain of routes/domains.yaml';
}

function on<T extends { readonly enabled?: boolean | undefined }>(entries: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(entries).filter(([, entry]) => entry.enabled !== false);
}
