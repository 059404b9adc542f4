// Which lines of the archive, as the commands that read it are told, and how one is shown.

import * as z from 'zod';
import { parseDomain, parseUser, Wrong } from '../../config/values.ts';
import { bareKey, fromBareKey } from '../../model/address.ts';
import type { ArchiveFilter, ArchiveLine } from '../../model/archive.ts';
import type { Table } from '../../model/table.ts';
import type { OptionSpec } from '../command.ts';
import type { Operations } from '../operations.ts';
import { saidText, saidView } from '../said-view.ts';
import { meantAt, sinceInput, sinceMs } from '../since.ts';
import { Refused, sayingWhy } from '../user/given.ts';
import type { Report } from '../verb.ts';
import { oneLine } from '../words.ts';

const person = z.string().transform((value, context) => {
  const parsed = parseUser(value);
  if (!(parsed instanceof Wrong)) return parsed;
  context.addIssue({ code: 'custom', message: parsed.right });
  return z.NEVER;
});
const domain = z.string().transform((value, context) => {
  const parsed = parseDomain(value);
  if (!(parsed instanceof Wrong)) return parsed;
  context.addIssue({ code: 'custom', message: parsed.right });
  return z.NEVER;
});

export const LINES_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  user: { type: 'string', value: 'ADDRESS', says: 'what this user said and was told, here or of a partner' },
  with: { type: 'string', value: 'ADDRESS', says: 'only with this one' },
  domain: { type: 'string', value: 'DOMAIN', says: 'what somebody of this domain said or was told' },
  scope: { type: 'string', value: 'internal|external', says: 'only among our own users, or only across the border' },
  since: { type: 'string', value: 'TIME', says: 'from then on: 7d, 2026-11-23, 14:00 (UTC)' },
  until: { type: 'string', value: 'TIME', says: 'up to then' },
  limit: { type: 'string', value: 'NUMBER', says: 'at most so many, the newest; default 50' },
};
export const LINES_INPUT = {
  user: person.optional().describe('Said by or to this user: user@domain.'),
  with: person.optional().describe('And to or by this one.'),
  domain: domain.optional().describe('Said by or to somebody of this domain.'),
  scope: z.enum(['internal', 'external'], 'right would be internal or external').optional().describe('internal or external.'),
  since: sinceInput.optional(),
  until: sinceInput.optional(),
  limit: z.coerce.number('a number').int('a whole number').min(1, 'at least 1').max(10_000, 'at most 10000').default(50),
};

export interface LinesGiven {
  readonly user?: string | undefined;
  readonly with?: string | undefined;
  readonly domain?: string | undefined;
  readonly scope?: 'internal' | 'external' | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** A domain of ours stands in the archive by its own name, whichever was used. */
export function namesOf(operations: Operations): { readonly domain: (name: string) => string; readonly user: (key: string) => string } {
  const loaded = operations.load();
  const table: Pick<Table, 'domains'> | undefined = operations.live?.table() ?? (loaded.ok ? loaded.table : undefined);
  const own = (name: string): string => table?.domains.get(name)?.domain ?? name;
  return {
    domain: own,
    user: (key) => {
      const { local, domain: name } = fromBareKey(key);
      return bareKey({ local, domain: own(name) });
    },
  };
}

/** @throws Refused without a reason for the look, or when the times are the wrong way round */
export function filterOf(operations: Operations, given: LinesGiven): ArchiveFilter {
  sayingWhy(operations);
  const names = namesOf(operations);
  const now = meantAt(operations);
  const [since, until] = [given.since, given.until].map((text) => (text === undefined ? undefined : sinceMs(text, now)));
  if (since !== undefined && until !== undefined && since > until) throw new Refused('the time of --since is after that of --until');
  return {
    ...(given.user !== undefined && { user: names.user(given.user) }),
    ...(given.with !== undefined && { peer: names.user(given.with) }),
    ...(given.domain !== undefined && { domain: names.domain(given.domain) }),
    ...(given.scope !== undefined && { scope: given.scope }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
}

/** Does the work; what is refused becomes a report. */
export async function orRefused(words: string, work: () => Promise<Report>): Promise<Report> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { text: `isthmus ${words}: ${error.message}`, json: { error: 'refused', text: error.message }, exit: 2, status: error.status };
  }
}

/** One message for people, its further lines below it. */
export function lineText({ at, scope, from, to, event }: ArchiveLine): string {
  const head = `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}  ${from} ${scope === 'external' ? '=>' : '->'} ${to}: `;
  if (event === undefined) return `${head}(cannot be read: records.key is another one, or the row is damaged)`;
  return head + saidText(event).split(/\r?\n/).map(oneLine).join('\n    ');
}

/** The same for programs. */
export function lineView({ number, id, at, scope, from, to, event }: ArchiveLine): Readonly<Record<string, unknown>> {
  const common = { number, id, at: new Date(at).toISOString(), scope, from, to };
  if (event === undefined) return { ...common, unreadable: true };
  return { ...common, ...saidView(event) };
}
