// JIDs: the tables of XEP-0106 and of the address rules, RFC 7622 good and bad, round trips.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Address } from '../../../src/model/address.ts';
import { escapeLocal, parseJid, printJid, toAddress, toJid, unescapeLocal } from '../../../src/protocols/xmpp/jid.ts';

const show = (address: Address): string => toJid(address) as string; // rows that are refused compare as objects and fail

describe('XEP-0106 escaping', () => {
  const rows: readonly [decoded: string, escaped: string][] = [
    // The examples of XEP-0106, as facts.
    ['space cadet', 'space\\20cadet'],
    ['call me "ishmael"', 'call\\20me\\20\\22ishmael\\22'],
    ['at&t guy', 'at\\26t\\20guy'],
    ["d'artagnan", 'd\\27artagnan'],
    ['/.fanboy', '\\2f.fanboy'],
    ['::foo::', '\\3a\\3afoo\\3a\\3a'],
    ['<foo>', '\\3cfoo\\3e'],
    ['user@host', 'user\\40host'],
    ['c:\\net', 'c\\3a\\net'],
    ['c:\\\\net', 'c\\3a\\\\net'],
    ['c:\\cool stuff', 'c\\3a\\cool\\20stuff'],
    ['c:\\5commas', 'c\\3a\\5c5commas'],
    ['foo\\bar', 'foo\\bar'],
    // The backslash look-alike rule, each of the ten.
    ['x\\20y', 'x\\5c20y'],
    ['x\\22y', 'x\\5c22y'],
    ['x\\26y', 'x\\5c26y'],
    ['x\\27y', 'x\\5c27y'],
    ['x\\2fy', 'x\\5c2fy'],
    ['x\\3ay', 'x\\5c3ay'],
    ['x\\3cy', 'x\\5c3cy'],
    ['x\\3ey', 'x\\5c3ey'],
    ['x\\40y', 'x\\5c40y'],
    ['x\\5cy', 'x\\5c5cy'],
    ['x\\21y', 'x\\21y'],
    ['x\\', 'x\\'],
    ['\\\\40', '\\\\5c40'],
  ];
  for (const [decoded, escaped] of rows) {
    test(`${decoded} <-> ${escaped}`, () => {
      assert.equal(escapeLocal(decoded), escaped);
      assert.equal(unescapeLocal(escaped), decoded);
    });
  }

  test('each sequence is undone once, from left to right', () => {
    assert.equal(unescapeLocal('\\5c40'), '\\40');
    assert.equal(unescapeLocal('\\5c5c40'), '\\5c40');
    assert.equal(unescapeLocal('a\\2Fb'), 'a/b');
  });

  test('whatever the text, escaping comes back and holds none of the nine', () => {
    const text = fc.array(fc.constantFrom(...'\\\\\\2047560cfae "&\'/:<>@xyz'), { maxLength: 20 }).map((chars) => chars.join(''));
    fc.assert(
      fc.property(text, (decoded) => {
        const escaped = escapeLocal(decoded);
        assert.equal(unescapeLocal(escaped), decoded);
        assert.doesNotMatch(escaped, /[ "&'/:<>@]/);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a JID of the wire and the model address', () => {
  const rows: readonly [jid: string, address: Address][] = [
    ['f\u00fc@sip.example', { local: 'f\u00fc', domain: 'sip.example' }],
    ['o\\27malley@sip.example', { local: "o'malley", domain: 'sip.example' }],
    ['foo@sip.example/bar', { local: 'foo', domain: 'sip.example', resource: 'bar' }],
    ['m\\26m@xmpp.example', { local: 'm&m', domain: 'xmpp.example' }],
    ['tsch\u00fcss@xmpp.example', { local: 'tsch\u00fcss', domain: 'xmpp.example' }],
    ['a\\40b\\2fc@fabrikam.example', { local: 'a@b/c', domain: 'fabrikam.example' }],
    ['x\\5c27y@fabrikam.example', { local: 'x\\27y', domain: 'fabrikam.example' }],
    ['x\\y@fabrikam.example', { local: 'x\\y', domain: 'fabrikam.example' }],
    ['nora@fabrikam.example', { local: 'nora', domain: 'fabrikam.example' }],
    ['b\u00fccher.example', { local: '', domain: 'xn--bcher-kva.example' }],
    ['+15551230@sip.example', { local: '+15551230', domain: 'sip.example' }],
    ['a@b.example/a/b@c d', { local: 'a', domain: 'b.example', resource: 'a/b@c d' }],
    ['a@b.example/\ud83d\udcf1', { local: 'a', domain: 'b.example', resource: '\ud83d\udcf1' }],
    ['\u03b1\u03b2@b.example', { local: '\u03b1\u03b2', domain: 'b.example' }],
    ['\u05d0\u05d1@b.example', { local: '\u05d0\u05d1', domain: 'b.example' }],
    ['localhost', { local: '', domain: 'localhost' }],
  ];
  for (const [jid, address] of rows) {
    test(jid, () => {
      assert.deepEqual(toAddress(jid), address);
      assert.equal(toJid(address), jid);
    });
  }

  const mapped: readonly [jid: string, same: string][] = [
    ['Nora@Fabrikam.Example', 'nora@fabrikam.example'],
    ['NORA@b.example/Phone', 'nora@b.example/Phone'],
    ['F\u00dc@B\u00dcCHER.example', 'f\u00fc@b\u00fccher.example'],
    ['xn--bcher-kva.example', 'b\u00fccher.example'],
    ['fu\u0308@b.example', 'f\u00fc@b.example'],
    ['\uff4e\uff4f@b.example', 'no@b.example'],
    ['a@b.example.', 'a@b.example'],
    ['A\\2FB@b.example', 'a\\2fb@b.example'],
    ['a@b.example/x\u00a0y', 'a@b.example/x y'],
    ['a@b.example/e\u0301', 'a@b.example/\u00e9'],
  ];
  for (const [jid, same] of mapped) {
    test(`${JSON.stringify(jid)} is ${same}`, () => {
      const address = toAddress(jid);
      assert(!('code' in address));
      assert.equal(show(address), same);
    });
  }

  const bad: readonly string[] = [
    '',
    '@b.example',
    'a@',
    'a@b.example/',
    '/x',
    'a b@b.example',
    'a"b@b.example',
    'a&b@b.example',
    "a'b@b.example",
    'a:b@b.example',
    'a<b@b.example',
    'a@@b.example',
    'a@b@c.example',
    '\\20a@b.example',
    'a\\20@b.example',
    'a\u0000@b.example',
    'a\u007f@b.example',
    'a\u00a0b@b.example',
    'a\u200bb@b.example',
    'a\u202eb@b.example',
    'a\u2665@b.example',
    '\u2163@b.example',
    '\ufb01@b.example',
    '\u05d0a@b.example',
    '\u0660\u06f0@b.example',
    `${'a'.repeat(1024)}@b.example`,
    `a@b.example/${'r'.repeat(1024)}`,
    'a@b.example/x\u0001',
    'a@b.example/x\u202e',
    'a@b..example',
    'a@-b.example',
    'a@b_c.example',
    'a@b c.example',
    'a@b%41.example',
    'a@10.0.0.1',
    'a@0x7f.1',
    'a@[::1]',
    'a@b.example:80',
    'a@xn--zz.example',
    `a@${'b'.repeat(64)}.example`,
    `a@${'b.'.repeat(130)}example`,
  ];
  for (const jid of bad) {
    test(`${JSON.stringify(jid.slice(0, 40))} is refused`, () => {
      const parsed = parseJid(jid);
      assert('code' in parsed, JSON.stringify(parsed));
      assert.equal(parsed.code, 'ADDRESS_MALFORMED');
      assert(parsed.text.length < 400);
    });
  }

  test('an address that no JID can carry is refused, not bent', () => {
    for (const local of [' a', 'a ', 'a\u00a0b', 'x'.repeat(1024), 'a\u0000']) {
      const jid = toJid({ local, domain: 'b.example' });
      assert(typeof jid === 'object' && jid.code === 'ADDRESS_MALFORMED', JSON.stringify(local));
    }
  });

  test('reading what was printed changes nothing', () => {
    const chars = fc.constantFrom(...'abz09.-_+!$ "&\'/:<>@\\%#', '\u00e9', '\u00df', '\u03b1', '\u4e2d', 'A', '\u0130');
    const local = fc.array(chars, { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(local, fc.option(local, { nil: undefined }), (user, resource) => {
        const jid = toJid({ local: user, domain: 'b.example', ...(resource === undefined ? {} : { resource }) });
        if (typeof jid === 'object') return;
        const address = toAddress(jid);
        assert(!('code' in address), jid);
        assert.equal(toJid(address), jid);
        const again = parseJid(jid);
        assert(!('code' in again) && printJid(again) === jid);
      }),
      { numRuns: 1000 },
    );
  });

  test('a long hostile address costs no more than its length', () => {
    const before = process.cpuUsage();
    for (const text of [
      'a.'.repeat(50_000),
      '@'.repeat(100_000),
      `a@${'-'.repeat(100_000)}`,
      '\\2'.repeat(50_000),
      '\u05d0'.repeat(50_000),
    ]) {
      assert('code' in parseJid(text));
    }
    const spent = process.cpuUsage(before);
    assert(spent.user + spent.system < 500_000);
  });
});
