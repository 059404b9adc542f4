// What of somebody is archived and whether they are held, as reports say it.

import { bareKey, fromBareKey } from '../../model/address.ts';
import { type ArchiveSettings, type Hold, names } from '../../model/archive.ts';
import { ruleFor } from '../../model/archive-rule.ts';
import type { Table } from '../../model/table.ts';
import type { Operations } from '../operations.ts';

/** As in force while Isthmus runs, else as the files stand. */
export function settingsOf({ live, load }: Pick<Operations, 'live' | 'load'>): ArchiveSettings | undefined {
  if (live !== undefined) return live.archive().settings;
  const loaded = load();
  return loaded.ok ? loaded.home.archive : undefined;
}

export interface ArchivedOf {
  readonly internal: boolean;
  readonly external: boolean;
  /** The lines of the file that say so, `records/archive.yaml:3`. */
  readonly by: readonly string[];
  readonly holds: readonly string[];
}

/** @param user bare key, the domain by its own name @param holds those that name them */
export function archivedOf(
  user: string,
  settings: ArchiveSettings | undefined,
  table: Pick<Table, 'policy'>,
  holds: readonly Hold[],
): ArchivedOf {
  const scopes = (['internal', 'external'] as const).map((scope) => ({ scope, rule: ruleFor(user, scope, settings, table) }));
  const said = scopes.filter(({ rule, scope }) => rule?.[scope] === true).map(({ scope }) => scope);
  const by = scopes.flatMap(({ rule }) =>
    rule === undefined ? [] : [`${rule.where.file}${rule.where.line === undefined ? '' : `:${rule.where.line}`}`],
  );
  return {
    internal: said.includes('internal'),
    external: said.includes('external'),
    by: [...new Set(by)],
    holds: holds.map(({ matter }) => matter),
  };
}

/** One line: `internal and external (records/archive.yaml:3); held: 4711`. */
export function archivedWords({ internal, external, by, holds }: ArchivedOf): string {
  const what = internal && external ? 'internal and external' : internal ? 'internal only' : external ? 'external only' : 'not archived';
  const said = by.length === 0 ? '' : ` (${by.join(', ')})`;
  return holds.length === 0 ? `${what}${said}` : `${what}${said}; held, so all of it: ${holds.join(', ')}`;
}

/**
 * What of somebody is archived, in one line, for reports about them; undefined: nothing is, and they are not held, or they are not ours.
 * @param table of the rules in force; undefined: the files have faults
 */
export function archivedIn(operations: Operations, table: Table | undefined): (user: string) => string | undefined {
  const settings = settingsOf(operations);
  const holds = operations.records().holds.inForce();
  return (user) => {
    const { local, domain } = fromBareKey(user);
    const own = table?.domains.get(domain)?.domain;
    if (table === undefined || own === undefined) return undefined;
    const key = bareKey({ local, domain: own });
    const one = archivedOf(
      key,
      settings,
      table,
      holds.filter((hold) => names(hold, key)),
    );
    return one.internal || one.external || one.holds.length > 0 ? archivedWords(one) : undefined;
  };
}
