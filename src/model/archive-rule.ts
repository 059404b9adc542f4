// Which entry of records/archive.yaml decides about somebody: capture asks it for each message, reports show it.

import { type ArchiveRule, type ArchiveScope, type ArchiveSettings, names } from './archive.ts';
import type { Table } from './table.ts';

/** The entry that decides about one of our people: the first that says something about this scope. */
export function ruleFor(
  user: string,
  scope: ArchiveScope,
  settings: Pick<ArchiveSettings, 'rules'> | undefined,
  { policy }: Pick<Table, 'policy'>,
): ArchiveRule | undefined {
  if (settings === undefined) return undefined;
  const { users, rest } = indexOf(settings);
  const own = users.get(user);
  if (own?.[scope] !== undefined) return own;
  return rest.find(
    (rule) =>
      rule[scope] !== undefined &&
      (rule.who === 'everyone' ||
        (rule.who === 'group' ? policy.groups.get(rule.name)?.has(user) === true : names({ who: [rule.name] }, user))),
  );
}

interface Index {
  readonly users: ReadonlyMap<string, ArchiveRule>;
  readonly rest: readonly ArchiveRule[];
}
const indices = new WeakMap<object, Index>();

/** Settings are values: made once for each set. */
function indexOf(settings: Pick<ArchiveSettings, 'rules'>): Index {
  let index = indices.get(settings);
  if (index === undefined) {
    const { rules } = settings;
    const users = new Map(rules.filter(({ who }) => who === 'user').map((rule) => [rule.name, rule]));
    index = { users, rest: rules.filter(({ who }) => who !== 'user') };
    indices.set(settings, index);
  }
  return index;
}
