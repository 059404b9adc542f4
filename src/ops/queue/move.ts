// `isthmus queue retry` and `isthmus queue drop`: what waits is tried now, or taken out.

import * as z from 'zod';
import type { Which } from '../../model/queue.ts';
import type { Live } from '../live.ts';
import { domainInput, domainsOf } from '../partner-choice.ts';
import { verb } from '../verb.ts';
import { count } from '../words.ts';

const id = z.string().max(200).describe('The ID that queue list shows.').optional();

export const queueRetry = verb({
  words: 'queue retry',
  summary: 'tries what waits now, whatever its back-off',
  positionals: ['[id]'],
  options: {
    partner: { type: 'string', value: 'DOMAIN', says: 'everything that waits for this partner' },
    all: { type: 'boolean', says: 'everything that waits' },
  },
  details: 'Give one of them. A row whose partner is still down fails again and waits on; nothing is sent twice.',
  example: 'isthmus queue retry --partner fabrikam.example',
  input: z
    .object({ id, partner: domainInput.optional(), all: z.union([z.boolean(), z.stringbool()]).optional() })
    .refine((input) => [input.id, input.partner, input.all === true ? true : undefined].filter((one) => one !== undefined).length === 1, {
      message: 'one of ID, --partner DOMAIN and --all is needed',
    }),
  http: { method: 'POST', path: '/queue/retry' },
  role: 'operator',
  audited: true,
  where: 'process',
  async run({ live }, input) {
    if (live === undefined) throw new Error('queue retry runs in the process');
    const retried = live.queue.retry(input.all === true ? 'all' : whichOf(input, live));
    const text = retried === 0 ? `Nothing waits${ofWhat(input)}.` : `${count(retried, 'row')} tried now.`;
    return { text, json: { retried }, exit: retried === 0 ? 1 : 0, ...(retried > 0 && { changes: text }) };
  },
});

export const queueDrop = verb({
  words: 'queue drop',
  summary: 'takes what waits out of the queue; its senders are told',
  positionals: ['[id]'],
  options: {
    partner: { type: 'string', value: 'DOMAIN', says: 'everything that waits for this partner' },
    yes: { type: 'boolean', says: 'more than one row: yes, I mean it' },
  },
  details: [
    'Each sender who was told that a message waits gets one failure notice. A row that is being sent at this moment cannot be taken',
    'back; one that was written and never confirmed ends without a notice, because it may have arrived.',
    'Not undone by anything: the text of a dropped message is gone.',
  ].join('\n'),
  example: 'isthmus queue drop --partner fabrikam.example --yes --why "partner has moved"',
  input: z
    .object({ id, partner: domainInput.optional(), yes: z.union([z.boolean(), z.stringbool()]).optional() })
    .refine((input) => (input.id === undefined) !== (input.partner === undefined), { message: 'one of ID and --partner DOMAIN is needed' }),
  http: { method: 'POST', path: '/queue/drop' },
  role: 'operator',
  audited: true,
  where: 'process',
  async run({ live }, input) {
    if (live === undefined) throw new Error('queue drop runs in the process');
    const which = whichOf(input, live);
    const rows = live.queue.rows(which);
    if (rows.length === 0) return { text: `Nothing waits${ofWhat(input)}.`, json: { dropped: 0, unconfirmed: 0, onTheirWay: 0 }, exit: 1 };
    if (rows.length > 1 && input.yes !== true) {
      const text = `isthmus queue drop: that is ${count(rows.length, 'row')}, and each sender is told that it failed\n  say --yes if that is meant; isthmus queue list${input.partner === undefined ? '' : ` --partner ${input.partner}`} shows them`;
      return { text, json: { error: 'notConfirmed', rows: rows.length }, exit: 2 };
    }
    const done = await live.queue.drop(which);
    const lines = [
      `${count(done.dropped, 'row')} dropped.`,
      ...(done.unconfirmed > 0
        ? [`${count(done.unconfirmed, 'row')} had been written and ended without a notice: they may have arrived.`]
        : []),
      ...(done.onTheirWay > 0 ? [`${count(done.onTheirWay, 'row')} could not be taken back: they are being sent.`] : []),
    ];
    return { text: lines.join('\n'), json: done, exit: done.onTheirWay > 0 ? 1 : 0, changes: lines.join(' ') };
  },
});

function whichOf(input: { readonly id?: string | undefined; readonly partner?: string | undefined }, live: Live): Which {
  if (input.partner !== undefined) return { domains: domainsOf(input.partner, live.table()) };
  return { id: input.id ?? '' };
}

function ofWhat({ id: one, partner }: { readonly id?: string | undefined; readonly partner?: string | undefined }): string {
  if (partner !== undefined) return ` for ${partner}`;
  return one === undefined ? '' : ` under the ID ${one}`;
}
