// A partner's passport as programs read it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Passport } from '../../../src/model/passport.ts';
import { viewPassport } from '../../../src/ops/cert/passport-view.ts';

const NOW = Date.UTC(2026, 10, 23, 3, 40);
const DAY_MS = 86_400_000;
const certificate = (subject: string, notAfter: number) => ({
  subject: `C=DE, CN=${subject}`,
  issuer: 'C=DE, CN=Example Issuing',
  serial: '01',
  fingerprint: 'ab'.repeat(32),
  keyFingerprint: 'cd'.repeat(32),
  keyType: 'ec prime256v1',
  notBefore: NOW - 10 * DAY_MS,
  notAfter,
});
const passport = (more: Partial<Passport> = {}): Passport => ({
  domain: 'partner.example',
  protocol: 'sip',
  direction: 'out',
  chain: [certificate('partner.example', NOW + 20 * DAY_MS), certificate('Example Issuing', NOW + 300 * DAY_MS)],
  names: ['partner.example', 'sip.partner.example'],
  eku: ['serverAuth'],
  tlsVersion: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  acceptedAuthorities: [],
  tookOurs: true,
  firstSeen: NOW - 5 * DAY_MS,
  lastSeen: NOW,
  ...more,
});

test('a passport is data for programs, with ISO times and whole days', () => {
  const { tookOurs, ...unknown } = passport();
  const view = viewPassport(unknown, NOW);
  assert.equal(tookOurs, true);
  assert.equal(view?.tookOurs, 'notAsked');
  assert.equal(view?.notAfter, '2026-12-13T03:40:00.000Z');
  assert.equal(view?.daysLeft, 20);
  assert.equal(JSON.parse(JSON.stringify(view)).lastSeen, '2026-11-23T03:40:00.000Z');

  const soon = passport({ chain: [certificate('x', NOW + 20 * DAY_MS), certificate('Old Issuing', NOW + 3 * DAY_MS)] });
  assert.deepEqual(viewPassport(soon, NOW)?.endsBefore, { subject: 'C=DE, CN=Old Issuing', daysLeft: 3 });
});
