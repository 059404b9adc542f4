// The head of `isthmus status`: what is said of the process.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusFacts } from '../../src/ops/status/facts.ts';
import { headLines } from '../../src/ops/status/text.ts';

const FACTS: StatusFacts = {
  ...{ now: 60_000, version: '0.1.0', home: '/etc/isthmus', startedAt: 0, generation: 1, set: 1, differing: [] },
  ...{ listeners: [], partners: [], inside: 0, unknown: 0, certificates: [], findings: [] },
  queue: { waiting: 0, oldestMs: 0 },
  store: { commitP99Ms: 1, failures: 0, backlog: 0 },
  loopLagMs: 1,
  memoryBytes: 1,
};

test('who is signed in is counted where a domain is served: core, and left out elsewhere', () => {
  assert.doesNotMatch(headLines(FACTS).join('\n'), /users/);
  assert.equal(headLines({ ...FACTS, users: { signedIn: 2, clients: 3 } }).at(-1), 'users      2 signed in, with 3 clients');
});
