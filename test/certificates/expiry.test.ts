// 30, 14 and 3 days ahead, and the end: each told once for each certificate.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExpiryWatch, type Watched } from '../../src/certificates/expiry.ts';
import { type Log, SILENT } from '../../src/log.ts';
import { expiryStep, expiryWarning } from '../../src/model/expiry.ts';
import { ManualClock } from '../support/manual-clock.ts';

const DAY = 86_400_000;

test('a certificate reaches each step on its day', () => {
  const at = (days: number) => expiryStep(100 * DAY, (100 - days) * DAY);
  assert.deepEqual([31, 30, 15, 14, 4, 3, 0.5, -1].map(at), [undefined, 30, 30, 14, 14, 3, 3, 0]);
  assert.equal(expiryWarning(100 * DAY, 50 * DAY), undefined);
  assert.match(expiryWarning(100 * DAY, 80 * DAY) ?? '', /^expires on 1970-04-11, in 20 days; renew it$/);
  assert.match(expiryWarning(100 * DAY, 99 * DAY) ?? '', /in 1 day; renew it now/);
  assert.match(expiryWarning(100 * DAY, 101 * DAY) ?? '', /^expired on 1970-04-11$/);
});

test('the log tells each step once; a renewed certificate begins anew', async () => {
  const clock = new ManualClock();
  const lines: Record<string, unknown>[] = [];
  const log: Log = { ...SILENT, warn: (fields) => void lines.push(fields) };
  const ours: Watched = { role: 'own', name: 'main', fingerprint: 'a', notAfter: clock.now() + 31.5 * DAY };
  const theirs: Watched = { role: 'partner', name: 'p.example (sip in)', fingerprint: 'b', notAfter: clock.now() + 2 * DAY };
  let everything: readonly Watched[] = [ours, theirs];
  const watch = new ExpiryWatch({ clock, log, everything: async () => everything });
  const told = (): unknown[] => lines.splice(0).map(({ event, role, name, step, days }) => [event, role, name, step, days]);
  await clock.pass(DAY, DAY / 4);
  assert.deepEqual(told(), [['cert.expiring', 'partner', 'p.example (sip in)', 3, 1]]);
  await clock.pass(4 * DAY, DAY / 4);
  assert.deepEqual(told(), [
    ['cert.expiring', 'own', 'main', 30, 29],
    ['cert.expiring', 'partner', 'p.example (sip in)', 0, -1],
  ]);
  everything = [ours, { ...theirs, fingerprint: 'c', notAfter: clock.now() + 10 * DAY }];
  await clock.pass(14 * DAY, DAY / 4);
  assert.deepEqual(
    told().map((line) => (line as unknown[]).slice(1, 4)),
    [
      ['partner', 'p.example (sip in)', 14],
      ['partner', 'p.example (sip in)', 3],
      ['partner', 'p.example (sip in)', 0],
      ['own', 'main', 14],
    ],
  );
  watch.stop();
  assert.equal(clock.pending, 0);
});

test('a look that fails is repeated the next day', async () => {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  let looks = 0;
  const log: Log = { ...SILENT, error: (fields) => void errors.push(fields.event) };
  const watch = new ExpiryWatch({
    clock,
    log,
    everything: async () => {
      if (++looks === 1) throw new Error('disk');
      return [];
    },
  });
  await clock.pass(2 * DAY, DAY / 4);
  assert.deepEqual(errors, ['store.failed']);
  assert.ok(looks >= 2);
  watch.stop();
});
