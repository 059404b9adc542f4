// The end of the process, as whoever typed Ctrl-C sees it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const SRC = join(import.meta.dirname, '../../src');

test('a stop waits for every part and exits with 0, even when the last connection closed before', () => {
  const script = `
    import { drain } from ${JSON.stringify(join(SRC, 'assembly/drain.ts'))};
    import { systemClock } from ${JSON.stringify(join(SRC, 'edge/system-clock.ts'))};
    const wait = () => new Promise((done) => systemClock.after(50, done));
    const said = [];
    await drain({
      watchers: [], listeners: [], firstContact: { stop() {} }, outbox: { drain: wait }, presence: { close() {} },
      shores: [{ drain: wait }], store: { flush: () => said.push('flushed'), close: () => said.push('closed') },
    }, 1000);
    console.log(said.join(' '));`;
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.deepEqual([ended.status, ended.stdout.trim()], [0, 'flushed closed'], ended.stderr);
});
