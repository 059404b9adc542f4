// docs/compliance.md says of each line whether it is there, and names a test that is. What it says is announced is compared with
// a running Isthmus in test/interop/push.peers.ts.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { complianceRows } from '../support/compliance.ts';

test('each line says yes, no or partly, with a reason and with a test that is there', () => {
  const rows = complianceRows();
  assert(rows.length > 30, `${rows.length} lines`);
  for (const { feature, here = 'yes', announced, test: shownBy } of rows) {
    assert.match(here, /^(?:yes|(?:no|partly): .{10,})$/, feature);
    if (here.startsWith('no')) assert.deepEqual([announced, shownBy], [[], undefined], feature);
    else assert(shownBy !== undefined && existsSync(shownBy), `${feature}: ${shownBy}`);
    for (const { by, what } of announced) assert(['domain', 'account', 'stream'].includes(by) && what !== '', feature);
  }
});
