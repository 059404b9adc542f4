// `isthmus user history`: what one user said and was told, by time or by words. Whoever looks stands in the audit log.

import * as z from 'zod';
import type { HistoryFilter, HistoryLine, HistoryStore } from '../../model/history.ts';
import { guarded } from '../approval.ts';
import { meantAt } from '../since.ts';
import { type Report, verb } from '../verb.ts';
import { count, oneLine } from '../words.ts';
import { addressInput, atPeople, Refused, sayingWhy } from './given.ts';
import { lineView, ownerOf, PART_INPUT, PART_OPTIONS, partOf, wordsOf } from './history-given.ts';

const row = verb({
  words: 'user history',
  summary: 'what a user said and was told, by time or by words; each look is audited',
  positionals: ['address'],
  options: {
    ...PART_OPTIONS,
    before: { type: 'string', value: 'ID', says: 'only what is older than the message of this id (--json shows ids): the next page' },
    find: { type: 'string', value: 'WORDS', says: 'only messages that hold all of these words, in any case' },
    limit: { type: 'string', value: 'NUMBER', says: 'at most so many, the newest; default 50' },
  },
  details: [
    'Oldest first; <- came in, -> went out, * crossed the border. Receipts are left out. How long lines are kept: retention.history in',
    'isthmus.yaml. --why is demanded; who looked at whom, and why, stands in the audit log: isthmus audit list.',
  ].join('\n'),
  example: 'isthmus user history nora@people.example --with bob@partner.example --find "delivery date" --why "case 4711"',
  input: z.object({
    address: addressInput,
    ...PART_INPUT,
    before: z.string().min(1).max(100).optional().describe('Older than the message of this id: `next` of the page before.'),
    find: z.string().trim().min(1, 'words').max(500).optional().describe('Words that a message must hold, all of them.'),
    limit: z.coerce.number('a number').int('a whole number').min(1, 'at least 1').max(10_000, 'at most 10000').default(50),
  }),
  http: { method: 'GET', path: '/users/{address}/history' },
  role: 'compliance',
  only: true,
  audited: true,
  where: 'here',
  run: (operations, input) =>
    atPeople(operations, 'user history', async (desk): Promise<Report> => {
      sayingWhy(operations);
      const owner = await ownerOf(operations, desk, input.address);
      const { histories } = operations.records();
      const { before } = input;
      if (before !== undefined && (await histories.named(owner, [before])) === undefined)
        throw new Refused(`the history of ${owner} has no message ${before}; --before takes an id that a page before has shown`, 404);
      const part = { ...partOf(input, meantAt(operations)), kind: 'message' } as const;
      const filter = before === undefined ? part : { ...part, beforeId: before };
      const { lines, more } = await newest(histories, owner, filter, input.find, input.limit);
      const json = { user: owner, messages: lines.map((line) => lineView(line, owner)), more, ...(more && { next: lines[0]?.id }) };
      if (lines.length === 0) return { text: `Nothing of ${owner} is kept that fits.`, json, exit: 0 };
      const rows = lines.map(({ at, direction, border, peer, ...rest }) => {
        const head = `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}  ${direction === 'in' ? '<-' : '->'}${border ? '*' : ' '} ${peer}: `;
        return (
          head +
          wordsOf({ at, direction, border, peer, ...rest })
            .split(/\r?\n/)
            .map(oneLine)
            .join('\n    ')
        );
      });
      const rest = more ? `; there are older ones: --before ${lines[0]?.id}, or a larger --limit` : '';
      return { text: [...rows, '', `${count(lines.length, 'message')} of ${owner}${rest}`].join('\n'), json, exit: 0 };
    }),
});

/** What people said is handed to nobody alone where the home asks for a second person. */
export const userHistory = guarded(row);

async function newest(
  histories: Pick<HistoryStore, 'page' | 'find'>,
  owner: string,
  filter: HistoryFilter,
  find: string | undefined,
  limit: number,
): Promise<{ readonly lines: readonly HistoryLine[]; readonly more: boolean }> {
  if (find !== undefined) {
    const found = await histories.find(owner, filter, find.split(/\s+/), limit);
    return { lines: [...found.lines].reverse(), more: found.more };
  }
  const page = await histories.page(owner, filter, { limit, fromEnd: true });
  return { lines: page?.lines ?? [], more: page?.complete === false };
}
