// `isthmus user import --ldap`: one round of the directory, as an operator sees it.

import { showFinding } from '../../config/finding.ts';
import type { SyncResult } from '../../model/directory.ts';
import type { PeopleDesk } from '../../model/people.ts';
import type { Operations } from '../operations.ts';
import type { Report } from '../verb.ts';
import { count, oneLine } from '../words.ts';
import { Refused } from './given.ts';

/** Lines of one kind that are shown; the JSON has all. */
const SHOWN = 50;

export async function importDirectory(operations: Operations, desk: PeopleDesk, dryRun: boolean): Promise<Report> {
  const loaded = operations.load();
  if (!loaded.ok) throw new Refused([...loaded.faults.slice(0, 5).map(showFinding), 'the files of this home have faults'].join('\n'));
  const { directory } = loaded.home.people;
  if (directory === undefined)
    throw new Refused('this home has no directory: people/directory.yaml names one (people/README.md, people/directory.yaml.example)');
  let result: SyncResult & { readonly spared: number };
  try {
    result = await desk.takeDirectory(directory, loaded.table, dryRun);
  } catch (error) {
    throw new Refused(error instanceof Error ? error.message : String(error));
  }
  const { entries, added, changed, disabled, enabled, skipped, spared } = result;
  const would = dryRun ? 'would be ' : '';
  const some = (all: readonly string[], word: string): string[] => [
    ...all.slice(0, SHOWN).map((address) => `${address} ${would}${word}`),
    ...(all.length > SHOWN ? [`... and ${all.length - SHOWN} more ${word}; --json has all`] : []),
  ];
  const doubt = `${spared} users are gone from the directory at once, more than half: nobody is disabled for it. Look at base: and filter: in people/directory.yaml`;
  const text = [
    ...some(added, 'added'),
    ...some(changed, 'changed'),
    ...some(disabled, 'disabled'),
    ...some(enabled, 'enabled'),
    ...skipped.slice(0, SHOWN).map(({ dn, why }) => oneLine(`left out, ${dn}: ${why}`)),
    ...(skipped.length > SHOWN ? [`... and ${skipped.length - SHOWN} more left out; --json has all`] : []),
    ...(spared > 0 ? [doubt] : []),
    `${count(entries, 'user')} in the directory: ${added.length} ${would}added, ${changed.length} changed, ${disabled.length} disabled, ${enabled.length} enabled, ${skipped.length} left out${dryRun ? '; nothing is written yet' : ''}`,
  ];
  const touched = [
    ...added.map((one) => `added ${one}`),
    ...changed.map((one) => `changed ${one}`),
    ...disabled.map((one) => `disabled ${one}`),
    ...enabled.map((one) => `enabled ${one}`),
  ];
  return {
    text: text.join('\n'),
    json: { dryRun, entries, added, changed, disabled, enabled, skipped, spared },
    exit: spared > 0 ? 1 : 0,
    ...(!dryRun && touched.length > 0 && { changes: touched.slice(0, 1000).join('\n') }),
  };
}
