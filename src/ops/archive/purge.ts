// `isthmus archive purge`: what the purge of the night does, now, or only how much it would be.

import * as z from 'zod';
import { ARCHIVE_FILE } from '../../config/archive.ts';
import { Refused } from '../user/given.ts';
import { type Report, verb } from '../verb.ts';
import { count, minuteOf } from '../words.ts';
import { orRefused } from './given.ts';
import { settingsOf } from './settings.ts';

const yes = z.union([z.boolean(), z.stringbool()]).default(false);

export const archivePurge = verb({
  words: 'archive purge',
  summary: 'removes what is older than the retention now, but for what is held',
  positionals: [],
  options: {
    'dry-run': { type: 'boolean', says: 'only says how much it would be' },
    yes: { type: 'boolean', says: 'yes, remove it: there is no way back' },
  },
  details: [
    'Happens by itself every night at purge.hour of records/archive.yaml. Only lines older than its retention go; with purge.onlyExported only',
    'those that "archive export" has handed out; never what a hold keeps.',
  ].join('\n'),
  example: 'isthmus archive purge --dry-run',
  input: z.object({ dryRun: yes.describe('Only count.'), yes: yes.describe('There is no way back.') }),
  http: { method: 'POST', path: '/archive/purge' },
  role: 'compliance',
  only: true,
  audited: true,
  where: 'either', // the process knows which retention is in force
  run: (operations, { dryRun, yes: really }) =>
    orRefused('archive purge', async (): Promise<Report> => {
      const settings = settingsOf(operations);
      if (settings === undefined && operations.live === undefined && !operations.load().ok)
        throw new Refused('how long lines are kept cannot be read: files of this home have faults; isthmus check shows them');
      if (settings === undefined) throw new Refused(`nothing is archived: there is no ${ARCHIVE_FILE}, or it is switched off`);
      if (settings.keepMs === undefined)
        throw new Refused(`nothing is ever too old: ${ARCHIVE_FILE} says retention: forever, or purge: { enabled: false }`);
      if (dryRun === really) throw new Refused('either --dry-run, which only counts, or --yes, which removes for good');
      const now = operations.clock.now();
      const before = now - settings.keepMs;
      const { removed, held } = await operations.records().archive.purge(before, settings.purgeOnlyExported, dryRun ? undefined : now);
      const upTo = new Date(before).toISOString();
      const what = settings.purgeOnlyExported ? ' that have been handed out' : '';
      const text = `${count(removed, 'line')} before ${minuteOf(before)}${what} ${dryRun ? 'would go' : 'gone'}; ${held} kept by holds.`;
      return { text, json: { before: upTo, removed, held, dryRun }, exit: 0, ...(!dryRun && { changes: text }) };
    }),
});
