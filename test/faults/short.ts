// The short version of a fault as a test: counts and outcomes must hold; times are not looked at.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS } from './list.ts';
import { NotHere } from './row.ts';

/** @param title what an operator is promised */
export function survives(id: string, title: string): void {
  test(title, async (context) => {
    const fault = FAULTS[id];
    assert(fault !== undefined, `there is no case ${id}`);
    const row = await fault('short').catch((error: unknown) => {
      if (error instanceof NotHere) return error;
      throw error;
    });
    if (row instanceof NotHere) return context.skip(row.message);
    const broken = row.goals.filter(({ kind, met }) => kind === 'count' && !met).map(({ what, came }) => `${what}: ${came}`);
    assert.deepEqual(broken, []);
  });
}
