// Chains that are made to hurt: loops, many authorities of one name, weak keys; and what the cache believes for how long.

import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { namesOf, speaksFor } from '../../src/edge/certificate-names.ts';
import { candidatePaths } from '../../src/edge/path-building.ts';
import { PathValidator, validatePath } from '../../src/edge/path-validation.ts';
import { pemBlocks } from '../../src/edge/pem.ts';
import { RevocationLists, readRevocationList } from '../../src/edge/revocation.ts';
import { trustSet } from '../../src/edge/trust-store.ts';
import type { Clock } from '../../src/model/ports.ts';
import { Authority, makeCa } from '../support/ca.ts';
import { altNames, caExtension, extension, keyUsage, newKey, OID, signCertificate } from '../support/certificate-builder.ts';
import { octets, sequence } from '../support/der.ts';

const ca = makeCa('Public');
const trust = trustSet('t', [new X509Certificate(ca.rootPem)]);
const DAY_MS = 86_400_000;

function certificate(
  cn: string,
  publicKey: KeyObject,
  signer: { cn: string; key: KeyObject },
  more: Buffer[] = [caExtension(true), keyUsage('authority')],
): X509Certificate {
  const now = Date.now();
  return new X509Certificate(
    signCertificate({ cn, publicKey, signer, notBefore: new Date(now - DAY_MS), notAfter: new Date(now + DAY_MS), extensions: more }),
  );
}
const code = async (shown: [X509Certificate, ...X509Certificate[]]): Promise<string> => {
  const result = await validatePath(shown, trust, Date.now());
  return result.ok ? 'ok' : result.reason.code;
};

