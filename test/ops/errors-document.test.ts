import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorsDocument } from '../../docs/print-errors.ts';
import { ERRORS } from '../../src/errors.ts';

test('docs/errors.md is what the catalogue says today', () => {
  const written = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  assert.equal(written, errorsDocument(), 'run: node docs/print-errors.ts > docs/errors.md');
});

test('every code has exactly one row in docs/errors.md', () => {
  const rows = [...errorsDocument().matchAll(/^\| `([A-Z_]+)` /gm)].map(([, code]) => code);
  assert.deepEqual(rows.toSorted(), Object.keys(ERRORS).toSorted());
});
