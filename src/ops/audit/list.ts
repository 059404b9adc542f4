// `isthmus audit list`: who did what, newest first.

import * as z from 'zod';
import { sinceInput, sinceMs } from '../since.ts';
import { verb } from '../verb.ts';
import { auditLineJson, auditLineText } from './line.ts';

export const auditList = verb({
  words: 'audit list',
  summary: 'who did what, newest first',
  positionals: [],
  options: {
    since: { type: 'string', value: 'TIME', says: '14:00, a date, or an age such as 7d; default: from the beginning' },
    act: { type: 'string', value: 'WORDS', says: 'one command only: "partner block"' },
    limit: { type: 'string', value: 'N', says: 'at most so many lines; default: 50' },
  },
  details: [
    'Every command and API call that changes something or looks at somebody, who gave it and why, refused calls of the API,',
    'and each start and stop of the process. The log is var/audit.db; a restored database does not take it back.',
  ].join('\n'),
  example: 'isthmus audit list --since 7d --act "partner block"',
  input: z.object({
    since: sinceInput.optional(),
    act: z.string().max(100, 'the words of a command').optional().describe('The words of a command, such as "partner block".'),
    limit: z.coerce
      .number('a number such as 50')
      .int('a whole number')
      .min(1, 'at least 1')
      .max(1000, 'at most 1000; isthmus audit export writes all')
      .default(50),
  }),
  http: { method: 'GET', path: '/audit' },
  role: 'compliance',
  audited: false,
  where: 'here',
  async run(operations, { since, act, limit }) {
    const from = since === undefined ? undefined : sinceMs(since, operations.clock.now());
    const lines = await operations.audit().list({ limit, ...(from !== undefined && { sinceMs: from }), ...(act !== undefined && { act }) });
    const text = lines.length === 0 ? 'The audit log holds no such line.' : lines.map(auditLineText).join('\n');
    return { text, json: lines.map(auditLineJson), exit: 0 };
  },
});
