// From file and key to the line in the set that is in force.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { placesIn } from '../../../src/ops/explain/places.ts';

test('a key of a file is shown with its line; what cannot be found is shown without', () => {
  const dir = mkdtempSync(join(tmpdir(), 'isthmus-places-'));
  try {
    mkdirSync(join(dir, 'routes'));
    writeFileSync(
      join(dir, 'routes/policy.yaml'),
      '# who\nfederation: closed\nblocked:\n  - { domain: a.example }\n  - domain: b.example\n',
    );
    const place = placesIn({ dir });
    assert.equal(place('routes/policy.yaml', '/federation'), 'routes/policy.yaml:2 (/federation)');
    assert.equal(place('routes/policy.yaml', '/blocked/1'), 'routes/policy.yaml:5 (/blocked/1)');
    assert.equal(place('routes/policy.yaml', 'blocked'), 'routes/policy.yaml:3 (blocked)');
    assert.equal(place('routes/partners/gone.yaml', '/allow'), 'routes/partners/gone.yaml (/allow)');
    assert.equal(place(undefined, undefined), 'the defaults');
  } finally {
    rmSync(dir, { recursive: true });
  }
});
