// SCRAM against the worked examples of RFC 5802 §5 and RFC 7677 §3, and against what hostile clients send.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scramKeys } from '../../../../../src/core/sign-in/verifiers.ts';
import type { ScramHash } from '../../../../../src/model/core.ts';
import {
  printServerFirst,
  readClientFinal,
  readClientFirst,
  serverSignature,
} from '../../../../../src/protocols/xmpp/clients/sign-in/scram.ts';

const EXAMPLES = [
  {
    hash: 'SHA-1',
    salt: 'QSXCR+Q6sek8bf92',
    nonce: 'fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j',
    clientNonce: 'fyko+d2lbbFgONRv9qkxdawL',
    proof: 'v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    verifier: 'rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  {
    hash: 'SHA-256',
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    nonce: 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    clientNonce: 'rOprNGfwEbeRWgbNEkqO',
    proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    verifier: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
] as const satisfies readonly { readonly hash: ScramHash; readonly [fact: string]: string }[];

for (const { hash, salt, nonce, clientNonce, proof, verifier } of EXAMPLES) {
  const kept = async () => {
    const bytes = Buffer.from(salt, 'base64');
    const wrong = await scramKeys(hash, 'pencil2', bytes, 4096);
    const right = await scramKeys(hash, 'pencil', bytes, 4096);
    return { hash, salt: bytes, iterations: 4096, keys: [wrong, right] };
  };
  test(`the example of the RFC signs in with SCRAM-${hash}, with any of the user's passwords`, async () => {
    const first = readClientFirst(`n,,n=user,r=${clientNonce}`);
    assert(first !== undefined);
    assert.equal(first.username, 'user');
    const verified = await kept();
    const serverFirst = printServerFirst(nonce, verified);
    assert.equal(serverFirst, `r=${nonce},s=${salt},i=4096`);
    const final = readClientFinal(`c=biws,r=${nonce},p=${proof}`);
    assert(final !== undefined);
    assert.equal(serverSignature(verified, first.bare, serverFirst, final)?.toString('base64'), verifier);
  });
  test(`one changed bit of a SCRAM-${hash} proof fits nothing`, async () => {
    const first = readClientFirst(`n,,n=user,r=${clientNonce}`);
    const final = readClientFinal(`c=biws,r=${nonce},p=${proof}`);
    assert(first !== undefined && final !== undefined);
    final.proof[3]! ^= 1;
    const verified = await kept();
    assert.equal(serverSignature(verified, first.bare, printServerFirst(nonce, verified), final), undefined);
  });
}

test('names are unescaped, and authzid and binding are read', () => {
  const first = readClientFirst('p=tls-exporter,a=nora@people.example,n=a=2Cb=3Dc,r=xyz,ext=1');
  assert.deepEqual(first, {
    gs2Header: 'p=tls-exporter,a=nora@people.example,',
    binding: { flag: 'p', name: 'tls-exporter' },
    authzid: 'nora@people.example',
    username: 'a,b=c',
    nonce: 'xyz',
    bare: 'n=a=2Cb=3Dc,r=xyz,ext=1',
  });
});

for (const message of [
  '',
  'n,,',
  'n,,n=,r=x',
  'n,,n=a=2cb,r=x',
  'x,,n=a,r=x',
  'p=,,n=a,r=x',
  'n,,m=must,n=a,r=x',
  'n,,n=a,r=with space',
  'n,a=,n=a,r=x',
  `n,,n=${'a'.repeat(2000)},r=x`,
]) {
  test(`is no first message: ${JSON.stringify(message.slice(0, 30))}`, () => assert.equal(readClientFirst(message), undefined));
}
for (const message of [
  '',
  'c=biws',
  'c=biws,r=x',
  'c=biws,r=x,p=',
  'r=x,c=biws,p=AA==',
  'c=biws,r=x,p=A A',
  `c=${'A'.repeat(5000)},r=x,p=AA==`,
]) {
  test(`is no last message: ${JSON.stringify(message.slice(0, 30))}`, () => assert.equal(readClientFinal(message), undefined));
}
