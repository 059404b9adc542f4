// Files as administrators send them: made by OpenSSL (test/vectors/certificates/make.sh), read by us.

import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readBundle } from '../../src/certificates/bundle.ts';
import { DeskError, type GivenFile } from '../../src/model/certificate-desk.ts';

const vector = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../vectors/certificates', name));
const file = (name: string): GivenFile => ({ label: name, bytes: vector(name) });
const password = vector('password').toString().trim();
const key = (kind: string) => createPrivateKey(vector(`${kind}-key.txt`));
const leaf = (kind: string) => new X509Certificate(vector(`${kind}.crt`)).fingerprint256;

for (const kind of ['rsa', 'ec']) {
  describe(`${kind.toUpperCase()} certificates and keys`, () => {
    const rows: readonly (readonly [name: string, certificates: number, keys: number, password?: string])[] = [
      [`${kind}.crt`, 1, 0],
      [`${kind}.cer`, 1, 0],
      [`${kind}-key.txt`, 0, 1],
      [`${kind}-key.der`, 0, 1],
      [`${kind}-protected-key.txt`, 0, 1, password],
      [`${kind}-old-protected-key.txt`, 0, 1, password],
      [`${kind}.p7b`, 2, 0],
      [`${kind}-p7b.txt`, 2, 0],
      [`${kind}-aes.pfx`, 2, 1, password],
      [`${kind}-rc2.pfx`, 2, 1, password],
      [`${kind}-3des.pfx`, 1, 1, password],
      [`${kind}-open.pfx`, 2, 1],
    ];
    for (const [name, certificates, keys, given] of rows) {
      it(`${name} is read`, async () => {
        const found = await readBundle([file(name)], given);
        assert.deepEqual([found.certificates.length, found.keys.length], [certificates, keys]);
        if (certificates > 0)
          assert.ok(
            found.certificates.some((one) => one.fingerprint256 === leaf(kind)),
            'byte for byte',
          );
        if (keys > 0) assert.ok(found.keys[0]?.equals(key(kind)));
        if (given === undefined) return;
        await assert.rejects(readBundle([file(name)]), /is protected by a password/);
        await assert.rejects(readBundle([file(name)], 'wrong'), /the password does not open/);
      });
    }
  });
}

describe('files of other kinds', () => {
  it('a heap of PEM with words between is taken apart, each thing once', async () => {
    const heap = [
      'Bag Attributes\n',
      vector('rsa-key.txt'),
      vector('root.crt'),
      'subject=CN = corp.example\n',
      vector('rsa.crt'),
      vector('rsa-pkcs1-key.txt'),
      vector('rsa.crt'),
    ];
    const found = await readBundle([{ label: 'heap.pem', bytes: Buffer.from(heap.map(String).join('')) }]);
    assert.deepEqual([found.certificates.length, found.keys.length], [2, 1]);
  });

  it('PowerShell writes UTF-16', async () => {
    const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(vector('ec.crt').toString(), 'utf16le')]);
    assert.equal((await readBundle([{ label: 'corp.cer', bytes }])).certificates.length, 1);
  });

  it('a revocation list, PEM and DER', async () => {
    assert.equal((await readBundle([file('root.crl')])).lists.length, 1);
    assert.equal((await readBundle([file('root.crl.der')])).lists.length, 1);
  });

  const useless: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['a request', vector('rsa.csr'), /certificate request, not a certificate/],
    ['nothing', Buffer.alloc(0), /holds no certificate/],
    ['text', Buffer.from('hello'), /holds no certificate/],
    [
      'a damaged certificate',
      Buffer.from(
        vector('rsa.crt')
          .toString()
          .replace(/MII.{20}/, 'MIIAAAAAAAAAAAAAAAAAAAA'),
      ),
      /cannot be read/,
    ],
    ['a cut PKCS#12', vector('rsa-aes.pfx').subarray(0, 900), /holds no certificate|cannot be read/],
    ['brackets without end', Buffer.from('30803080'.repeat(2000), 'hex'), /holds no certificate|cannot be read/],
    ['too much', Buffer.alloc(5_000_000), /has 5000000 bytes/],
  ];
  for (const [title, bytes, pattern] of useless) {
    it(`${title} is refused in words`, async () => {
      await assert.rejects(readBundle([{ label: 'it', bytes }], 'x'), (error) => error instanceof DeskError && pattern.test(error.message));
    });
  }
});
