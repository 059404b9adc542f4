// `isthmus audit export`: the whole log, oldest first, one JSON object a line.

import * as z from 'zod';
import { verb } from '../verb.ts';
import { auditLineJson } from './line.ts';

/** Lines read at one time. */
const PAGE = 500;

export const auditExport = verb({
  words: 'audit export',
  summary: 'the audit log as JSON lines, oldest first',
  positionals: [],
  options: { from: { type: 'string', value: 'NUMBER', says: 'begin with this line; default: 1' } },
  details: 'For an archive or a SIEM: keep the last number and continue with the next. Over the API ask with Accept: application/x-ndjson.',
  example: 'isthmus audit export --from 4711 > audit.jsonl',
  input: z.object({ from: z.coerce.number('a line number').int('a whole number').min(1, 'at least 1').default(1) }),
  http: { method: 'GET', path: '/audit/export' },
  role: 'compliance',
  audited: false,
  where: 'here',
  async run(operations, { from }) {
    let next = from;
    while (!operations.signal.aborted) {
      const page = await operations.audit().list({ from: next, limit: PAGE });
      for (const line of page) operations.line(JSON.stringify(auditLineJson(line)));
      const last = page.at(-1);
      if (last === undefined) break;
      next = last.number + 1;
      await new Promise(setImmediate); // other work of the process goes on between two pages
    }
    return { text: '', json: { lines: next - from, next }, exit: operations.signal.aborted ? 1 : 0 };
  },
});
