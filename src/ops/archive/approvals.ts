// `isthmus archive approvals`: what waits for a second person, and what became of the others.

import * as z from 'zod';
import type { Approval } from '../../model/archive.ts';
import { verb } from '../verb.ts';
import { columns } from '../words.ts';

export const SECOND_PERSON = [
  'With secondPerson: true in records/archive.yaml, whoever exports, reads, erases or releases a hold asks first (exit 1); somebody else approves;',
  'then the same command of the same person with --approval ID runs once. A request lapses after 7 days.',
].join('\n');

/** Requests shown. */
const MOST = 200;

export const archiveApprovals = verb({
  words: 'archive approvals',
  summary: 'what waits for a second person, and what became of the others',
  positionals: [],
  options: {},
  details: SECOND_PERSON,
  example: 'isthmus archive approvals',
  input: z.object({}),
  http: { method: 'GET', path: '/archive/approvals' },
  role: 'compliance',
  only: true,
  audited: false,
  where: 'here',
  async run(operations) {
    const now = operations.clock.now();
    const all = await operations.records().approvals.list(MOST);
    const json = { approvals: all.map((one) => viewApproval(one, now)) };
    if (all.length === 0) return { text: 'Nobody has asked for anything.', json, exit: 0 };
    const rows = all.map((one) => [one.id, stateOf(one, now), one.askedBy, one.act, one.input, one.why]);
    return { text: columns([['ID', 'STATE', 'ASKED BY', 'ACT', 'WITH', 'WHY'], ...rows]).join('\n'), json, exit: 0 };
  },
});

/** One word, and who. */
export function stateOf({ decided, usedAt, until }: Approval, now: number): string {
  if (decided?.yes === false) return `denied by ${decided.by}`;
  if (usedAt !== undefined) return `done, approved by ${decided?.by ?? ''}`;
  if (now >= until) return 'lapsed';
  return decided === undefined ? 'waits' : `approved by ${decided.by}`;
}

/** One request for programs. */
export function viewApproval(one: Approval, now: number): Readonly<Record<string, unknown>> {
  const time = (at: number): string => new Date(at).toISOString();
  const { id, act, input, askedBy, why, decided, usedAt } = one;
  return {
    ...{ id, state: stateOf(one, now).split(/[ ,]/)[0], act, input: JSON.parse(input) as unknown, askedBy, why }, // written by ops/approval.ts
    askedAt: time(one.askedAt),
    until: time(one.until),
    ...(decided !== undefined && { decided: { ...decided, at: time(decided.at) } }),
    ...(usedAt !== undefined && { usedAt: time(usedAt) }),
  };
}
