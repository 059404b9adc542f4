// `isthmus archive approve` and `deny`: the second person's answer.

import * as z from 'zod';
import { maybeSame } from '../../model/audit.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { SECOND_PERSON, stateOf, viewApproval } from './approvals.ts';

const input = z.object({
  id: z.string().min(1, 'the id that "isthmus archive approvals" shows').max(80).describe('As "archive approvals" shows it.'),
});

export const archiveApprove = verb({
  words: 'archive approve',
  summary: 'agrees to what somebody else has asked for',
  positionals: ['id'],
  options: {},
  details: `${SECOND_PERSON}\nNobody approves what they have asked for themselves.`,
  example: 'isthmus archive approve 5f0c21aa09 --why "seen with legal"',
  input,
  http: { method: 'POST', path: '/archive/approvals/{id}/approve' },
  role: 'compliance',
  only: true,
  audited: true,
  where: 'here',
  run: (operations, { id }) => decide(operations, id, true),
});

export const archiveDeny = verb({
  words: 'archive deny',
  summary: 'refuses what somebody else has asked for',
  positionals: ['id'],
  options: {},
  details: `${SECOND_PERSON}\n--why is needed: who asked reads it.`,
  example: 'isthmus archive deny 5f0c21aa09 --why "no case number"',
  input,
  http: { method: 'POST', path: '/archive/approvals/{id}/deny' },
  role: 'compliance',
  only: true,
  audited: true,
  where: 'here',
  run: (operations, { id }) => decide(operations, id, false),
});

async function decide(operations: Operations, id: string, yes: boolean): Promise<Report> {
  const words = `archive ${yes ? 'approve' : 'deny'}`;
  const refuse = (text: string, status: 404 | 409 | 422): Report => ({
    ...{ text: `isthmus ${words}: ${text}`, json: { error: 'refused', text }, exit: status === 404 ? 1 : 2, status },
  });
  const { actor, why, clock } = operations;
  if (!yes && (why === undefined || why.trim() === '')) return refuse('who asked has to know why not: add --why TEXT', 422);
  const { approvals } = operations.records();
  const now = clock.now();
  const asked = await approvals.get(id);
  const done = asked !== undefined && !maybeSame(asked.askedBy, actor.name) && (await approvals.decide(id, actor.name, yes, now, why));
  const one = await approvals.get(id);
  if (one === undefined) return refuse(`nobody has asked for ${id.slice(0, 80)}; isthmus archive approvals shows what waits`, 404);
  if (!done) {
    const own = maybeSame(one.askedBy, actor.name) && one.decided === undefined && now < one.until;
    const text = own
      ? `${id} was asked for by ${one.askedBy}, who cannot also decide it`
      : `${id} does not wait any more: ${stateOf(one, now)}`;
    return refuse(text, 409);
  }
  const what = `${one.act} ${one.input}, asked by ${one.askedBy} (${one.why})`;
  const text = yes ? `Approved: ${what}.\n${one.askedBy} can run it once now, with --approval ${id}.` : `Denied: ${what}.`;
  return { text, json: viewApproval(one, now), exit: 0, changes: `${yes ? 'approved' : 'denied'} ${id}: ${what}` };
}
