// What is in force, as a home and a table: from the process itself, or from the kept set with today's certificates.

import { type AcceptedSet, withSet } from '../../config/applied.ts';
import type { Side } from '../../config/compare.ts';
import { readHomeFiles } from '../../config/files.ts';
import { checkHome } from '../../config/load.ts';
import type { Operations } from '../operations.ts';

/** @returns undefined when nothing was accepted yet, or the set no longer loads */
export function sideInForce(operations: Operations, current: AcceptedSet | undefined): Side | undefined {
  if (current === undefined) return undefined;
  const { dir, clock } = operations;
  const loaded = checkHome(dir, withSet(readHomeFiles(dir), current.files), { nowMs: clock.now(), credentials: true });
  return loaded.ok ? loaded : undefined;
}
