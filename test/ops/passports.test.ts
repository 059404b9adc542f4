// A passport in words: what a tired operator needs to see at once.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Passport } from '../../src/model/passport.ts';
import { changesText, passportText, viewPassport } from '../../src/ops/passports.ts';

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

describe('a passport in words', () => {
  it('says whose, until when, what for, and whether it takes ours', () => {
    const text = passportText(passport(), NOW);
    assert.match(text, /^partner\.example \(SIP, when we connect to it\)$/m);
    assert.match(text, /names {8}partner\.example, sip\.partner\.example/);
    assert.match(text, /valid {8}2026-11-13 to 2026-12-13 \(20 days left\)/);
    assert.match(text, /chain {8}partner\.example < Example Issuing/);
    assert.match(text, /takes our certificate/);
    assert.match(text, /last 2026-11-23 03:40 UTC/);
    assert.doesNotMatch(text, /but /);
  });

  it('shouts what needs a hand: expired, refused, an authority that ends first', () => {
    assert.match(passportText(passport({ chain: [certificate('x', NOW - DAY_MS - 1)] }), NOW), /EXPIRED 2 days ago/);
    assert.match(passportText(passport({ tookOurs: false }), NOW), /REFUSES our certificate/);
    const soon = passport({ chain: [certificate('x', NOW + 20 * DAY_MS), certificate('Old Issuing', NOW + 3 * DAY_MS)] });
    assert.match(passportText(soon, NOW), /its authority "Old Issuing" ends first \(3 days left\)/);
  });

  it('is data for programs, with ISO times', () => {
    const { tookOurs, ...unknown } = passport();
    const view = viewPassport(unknown, NOW);
    assert.equal(tookOurs, true);
    assert.equal(view?.tookOurs, 'notAsked');
    assert.equal(view?.notAfter, '2026-12-13T03:40:00.000Z');
    assert.equal(view?.daysLeft, 20);
    assert.equal(JSON.parse(JSON.stringify(view)).lastSeen, '2026-11-23T03:40:00.000Z');
  });

  it('lists changes by time', () => {
    const change = {
      at: NOW,
      domain: 'partner.example',
      protocol: 'sip',
      direction: 'in',
      what: 'key',
      text: 'It has another key.',
    } as const;
    assert.equal(changesText([change]), '2026-11-23 03:40 UTC  It has another key.');
  });
});
