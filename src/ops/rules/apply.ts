// `isthmus apply`: the files as they stand become the set in force, if they are good. The running process reads, checks and
// swaps; while nothing runs, the set is kept for the next start.

import * as z from 'zod';
import { AppliedError, filesOf, setOf } from '../../config/applied.ts';
import { compareSets } from '../../config/compare.ts';
import { differingPaths } from '../../config/edit.ts';
import { readHomeFiles } from '../../config/files.ts';
import { showFinding } from '../../config/finding.ts';
import type { Operations } from '../operations.ts';
import { type Report, verb } from '../verb.ts';
import { changeRefused } from './access.ts';
import { acceptedBy, deskOf, setsOf, showChanges, takenReport } from './by.ts';
import { sideInForce } from './in-force.ts';

export const apply = verb({
  words: 'apply',
  summary: 'the files as they stand take effect, if they are good',
  positionals: [],
  options: { 'dry-run': { type: 'boolean', says: 'check and say what would change; change nothing' } },
  details: [
    'Everything of the home but certificates, keys and CRLs, which are taken by themselves. The whole set is checked and the tests: of routes/policy.yaml',
    'are run; with one fault nothing changes (exit 2). The set is kept in var/applied: a restart uses it, and isthmus undo goes back to the one before.',
    'isthmus plan shows beforehand who would be cut off.',
  ].join('\n'),
  example: 'isthmus apply --home ./home --why "ticket 4711"',
  input: z.object({ dryRun: z.boolean().default(false).describe('Check and say what would change; change nothing.') }),
  http: { method: 'POST', path: '/rules/apply' },
  role: 'operator',
  audited: true,
  where: 'here',
  async run(operations, { dryRun }) {
    if (dryRun) return rehearse(operations);
    if (operations.live === undefined) {
      const { why } = operations;
      const report = await operations.ask('apply', why === undefined ? {} : { why });
      if (report !== undefined) return { ...report, recorded: true };
    }
    const refused = changeRefused('apply', operations, () => [setsOf(operations).current()?.files, readHomeFiles(operations.dir)]);
    if (refused !== undefined) return refused;
    return takenReport('apply', deskOf(operations).takeFiles(acceptedBy(operations)), operations.live !== undefined);
  },
});

function rehearse(operations: Operations): Report {
  const loaded = operations.load();
  if (!loaded.ok) {
    const text = [...loaded.faults.map(showFinding), 'isthmus apply: would be refused; what is in force stays in force'];
    return { text: text.join('\n'), json: { refused: true, faults: loaded.faults }, exit: 2 };
  }
  try {
    const current = deskOf(operations).current();
    const files = differingPaths(filesOf(current?.files ?? new Map()), filesOf(setOf(readHomeFiles(operations.dir))));
    if (current !== undefined && files.length === 0)
      return { text: `nothing to do: set ${current.number} has these files`, json: { files, changes: [] }, exit: 0 };
    const changes = compareSets(sideInForce(operations, current), loaded);
    const text = [
      `would be accepted; ${files.length === 1 ? 'one file differs' : `${files.length} files differ`}`,
      ...showChanges(changes),
    ];
    return { text: text.join('\n'), json: { files, changes }, exit: 0 };
  } catch (error) {
    if (!(error instanceof AppliedError)) throw error;
    return { text: `isthmus apply: ${error.message}`, json: { error: error.message }, exit: 2 };
  }
}
