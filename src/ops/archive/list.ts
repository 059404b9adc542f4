// `isthmus archive list` and `archive search`: messages of the archive, by person, domain, time and words. Each look is a line of
// the audit log, with its reason.

import * as z from 'zod';
import { guarded } from '../approval.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { count } from '../words.ts';
import { filterOf, LINES_INPUT, LINES_OPTIONS, type LinesGiven, lineText, lineView, orRefused } from './given.ts';

const DETAILS = [
  'Oldest first; -> is between users of ours, => crossed the border. --why is demanded; who looked, at what and why stands in the audit log:',
  'isthmus audit list. "isthmus archive export" writes files.',
].join('\n');

const PAGE_OPTIONS = {
  ...LINES_OPTIONS,
  before: {
    type: 'string',
    value: 'NUMBER',
    says: 'only what was written before the line of this number (--json shows numbers): the next page',
  },
} as const;
const PAGE_INPUT = {
  ...LINES_INPUT,
  before: z.coerce
    .number('a number')
    .int('a whole number')
    .min(1, 'at least 1')
    .optional()
    .describe('Written before the line of this number: `next` of the page before.'),
};

const list = verb({
  words: 'archive list',
  summary: 'messages of the archive, the newest; each look is audited',
  positionals: [],
  options: PAGE_OPTIONS,
  details: DETAILS,
  example: 'isthmus archive list --user nora@people.example --since 7d --why "case 4711"',
  input: z.object(PAGE_INPUT),
  http: { method: 'GET', path: '/archive/lines' },
  role: 'compliance',
  only: true,
  audited: true,
  where: 'here',
  run: (operations, { limit, ...given }) => orRefused('archive list', () => show(operations, given, [], limit)),
});

const search = verb({
  words: 'archive search',
  summary: 'messages of the archive that hold all of some words; each look is audited',
  positionals: ['words...'],
  options: PAGE_OPTIONS,
  details: `Words are found in any case, also inside longer ones. ${DETAILS}`,
  example: 'isthmus archive search "delivery date" --domain partner.example --why "case 4711"',
  input: z.object({
    ...PAGE_INPUT,
    words: z
      .preprocess(
        (value) => (typeof value === 'string' ? [value] : value),
        z.array(z.string().max(500)).min(1, 'words to look for').max(20),
      )
      .describe('Words that a message must hold, all of them.'),
  }),
  http: { method: 'GET', path: '/archive/search' },
  role: 'compliance',
  only: true,
  audited: true,
  where: 'here',
  run: (operations, { limit, words, ...given }) =>
    orRefused('archive search', () =>
      show(
        operations,
        given,
        words.flatMap((one) => one.split(/\s+/)),
        limit,
      ),
    ),
});

/** What people said is shown to nobody alone where the home asks for a second person. */
export const archiveList = guarded(list);
export const archiveSearch = guarded(search);

interface PageGiven extends LinesGiven {
  readonly before?: number | undefined;
}

async function show(operations: Operations, given: PageGiven, words: readonly string[], limit: number): Promise<Report> {
  const filter = filterOf(operations, given);
  const { lines: newest, more } = await operations.records().archive.find(filter, words, limit, given.before);
  const lines = [...newest].reverse();
  const json = { lines: lines.map(lineView), more, ...(more && { next: lines[0]?.number }) };
  if (lines.length === 0) return { text: 'Nothing in the archive fits.', json, exit: 0 };
  const rest = more ? `; there are older ones: --before ${lines[0]?.number}, or a larger --limit` : '';
  return { text: [...lines.map(lineText), '', `${count(lines.length, 'message')}${rest}`].join('\n'), json, exit: 0 };
}
