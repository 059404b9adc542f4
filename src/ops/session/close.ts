// `isthmus session close`: ends one connection, or every one of a partner, as its protocol says goodbye.

import * as z from 'zod';
import { reason } from '../../errors.ts';
import { bareKey } from '../../model/address.ts';
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
    'isthmus partner block keeps it out. A client of a user that has lost its connection and may come back is signed out for good.',
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
    // A client whose connection is lost, and who may still come back to its session, is listed under the connection that it had.
    const away =
      id === undefined || live.sessions.list().some((one) => one.id === id)
        ? []
        : live.clients.list().filter(({ connection }) => connection === id);
    const ended = away.reduce((sum, { user, resource }) => sum + live.clients.end(bareKey(user), resource, cause), 0);
    if (ended > 0) {
      const text = `${count(ended, 'client')} of ${[...new Set(away.map(({ user }) => bareKey(user)))].join(', ')} signed out; the connection was gone already.`;
      return { text, json: { closed: ended }, exit: 0, changes: text };
    }
    if (id === undefined || !live.sessions.close(id, cause)) {
      return { text: `There is no connection ${id}. isthmus session list shows them.`, json: { closed: 0 }, exit: 1, status: 404 };
    }
    return { text: `Connection ${id} closed.`, json: { closed: 1 }, exit: 0, changes: `closed connection ${id}` };
  },
});
