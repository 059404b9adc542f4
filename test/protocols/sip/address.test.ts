// The SIP half of the address rules; the table is the one both shores are tested with.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Address, show } from '../../../src/model/address.ts';
import { readAddress, toImUri, toSipUri } from '../../../src/protocols/sip/address.ts';
import { caseMapped } from '../../../src/protocols/sip/username.ts';

function address(text: string): Address {
  const read = readAddress(text);
  assert.ok(read.kind === 'address', `${text}: ${read.kind === 'refused' ? read.reason.text : ''}`);
  return read.address;
}

const BOTH_WAYS: readonly (readonly [uri: string, local: string, domain: string, resource?: string])[] = [
  ['sip:f%C3%BC@sip.example', 'fü', 'sip.example'],
  ["sip:o'malley@sip.example", "o'malley", 'sip.example'],
  ['sip:foo@sip.example;gr=bar', 'foo', 'sip.example', 'bar'],
  ['sip:m&m@xmpp.example', 'm&m', 'xmpp.example'],
  ['sip:tsch%C3%BCss@xmpp.example', 'tschüss', 'xmpp.example'],
  ['sip:a%40b/c@fabrikam.example', 'a@b/c', 'fabrikam.example'],
  ['sip:x%5C27y@fabrikam.example', 'x\\27y', 'fabrikam.example'],
  ['sip:x%5Cy@fabrikam.example', 'x\\y', 'fabrikam.example'],
  ['sip:a%20b@fabrikam.example', 'a b', 'fabrikam.example'],
  ['sip:li@contoso.example;gr=a%20b', 'li', 'contoso.example', 'a b'],
  ['sip:%22%23%25%3A%3C%3E%40%5B%5C%5D%5E%60%7B%7C%7D@a.example', '"#%:<>@[\\]^`{|}', 'a.example'],
  ["sip:!$&'()*+,-./;=?_~@a.example", "!$&'()*+,-./;=?_~", 'a.example'],
  ['sip:+15551230@a.example', '+15551230', 'a.example'],
  ['sip:a.example', '', 'a.example'],
  // XEP-0106 §6: what its table of names looks like from here.
  ['sip:space%20cadet@example.com', 'space cadet', 'example.com'],
  ['sip:call%20me%20%22ishmael%22@example.com', 'call me "ishmael"', 'example.com'],
  ['sip:at&t%20guy@example.com', 'at&t guy', 'example.com'],
  ["sip:d'artagnan@example.com", "d'artagnan", 'example.com'],
  ['sip:/.fanboy@example.com', '/.fanboy', 'example.com'],
  ['sip:%3A%3Afoo%3A%3A@example.com', '::foo::', 'example.com'],
  ['sip:%3Cfoo%3E@example.com', '<foo>', 'example.com'],
  ['sip:user%40host@example.com', 'user@host', 'example.com'],
  ['sip:c%3A%5Cnet@example.com', 'c:\\net', 'example.com'],
  ['sip:c%3A%5C%5Cnet@example.com', 'c:\\\\net', 'example.com'],
  ['sip:c%3A%5Ccool%20stuff@example.com', 'c:\\cool stuff', 'example.com'],
  ['sip:c%3A%5C5commas@example.com', 'c:\\5commas', 'example.com'],
];
for (const [uri, local, domain, resource] of BOTH_WAYS) {
  test(`${uri} is ${local}@${domain} and back`, () => {
    const expected = { local, domain, ...(resource !== undefined && { resource }) };
    assert.deepEqual(address(uri), expected);
    assert.equal(toSipUri(expected, { gr: true }), uri);
  });
}

const IN_ONLY: readonly (readonly [uri: string, shown: string])[] = [
  ['sip:a%40b%2Fc@fabrikam.example', 'a@b/c@fabrikam.example'],
  ['sip:Nora@Fabrikam.Example', 'nora@fabrikam.example'],
  ['sip:%6C%69@contoso.example', 'li@contoso.example'],
  ['sip:STRA%C3%9FE@a.example', 'straße@a.example'],
  ['sip:fu%CC%88@a.example', 'fü@a.example'],
  ['sip:%EF%BC%AE%EF%BD%8F%EF%BD%92%EF%BD%81@a.example', 'nora@a.example'],
  ['sip:+15551230@a.example;user=phone', '+15551230@a.example'],
  ['sip:li;par=u%40example.net@a.example', 'li;par=u@example.net@a.example'],
  ['sip:a@bücher.example:5070;transport=tls', 'a@xn--bcher-kva.example'],
  ['sip:a@b.example;gr=urn:uuid:f81d4fae', 'a@b.example/urn:uuid:f81d4fae'],
  ['sip:a@b.example;gr=a%E3%80%80b', 'a@b.example/a b'],
  ['im:jo.w@x.example', 'jo.w@x.example'],
  ['pres:Jo@x.example', 'jo@x.example'],
];
for (const [uri, shown] of IN_ONLY) test(`${uri} is ${shown}`, () => assert.equal(show(address(uri)), shown));

