// `isthmus session close`: ends one connection, or every one of a partner, as its protocol says goodbye.

import * as z from 'zod';
import { reason } from '../../errors.ts';
import { domainInput, domainsOf } from '../partner-choice.ts';
import { verb } from '../verb.ts';
import { count } from '../words.ts';

export const sessionClose = verb({
  words: 'session close',
  summary: 'ends a connection, or all of a partner',
  positionals: ['[id]'],
  options: { partner: { type: 'string', value: 'DOMAIN', says: 'every connection of this partner, instead of an ID' } },
  details: [
    'XMPP: a stream error and the end of the stream. SIP: what is under way gets its answer for at most five seconds, then the',
    'connection closes. Nothing is lost: what waits goes over the next connection, and the partner may connect again at once;',
    'isthmus partner block keeps it out.',
  ].join('\n'),
  example: 'isthmus session close --partner fabrikam.example --why "new certificate on their side"',
  input: z
    .object({ id: z.string().max(100).describe('The ID that session list shows.').optional(), partner: domainInput.optional() })
    .refine(({ id, partner }) => (id === undefined) !== (partner === undefined), { message: 'one of ID and --partner DOMAIN is needed' }),
  http: { method: 'POST', path: '/sessions/close' },
  role: 'operator',
  audited: true,
  where: 'process',
  async run({ live, actor, why }, { id, partner }) {
    if (live === undefined) throw new Error('session close runs in the process');
    const cause = reason('NET_CLOSED', `closed by ${actor.name}${why === undefined ? '' : `: ${why}`}`);
    if (partner !== undefined) {
      const closed = live.sessions.closeDomains(domainsOf(partner, live.table()), cause);
      if (closed === 0) return { text: `Nobody is connected as ${partner}.`, json: { closed }, exit: 1 };
      const text = `${count(closed, 'connection')} of ${partner} closed.`;
      return { text, json: { closed }, exit: 0, changes: text };
    }
    if (id === undefined || !live.sessions.close(id, cause)) {
      return { text: `There is no connection ${id}. isthmus session list shows them.`, json: { closed: 0 }, exit: 1, status: 404 };
    }
    return { text: `Connection ${id} closed.`, json: { closed: 1 }, exit: 0, changes: `closed connection ${id}` };
  },
});
