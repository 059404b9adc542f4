// `isthmus request list`: who wants to reach somebody of ours for the first time.

import * as z from 'zod';
import type { ContactRequest } from '../../model/stores.ts';
import { verb } from '../verb.ts';

/** What every `request` verb says about itself. */
export const FIRST_CONTACT =
  'Under firstContact: localUserInvites a stranger waits 14 days (retention.requests) and learns nothing meanwhile.';

export const requestList = verb({
  words: 'request list',
  summary: 'strangers who wait for an answer',
  positionals: [],
  options: {},
  details: FIRST_CONTACT,
  example: 'isthmus request list --home ./home',
  input: z.object({}),
  http: { method: 'GET', path: '/requests' },
  role: 'helpdesk',
  audited: false,
  where: 'here',
  async run(operations) {
    const now = operations.clock.now();
    const waiting = await operations.records().requests.list();
    const json = waiting.map(({ id, from, to, kind, createdAt }) => ({ id, from, to, kind, createdAt: new Date(createdAt).toISOString() }));
    return { text: waiting.length === 0 ? 'No stranger waits.' : waiting.map((one) => lineOf(one, now)).join('\n'), json, exit: 0 };
  },
});

function lineOf({ id, from, to, kind, createdAt }: ContactRequest, now: number): string {
  const wish = kind === 'message' ? 'wants to write to' : 'wants to see the presence of';
  return `${id}  ${from} ${wish} ${to}, since ${age(now - createdAt)}`;
}

function age(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}
