import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { secretOf } from '../../src/assembly/secrets.ts';

test('a secret comes from the credentials that systemd passed, and from the home where it passed none', () => {
  const home = mkdtempSync(join(tmpdir(), 'isthmus-secrets-'));
  const credentials = join(home, 'credentials');
  mkdirSync(join(home, 'secrets'));
  mkdirSync(credentials);
  try {
    writeFileSync(join(home, 'secrets/one'), 'in the home\n');
    writeFileSync(join(home, 'secrets/two'), 'in the home\n');
    writeFileSync(join(credentials, 'one'), 'passed\n');
    assert.equal(secretOf(home, 'one', credentials), 'passed');
    assert.equal(secretOf(home, 'two', credentials), 'in the home', 'what `check` finds good must be found');
    assert.equal(secretOf(home, 'one', join(home, 'nowhere')), 'in the home');
    assert.throws(() => secretOf(home, 'three', credentials), /ENOENT/);
  } finally {
    rmSync(home, { recursive: true });
  }
});
