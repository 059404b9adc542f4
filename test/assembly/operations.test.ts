// The road from the command line to the process, when the process is there and the road is not.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandLineOperations } from '../../src/assembly/operations.ts';
import { own } from '../../src/store/owner.ts';
import { keep } from '../ops/terminal.ts';

test('a block with --now beside a process whose socket was removed is refused, not told as in force', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'isthmus-road-'));
  const operations = commandLineOperations(dir, keep(), () => assert.fail('nothing is judged'));
  try {
    writeFileSync(join(dir, 'isthmus.yaml'), '');
    mkdirSync(join(dir, 'var'));
    assert.equal(await operations.ask('partner block', { target: 'bad.example', now: true }), undefined, 'nothing runs');
    const owner = own(join(dir, 'var', 'isthmus.owner'));
    const report = await operations.ask('partner block', { target: 'bad.example', now: true });
    assert.equal(report?.exit, 3);
    assert.match(report?.text ?? '', /a process runs with the home .*, and its socket .* is not there/);
    owner.release();
    assert.equal(await operations.ask('partner block', { target: 'bad.example', now: true }), undefined, 'it has ended');
  } finally {
    operations.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
