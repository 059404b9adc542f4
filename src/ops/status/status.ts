// `isthmus status`: how the running process and every partner stand, worst first.

import * as z from 'zod';
import { verb } from '../verb.ts';
import { type StatusFacts, statusFacts } from './facts.ts';
import { statusText } from './text.ts';

export const status = verb({
  words: 'status',
  summary: 'how the process and every partner stand, worst first',
  positionals: [],
  options: {},
  details: [
    'WE TO THEM and THEY TO US: up since the last success; DOWN since the first failure that nothing has followed; idle: nobody has',
    'tried, or it was closed for want of traffic. A connection marked UNPROVEN is by dialback only. Rates are those of the last ten seconds.',
    'Exit 1: a partner is down, something waits too long, or a certificate ends soon (30 days; notify.when). Exit 3: nothing runs with this home.',
  ].join('\n'),
  example: 'isthmus status --json',
  input: z.object({}),
  http: { method: 'GET', path: '/status' },
  role: 'viewer',
  audited: false,
  where: 'process',
  async run({ live, clock, dir }) {
    if (live === undefined) throw new Error('status runs in the process');
    const facts = await statusFacts(live, dir, clock.now());
    return { text: statusText(facts), json: statusJson(facts), exit: facts.findings.length > 0 ? 1 : 0 };
  },
});

/** The same for programs: times as ISO strings. */
export function statusJson(facts: StatusFacts): object {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const { now, startedAt, lastBackupAt, partners, certificates, ...rest } = facts;
  return {
    at: iso(now),
    startedAt: iso(startedAt),
    ...rest,
    lastBackupAt: lastBackupAt === undefined ? null : iso(lastBackupAt),
    certificates: certificates.map((one) => ({ ...one, notAfter: iso(one.notAfter) })),
    partners: partners.map((line) => ({
      ...line,
      roads: line.roads.map(({ sinceMs, ...road }) => ({ ...road, since: iso(sinceMs) })),
    })),
  };
}
