// The audit log as an auditor uses it, and what becomes of somebody who writes into it.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import * as z from 'zod';
import type { AuditEntry } from '../../../src/model/audit.ts';
import { auditExport } from '../../../src/ops/audit/export.ts';
import { auditList } from '../../../src/ops/audit/list.ts';
import { auditedInput } from '../../../src/ops/audit/redact.ts';
import { auditVerify } from '../../../src/ops/audit/verify.ts';
import { sinceMs } from '../../../src/ops/since.ts';
import type { Verb } from '../../../src/ops/verb.ts';
import { openAudit } from '../../../src/store/audit.ts';
import { OPERATOR, operationsFor } from '../api/verbs.ts';

const root = mkdtempSync(join(tmpdir(), 'isthmus-audit-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;

const entry = (act: string, at: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  at,
  actor: { name: 'olga', role: 'admin', via: 'commandLine' },
  act,
  input: '{"domain":"partner.example"}',
  exit: 0,
  ...more,
});

/** A log of five lines, and the verbs on it. */
async function five() {
  const folder = join(root, String((folders += 1)));
  const audit = openAudit(folder);
  const hashes: string[] = [];
  for (const [index, act] of ['start', 'partner block', 'partner unblock', 'partner block', 'stop'].entries()) {
    const { hash } = await audit.append(entry(act, 1000 * (index + 1), index === 1 ? { why: 'spam', changes: '-a\n+b' } : {}));
    hashes.push(hash);
  }
  const lines: string[] = [];
  const site = { actor: OPERATOR, signal: new AbortController().signal, line: (text: string) => void lines.push(text), progress() {} };
  const run = (verb: Verb, input: Record<string, unknown> = {}) => verb.run(operationsFor(audit)(site), verb.input.parse(input));
  const tamper = (sql: string): void => {
    const db = new DatabaseSync(join(folder, 'audit.db'));
    db.exec(sql);
    db.close();
  };
  return { audit, hashes, lines, run, tamper, [Symbol.dispose]: () => audit.close() };
}

test('newest first, one line each, with reason and change; filtered by time and command', async () => {
  using at = await five();
  const all = await at.run(auditList);
  assert.equal(all.text.split('\n')[0], '5  1970-01-01T00:00:05.000Z  olga (admin): stop domain=partner.example');
  assert.match(all.text, /partner block domain=partner\.example\n {4}because: spam\n {4}-a\n {4}\+b\n1 /);
  const blocks = await at.run(auditList, { act: 'partner block', limit: '1' });
  assert.match(JSON.stringify(blocks.json), /^\[\{"number":4,"at":"1970-01-01T00:00:04\.000Z","actor":\{"name":"olga"/);
  const late = await at.run(auditList, { since: '1970-01-01T00:00:04Z' });
  assert.equal(late.text.split('\n').length, 2);
});

test('a line of hostile text cannot move the cursor', async () => {
  using at = await five();
  await at.audit.append(entry('partner add', 6000, { why: 'x\u001b[2J\u202e\nforged line' }));
  const { text } = await at.run(auditList, { limit: '1' });
  assert.match(text, /because: x\?\[2J\? forged line$/);
});

test('the whole log leaves as JSON lines, oldest first, from any line on', async () => {
  using at = await five();
  const report = await at.run(auditExport, { from: '2' });
  assert.deepEqual(report.json, { lines: 4, next: 6 });
  assert.deepEqual(
    at.lines.map((line) => JSON.parse(line).number),
    [2, 3, 4, 5],
  );
  assert.deepEqual(JSON.parse(at.lines[0] ?? '').input, { domain: 'partner.example' });
});

test('a whole log says so, with the hash to keep', async () => {
  using at = await five();
  const report = await at.run(auditVerify);
  assert.equal(report.exit, 0);
  assert.match(report.text, new RegExp(`is whole: 5 lines, the last of 1970-01-01T00:00:05\\.000Z\\.\n${at.hashes[4]}\n`));
  assert.equal((await at.run(auditVerify, { expect: at.hashes[1]?.toUpperCase() })).exit, 0);
});

const FORGERIES: readonly { readonly title: string; readonly sql: string; readonly line: number; readonly what: RegExp }[] = [
  {
    title: 'a changed word',
    sql: `UPDATE audit SET act = 'partner show' WHERE number = 2`,
    line: 2,
    what: /line 2 or the one before it was changed/,
  },
  { title: 'another actor', sql: `UPDATE audit SET actor = 'nobody' WHERE number = 5`, line: 5, what: /line 5 or/ },
  {
    title: 'a role that does not exist',
    sql: `UPDATE audit SET role = 'king' WHERE number = 3`,
    line: 3,
    what: /line 3 holds what no Isthmus writes/,
  },
  { title: 'a line taken out', sql: 'DELETE FROM audit WHERE number = 3', line: 3, what: /line 3 is missing; the next one is 4/ },
  {
    title: 'a line taken out and the rest moved up',
    sql: 'DELETE FROM audit WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 4; UPDATE audit SET number = 4 WHERE number = 5',
    line: 3,
    what: /line 3 or/,
  },
  {
    title: 'a line put in',
    sql: `INSERT INTO audit SELECT 6, at, actor, role, via, address, 'partner add', input, exit, changes, why, hash FROM audit WHERE number = 5`,
    line: 6,
    what: /line 6 or/,
  },
  {
    title: 'two lines changed about',
    sql: 'UPDATE audit SET number = 99 WHERE number = 2; UPDATE audit SET number = 2 WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 99',
    line: 2,
    what: /line 2 or/,
  },
  { title: 'the first line taken out', sql: 'DELETE FROM audit WHERE number = 1', line: 1, what: /line 1 is missing; the next one is 2/ },
];
for (const { title, sql, line, what } of FORGERIES) {
  test(`verify finds ${title}`, async () => {
    using at = await five();
    at.tamper(sql);
    const report = await at.run(auditVerify);
    assert.equal(report.exit, 1);
    assert.match(report.text, what);
    assert.equal((report.json as { brokenAt: number }).brokenAt, line);
  });
}

test('a cut end is found by a hash that was kept elsewhere, and by nothing else', async () => {
  using at = await five();
  at.tamper('DELETE FROM audit WHERE number > 3');
  assert.equal((await at.run(auditVerify)).exit, 0);
  const report = await at.run(auditVerify, { expect: at.hashes[4] });
  assert.equal(report.exit, 1);
  assert.match(report.text, /the expected line is not in it; lines were cut off, or the log was written anew/);
  at.tamper('DELETE FROM audit');
  assert.equal((await at.run(auditVerify, { expect: at.hashes[4] })).exit, 1);
});

test('secrets stay out of the audit log: by mark, by name, by what they are', () => {
  const verb = {
    input: z.object({
      name: z.string(),
      key: z.string().meta({ secret: true }).optional(),
      hmac: z.string().optional(),
      pem: z.string().optional(),
      list: z.array(z.string()).optional(),
    }),
  } as unknown as Verb; // the rest of a verb is not looked at
  const pem = '-----BEGIN EC PRIVATE KEY-----\nabc';
  const shown = auditedInput(verb, { name: 'n'.repeat(2100), key: 'k-1', hmac: 'h-1', pem, list: ['a', pem] });
  assert.doesNotMatch(shown, /k-1|h-1|abc/);
  assert.deepEqual(JSON.parse(shown).list, ['a', '(left out)']);
  assert.match(JSON.parse(shown).name, /^n{2000}\.\.\. \(2100 characters\)$/);
});

test('a moment as it is typed', () => {
  const now = Date.parse('2026-11-23T03:00:00Z');
  const at = (text: string) => {
    const ms = sinceMs(text, now);
    return ms === undefined ? undefined : new Date(ms).toISOString();
  };
  assert.equal(at('02:30'), '2026-11-23T02:30:00.000Z');
  assert.equal(at('14:00'), '2026-11-22T14:00:00.000Z');
  assert.equal(at('7d'), '2026-11-16T03:00:00.000Z');
  assert.equal(at('2026-11-01'), '2026-11-01T00:00:00.000Z');
  assert.equal(at('2026-11-01 10:00'), '2026-11-01T10:00:00.000Z');
  assert.equal(at('2026-11-01T10:00:00+02:00'), '2026-11-01T08:00:00.000Z');
  for (const wrong of ['', 'yesterday', '25:00', '2026-13-01', '7']) assert.equal(at(wrong), undefined);
});
