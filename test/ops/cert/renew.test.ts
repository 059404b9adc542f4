// What `isthmus cert renew` says and how it ends, with renewal itself left to others (test/certificates/acme*).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RenewalResult, Renewals, RenewOptions } from '../../../src/model/acme.ts';
import { certRenew } from '../../../src/ops/cert/renew.ts';
import type { Operations } from '../../../src/ops/operations.ts';
import type { Report } from '../../../src/ops/verb.ts';

const AT = Date.parse('2026-10-01T08:30:00Z');
const fault = {
  authority: 'first',
  code: 'ACME_LIMITED',
  text: 'the CA said: too many (rateLimited)',
  advice: 'Wait.',
  notBefore: AT,
} as const;

interface Scene {
  readonly results?: readonly RenewalResult[];
  readonly running?: Report;
  readonly certificates?: readonly string[];
  readonly faulty?: true;
}

/** Runs the verb; what it asked of renewal and of the process comes back too. */
async function run(input: object, { results = [], running, certificates = ['main'], faulty }: Scene = {}) {
  const asked: { readonly words: string; readonly input: object }[] = [];
  const wanted: RenewOptions[] = [];
  const settings = { authorities: [], certificates: certificates.map((name) => ({ name })) };
  const renewals = {
    refreshed: () => (certificates.length === 0 ? undefined : settings),
    renew: async (options: RenewOptions) => {
      wanted.push(options);
      return results;
    },
  } as unknown as Renewals; // the verb asks for no more
  const place = { file: 'certs/acme.yaml', line: 3, column: 5, key: '/certificates', level: 'fault', code: 'CONFIG_VALUE' };
  const operations = {
    signal: new AbortController().signal,
    progress: () => {},
    why: 'ticket 7',
    load: () => (faulty ? { ok: false, faults: [{ ...place, found: 'this', right: 'that' }], notices: [] } : { ok: true }),
    renewals: async () => renewals,
    ask: async (words: string, given: object) => {
      asked.push({ words, input: given });
      return running;
    },
  } as unknown as Operations; // likewise
  const report = await certRenew.run(operations, certRenew.input.parse(input));
  return { report, asked, wanted };
}

test('where an edge runs, it does the work and writes the audit line; here nothing is done twice', async () => {
  const running: Report = { text: 'main: renewed', json: {}, exit: 0 };
  const { report, asked, wanted } = await run({ name: 'main', force: true }, { running });
  assert.deepEqual(report, { ...running, recorded: true });
  assert.deepEqual(asked, [{ words: 'cert renew', input: { name: 'main', force: true, dryRun: false, why: 'ticket 7' } }]);
  assert.equal(wanted.length, 0);
});

test('where nothing runs, it is done here; what changed is told for the audit log', async () => {
  const results: RenewalResult[] = [
    { kind: 'renewed', name: 'main', authority: 'first', notAfter: AT, fingerprint: 'ab' },
    { kind: 'notDue', name: 'chat', dueAt: AT, because: 'a third of its life is left then' },
  ];
  const { report, wanted } = await run({}, { results });
  assert.equal(
    report.text,
    [
      'main: renewed at first, good until 2026-10-01; in force (certs/own/main)',
      'chat: not due before 2026-10-01 08:30 UTC (a third of its life is left then); --force renews it now',
    ].join('\n'),
  );
  assert.deepEqual([report.exit, report.changes], [0, 'certs/own/main: renewed at first, SHA-256 ab']);
  assert.deepEqual([wanted[0]?.force, wanted[0]?.dryRun, wanted[0]?.name], [false, false, undefined]);
});

test('a failure names the authority, the code, its words and the next step; in JSON with times that programs read', async () => {
  const results: RenewalResult[] = [{ kind: 'failed', name: 'main', faults: [fault], nextTryAt: AT }];
  const { report } = await run({}, { results });
  assert.equal(report.exit, 1);
  assert.equal(
    report.text,
    [
      'main: not renewed',
      '  first: ACME_LIMITED: the CA said: too many (rateLimited)',
      '    Wait.',
      '  what is in force stays; a running edge tries again by itself at 2026-10-01 08:30 UTC, --force tries now',
    ].join('\n'),
  );
  assert.deepEqual(report.json, {
    certificates: [
      {
        kind: 'failed',
        name: 'main',
        faults: [{ ...fault, notBefore: '2026-10-01T08:30:00.000Z' }],
        nextTryAt: '2026-10-01T08:30:00.000Z',
      },
    ],
  });
  const rehearsal = await run({ dryRun: true }, { results });
  assert.match(rehearsal.report.text, /^main: would not be renewed\n.*\n.*\n {2}nothing was changed \(--dry-run\)$/);
});

test('no acme.yaml, a name that it does not have, a home with faults: exit 2 in words', async () => {
  assert.match((await run({}, { certificates: [] })).report.text, /there is no certs\/acme.yaml/);
  const unknown = (await run({ name: 'mian' })).report;
  assert.deepEqual([unknown.exit, unknown.status], [2, 404]);
  assert.match(unknown.text, /no certificate "mian". Did you mean "main"\? There is: main/);
  const faulty = (await run({}, { faulty: true })).report;
  assert.equal(faulty.exit, 2);
  assert.match(faulty.text, /the home has faults; nothing was done\ncerts\/acme.yaml:3:5: fault: this; that/);
});
