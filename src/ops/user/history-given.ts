// Whose history, and which part of it, as the commands that read histories are told.

import * as z from 'zod';
import { parseUser } from '../../config/values.ts';
import { bareKey } from '../../model/address.ts';
import type { HistoryFilter, HistoryLine } from '../../model/history.ts';
import type { PeopleDesk } from '../../model/people.ts';
import type { OptionSpec } from '../command.ts';
import type { Operations } from '../operations.ts';
import { saidText, saidView } from '../said-view.ts';
import { sinceInput, sinceMs } from '../since.ts';
import { personOf, Refused } from './given.ts';

export const PART_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  with: { type: 'string', value: 'ADDRESS', says: 'only with this user, here or of a partner' },
  since: { type: 'string', value: 'TIME', says: 'from then on: 7d, 2026-11-23, 14:00 (UTC)' },
  until: { type: 'string', value: 'TIME', says: 'up to then' },
};
export const PART_INPUT = {
  with: z
    .string()
    .transform((value, context) => {
      const parsed = parseUser(value);
      if (typeof parsed === 'string') return parsed;
      context.addIssue({ code: 'custom', message: parsed.right });
      return z.NEVER;
    })
    .optional()
    .describe('Only with this user: user@domain.'),
  since: sinceInput.optional(),
  until: sinceInput.optional(),
};

export interface PartGiven {
  readonly with?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** @param now wall ms */
export function partOf(given: PartGiven, now: number): HistoryFilter {
  const [since, until] = [given.since, given.until].map((text) => (text === undefined ? undefined : sinceMs(text, now)));
  return {
    ...(given.with !== undefined && { peer: given.with }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
}

/** The bare key of a user, or of somebody who is no user any more and whose history is still there. @throws Refused */
export async function ownerOf(operations: Operations, desk: PeopleDesk, address: string): Promise<string> {
  try {
    return bareKey((await personOf(operations, desk, address)).address);
  } catch (error) {
    if (!(error instanceof Refused) || (await operations.records().histories.count(address, {})) === 0) throw error;
    return address;
  }
}

/** One line for programs. */
export function lineView({ id, at, kind, direction, peer, border, said }: HistoryLine, owner: string): Readonly<Record<string, unknown>> {
  const [from, to] = direction === 'out' ? [owner, peer] : [peer, owner];
  const common = { id, at: new Date(at).toISOString(), kind, direction, from, to, border };
  if (said === undefined) return { ...common, unreadable: true };
  const { event } = said;
  switch (event.kind) {
    case 'im.sent':
      return { ...common, ...saidView(event) };
    case 'im.receipt':
      return { ...common, about: event.about, status: event.status };
    case 'im.composing':
      return common;
    default:
      return event satisfies never;
  }
}

/** The words of a message, with its subject before them. */
export function wordsOf({ said }: HistoryLine): string {
  if (said === undefined) return '(cannot be read: archive.key is another one, or the row is damaged)';
  return said.event.kind === 'im.sent' ? saidText(said.event) : '';
}
