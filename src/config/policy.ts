// routes/policy.yaml to the table's policy: what is switched off is left out, groups are resolved, defaults filled in.

import * as z from 'zod';
import type { Block, Policy, PolicyTest, Rule, Where } from '../model/table.ts';
import { DIRECTORY_GROUPS, type HomeFiles } from './files.ts';
import { type Findings, wholeFile } from './finding.ts';
import { DEFAULT_DISCOVERED_ALLOW, DEFAULT_DISCOVERED_LIMITS } from './sections/allow.ts';
import { type PolicyInput, policySection } from './sections/policy.ts';
import { nearest } from './spelling.ts';
import { parseUser, Wrong } from './values.ts';
import { type Path, pointer, type YamlSource } from './yaml-source.ts';

export const POLICY_FILE = 'routes/policy.yaml';

/** What holds without a policy.yaml: closed, every user may use listed partners. */
export function defaultPolicy(): PolicyInput {
  return policySection.parse({});
}

/** @param source undefined when there is no policy.yaml */
export function policyOf(input: PolicyInput, source: YamlSource | undefined, files: HomeFiles, findings: Findings): Policy {
  const where = (path: Path): Where => {
    if (source === undefined) return { file: POLICY_FILE, key: '' };
    return { file: POLICY_FILE, key: pointer(path), ...(source.has(path) && { line: source.place(path).line }) };
  };
  const groups = new Map<string, ReadonlySet<string>>();
  for (const [name, members] of Object.entries(input.groups)) {
    groups.set(name, new Set(membersOf(name, members, source, files, findings)));
  }
  const ldapGroups = new Map<string, string>();
  for (const [name, members] of Object.entries(input.groups)) {
    if (!Array.isArray(members) && members.enabled !== false && 'ldap' in members) ldapGroups.set(name, members.ldap);
  }
  const { allow, limits, protocols } = input.discovered;
  const discoveredAllow = allow?.enabled === false ? {} : (allow ?? {});
  const discoveredLimits = limits?.enabled === false ? {} : (limits ?? {});
  const fallback = DEFAULT_DISCOVERED_ALLOW;
  return {
    federation: input.federation,
    federationWhere: where(['federation']),
    blocked: enabled(input.blocked).map(([block, index]) => blockOf(block, where(['blocked', index]))),
    discovered: {
      protocols,
      allow: {
        messages: discoveredAllow.messages ?? fallback.messages,
        theySee: discoveredAllow.theySee ?? fallback.theySee,
        weSee: discoveredAllow.weSee ?? fallback.weSee,
        firstContact: discoveredAllow.firstContact ?? fallback.firstContact,
      },
      limits: {
        messageBytes: discoveredLimits.messageSize ?? DEFAULT_DISCOVERED_LIMITS.messageBytes,
        distinctTargets: discoveredLimits.distinctTargets ?? DEFAULT_DISCOVERED_LIMITS.distinctTargets!,
        messagesPerSecond: discoveredLimits.messagesPerSecond ?? DEFAULT_DISCOVERED_LIMITS.messagesPerSecond!,
        suspiciousMessagesPerSecond: discoveredLimits.suspiciousMessagesPerSecond ?? DEFAULT_DISCOVERED_LIMITS.suspiciousMessagesPerSecond!,
        ...(discoveredLimits.senderMessagesPerSecond !== undefined && {
          senderMessagesPerSecond: discoveredLimits.senderMessagesPerSecond,
        }),
        ...(discoveredLimits.pairMessagesPerSecond !== undefined && { pairMessagesPerSecond: discoveredLimits.pairMessagesPerSecond }),
      },
      where: where(['discovered']),
    },
    groups,
    ...(ldapGroups.size > 0 && { ldapGroups }),
    rules: enabled(input.rules).map(([rule, index]) => ruleOf(rule, where(['rules', index]))),
    tests: enabled(input.tests).map(([test, index]) => testOf(test, where(['tests', index]))),
  };
}

/** The entries that are not switched off, each with its place in the file. */
function enabled<T extends { enabled?: boolean | undefined }>(entries: readonly T[]): [T, number][] {
  return entries.map((entry, index): [T, number] => [entry, index]).filter(([entry]) => entry.enabled !== false);
}

function blockOf(block: PolicyInput['blocked'][number], where: Where): Block {
  const { domain, user, address, until, subdomains } = block;
  return {
    subdomains,
    ...(domain !== undefined && { domain }),
    ...(user !== undefined && { user }),
    ...(address !== undefined && { address }),
    ...(until !== undefined && { untilMs: until }),
    where,
  };
}

function ruleOf(rule: PolicyInput['rules'][number], where: Where): Rule {
  const { messages, theySee, weSee } = rule;
  return {
    who: rule.who,
    with: rule.with,
    ...(messages !== undefined && { messages }),
    ...(theySee !== undefined && { theySee }),
    ...(weSee !== undefined && { weSee }),
    where,
  };
}

function testOf(test: PolicyInput['tests'][number], where: Where): PolicyTest {
  const { from, to, over, proof, message, presence } = test;
  return {
    from,
    to,
    ...(over !== undefined && { over }),
    ...(proof !== undefined && { proof }),
    ...(message !== undefined && { message }),
    ...(presence !== undefined && { presence }),
    where,
  };
}

type Members = PolicyInput['groups'][string];

function membersOf(
  name: string,
  members: Members,
  source: YamlSource | undefined,
  files: HomeFiles,
  findings: Findings,
): readonly string[] {
  if (Array.isArray(members)) return members;
  if (members.enabled === false) return [];
  if ('ldap' in members) return resolved(name, files);
  if (!('file' in members)) return [];
  const path = `routes/${members.file}`;
  const file = files.get(path);
  const place = source?.place(['groups', name, 'file'], 'value') ?? wholeFile(POLICY_FILE);
  if (file === undefined || file.unreadable !== undefined) {
    const lists = [...files.keys()].filter((other) => /^routes\/[^/]+\.csv$/.test(other)).map((other) => other.slice('routes/'.length));
    findings.fault(
      'CONFIG_REFERENCE',
      place,
      `${path} is ${file?.unreadable ?? 'missing'}`,
      'a readable file, one user a line',
      nearest(members.file, lists),
    );
    return [];
  }
  return usersOf(path, file.text, findings);
}

/** The members that the last round of the directory found (directory/sync.ts). */
function resolved(name: string, files: HomeFiles): readonly string[] {
  const parsed = resolvedGroups.safeParse(asJson(files.get(DIRECTORY_GROUPS)?.text ?? '{}'));
  return parsed.success ? (parsed.data[name] ?? []) : [];
}

const resolvedGroups = z.record(z.string(), z.array(z.string()));

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the next round writes it anew
  }
}

/** One user a line, what follows a comma or semicolon is for people; `#` begins a comment, a first line without @ is a heading. */
function usersOf(path: string, text: string, findings: Findings): string[] {
  const users: string[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    const cell = line
      .split(/[,;]/)[0]!
      .trim()
      .replace(/^"(.*)"$/, '$1');
    if (cell === '' || cell.startsWith('#') || (index === 0 && !cell.includes('@'))) return;
    const user = parseUser(cell);
    if (user instanceof Wrong)
      findings.fault('CONFIG_VALUE', { file: path, line: index + 1, column: 1, key: '' }, `"${cell.slice(0, 80)}"`, user.right);
    else users.push(user);
  });
  return users;
}
