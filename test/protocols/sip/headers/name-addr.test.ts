import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseContacts, parseNameAddr, parseNameAddrs, printNameAddr } from '../../../../src/protocols/sip/headers/name-addr.ts';

const GOOD: readonly (readonly [value: string, name: string | undefined, uri: string, params: Readonly<Record<string, string>>])[] = [
  ['<sip:a@b>', undefined, 'sip:a@b', {}],
  ['<sip:a@b;lr>;tag=x', undefined, 'sip:a@b;lr', { tag: 'x' }],
  ['sip:a@b;tag=x', undefined, 'sip:a@b', { tag: 'x' }],
  ['sip:a@b ;  tag  =  x ; flag', undefined, 'sip:a@b', { tag: 'x', flag: '' }],
  ['Nora <sip:a@b>', 'Nora', 'sip:a@b', {}],
  ['Nora of  Oslo<sip:a@b>', 'Nora of  Oslo', 'sip:a@b', {}],
  ['"" <sip:a@b>', '', 'sip:a@b', {}],
  ['"Nils\\"son, <N>; \\\\" <sip:a@b>;q="a;b,c"', 'Nils"son, <N>; \\', 'sip:a@b', { q: 'a;b,c' }],
  ['"Ünï 😀" <sip:a@b>', 'Ünï 😀', 'sip:a@b', {}],
  ['Ünï <sip:a@b>', 'Ünï', 'sip:a@b', {}],
  ['<sip:a,b@c?x=y>', undefined, 'sip:a,b@c?x=y', {}],
  ['<urn:service:sos>', undefined, 'urn:service:sos', {}],
  ['<sip:a@b>;received="sip:1.2.3.4:5"', undefined, 'sip:a@b', { received: 'sip:1.2.3.4:5' }],
];
for (const [value, name, uri, params] of GOOD) {
  test(`reads ${value}`, () => {
    const read = parseNameAddr(value);
    assert.deepEqual([read?.displayName, read?.uri, Object.fromEntries(read?.params ?? [])], [name, uri, params]);
    assert.equal(read?.tag, params.tag);
  });
}

const BAD = [
  '',
  '<>',
  '<sip:a@b',
  'sip:a@b>',
  '<<sip:a@b>>',
  '< sip:a@b >',
  '<sip:a b@c>',
  '"open <sip:a@b>',
  '"closed" junk <sip:a@b>',
  '"no uri"',
  'Nilsson, Nora <sip:a@b>',
  'Nora; <sip:a@b>',
  'a "b" <sip:a@b>',
  'sip:a@b?x=y',
  'sip:a,b@c',
  '<sip:a@b>tag=x',
  '<sip:a@b>;;tag=x',
  '<sip:a@b>;',
  '<sip:a@b>;tag=x;TAG=y',
  '<sip:a@b>;tag=',
  '<sip:a@b>;tag="x y"',
  '<sip:a@b>;tag=x y',
  '<sip:a@b>;p="open',
  `<sip:a@b>;tag=${'x'.repeat(257)}`,
  `<sip:a@b>${Array.from({ length: 33 }, (_, at) => `;p${at}`).join('')}`,
  'no-scheme',
  '<no-scheme>',
];
for (const value of BAD) test(`refuses ${JSON.stringify(value.slice(0, 50))}`, () => assert.equal(parseNameAddr(value), undefined));

test('splits a route at commas outside quotes and brackets', () => {
  const routes = parseNameAddrs(['<sip:a,b@c;lr>, "x, y" <sip:d@e;lr>', '<sip:f@g;lr>']);
  assert.deepEqual(
    routes?.map((each) => each.uri),
    ['sip:a,b@c;lr', 'sip:d@e;lr', 'sip:f@g;lr'],
  );
  assert.deepEqual(parseNameAddrs([]), []);
  assert.equal(parseNameAddrs(['<sip:a@b>, ,<sip:c@d>']), undefined);
  assert.equal(parseNameAddrs(['<sip:a@b>,']), undefined);
});

test('a Contact may be a star, alone', () => {
  assert.equal(parseContacts([' * ']), '*');
  assert.equal(parseContacts(['*', '<sip:a@b>']), undefined);
});

test('property: what is printed reads back the same, whatever the name', () => {
  const name = fc.option(fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('"', '\\', '\\"', '<sip:evil@x>', '";tag=evil', 'ü😀,;')), {
    nil: undefined,
  });
  const token = fc.stringMatching(/^[a-z0-9-]{1,6}$/);
  const params = fc.uniqueArray(fc.tuple(token, fc.string({ maxLength: 8 })), { selector: ([each]) => each, maxLength: 4 });
  const property = fc.property(name, params, (displayName, pairs) => {
    const address = {
      uri: 'sip:li@contoso.example;gr=x',
      params: new Map(pairs.filter(([each]) => each !== 'tag')),
      ...(displayName !== undefined && { displayName }),
    };
    assert.deepEqual(parseNameAddr(printNameAddr(address)), address);
  });
  fc.assert(property, { numRuns: 500 });
});

test('controls in a name become spaces, never a new line', () => {
  assert.equal(printNameAddr({ displayName: 'a\r\nVia: b\0', uri: 'sip:a@b' }), '"a  Via: b " <sip:a@b>');
});
