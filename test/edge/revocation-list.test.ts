// Revocation lists: what they say and leave out, of any size; and bytes that are none.

import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { DerError } from '../../src/edge/der-reader.ts';
import { pemBlocks } from '../../src/edge/pem.ts';
import { listSignedBy, readRevocationList } from '../../src/edge/revocation-list.ts';
import { type Issued, makeCa } from '../support/ca.ts';
import { distinguishedName, extension, signatureAlgorithm, signed } from '../support/certificate-builder.ts';
import { boolean, context, contextBytes, element, integer, sequence, time } from '../support/der.ts';

const ca = makeCa('Lists');
const issuer = new X509Certificate(ca.issuingPem);
const HOUR_MS = 3_600_000;
const der = (revoked: readonly Issued[]): Buffer => pemBlocks(ca.crlPem(revoked), 'X509 CRL')[0]!; // it made one

/** A list of nothing with these extensions. */
function listWith(...extensions: readonly Buffer[]): Buffer {
  const now = Date.now();
  const { key, cn } = ca.issuing;
  const body = [integer(1), signatureAlgorithm(key), distinguishedName(cn), time(new Date(now)), time(new Date(now + HOUR_MS))];
  return signed(sequence(...body, ...(extensions.length > 0 ? [context(0, sequence(...extensions))] : [])), key);
}
const point = (...parts: readonly Buffer[]): Buffer => extension('2.5.29.28', sequence(...parts), true);
const fullName = (url: string): Buffer => context(0, context(0, contextBytes(6, Buffer.from(url))));

describe('a revocation list', () => {
  it('names what is revoked, and is believed when its issuer has signed it', async () => {
    const [one, two] = [ca.issue({ names: ['a.example'] }), ca.issue({ names: ['b.example'] })];
    const list = readRevocationList(der([one]));
    assert.ok(list.serials.has(one.serial));
    assert.ok(!list.serials.has(two.serial));
    assert.equal(await listSignedBy(list, issuer), true);
    assert.equal(await listSignedBy(list, new X509Certificate(ca.rootPem)), false);
    assert.equal(await listSignedBy(list, new X509Certificate(makeCa('Lists').issuingPem)), false);
  });

  it('may have twelve thousand entries', async () => {
    const rows = Array.from({ length: 12_000 }, () => ({ serial: `40${randomBytes(15).toString('hex')}` }));
    const list = readRevocationList(der(rows as unknown as Issued[])); // crlPem reads the serial alone
    assert.equal(list.serials.size, 12_000);
    assert.equal(await listSignedBy(list, issuer), true);
  });

  const scopes: readonly (readonly [string, readonly Buffer[], RegExp | 'all' | readonly string[]])[] = [
    ['nothing special', [], 'all'],
    ['a distribution point', [point(fullName('http://lists.example/7.crl'))], ['http://lists.example/7.crl']],
    ['only certificates of users', [point(contextBytes(1, Buffer.from([0xff])))], 'all'],
    ['only authorities', [point(contextBytes(2, Buffer.from([0xff])))], /only for authorities/],
    ['only some reasons', [point(contextBytes(3, Buffer.from([1, 2])))], /some reasons/],
    ['other issuers', [point(contextBytes(4, Buffer.from([0xff])))], /other issuers/],
    ['changes alone', [extension('2.5.29.27', integer(1), true)], /delta/],
    ['something critical that is not understood', [extension('1.2.3.4', integer(1), true)], /critical extension 1\.2\.3\.4/],
    ['something else that is not understood', [extension('1.2.3.4', integer(1))], 'all'],
  ];
  for (const [title, extensions, expected] of scopes) {
    it(`that is for ${title}`, () => {
      const list = readRevocationList(listWith(...extensions));
      if (expected === 'all') assert.deepEqual([list.partial, list.points], [undefined, undefined]);
      else if (expected instanceof RegExp) assert.match(list.partial ?? '', expected);
      else assert.deepEqual(list.points, expected);
    });
  }

  it('is refused when it is cut off, changed in its structure, or followed by more: with DerError and nothing else', () => {
    const whole = der([ca.issue({ names: ['a.example'] })]);
    const read = (bytes: Buffer): void => {
      try {
        readRevocationList(bytes);
      } catch (error) {
        assert.ok(error instanceof DerError, String(error));
      }
    };
    for (let length = 0; length < whole.length; length += 1) assert.throws(() => readRevocationList(whole.subarray(0, length)), DerError);
    assert.throws(() => readRevocationList(Buffer.concat([whole, Buffer.from([0])])), DerError);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(whole);
        changed[at] = byte;
        read(changed);
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => read(Buffer.from(bytes))),
      { numRuns: 2000 },
    );
    read(sequence(sequence(boolean(true)), element(0x30), element(0x03, Buffer.from([0]))));
  });
});
