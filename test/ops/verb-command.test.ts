// What the command line makes of a verb's answer: what is shown, and what is said when the audit log cannot be written.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import type { AuditLog } from '../../src/model/audit.ts';
import { StoreError } from '../../src/model/outbox-store.ts';
import { bodyOf } from '../../src/ops/api/answer.ts';
import { perform } from '../../src/ops/verb-command.ts';
import { printable } from '../../src/ops/words.ts';
import { change, keptAudit, OPERATOR, operationsFor } from './api/verbs.ts';

test("a note with escape sequences does not write into the reader's terminal", () => {
  const text = 'note\t\x1b]0;title\x07\x1b[2J\r\n\x9b31m second line: ü';
  assert.equal(printable(text), 'note\t?]0;title??[2J?\n?31m second line: ü');
  const report = { text, json: {}, exit: 0 } as const;
  assert.doesNotMatch(bodyOf(report, 'text').body, /\x1b|\x9b/);
});

test('a change that is done and cannot be written into the audit log is told as done', async () => {
  const { log } = keptAudit();
  const full: AuditLog = { ...log, append: async () => Promise.reject(new StoreError(reason('STORE_FULL', 'the disk is full'))) };
  const operations = operationsFor(full)({ actor: OPERATOR, line() {}, progress() {}, signal: new AbortController().signal });
  const report = await perform(change, operations, { name: 'a', to: 'b' }, { name: 'a', to: 'b' });
  assert.equal(report.exit, 1);
  assert.match(report.text, /^a is b\n\nThis is done, and is not in the audit log: the disk is full\./);
});