describe('hostile chains', () => {
  it('two authorities that signed each other end the search', async () => {
    const [a, b, leaf] = [newKey(), newKey(), newKey()];
    const aByB = certificate('A', a.publicKey, { cn: 'B', key: b.privateKey });
    const bByA = certificate('B', b.publicKey, { cn: 'A', key: a.privateKey });
    const victim = certificate('partner.example', leaf.publicKey, { cn: 'A', key: a.privateKey }, [
      altNames({ dns: ['partner.example'] })!,
    ]);
    assert.equal(await code([victim, aByB, bByA]), 'CERT_PEER_UNTRUSTED');
  });

  it('sixteen authorities of one name and key cost a bounded number of signatures', async () => {
    const key = newKey();
    const many = Array.from({ length: 16 }, () => certificate('X', newKey().publicKey, { cn: 'X', key: key.privateKey }));
    const leaf = certificate('partner.example', newKey().publicKey, { cn: 'X', key: key.privateKey }, []);
    const started = performance.now();
    assert.equal(candidatePaths([leaf, ...many], trust).paths.length, 0);
    assert.ok(performance.now() - started < 500);
    assert.equal(await code([leaf, ...many]), 'CERT_PEER_CHAIN_INCOMPLETE');
  });

  it('a chain longer than eight is not followed', async () => {
    let authority = ca.root.authority('1');
    for (let depth = 2; depth < 9; depth++) authority = authority.authority(String(depth));
    const issued = authority.issue({ names: ['partner.example'] });
    const [leaf, ...rest] = issued.chainPem
      .split(/(?<=END CERTIFICATE-----\n)/)
      .filter((pem) => pem !== '')
      .map((pem) => new X509Certificate(pem));
    assert.equal(await code([leaf!, ...rest]), 'CERT_PEER_UNTRUSTED');
  });

  it('an unknown critical extension in the leaf refuses it', async () => {
    const odd = extension('1.3.6.1.4.1.99999.1', octets(Buffer.from('x')), true);
    const leaf = certificate('partner.example', newKey().publicKey, { cn: ca.issuing.cn, key: ca.issuing.key }, [odd]);
    assert.equal(await code([leaf, new X509Certificate(ca.issuingPem)]), 'CERT_PEER_CHAIN_INVALID');
  });

  it('extensions full of nonsense, nesting or size are refused in words', async () => {
    let nested: Buffer = Buffer.from([5, 0]);
    for (let depth = 0; depth < 3000; depth++) nested = sequence(nested);
    const nonsense = [nested, Buffer.from('3080'.repeat(5000), 'hex'), Buffer.alloc(5000, 0x30), sequence(Buffer.alloc(40_000))];
    for (const id of [OID.subjectAltName, OID.nameConstraints]) {
      for (const value of nonsense) {
        const leaf = certificate('partner.example', newKey().publicKey, { cn: ca.issuing.cn, key: ca.issuing.key }, [extension(id, value)]);
        const result = await validatePath([leaf, new X509Certificate(ca.issuingPem)], trust, Date.now());
        assert.match(result.ok ? 'ok' : result.reason.text, /cannot be read/);
        assert.equal(speaksFor(namesOf(leaf), 'partner.example', 'xmpp'), false);
      }
    }
  });

  it('an RSA key of 1024 bits is too weak, one of 2048 is not', async () => {
    for (const [modulusLength, verdict] of [
      [1024, 'CERT_PEER_CHAIN_INVALID'],
      [2048, 'ok'],
    ] as const) {
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength });
      const leaf = certificate('partner.example', publicKey, { cn: ca.issuing.cn, key: ca.issuing.key }, []);
      assert.equal(await code([leaf, new X509Certificate(ca.issuingPem)]), verdict);
    }
  });

  it('finds a way past an expired cross-signed authority', async () => {
    const old = makeCa('Old');
    const key = ca.issuing.key;
    const now = Date.now();
    const crossed = new X509Certificate(
      signCertificate({
        cn: ca.issuing.cn,
        publicKey: new X509Certificate(ca.issuingPem).publicKey,
        signer: { cn: old.root.cn, key: old.root.key },
        notBefore: new Date(now - 9 * DAY_MS),
        notAfter: new Date(now - DAY_MS),
        extensions: [caExtension(true), keyUsage('authority')],
      }),
    );
    const leaf = certificate('partner.example', newKey().publicKey, { cn: ca.issuing.cn, key }, [altNames({ dns: ['partner.example'] })!]);
    const wide = trustSet('wide', [new X509Certificate(old.rootPem), new X509Certificate(ca.rootPem)]);
    const result = await validatePath([leaf, crossed, new X509Certificate(ca.issuingPem)], wide, now);
    assert.equal(result.ok && result.anchor.subject, `CN=${ca.root.cn}`);
  });

  it('authorities on an Edwards curve count, and so do their revocation lists', async () => {
    const [rootKey, key] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
    const root = certificate('Ed Root', rootKey.publicKey, { cn: 'Ed Root', key: rootKey.privateKey });
    const issuing = certificate('Ed Issuing', key.publicKey, { cn: 'Ed Root', key: rootKey.privateKey });
    const authority = new Authority('Ed Issuing', key.privateKey, issuing.toString(), issuing.toString());
    const issued = authority.issue({ names: ['partner.example'] });
    const chain: [X509Certificate, X509Certificate] = [new X509Certificate(issued.certPem), issuing];
    const lists = (by: Authority) =>
      new RevocationLists(pemBlocks(by.crlPem([issued]), 'X509 CRL').map((der) => readRevocationList(new Uint8Array(der))));
    const forger = new Authority('Ed Issuing', generateKeyPairSync('ed25519').privateKey, '', '');
    const judged = await Promise.all(
      [new RevocationLists([]), lists(forger), lists(authority)].map((revocation) =>
        validatePath(chain, trustSet('ed', [root], revocation), Date.now()),
      ),
    );
    assert.deepEqual(
      judged.map((result) => (result.ok ? 'ok' : result.reason.code)),
      ['ok', 'ok', 'CERT_PEER_REVOKED'],
    );
  });

  it('an intermediate in the trust folder is an anchor of its own', async () => {
    const issued = ca.issue({ names: ['partner.example'] });
    const partial = trustSet('partial', [new X509Certificate(ca.issuingPem)]);
    assert.equal((await validatePath([new X509Certificate(issued.certPem)], partial, Date.now())).ok, true);
  });
});

describe('the cache of validated chains', () => {
  it('believes an answer for ten minutes, and never beyond the certificate', async () => {
    let now = Date.now();
    const clock: Clock = { now: () => now, monotonic: () => now, after: () => ({ cancel() {} }) };
    const validator = new PathValidator(clock);
    const issued = ca.issue({ names: ['partner.example'], notAfter: new Date(now + 5 * 60_000) });
    const chain: [X509Certificate, X509Certificate] = [new X509Certificate(issued.certPem), new X509Certificate(ca.issuingPem)];
    const first = validator.validate(chain, trust);
    assert.equal((await first).ok, true);
    now += 60_000;
    assert.equal(validator.validate(chain, trust), first, 'the very same answer');
    assert.notEqual(validator.validate(chain, trustSet('other', [])), first, 'another trust set is another question');
    now += 5 * 60_000;
    const late = await validator.validate(chain, trust);
    assert.equal(!late.ok && late.reason.code, 'CERT_PEER_EXPIRED');
  });
});
