// What a start runs: the set that was accepted last, with the certificates and secrets as they lie there. Files that differ
// from it are named, and so are their faults: a typing error in a file that was never applied must not keep the edge from
// starting at night. Before the first `apply`, and where the home reloads on save, it is the files themselves.

import { resolve } from 'node:path';
import { type AcceptedSet, AppliedError, AppliedSets, filesOf, setOf, withSet } from '../../config/applied.ts';
import { differingPaths } from '../../config/edit.ts';
import { readHomeFiles } from '../../config/files.ts';
import { Findings, wholeFile } from '../../config/finding.ts';
import { checkHome, type Loaded, loadHome } from '../../config/load.ts';
import { placesOf } from '../../config/places.ts';
import type { Judge } from '../../config/policy-tests.ts';

const MAX_NAMED = 10;

export interface AcceptedHome {
  readonly loaded: Loaded;
  /** The set that it is; undefined: the files themselves. */
  readonly set?: number;
  /** Paths that differ from the set. */
  readonly differing: readonly string[];
  /** What the operator should know, one line. */
  readonly said?: string;
}

export function loadAccepted(dir: string, judge: Judge): AcceptedHome {
  const files = (): AcceptedHome => ({ loaded: loadHome(dir, { judge }), differing: [] });
  let set: AcceptedSet | undefined;
  try {
    set = new AppliedSets(placesOf(dir).data).current();
  } catch (error) {
    if (!(error instanceof AppliedError)) throw error;
    const findings = new Findings();
    findings.fault('CONFIG_FILE', wholeFile('var/applied'), error.message, 'isthmus apply, then start again');
    return { loaded: { ok: false, faults: findings.faults(), notices: [] }, differing: [] };
  }
  if (set === undefined) return files();
  const here = readHomeFiles(dir);
  const credentials = process.env.CREDENTIALS_DIRECTORY !== undefined;
  const loaded = checkHome(resolve(dir), withSet(here, set.files), { judge, credentials });
  if (loaded.ok && loaded.home.reload === 'onChange') return files();
  const differing = differingPaths(filesOf(set.files), filesOf(setOf(here)));
  return { loaded, set: set.number, differing, ...sentence(set, differing, loaded.ok) };
}

function sentence(set: AcceptedSet, differing: readonly string[], good: boolean): { said?: string } {
  if (!good)
    return {
      said: `these faults are in set ${set.number}, which was accepted last, or in the certificates; isthmus apply accepts the files as they are`,
    };
  if (differing.length === 0) return {};
  const names = differing.slice(0, MAX_NAMED).join(', ');
  const more = differing.length > MAX_NAMED ? ` and ${differing.length - MAX_NAMED} more` : '';
  return {
    said: `running set ${set.number}, which was accepted last; changed since and not applied: ${names}${more}. isthmus plan shows what would change`,
  };
}
