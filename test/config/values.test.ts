import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  parseCidr,
  parseDate,
  parseDomain,
  parseDuration,
  parseFingerprint,
  parseHostPort,
  parseName,
  parseSchemeUrl,
  parseSize,
  parseTime,
  parseUser,
  Wrong,
} from '../../src/config/values.ts';
import { anyText } from '../support/any-text.ts';

const WRONG = Symbol('wrong');
const HEX = 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9';

function table(name: string, parse: (text: string) => unknown, rows: readonly (readonly [string, unknown])[]): void {
  for (const [text, expected] of rows) {
    test(`${name}: "${text}" is ${expected === WRONG ? 'refused' : 'understood'}`, () => {
      const value = parse(text);
      if (expected === WRONG) assert.ok(value instanceof Wrong && value.right !== '', `got ${JSON.stringify(value)}`);
      else assert.deepEqual(value, expected);
    });
  }
}

table('duration', parseDuration, [
  ['30s', 30_000],
  ['14d', 14 * 86_400_000],
  ['24h', 86_400_000],
  ['250ms', 250],
  ['15m', 900_000],
  ['2w', 14 * 86_400_000],
  ['30', WRONG],
  ['30 s', WRONG],
  ['-3s', WRONG],
  ['1.5h', WRONG],
  ['30S', WRONG],
]);
table('size', parseSize, [
  ['64KiB', 65_536],
  ['100B', 100],
  ['1MiB', 1_048_576],
  ['64KB', WRONG],
  ['65536', WRONG],
]);
table('domain', parseDomain, [
  ['Partner.Example', 'partner.example'],
  ['partner.example.', 'partner.example'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
  ['localhost', 'localhost'],
  ['_sip.example', '_sip.example'],
  ['sip:partner.example', WRONG],
  ['https://partner.example/', WRONG],
  ['li@partner.example', WRONG],
  ['*.partner.example', WRONG],
  ['192.0.2.1', WRONG],
  ['1.2', WRONG],
  ['2001:db8::1', WRONG],
  ['partner..example', WRONG],
  ['-partner.example', WRONG],
  ['partner example', WRONG],
  ['a%2eb', WRONG],
  ['', WRONG],
  ['a'.repeat(64), WRONG],
]);
table('host and port', (text) => parseHostPort(text, 5061), [
  ['sip.lync.example:5061', { host: 'sip.lync.example', port: 5061 }],
  ['sip.lync.example', { host: 'sip.lync.example', port: 5061 }],
  ['[2001:DB8::5]:5070', { host: '2001:db8::5', port: 5070 }],
  ['192.0.2.1:1', { host: '192.0.2.1', port: 1 }],
  ['tls://sip.lync.example', WRONG],
  ['sip.lync.example:0', WRONG],
  ['sip.lync.example:65536', WRONG],
  ['2001:db8::5:5061', WRONG],
  [':5061', WRONG],
]);
table('bind', (text) => parseSchemeUrl(text, { tls: 5061, plain: 5060 }, 'bind'), [
  ['tls://203.0.113.5:5061', { scheme: 'tls', host: '203.0.113.5', port: 5061 }],
  ['tls://*', { scheme: 'tls', host: '*', port: 5061 }],
  ['plain://[::1]:0', { scheme: 'plain', host: '::1', port: 0 }],
  ['tls://edge.corp.example:5061', WRONG],
  ['tcp://10.0.0.5:5060', WRONG],
  ['203.0.113.5:5061', WRONG],
  ['tls://203.0.113.5:99999', WRONG],
]);
table('next hop', (text) => parseSchemeUrl(text, { tls: 5061, plain: 5060 }, 'dial'), [
  ['tls://FE1.corp.example', { scheme: 'tls', host: 'fe1.corp.example', port: 5061 }],
  ['plain://10.0.0.9', { scheme: 'plain', host: '10.0.0.9', port: 5060 }],
  ['tls://*:5061', WRONG],
  ['tls://fe1.corp.example:0', WRONG],
]);
table('user', parseUser, [
  ['Nora@Corp.Example', 'nora@corp.example'],
  ['Ｎora@corp.example', 'nora@corp.example'],
  ["d'artagnan@corp.example", "d'artagnan@corp.example"],
  ['a@b@corp.example', 'a@b@corp.example'],
  ['sip:nora@corp.example', WRONG],
  ['@corp.example', WRONG],
  ['nora', WRONG],
  ['no ra@corp.example', WRONG],
]);
table('address range', parseCidr, [
  ['198.51.100.0/24', '198.51.100.0/24'],
  ['10.0.0.4', '10.0.0.4/32'],
  ['2001:DB8::/32', '2001:db8::/32'],
  ['10.0.0.0/33', WRONG],
  ['10.0.0.0/', WRONG],
  ['10.0.0/8', WRONG],
  ['10.0.0.0/8/8', WRONG],
]);
table('time', parseTime, [
  ['2026-12-01T06:00:00Z', Date.parse('2026-12-01T06:00:00Z')],
  ['2026-12-01T06:00+01:00', Date.parse('2026-12-01T05:00:00Z')],
  ['2026-12-01T06:00:00', WRONG],
  ['2026-12-01', WRONG],
  ['2026-13-01T06:00:00Z', WRONG],
]);
table('date', parseDate, [
  ['2027-06-01', Date.parse('2027-06-01T00:00:00Z')],
  ['2027-02-30', WRONG],
  ['June 2027', WRONG],
]);
table('fingerprint', parseFingerprint, [
  [HEX, HEX],
  [`sha256:${HEX.toUpperCase()}`, HEX],
  [HEX.replace(/..(?=.)/g, '$&:'), HEX],
  [HEX.slice(2), WRONG],
]);
table('name', parseName, [
  ['corp', 'corp'],
  ['..', WRONG],
  ['a/b', WRONG],
]);

test('a TCP next hop is told the word for it', () => {
  const wrong = parseSchemeUrl('tcp://10.0.0.9:5060', { tls: 5061, plain: 5060 }, 'dial');
  assert.ok(wrong instanceof Wrong && wrong.meant === 'plain://10.0.0.9:5060');
});

test('no text makes a parser throw, and a domain that is understood is understood again as itself', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), anyText(), fc.domain()), (text) => {
      for (const parse of [parseDuration, parseSize, parseUser, parseCidr, parseTime, parseDate, parseFingerprint, parseName]) parse(text);
      parseHostPort(text, 1);
      parseSchemeUrl(text, { tls: 1 }, 'bind');
      const domain = parseDomain(text);
      if (!(domain instanceof Wrong)) assert.equal(parseDomain(domain), domain);
    }),
  );
});
