// What no one person does alone: with `secondPerson: true` in records/archive.yaml an act that hands out or removes what
// people said does not run at once. The first call asks and is written down; somebody else approves it; then the same call of
// the same person, with the approval's id, runs once. A verb is put behind this by `guarded`; it knows nothing of it itself.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Approval } from '../model/archive.ts';
import type { Operations } from './operations.ts';
import type { Report, Verb } from './verb.ts';

/** Asked and not used for so long: it lapses, ms. */
const LAPSES_MS = 7 * 86_400_000;
const RULES = 'records/archive.yaml';

/**
 * The same verb, behind a second person where the home asks for one.
 * @param harmless calls that do nothing but count, and run at once
 */
export function guarded(row: Verb, harmless: (input: Readonly<Record<string, unknown>>) => boolean = () => false): Verb {
  return {
    ...row,
    options: {
      ...row.options,
      approval: { type: 'string', value: 'ID', says: 'a second person has approved it: runs once (secondPerson in records/archive.yaml)' },
    },
    input: row.input.safeExtend({
      approval: z
        .string()
        .max(80)
        .optional()
        .describe('Where records/archive.yaml says secondPerson: the id of the approval; without it the call asks for one (202).'),
    }),
    async run(operations, { approval: id, ...input }) {
      if (harmless(input)) return row.run(operations, input);
      const needed = isNeeded(operations);
      if (typeof needed === 'object') return needed;
      const act: Act = { words: row.words, input: canonical(input) };
      if (typeof id !== 'string') return needed ? ask(operations, act) : row.run(operations, input);
      const taken = await take(operations, act, id);
      if ('report' in taken) return taken.report;
      const report = await row.run({ ...operations, approval: taken.approval }, input);
      // Refused before it began: the second person agreed to what has not been done.
      if (report.exit === 2 || report.exit === 3) await operations.records().approvals.giveBack(id);
      const both = `approval ${id}: asked by ${taken.approval.askedBy}, approved by ${taken.approval.decided?.by ?? ''}`;
      return { ...report, changes: report.changes === undefined ? both : `${report.changes}\n${both}` };
    },
  };
}

interface Act {
  readonly words: string;
  readonly input: string;
}

/** As files stand, so that a rule which is being written counts before it is applied; in the process also as it is in force. */
function isNeeded(operations: Operations): boolean | Report {
  if (operations.live?.archive().settings?.secondPerson === true) return true;
  const loaded = operations.load();
  if (loaded.ok) return loaded.home.archive?.secondPerson === true;
  if (!existsSync(join(operations.dir, RULES))) return false;
  return refuse(`whether a second person is needed cannot be read: files of this home have faults; isthmus check shows them`, 422);
}

async function ask(operations: Operations, { words, input }: Act): Promise<Report> {
  const { why = '', actor, clock } = operations;
  if (why.trim() === '') return refuse(`${words} waits for a second person here, who has to know why: add --why TEXT`, 422);
  const now = clock.now();
  const id = randomBytes(5).toString('hex');
  const approval: Approval = { id, act: words, input, askedBy: actor.name, askedAt: now, why, until: now + LAPSES_MS };
  await operations.records().approvals.ask(approval);
  const until = new Date(approval.until).toISOString();
  const text = [
    `A second person has to agree: ${id}, asked by ${actor.name}, until ${until.slice(0, 16).replace('T', ' ')} UTC.`,
    `  somebody else: isthmus archive approve ${id}`,
    `  then you: the same command with --approval ${id}`,
  ].join('\n');
  return {
    text,
    json: { waits: true, approval: id, act: words, askedBy: actor.name, until },
    exit: 1,
    status: 202,
    changes: `asked: approval ${id}`,
  };
}

/** Uses an approval for an act, or says why it cannot be. */
async function take(operations: Operations, act: Act, id: string): Promise<{ readonly approval: Approval } | { readonly report: Report }> {
  const { approvals } = operations.records();
  const now = operations.clock.now();
  const approval = await approvals.get(id);
  const bad = approval === undefined ? `there is no approval ${id.slice(0, 40)}` : unfit(approval, act, operations.actor.name, now);
  if (approval === undefined || bad !== undefined) return { report: refuse(`${bad}; isthmus archive approvals shows them`, 409) };
  return (await approvals.use(id, now)) ? { approval } : { report: refuse(`approval ${id} was used a moment ago`, 409) };
}

function unfit({ id, act, input, askedBy, decided, until, usedAt }: Approval, wanted: Act, by: string, now: number): string | undefined {
  if (act !== wanted.words || input !== wanted.input)
    return `approval ${id} is for another call: ${act} ${input}. Give exactly what was asked for`;
  if (askedBy !== by) return `approval ${id} was asked for by ${askedBy}, you are ${by}`;
  if (usedAt !== undefined) return `approval ${id} was used at ${new Date(usedAt).toISOString()}; ask again`;
  if (decided?.yes === false) return `approval ${id} was denied by ${decided.by}${decided.why === undefined ? '' : `: ${decided.why}`}`;
  if (now >= until) return `approval ${id} has lapsed; ask again`;
  return decided === undefined ? `approval ${id} still waits for a second person` : undefined;
}

function refuse(text: string, status: 409 | 422): Report {
  return { text: `isthmus: ${text}`, json: { error: 'refused', text }, exit: 2, status };
}

/** Keys in order, what was not given left out: two equal calls are one text. */
function canonical(input: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(input).filter(([, value]) => value !== undefined);
  return JSON.stringify(Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1))));
}
