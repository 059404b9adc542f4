import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUpdateAnswer, signMessage, type TsigKey, updateMessage } from '../../src/certificates/acme/dns-update-message.ts';

// Made with dnspython 2.3: key `isthmus.` (its bytes are the text below), id 0x1234, zone corp.example, signed at 1764000000.
const NOW_MS = 1_764_000_000_000;
const TEXT = 'LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM';
const HEAD = '12342800000100000001000004636f7270076578616d706c6500000600010f5f61636d652d6368616c6c656e6765c00c0010';
const RDATA = `002c2b${Buffer.from(TEXT).toString('hex')}`;
const ADD = `${HEAD}00010000003c${RDATA}`;
const REMOVE = `${HEAD}00fe00000000${RDATA}`;
const VECTORS = [
  {
    algorithm: 'hmac-sha256',
    add: '07697374686d75730000fa00ff00000000003d0b686d61632d73686132353600000069248100012c002007b49015e34e5a9f7f093ab065b3a3cb5f9de00a2727da8350ace190c36da5d6123400000000',
    remove:
      '07697374686d75730000fa00ff00000000003d0b686d61632d73686132353600000069248100012c0020286e615121c3ff21d160cb0fa3f3728d842ef37eaedadf4f04b133c64130638d123400000000',
    answer:
      '1234a800000100000000000104636f7270076578616d706c65000006000107697374686d75730000fa00ff00000000003d0b686d61632d73686132353600000069248100012c0020761b6919cd5ad1ff464c554efe9d1534d0ab2adaa8e32222fd75e932ba3637e3123400000000',
  },
  {
    algorithm: 'hmac-sha512',
    add: '07697374686d75730000fa00ff00000000005d0b686d61632d73686135313200000069248100012c0040f796e558ed32249203b51482c174eefe0230be68b0fee20aa90e924c549551d03738d08b1b2c3493b576e26632a8d9c0f6d9baa0c0bedfa4c6ddc1c86bdae7f7123400000000',
    remove:
      '07697374686d75730000fa00ff00000000005d0b686d61632d73686135313200000069248100012c0040b53c47031de3d53bdc0f89d08dd5416ab443cdb9b2d73ca061f33b6dab6378d60340f4bedcd61b7921a52da44072f94abbb3f6afb9d744f8cd1107e68dbbe288123400000000',
    answer:
      '1234a800000100000000000104636f7270076578616d706c65000006000107697374686d75730000fa00ff00000000005d0b686d61632d73686135313200000069248100012c00409416b1371d3ac916f9515a9ea4a25300dfe3d6ab5da4620b107dffe4bc1e450e8305ef742f8ebe0ed47ce947ce9b0503d8951f62adaca3cd48da87354141b26d123400000000',
  },
] as const;

const keyOf = (algorithm: TsigKey['algorithm'], secret = 'YSBrZXkgdGhhdCBvbmx5IHRoZSB0d28gb2YgdXMgaGF2ZQ=='): TsigKey => ({
  name: 'isthmus',
  algorithm,
  secret: Buffer.from(secret),
});
const macOf = (signed: string): Buffer => Buffer.from(signed.slice(-12 - (signed.includes('613531') ? 128 : 64), -12), 'hex');

for (const { algorithm, add, remove, answer } of VECTORS) {
  const key = keyOf(algorithm);

  test(`${algorithm}: a message is signed as another implementation signs it`, () => {
    for (const [bare, tsig] of [
      [ADD, add],
      [REMOVE, remove],
    ] as const) {
      const signed = signMessage(Buffer.from(bare, 'hex'), key, NOW_MS).bytes.toString('hex');
      assert.equal(signed, bare.replace(/^(.{20})0000/, '$10001') + tsig);
    }
  });

  test(`${algorithm}: what we write is the same record, its name in full`, () => {
    for (const [act, bare] of [
      ['add', ADD],
      ['remove', REMOVE],
    ] as const) {
      const record = { name: '_acme-challenge.corp.example', ttlSeconds: 60, text: TEXT };
      const { bytes } = updateMessage({ act, zone: 'corp.example', record, key, nowMs: NOW_MS, id: 0x1234 });
      const full = bare.replace('c00c', '04636f7270076578616d706c6500').replace(/^(.{20})0000/, '$10001');
      assert.ok(bytes.toString('hex').startsWith(full));
    }
  });

  test(`${algorithm}: an answer is believed when it is signed with our key, and not otherwise`, () => {
    const bytes = Buffer.from(answer, 'hex');
    const about = { id: 0x1234, mac: macOf(add), key, nowMs: NOW_MS };
    assert.deepEqual(readUpdateAnswer(bytes, about), { kind: 'done' });
    assert.equal(readUpdateAnswer(bytes, { ...about, key: keyOf(algorithm, 'another') }).kind, 'unproven');
    assert.equal(readUpdateAnswer(bytes, { ...about, mac: macOf(remove) }).kind, 'unproven');
    assert.equal(readUpdateAnswer(bytes, { ...about, nowMs: NOW_MS + 301_000 }).kind, 'unproven');
    assert.equal(readUpdateAnswer(bytes, { ...about, id: 0x1235 }).kind, 'unproven');
    assert.equal(readUpdateAnswer(bytes.subarray(0, 30), about).kind, 'unproven');
  });
}

test('a refusal says its code, and what was wrong with the signature', () => {
  const about = { id: 0x1234, mac: Buffer.alloc(32), key: keyOf('hmac-sha256'), nowMs: NOW_MS };
  const bare = Buffer.from('1234a8050001000000000000', 'hex');
  assert.deepEqual(readUpdateAnswer(bare, about), { kind: 'refused', rcode: 5 });
  const signed = VECTORS[0].answer.replace(/^1234a800/, '1234a809').replace(/123400000000$/, '123400100000');
  assert.deepEqual(readUpdateAnswer(Buffer.from(signed, 'hex'), about), { kind: 'refused', rcode: 9, tsig: 'BADSIG' });
});

test('no cut of an answer makes the reader throw', () => {
  const bytes = Buffer.from(VECTORS[0].answer, 'hex');
  const about = { id: 0x1234, mac: macOf(VECTORS[0].add), key: keyOf('hmac-sha256'), nowMs: NOW_MS };
  for (let end = 0; end < bytes.length; end++) assert.notEqual(readUpdateAnswer(bytes.subarray(0, end), about).kind, 'done');
});
