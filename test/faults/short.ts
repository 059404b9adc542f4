// The short version of a fault as a test: counts and outcomes must hold; times are not looked at. Each is a run of its own
// process: a socket that was reset can leave a handle behind, and the harness's process must end all the same.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const RUN = join(import.meta.dirname, 'run.ts');
const LIMIT_MS = 180_000;

/** @param title what an operator is promised */
export function survives(id: string, title: string): void {
  test(title, async (context) => {
    const { code, said } = await new Promise<{ code: number; said: string }>((resolve) => {
      execFile(process.execPath, [RUN, '--short', id], { timeout: LIMIT_MS }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : 1, said: `${stdout}${stderr}` }),
      );
    });
    const absent = /^not here: (.*)$/m.exec(said)?.[1];
    if (absent !== undefined) return context.skip(absent);
    assert.equal(code, 0, said);
  });
}
