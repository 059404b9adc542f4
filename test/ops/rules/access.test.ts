import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Actor, Role } from '../../../src/model/audit.ts';
import type { Operations } from '../../../src/ops/operations.ts';
import { accessRefused, recordsRefused } from '../../../src/ops/rules/access.ts';

const WITHOUT = 'edge: {}\n';
const WITH = 'edge: {}\nadmin:\n  listen: https://127.0.0.1:8443\n  tokens: [{ name: mallory, role: admin, secret: { secret: m } }]\n';

function refused(role: Role, via: Actor['via'], from: string | undefined, to: string | undefined): boolean {
  const actor: Actor = { name: 'x', role, via };
  return accessRefused('apply', { actor } as Operations, () => [from, to]) !== undefined; // it looks at nothing else
}

test('an operator over the API puts no access in force, nor brings back one that was taken away', () => {
  assert.equal(refused('operator', 'api', WITHOUT, WITH), true);
  assert.equal(refused('operator', 'api', WITH, WITHOUT), true);
  assert.equal(refused('operator', 'api', undefined, WITH), true);
  assert.equal(refused('operator', 'api', WITH, `${WITH}: : not yaml`), true);
});

test('an admin, and whoever owns the files on this machine, may; and everything else of the file is for operators', () => {
  assert.equal(refused('admin', 'api', WITHOUT, WITH), false);
  assert.equal(refused('admin', 'commandLine', WITHOUT, WITH), false);
  assert.equal(refused('operator', 'api', WITH, `# a word\n${WITH}metrics: http://127.0.0.1:9090\n`), false);
});

test('what the organisation keeps is not changed by an operator over the API, and nobody takes the second person away there', () => {
  const TWO = 'everyone: { internal: true }\nsecondPerson: true\n';
  const ALONE = 'everyone: { internal: true }\n';
  const status = (role: Role, via: Actor['via'], from: string | undefined, to: string | undefined): number | undefined =>
    recordsRefused('undo', { actor: { name: 'x', role, via } }, from, to)?.status;
  for (const [from, to] of [
    [undefined, ALONE],
    [ALONE, undefined],
    [ALONE, TWO],
  ] as const)
    assert.deepEqual([status('operator', 'api', from, to), status('admin', 'api', from, to)], [403, undefined]);
  assert.equal(status('operator', 'api', TWO, TWO), undefined);
  for (const to of [undefined, ALONE, `${TWO}: : not yaml`])
    assert.deepEqual([status('admin', 'api', TWO, to), status('admin', 'commandLine', TWO, to)], [403, undefined]);
});