const REFUSED: readonly (readonly [uri: string, status: number])[] = [
  ['sips:nora@fabrikam.example', 403],
  ['sip:nora:secret@fabrikam.example', 400],
  ['sip:nora@', 400],
  ['tel:+15551230', 404],
  ['sip:a%20@fabrikam.example', 404],
  ['sip:%20a@fabrikam.example', 404],
  ['sip:%20@fabrikam.example', 404],
  ['sip:%C3%28@fabrikam.example', 400],
  ['sip:%C0%80@fabrikam.example', 400],
  ['sip:%ED%A0%80@fabrikam.example', 400],
  ['sip:a%00b@fabrikam.example', 400],
  ['sip:a%0D%0Ab@fabrikam.example', 400],
  ['sip:a%7Fb@fabrikam.example', 400],
  ['sip:a%C2%85b@fabrikam.example', 404],
  ['sip:a%E2%80%8Bb@fabrikam.example', 404],
  ['sip:a%E2%80%AEb@fabrikam.example', 404],
  ['sip:%E3%80%80@fabrikam.example', 404],
  ['sip:%E2%98%83@fabrikam.example', 404],
  [`sip:${'a'.repeat(1024)}@fabrikam.example`, 404],
  ['sip:hidden@fabrikam.example;gr', 404],
  ['sip:a@fabrikam.example;gr=%0A', 400],
  ['sip:a@fabrikam.example;gr=%FF', 400],
  [`sip:a@fabrikam.example;gr=${'x'.repeat(1024)}`, 400],
  ['isbn:123', 416],
  ['nonsense', 400],
];
for (const [uri, status] of REFUSED) {
  test(`refuses ${uri.slice(0, 50)} with ${status}`, () => {
    const read = readAddress(uri);
    assert.ok(read.kind === 'refused', JSON.stringify(read));
    assert.deepEqual([read.status, read.reason.code, read.reason.blame], [status, 'ADDRESS_MALFORMED', 'peer']);
  });
}

test('keeps the original spelling and answers to it, if it is the same user', () => {
  const read = readAddress('sip:N%6Fra.N@fabrikam.example');
  assert.ok(read.kind === 'address');
  assert.equal(read.spelling, 'Nora.N');
  assert.equal(read.address.local, 'nora.n');
  assert.equal(toSipUri(read.address, { spelling: 'Nora.N' }), 'sip:Nora.N@fabrikam.example');
  assert.equal(toSipUri(read.address, { spelling: 'mallory' }), 'sip:nora.n@fabrikam.example');
});

test('leaves the resource out unless it is asked for', () => {
  const full = { local: 'li', domain: 'contoso.example', resource: 'a;b>c' };
  assert.equal(toSipUri(full), 'sip:li@contoso.example');
  assert.equal(toSipUri(full, { gr: true }), 'sip:li@contoso.example;gr=a%3Bb%3Ec');
});

test('an im: URI keeps its dots', () => {
  assert.equal(toImUri('im', { local: 'jo.w', domain: 'x.example' }), 'im:jo.w@x.example');
  assert.equal(toImUri('pres', { local: 'a@b;c', domain: 'x.example' }), 'pres:a%40b%3Bc@x.example');
});

test('case mapping is stable and tells what RFC 8265 calls different users apart', () => {
  for (const [a, b, same] of [
    ['Ä', 'ä', true],
    ['A\u0308', '\u00e4', true],
    ['ΣΑΣ', 'σας', true],
    ['ａ', 'a', true],
    ['ｶﾞ', 'ガ', true],
    ['ß', 'ss', false],
    ['ı', 'i', false],
    ['а', 'a', false],
  ] as const) {
    assert.equal(caseMapped(a) === caseMapped(b), same, `${a} ${b}`);
  }
});

test('property: any user a network can have goes to a SIP URI and back unchanged', () => {
  const local = fc
    .string({
      unit: fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...' "#%&\'/:;<=>?@[\\]^`{|}~$+,.!*()-_aZ09') },
        { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }) },
      ),
      minLength: 1,
      maxLength: 12,
    })
    .map((text) => caseMapped(text.trim()))
    .filter((text) => text !== undefined && text !== '' && text.trim() === text);
  // RFC 8265 §4.2 OpaqueString, as the other shore has it.
  const opaque = (text: string): string => text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  const freeform = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((text) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text));
  const resource = fc.option(freeform.map(opaque), { nil: undefined });
  const property = fc.property(local, resource, (each, at) => {
    const whom: Address = { local: each!, domain: 'contoso.example', ...(at !== undefined && { resource: at }) };
    assert.deepEqual(address(toSipUri(whom, { gr: true })), whom);
    assert.equal(caseMapped(whom.local), whom.local);
  });
  fc.assert(property, { numRuns: 1000 });
});
