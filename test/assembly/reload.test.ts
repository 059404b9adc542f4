import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tellFaults } from '../../src/assembly/reload.ts';
import { type Log, SILENT } from '../../src/log.ts';

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
