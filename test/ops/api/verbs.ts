// Verbs of a few lines, and what they work with, for tests of the API.

import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { Actor, AuditEntry, AuditLog } from '../../../src/model/audit.ts';
import type { CallSite } from '../../../src/ops/api/api.ts';
import type { Operations } from '../../../src/ops/operations.ts';
import { type Verb, verb } from '../../../src/ops/verb.ts';
import type { VerbRow } from '../../../src/ops/verb-table.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const row = (one: Verb): VerbRow => ({ words: one.words, summary: one.summary, load: async () => one });

/** Says what it was given. */
export const echo = verb({
  words: 'thing show',
  summary: 'says what it was given',
  positionals: ['name'],
  options: {
    loud: { type: 'boolean', says: 'louder' },
    'max-lines': { type: 'string', value: 'N', says: 'at most so many' },
    tag: { type: 'string', multiple: true, says: 'a tag' },
  },
  details: '',
  example: 'isthmus thing show a',
  input: z.object({
    name: z.string().max(20, 'at most 20 characters').describe('Its name.'),
    loud: z.boolean('true or false').optional(),
    maxLines: z.coerce.number('a number such as 10').int().min(1, 'at least 1').optional(),
    tag: z.array(z.string()).optional(),
  }),
  http: { method: 'GET', path: '/things/{name}' },
  role: 'viewer',
  audited: false,
  where: 'here',
  run: async (_, input) => ({ text: `it is ${input.name}`, json: input, exit: 0 }),
});

/** Changes something. */
export const change = verb({
  words: 'thing change',
  summary: 'changes a thing',
  positionals: ['name'],
  options: { to: { type: 'string', value: 'TEXT', says: 'the new text' } },
  details: '',
  example: 'isthmus thing change a --to b',
  input: z.object({ name: z.string(), to: z.string('the new text is needed') }),
  http: { method: 'POST', path: '/things/{name}/change' },
  role: 'operator',
  audited: true,
  where: 'here',
  run: async (_, { name, to }) => ({ text: `${name} is ${to}`, json: { name, to }, exit: 0, changes: `-${name}\n+${to}` }),
});

/** Works for as long as it is let, and says so. */
export const long = verb({
  words: 'thing watch',
  summary: 'watches',
  positionals: [],
  options: { steps: { type: 'string', value: 'N', says: 'how many lines' } },
  details: '',
  example: 'isthmus thing watch',
  input: z.object({ steps: z.coerce.number().int().default(3) }),
  http: { method: 'GET', path: '/watch' },
  role: 'helpdesk',
  audited: false,
  where: 'process',
  run: async (operations, { steps }) => {
    let said = 0;
    while (said < steps && !operations.signal.aborted) {
      said += 1;
      operations.progress(`${said} of ${steps}`);
      operations.line(`line ${said}`);
      await sleep(1);
    }
    return { text: operations.signal.aborted ? 'stopped' : 'done', json: { said }, exit: operations.signal.aborted ? 1 : 0 };
  },
});

/** Fails in our own code. */
export const broken = verb({
  words: 'thing break',
  summary: 'fails',
  positionals: [],
  options: {},
  details: '',
  example: 'isthmus thing break',
  input: z.object({}),
  http: { method: 'POST', path: '/break' },
  role: 'admin',
  audited: false,
  where: 'here',
  run: async () => {
    throw new Error('the secret inside');
  },
});

export const ROWS: readonly VerbRow[] = [row(echo), row(change), row(long), row(broken)];
export const OPERATOR: Actor = { name: 'olga', role: 'operator', via: 'api' };

/** An audit log in memory. */
export function keptAudit(): { readonly log: AuditLog; readonly entries: AuditEntry[] } {
  const entries: AuditEntry[] = [];
  const log: AuditLog = {
    append: async (entry) => ({ ...entry, number: entries.push(entry), hash: '' }),
    list: async () => [],
    verify: async () => ({ whole: true, lines: entries.length }),
    close() {},
  };
  return { log, entries };
}

/** Operations of a process that has nothing but a clock and an audit log: the verbs of this file ask for no more. */
export function operationsFor(audit: AuditLog): (site: CallSite) => Operations {
  const clock = new ManualClock();
  return (site) =>
    ({ dir: '/home/of/nobody', clock, audit: () => audit, live: {}, ask: async () => undefined, ...site }) as unknown as Operations;
}
