import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepHouse, tellFaults } from '../../src/assembly/reload.ts';
import type { Home } from '../../src/config/home.ts';
import { type Log, SILENT } from '../../src/log.ts';
import { ManualClock } from '../support/manual-clock.ts';

test('a database that was moved away or replaced under a running process is told every ten seconds', () => {
  const data = mkdtempSync(join(tmpdir(), 'isthmus-sight-'));
  try {
    const told: string[] = [];
    const log: Log = { ...SILENT, error: ({ event, found }) => void told.push(`${event} ${String(found)}`) };
    const clock = new ManualClock();
    const path = join(data, 'isthmus.db');
    writeFileSync(path, '');
    const retention = { ledgerMs: 1, decisionsMs: 1, requestsMs: 1, queuedMs: 1 };
    // keepHouse reads nothing else of a home.
    const house = keepHouse({ data, retention } as unknown as Home, { expire: async () => {} }, clock, log);
    clock.advance(60_000);
    assert.deepEqual(told, []);
    renameSync(path, `${path}.away`);
    clock.advance(10_000);
    assert.deepEqual(told.splice(0), ['store.failed is gone']);
    writeFileSync(path, '');
    clock.advance(10_000);
    assert.deepEqual(told.splice(0), ['store.failed is another file than the one that is open']);
    renameSync(`${path}.away`, path);
    clock.advance(10_000);
    assert.deepEqual(told, [], 'put back, all is well');
    house.stop();
    rmSync(path);
    clock.advance(60_000);
    assert.deepEqual(told, []);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});

test('a certificate that is used although it expires soon is not said to be left out', () => {
  const lines: Record<string, unknown>[] = [];
  const log: Log = { ...SILENT, warn: (fields, sentence) => lines.push({ ...fields, sentence }) };
  tellFaults(
    [
      { file: 'certs/own/a/key.pem', text: 'is not a key', level: 'error' },
      { file: 'certs/own/b/fullchain.pem', text: 'expires in 5 days', level: 'warning' },
    ],
    log,
  );
  assert.deepEqual(
    lines.map(({ event, file, level, sentence }) => [event, file, level, /left out/.test(String(sentence))]),
    [
      ['cert.rejected', 'certs/own/a/key.pem', undefined, true],
      ['cert.doubtful', 'certs/own/b/fullchain.pem', undefined, false],
    ],
  );
});
