// The admin socket of a process, and what the audit log says about its life.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openAdmin } from '../../../src/assembly/admin/admin.ts';
import { commandLineOperations } from '../../../src/assembly/operations.ts';
import { SILENT } from '../../../src/log.ts';
import type { Live } from '../../../src/ops/live.ts';
import { openAudit } from '../../../src/store/audit.ts';
import { keep } from '../../ops/terminal.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const root = mkdtempSync(join(tmpdir(), 'isthmus-process-'));
after(() => rmSync(root, { recursive: true }));
const data = join(root, 'var');
const socket = join(data, 'admin.sock');

async function open(drained: string[] = []) {
  const home = { dir: root, data, admin: { socket } };
  const live = {
    version: '1.2.3',
    home,
    async drain(say: (line: string) => void) {
      say('closing');
      drained.push('drained');
      return { waiting: 2 };
    },
  } as unknown as Live; // the verbs of this test ask for no more
  const parts = {
    live,
    records: {} as never,
    people: {} as never,
    clock: new ManualClock(),
    log: SILENT,
    own: {} as never,
    web: {} as never,
    home: () => home as never,
    load: () => ({}) as never,
  };
  return openAdmin(parts);
}

const acts = async (): Promise<string[]> => {
  const audit = openAudit(data);
  try {
    return (await audit.list({ from: 1, limit: 100 })).map(({ actor, act, exit, changes }) =>
      `${actor.name} ${actor.via} ${act} ${exit} ${changes ?? ''}`.trim(),
    );
  } finally {
    audit.close();
  }
};

test('the command line reaches the process, which says when it is done; start and stop are audited, and a run that was killed is told', async () => {
  const drained: string[] = [];
  const killed = await open();
  // A killed process writes no stop: its socket is closed, and its log goes on with the next start.
  const admin = await (async () => {
    await killed.close(0);
    const audit = openAudit(data);
    const actor = { name: 'isthmus', role: 'admin', via: 'process' } as const;
    await audit.append({ at: 0, actor, act: 'start', input: '{}', exit: 0 });
    audit.close();
    return open(drained);
  })();
  const terminal = keep(root, { SUDO_USER: 'olga' });
  const operations = commandLineOperations(root, terminal, () => ({
    message: { allowed: true, because: '' },
    presence: { allowed: true, because: '' },
  }));
  const report = await operations.ask('drain', { why: 'upgrade' });
  assert.match(report?.text ?? '', /^Drained in 0 s; 2 messages wait on disk for the next start\.$/);
  assert.deepEqual(drained, ['drained']);
  await admin.note('reload', 1, 'by SIGHUP');
  await admin.close(1000);
  assert.equal(existsSync(socket), false);
  assert.equal(await operations.ask('drain', {}), undefined, 'nothing runs any more');
  operations.close();
  assert.deepEqual(await acts(), [
    'isthmus process start 0',
    'isthmus process stop 0',
    'isthmus process start 0',
    'isthmus process start 0 the run that began at 1970-01-01T00:00:00.000Z did not end properly',
    'olga commandLine drain 0 drained; 2 messages wait on disk for the next start',
    'isthmus process reload 1 by SIGHUP',
    'isthmus process stop 0',
  ]);
});
