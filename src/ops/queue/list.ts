// `isthmus queue list`: what waits, for whom, since when, how often it was tried and why it waits. Never what was written.

import * as z from 'zod';
import type { QueuedRow } from '../../model/queue.ts';
import { KIND_WORDS } from '../kind-words.ts';
import type { Operations } from '../operations.ts';
import { domainInput, domainsOf } from '../partner-choice.ts';
import type { Report } from '../verb.ts';
import { verb } from '../verb.ts';
import { columns, count, moment, oneLine, span } from '../words.ts';

/** Rows that are looked at on disk. */
const ON_DISK = 100_000;

export const queueList = verb({
  words: 'queue list',
  summary: 'what waits, for whom, and why',
  positionals: [],
  options: {
    partner: { type: 'string', value: 'DOMAIN', says: 'only what waits for this partner' },
    limit: { type: 'string', value: 'N', says: 'at most so many rows; default: 100' },
  },
  details: [
    'Oldest first. A row waits for its turn behind an earlier one of the same two people, or for the next try (1 s doubling to 5 min;',
    'at once when the partner connects). While nothing runs, what stands on disk is shown.',
  ].join('\n'),
  example: 'isthmus queue list --partner fabrikam.example',
  input: z.object({
    partner: domainInput.optional(),
    limit: z.coerce.number('a number').int('a whole number').min(1, 'at least 1').max(100_000, 'at most 100000').default(100),
  }),
  http: { method: 'GET', path: '/queue' },
  role: 'helpdesk',
  audited: false,
  where: 'here',
  async run(operations, { partner, limit }): Promise<Report> {
    const { live } = operations;
    if (live === undefined) {
      const answer = await operations.ask('queue list', { limit, ...(partner !== undefined && { partner }) });
      return answer ?? onDisk(operations, partner, limit);
    }
    const domains = partner === undefined ? undefined : domainsOf(partner, live.table());
    const total = live.queue.sums().reduce((sum, { domain, rows }) => sum + (domains?.has(domain) === false ? 0 : rows), 0);
    return report(live.queue.rows(domains === undefined ? 'all' : { domains }, limit), total, operations.clock.now(), partner, true);
  },
});

/** What a process that does not run has left behind. */
async function onDisk(operations: Operations, partner: string | undefined, limit: number): Promise<Report> {
  const loaded = operations.load();
  const wanted = partner === undefined ? undefined : loaded.ok ? domainsOf(partner, loaded.table) : new Set([partner]);
  const lines = await operations.records().ledger.waiting(ON_DISK);
  const rows = lines
    .map(({ reason, ...line }): QueuedRow => {
      const state = line.state === 'written' ? 'unconfirmed' : 'waiting';
      return { ...line, domain: line.to.slice(line.to.lastIndexOf('@') + 1), state, ...(reason !== undefined && { why: reason }) };
    })
    .filter(({ domain }) => wanted?.has(domain) ?? true);
  return report(rows.slice(0, limit), rows.length, operations.clock.now(), partner, false);
}

function report(rows: readonly QueuedRow[], total: number, now: number, partner: string | undefined, runs: boolean): Report {
  const json = { running: runs, total, rows: rows.map(rowJson) };
  const still = runs ? '' : ' (nothing runs: this is what the next start takes up)';
  if (total === 0) return { text: `Nothing waits${partner === undefined ? '' : ` for ${partner}`}${still}.`, json, exit: 0 };
  const head = ['ID', 'KIND', 'FROM', 'TO', 'AGE', 'TRIES', 'NEXT', 'WHY'];
  const table = columns([
    head,
    ...rows.map((row) => [
      row.id,
      KIND_WORDS[row.kind].toLowerCase(),
      row.from,
      row.to,
      span(now - row.acceptedAt),
      String(row.attempts),
      nextOf(row, now),
      whyOf(row),
    ]),
  ]);
  const more = total > rows.length ? ` The first ${rows.length} are shown; --limit shows more.` : '';
  return { text: [...table, '', `${count(total, 'row')} in all${still}.${more}`].join('\n'), json, exit: 0 };
}

function nextOf({ state, nextTryAt, behind }: QueuedRow, now: number): string {
  if (state === 'onItsWay') return 'now';
  if (state === 'unconfirmed') return '-';
  if (nextTryAt !== undefined) return `${moment(nextTryAt, now)} (${span(nextTryAt - now)})`;
  return behind === undefined ? 'next' : 'later';
}

/** In a few words why a row waits. */
export function whyOf(row: QueuedRow): string {
  const cause = row.why === undefined ? undefined : `${row.why.code}: ${oneLine(row.why.text).replace(/\.$/, '')}`;
  if (row.state === 'onItsWay') return row.attempts > 1 && cause !== undefined ? `being sent; before: ${cause}` : 'being sent';
  if (row.state === 'unconfirmed') return `written, not confirmed${cause === undefined ? '' : `; ${cause}`}`;
  if (cause !== undefined) return row.behind === undefined ? cause : `behind ${row.behind}; ${cause}`;
  return row.behind === undefined ? 'its turn comes' : `behind ${row.behind}`;
}

function rowJson(row: QueuedRow): object {
  return {
    ...row,
    acceptedAt: new Date(row.acceptedAt).toISOString(),
    ...(row.nextTryAt !== undefined && { nextTryAt: new Date(row.nextTryAt).toISOString() }),
  };
}
