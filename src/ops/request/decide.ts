// `isthmus request approve` and `deny`: the answer to a stranger. It works on the database of the home; a running process
// finds the decision within 2 s (outbox/first-contact.ts).

import * as z from 'zod';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { FIRST_CONTACT } from './list.ts';

const input = z.object({ id: z.string().min(1, 'the number that "isthmus request list" shows').describe('As "request list" shows it.') });

export const requestApprove = verb({
  words: 'request approve',
  summary: 'lets a stranger in: what waits is delivered, and they may write from now on',
  positionals: ['id'],
  options: {},
  details: FIRST_CONTACT,
  example: 'isthmus request approve 5f0c21aa',
  input,
  http: { method: 'POST', path: '/requests/{id}/approve' },
  role: 'operator',
  audited: true,
  where: 'here',
  run: (operations, { id }) => decide(operations, 'approved', id),
});

export const requestDeny = verb({
  words: 'request deny',
  summary: 'turns a stranger away: a subscription is answered no, a message is forgotten',
  positionals: ['id'],
  options: {},
  details: FIRST_CONTACT,
  example: 'isthmus request deny 5f0c21aa',
  input,
  http: { method: 'POST', path: '/requests/{id}/deny' },
  role: 'operator',
  audited: true,
  where: 'here',
  run: (operations, { id }) => decide(operations, 'denied', id),
});

async function decide(operations: Operations, decision: 'approved' | 'denied', id: string): Promise<Report> {
  const { requests } = operations.records();
  const decided = await requests.decide(id, decision);
  if (decided !== undefined) {
    const { from, to } = decided;
    const text =
      decision === 'approved'
        ? `${from} may reach ${to} from now on; what waited is on its way.`
        : `${from} was turned away; ${to} sees nothing of it.`;
    return { text, json: { id, decided: decided.decided, from, to }, exit: 0, changes: `${from} to ${to}: ${decided.decided}` };
  }
  const near = (await requests.list()).map((one) => one.id).find((one) => one.startsWith(id.slice(0, 3)));
  const hint = near === undefined ? 'isthmus request list shows what waits.' : `Did you mean ${near}?`;
  return { text: `No request ${id.slice(0, 80)} waits for an answer. ${hint}`, json: { error: 'unknown', id }, exit: 1, status: 404 };
}
