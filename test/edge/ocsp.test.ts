// Certificate status by OCSP: whose word counts, about what, for how long. Everything else is no word.

import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ocspRequest, readOcsp } from '../../src/edge/ocsp.ts';
import { makeCa } from '../support/ca.ts';
import { newKey } from '../support/certificate-builder.ts';
import { ocspResponse, type ResponseOptions } from '../support/status-parts.ts';

const DAY_MS = 86_400_000;
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const ca = makeCa('Status');
const stranger = makeCa('Stranger');
const certificate = new X509Certificate(ca.issue({ names: ['partner.example'] }).certPem);
const issuer = new X509Certificate(ca.issuingPem);
const { key } = ca.issuing;

/** A responder that some authority named, and its key. */
function delegate(by: typeof ca, purposes: readonly string[] = [OCSP_SIGNING], more: { notAfter?: Date } = {}) {
  const pair = by.issue({ names: ['ocsp.example'], purposes, ...more });
  return { delegate: new X509Certificate(pair.certPem), key: keyOf(pair.keyPem) };
}
const keyOf = (pem: string) => createPrivateKey(pem);

const good = delegate(ca);
const now = Date.now();
const rows: readonly (readonly [string, Partial<ResponseOptions>, string])[] = [
  ['signed by the issuer', {}, 'good'],
  ['signed by the issuer, named by its key', { responderByKey: true }, 'good'],
  ['signed by a responder that the issuer named', good, 'good'],
  ['the same, named by its key', { ...good, responderByKey: true }, 'good'],
  ['with SHA-256 in the certificate id', { hash: 'sha256' }, 'good'],
  ['revoked', { status: 'revoked' }, 'revoked'],
  ['without nextUpdate, fresh', { nextUpdate: 'none', thisUpdate: new Date(now - 60_000) }, 'good'],
  ['without nextUpdate, of yesterday', { nextUpdate: 'none', thisUpdate: new Date(now - DAY_MS) }, 'has run out'],
  ['past nextUpdate', { nextUpdate: new Date(now - DAY_MS), thisUpdate: new Date(now - 2 * DAY_MS) }, 'has run out'],
  ['of the future', { thisUpdate: new Date(now + DAY_MS) }, 'of the future'],
  [
    'good for a year, and a month old',
    { thisUpdate: new Date(now - 30 * DAY_MS), nextUpdate: new Date(now + 365 * DAY_MS) },
    'has run out',
  ],
  ['that does not know the certificate', { status: 'unknown' }, 'does not know'],
  ['about another serial number', { serial: '0123456789' }, 'about another'],
  ['about the same serial number of another authority', { about: new X509Certificate(stranger.issuingPem) }, 'about another'],
  ['with MD5 in the certificate id', { hash: 'md5' }, 'about another'],
  ['signed by anybody', { key: newKey().privateKey }, 'signature that does not hold'],
  ['signed by a responder that another authority named', delegate(stranger), 'another authority named'],
  ['signed by another leaf of the issuer', delegate(ca, ['1.3.6.1.5.5.7.3.1']), 'not made for it'],
  ['signed by a leaf of the issuer made for any use', delegate(ca, []), 'not made for it'],
  [
    'signed by a responder whose certificate has run out',
    delegate(ca, [OCSP_SIGNING], { notAfter: new Date(now - DAY_MS) }),
    'does not count',
  ],
  ['signed by a key that is not the delegate’s', { ...good, key: newKey().privateKey }, 'signature that does not hold'],
  ['of a responder that is not sent along', { issuer: good.delegate }, 'not in it'],
  ['with a critical extension', { critical: true }, 'critical extension 1.2.3.4'],
  ['that says tryLater', { code: 3 }, 'tryLater'],
  ['that says unauthorized', { code: 6 }, 'unauthorized'],
];

describe('an OCSP response', () => {
  for (const [title, more, expected] of rows) {
    it(`${title}: ${expected}`, async () => {
      const der = ocspResponse({ certificate, issuer, key, ...more });
      const answer = await readOcsp(der, certificate, issuer, now);
      if (answer.is === 'none') assert.match(answer.why, new RegExp(expected));
      else assert.equal(answer.is, expected);
    });
  }

  it('says no word when it is cut off, changed or followed by more, and never throws', async () => {
    const der = ocspResponse({ certificate, issuer, key });
    await fc.assert(
      fc.asyncProperty(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        assert.equal((await readOcsp(der.subarray(0, at), certificate, issuer, now)).is, 'none');
        const changed = Buffer.from(der);
        changed[at] = changed[at]! ^ flip;
        assert.notEqual((await readOcsp(changed, certificate, issuer, now)).is, 'revoked');
      }),
      { numRuns: 150 },
    );
    assert.equal((await readOcsp(Buffer.concat([der, Buffer.from([0])]), certificate, issuer, now)).is, 'none');
  });

  it('cannot have one signed byte changed', async () => {
    const der = ocspResponse({ certificate, issuer, key, responderByKey: true });
    const body = der.indexOf(Buffer.from([0xa2, 0x16]));
    for (let at = body; at < body + 120; at += 1) {
      const changed = Buffer.from(der);
      changed[at] = changed[at]! ^ 1;
      assert.equal((await readOcsp(changed, certificate, issuer, now)).is, 'none', `byte ${at}`);
    }
  });
});

it('asks for one certificate, in a question short enough for GET', () => {
  const der = ocspRequest(certificate, issuer);
  assert.ok(der.length < 120, `${der.length} bytes`);
  assert.ok(der.includes(Buffer.from(certificate.serialNumber, 'hex')));
});
