// Which partners would refuse a certificate that is not in force yet, and what that rests on.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CertificateFacts } from '../../../src/model/certificate-desk.ts';
import type { Passport } from '../../../src/model/passport.ts';
import { type PreviewFacts, preview } from '../../../src/ops/cert/preview.ts';
import { previewText } from '../../../src/ops/cert/preview-text.ts';
import { partner } from '../../support/table.ts';

const DAY = 86_400_000;
const certificate = (more: Partial<CertificateFacts> = {}): CertificateFacts => ({
  subject: 'CN=corp.example',
  issuer: 'CN=Public Issuing, O=Public',
  serial: '01',
  fingerprint: 'aa',
  keyFingerprint: 'bb',
  keyType: 'RSA 3072',
  notBefore: 100 * DAY,
  notAfter: 200 * DAY,
  names: ['corp.example', 'sip.corp.example'],
  eku: ['serverAuth', 'clientAuth'],
  isAuthority: false,
  selfSigned: false,
  ...more,
});
const passport = (domain: string, more: Partial<Passport> = {}): Passport => ({
  domain,
  protocol: 'sip',
  direction: 'out',
  chain: [],
  names: [],
  eku: [],
  tlsVersion: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  acceptedAuthorities: [],
  tookOurs: true,
  firstSeen: 110 * DAY,
  lastSeen: 150 * DAY,
  ...more,
});
const verdicts = (facts: Partial<PreviewFacts>) =>
  preview({
    next: [certificate()],
    current: certificate(),
    lost: [],
    partners: [],
    passports: [],
    ...facts,
  }).partners.map(({ partner: name, verdict, reasons }) => [name, verdict, reasons.join('; ')]);

describe('who would refuse the next certificate', () => {
  it('one alike is taken by whoever took the one in force; nothing is guessed of the others', () => {
    const partners = ['seen.example', 'silent.example', 'never.example'].map((name) => partner(name));
    const passports = [passport('seen.example'), passport('silent.example', { tookOurs: undefined as never })];
    const found = preview({
      next: [certificate()],
      current: certificate(),
      lost: [],
      partners,
      passports: passports.map(withoutUndefined),
    });
    assert.deepEqual(found.count, { refuses: 0, may: 0, takes: 1, unknown: 2 });
    assert.match(previewText(found, false), /none of 3 partners is known to refuse this certificate, 1 took one like it; it rests on/);
    assert.match(previewText(found, false), /nothing is known of 2 partners/);
  });

  it('servers only: whoever we connect to may refuse it, whoever connects to us does not care', () => {
    const next = [certificate({ eku: ['serverAuth'] })];
    assert.deepEqual(verdicts({ next, passports: [passport('in.example', { direction: 'in' }), passport('out.example')] }), [
      [
        'out.example',
        'may',
        'SIP when we connect it took the one in force, but this one is for servers only (no clientAuth), which software that follows the letter refuses from a client',
      ],
      ['in.example', 'takes', ''],
    ]);
  });

  it('a partner that refuses the one in force refuses one alike', () => {
    const passports = [passport('no.example', { tookOurs: false })];
    assert.match(verdicts({ passports })[0]?.join() ?? '', /no\.example,refuses,.*refuses the certificate in force, and this one is alike/);
    const next = [certificate({ issuer: 'CN=Other' })];
    assert.match(verdicts({ next, passports })[0]?.join() ?? '', /no\.example,may,/);
  });

  it('authorities that a partner asks for bind, unless it took another already', () => {
    const asks = { acceptedAuthorities: ['CN=Closed Club, O=Club'] };
    const next = [certificate({ issuer: 'CN=Elsewhere' })];
    const current = certificate({ issuer: 'CN=Closed Club, O=Club' });
    assert.match(
      verdicts({ next, current, passports: [passport('club.example', asks)] })[0]?.join() ?? '',
      /refuses,.*asks for a certificate of Closed Club/,
    );
    assert.match(
      verdicts({ next, current: certificate(), passports: [passport('lax.example', asks)] })[0]?.join() ?? '',
      /may,.*another authority, Elsewhere/,
    );
    assert.equal(verdicts({ next: [current], current, passports: [passport('club.example', asks)] })[0]?.[1], 'takes');
  });

  it('names that go are missed by those who speak that protocol, and the host by Lync', () => {
    const sip = partner('sip.example', { prefer: ['sip'] });
    const xmpp = partner('xmpp.example', { prefer: ['xmpp'] });
    const lync = partner('lync.example', { prefer: ['sip'], sip: { ...partner('x').sip, dialect: 'lync' } });
    const lost = [{ domain: 'corp.example', protocol: 'sip' as const }];
    assert.deepEqual(
      verdicts({ lost, partners: [sip, xmpp] }).map(([name, verdict]) => [name, verdict]),
      [
        ['sip.example', 'refuses'],
        ['xmpp.example', 'unknown'],
      ],
    );
    const next = [certificate({ names: ['corp.example'] })];
    assert.match(verdicts({ next, partners: [lync] })[0]?.join() ?? '', /lync\.example,may,.*sip\.corp\.example would no longer be named/);
  });

  it('another kind of key is only certain over TLS 1.3', () => {
    const next = [certificate({ keyType: 'ECDSA P-256' })];
    const passports = [passport('old.example', { tlsVersion: 'TLSv1.2' }), passport('new.example')];
    assert.deepEqual(
      verdicts({ next, passports }).map(([name, verdict]) => [name, verdict]),
      [
        ['old.example', 'may'],
        ['new.example', 'takes'],
      ],
    );
  });

  it('what was seen before the certificate in force says little of it; partners switched off say nothing', () => {
    const off = partner('off.example', { enabled: false });
    assert.deepEqual(verdicts({ partners: [off] }), []);
    assert.match(
      verdicts({ passports: [passport('old.example', { lastSeen: 90 * DAY })] })[0]?.join() ?? '',
      /may,.*last seen before the certificate in force began/,
    );
  });
});

function withoutUndefined(one: Passport): Passport {
  const { tookOurs, ...rest } = one;
  return tookOurs === undefined ? rest : one;
}
