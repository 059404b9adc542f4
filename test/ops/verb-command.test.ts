// What the command line makes of a verb's answer: what is shown, and what is said when the audit log cannot be written.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import type { AuditLog } from '../../src/model/audit.ts';
import { StoreError } from '../../src/model/outbox-store.ts';
import { bodyOf } from '../../src/ops/api/answer.ts';
import { runCommand } from '../../src/ops/command.ts';
import type { Operations } from '../../src/ops/operations.ts';
import { perform, verbCommand } from '../../src/ops/verb-command.ts';
import { printable } from '../../src/ops/words.ts';
import { change, keptAudit, OPERATOR, operationsFor } from './api/verbs.ts';
import { keep } from './terminal.ts';

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

test('a command under the wrong user, or on a full disk, says so in words and shows no stack', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      'EACCES',
      /^isthmus thing change: \/home\/of\/nobody\/var\/isthmus\.db may not be opened \(EACCES\)\n {2}run it as root, or as the user/,
    ],
    ['EROFS', /cannot be written \(EROFS\)\n {2}its disk is mounted read-only$/],
    ['ENOSPC', /cannot be written \(ENOSPC\)\n {2}no room is left on its disk$/],
  ];
  for (const [code, said] of cases) {
    const failing = {
      ...change,
      run: async () => Promise.reject(Object.assign(new Error(code), { code, path: '/home/of/nobody/var/isthmus.db' })),
    };
    const open = (): Operations & { close(): void } => ({
      ...operationsFor(keptAudit().log)({ actor: OPERATOR, line() {}, progress() {}, signal: new AbortController().signal }),
      close() {},
    });
    const home = mkdtempSync(join(tmpdir(), 'isthmus-files-'));
    writeFileSync(join(home, 'isthmus.yaml'), '');
    const terminal = keep();
    assert.equal(await runCommand(verbCommand(failing, open), ['a', '--to', 'b', '--home', home], terminal), 2);
    assert.match(terminal.complained(), said);
    rmSync(home, { recursive: true });
  }
});
