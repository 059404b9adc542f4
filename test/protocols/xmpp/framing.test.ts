// The stream reader: what it hands out whatever the split points, and every refusal of hostile XML with its condition.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Element } from '../../../src/protocols/xmpp/element.ts';
import { type StreamFrame, XmlStreamReader } from '../../../src/protocols/xmpp/framing.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import { printElement, printStreamOpen, STREAM_CLOSE } from '../../../src/protocols/xmpp/print.ts';
import { LIMITS_AFTER_AUTH, LIMITS_BEFORE_AUTH, type StreamLimits } from '../../../src/protocols/xmpp/stream-limits.ts';
import { anyElement } from './elements.ts';

const OPEN = printStreamOpen({ from: 'a.example', to: 'b.example', id: '1' });

function read(input: string | Uint8Array, limits: StreamLimits = LIMITS_BEFORE_AUTH): StreamFrame[] {
  return new XmlStreamReader(limits).push(typeof input === 'string' ? Buffer.from(input) : input);
}
/** The condition that ends a stream on which this follows the header. */
function refusal(after: string | Uint8Array, limits?: StreamLimits): string | undefined {
  const frames = read(Buffer.concat([Buffer.from(OPEN), Buffer.from(after)]), limits);
  const last = frames.at(-1);
  return last?.kind === 'refused' ? last.condition : undefined;
}

describe('a stream', () => {
  test('gives header, elements and end, with namespaces resolved and only xml:lang kept of prefixed attributes', () => {
    const frames = read(
      `${OPEN}<message to='b@b.example' xml:lang='de' xmlns:x='urn:x' x:odd='1'><body>h\u00e9 &amp; <![CDATA[<x>]]></body><x:y/></message> \n<iq/>${STREAM_CLOSE}`,
    );
    assert.deepEqual(
      frames.map((frame) => frame.kind),
      ['open', 'element', 'element', 'close'],
    );
    const [open, message] = frames;
    assert(open?.kind === 'open' && message?.kind === 'element');
    assert.equal(open.attrs.from, 'a.example');
    assert.equal(open.lang, 'en');
    assert.equal(open.dialback, true);
    assert.equal(Object.getPrototypeOf(message.element.attrs), null);
    assert.deepEqual({ ...message.element.attrs }, { to: 'b@b.example', 'xml:lang': 'de' });
    const [body, other] = message.element.children as Element[];
    assert.deepEqual(body?.children, ['h\u00e9 & <x>']);
    assert.deepEqual([other?.name, other?.ns], ['y', 'urn:x']);
  });

  test('reads the same whatever the split points', () => {
    const elements = fc.array(anyElement(), { maxLength: 4 });
    fc.assert(
      fc.property(elements, fc.array(fc.nat(2000), { maxLength: 12 }), (sent, cuts) => {
        const bytes = Buffer.from(OPEN + sent.map((each) => printElement(each)).join('') + STREAM_CLOSE);
        const whole = new XmlStreamReader(LIMITS_AFTER_AUTH).push(bytes);
        const reader = new XmlStreamReader(LIMITS_AFTER_AUTH);
        const at = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b);
        const pieces = [0, ...at].map((start, index) => bytes.subarray(start, at[index] ?? bytes.length));
        assert.deepEqual(
          pieces.flatMap((piece) => reader.push(piece)),
          whole,
        );
        assert.deepEqual(
          whole.map((frame) => frame.kind),
          ['open', ...sent.map(() => 'element'), 'close'],
        );
      }),
      { numRuns: 150 },
    );
  });

  test('reads the same byte by byte, header and all', () => {
    const bytes = Buffer.from(`${OPEN}<message><body>\u00e9\u20ac\u{1f600} &#x1F600;</body></message>${STREAM_CLOSE}`);
    const reader = new XmlStreamReader();
    assert.deepEqual(
      [...bytes].flatMap((byte) => reader.push(Uint8Array.of(byte))),
      read(bytes),
    );
  });

  test('never throws and ends in one refusal at most, whatever the bytes', () => {
    const soup = fc
      .array(fc.constantFrom('<', '>', '/', "'", '&', ';', '!', '?', '[', ']', '-', '=', ' ', 'a', 'xmlns', ':', '\u0000', 'é', '#x'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(soup, fc.boolean(), (text, inside) => {
        const frames = read((inside ? OPEN : '') + text);
        assert(frames.filter((frame) => frame.kind === 'refused').length <= 1);
        assert(frames.every((frame, index) => frame.kind !== 'refused' || index === frames.length - 1));
      }),
      { numRuns: 500 },
    );
  });

  test('accepts white space and a byte order mark before the XML declaration', () => {
    for (const before of ['', '\ufeff', '\n', ' \r\n']) assert.equal(read(before + OPEN)[0]?.kind, 'open', JSON.stringify(before));
  });

  test('counts the bytes of each element, not its characters', () => {
    const stanza = '<message><body>\u20ac\u20ac</body></message>';
    const frame = read(OPEN + stanza)[1];
    assert(frame?.kind === 'element');
    assert.equal(frame.bytes, Buffer.byteLength(stanza));
  });
});

describe('the header', () => {
  const streams = NS.streams;
  const rows: readonly [what: string, input: string | Uint8Array, condition: string][] = [
    ['another encoding', `<?xml version='1.0' encoding='iso-8859-1'?><a/>`, 'unsupported-encoding'],
    ['UTF-16 LE with a mark', Buffer.from(`\ufeff${OPEN}`, 'utf16le'), 'unsupported-encoding'],
    ['UTF-16 BE with a mark', Buffer.from(`\ufeff${OPEN}`, 'utf16le').swap16(), 'unsupported-encoding'],
    ['UTF-16 LE without a mark', Buffer.from(OPEN, 'utf16le'), 'unsupported-encoding'],
    ['UTF-16 BE without a mark', Buffer.from(OPEN, 'utf16le').swap16(), 'unsupported-encoding'],
    ['XML 1.1', OPEN.replace("'1.0'", "'1.1'"), 'not-well-formed'],
    ['two XML declarations', `<?xml version='1.0'?>${OPEN}`, 'not-well-formed'],
    ['a document type', `<!DOCTYPE stream>${OPEN}`, 'restricted-xml'],
    ['a document type with entities', `<!DOCTYPE s [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>${OPEN}`, 'restricted-xml'],
    ['a comment', `<!-- hello -->${OPEN}`, 'restricted-xml'],
    ['a processing instruction', `<?php x?>${OPEN}`, 'restricted-xml'],
    ['text', `hello ${OPEN}`, 'bad-format'],
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n', 'bad-format'],
    ['another element', '<presence/>', 'invalid-namespace'],
    ['another element of the namespace', `<stream:features xmlns='jabber:server' xmlns:stream='${streams}'>`, 'bad-format'],
    ['another stream namespace', `<stream:stream xmlns='jabber:server' xmlns:stream='urn:streams'>`, 'invalid-namespace'],
    ['no content namespace', `<stream:stream xmlns:stream='${streams}'>`, 'invalid-namespace'],
    ['the client content namespace', `<stream:stream xmlns='jabber:client' xmlns:stream='${streams}'>`, 'invalid-namespace'],
    ['nonsense as content namespace', `<stream:stream xmlns='foo:bar' xmlns:stream='${streams}'>`, 'invalid-namespace'],
    ['another prefix', `<s:stream xmlns='jabber:server' xmlns:s='${streams}'>`, 'bad-namespace-prefix'],
    ['an undeclared prefix', '<stream:stream>', 'not-well-formed'],
    ['1 MiB of white space', ' '.repeat(1 << 20), 'policy-violation'],
    ['an attribute of 1 MiB', `<stream:stream a='${'x'.repeat(1 << 20)}'`, 'policy-violation'],
    ['a name of 1 MiB', `<${'x'.repeat(1 << 20)}`, 'policy-violation'],
    ['50,000 attributes', `<stream:stream ${Array.from({ length: 50_000 }, (_, n) => `a${n}=''`).join(' ')}>`, 'policy-violation'],
  ];
  for (const [what, input, condition] of rows) {
    test(`with ${what} is refused as ${condition}`, () => {
      const last = read(input).at(-1);
      assert(last?.kind === 'refused', `got ${JSON.stringify(last)}`);
      assert.equal(last.condition, condition);
    });
  }
});

describe('inside a stream', () => {
  const deep = '<a>'.repeat(100_000);
  const rows: readonly [what: string, input: string | Uint8Array, condition: string][] = [
    ['a comment', '<message><!-- x --></message>', 'restricted-xml'],
    ['a comment between stanzas', '<!-- x -->', 'restricted-xml'],
    ['a processing instruction', '<message><?x y?></message>', 'restricted-xml'],
    ['a document type', '<!DOCTYPE x>', 'restricted-xml'],
    ['an undefined entity', '<message>&foo;</message>', 'restricted-xml'],
    ['an entity named like a method', '<message>&constructor;</message>', 'restricted-xml'],
    ['an XML declaration', `<?xml version='1.0'?>`, 'not-well-formed'],
    ['a bare ampersand', '<message>a & b', 'not-well-formed'],
    ['an ampersand before markup', '<message>a &<b/></message>', 'not-well-formed'],
    ['a duplicate attribute', `<message a='1' a='2'/>`, 'not-well-formed'],
    ['a duplicate attribute by namespace', `<message xmlns:x='u' xmlns:y='u' x:a='1' y:a='2'/>`, 'not-well-formed'],
    ['an unquoted attribute', '<message a=1/>', 'not-well-formed'],
    ['attributes without space between', `<message a='1'b='2'/>`, 'not-well-formed'],
    ['< in an attribute', `<message a='<'/>`, 'not-well-formed'],
    ['an undeclared prefix', '<x:message/>', 'not-well-formed'],
    ['U+0001', '<message>\u0001</message>', 'not-well-formed'],
    ['NUL', '<message>\u0000</message>', 'not-well-formed'],
    ['a reference to U+0000', '<message>&#0;</message>', 'not-well-formed'],
    ['a reference to a surrogate', '<message>&#xD800;</message>', 'not-well-formed'],
    ['a reference beyond Unicode', '<message>&#x110000;</message>', 'not-well-formed'],
    ['a bad name', '<1message/>', 'not-well-formed'],
    [']]> in text', '<message>]]></message>', 'not-well-formed'],
    ['a mismatched end', '<message></iq>', 'not-well-formed'],
    ['an end of nothing open', '</message>', 'not-well-formed'],
    ['the stream ended inside a stanza', '<message></stream:stream>', 'not-well-formed'],
    ['a surrogate in UTF-8', Buffer.from([0x3c, 0x61, 0x3e, 0xed, 0xa0, 0x80, 0x3c]), 'unsupported-encoding'],
    ['an overlong slash', Buffer.from([0x3c, 0x61, 0x3e, 0xc0, 0xaf, 0x3c]), 'unsupported-encoding'],
    ['a stray continuation byte', Buffer.from([0x3c, 0x61, 0x3e, 0x80, 0x3c]), 'unsupported-encoding'],
    ['text between stanzas', '<iq/>hello<iq/>', 'bad-format'],
    ['CDATA between stanzas', '<![CDATA[x]]>', 'bad-format'],
    ['1 MiB of white space', ' '.repeat(1 << 20), 'policy-violation'],
    ['an attribute of 9 KiB', `<message a='${'x'.repeat(9 * 1024)}'/>`, 'policy-violation'],
    ['65 attributes', `<message ${Array.from({ length: 65 }, (_, n) => `a${n}=''`).join(' ')}/>`, 'policy-violation'],
    ['a name of 257', `<${'n'.repeat(257)}/>`, 'policy-violation'],
    ['an attribute name of 257', `<message ${'n'.repeat(257)}=''/>`, 'policy-violation'],
    ['depth 33', `${'<a>'.repeat(33)}`, 'policy-violation'],
    ['100,000 open elements', deep, 'policy-violation'],
    ['257 children', `<message>${'<a/>'.repeat(257)}</message>`, 'policy-violation'],
    ['1025 children further down', `<message><x>${'<a/>'.repeat(1025)}</x></message>`, 'policy-violation'],
    ['a stanza too large', `<message>${'x'.repeat(11 * 1024)}</message>`, 'policy-violation'],
    ['a stanza that never ends', `<message>${'x'.repeat(16 << 20)}`, 'policy-violation'],
    ['an entity that never ends', `<message>&${'a'.repeat(20_000)}`, 'not-well-formed'],
    ['a comment that never ends', `<!--${'a'.repeat(20_000)}`, 'policy-violation'],
  ];
  for (const [what, input, condition] of rows) test(`${what} is refused as ${condition}`, () => assert.equal(refusal(input), condition));

  test('a mismatched end hands out nothing of the broken element', () => {
    const kinds = read(`${OPEN}<iq/><message><body>x</body></mesage>`).map((frame) => frame.kind);
    assert.deepEqual(kinds, ['open', 'element', 'refused']);
  });

  test('what follows the end of the stream is ignored', () => {
    const reader = new XmlStreamReader();
    const kinds = reader.push(Buffer.from(`${OPEN}${STREAM_CLOSE}<evil/>`)).map((frame) => frame.kind);
    assert.deepEqual(kinds, ['open', 'close']);
    assert.deepEqual(reader.push(Buffer.from('<more/>')), []);
  });

  test('exactly at the limits is accepted', () => {
    const at = (text: string): string | undefined => refusal(text);
    const wrap = (length: number): string => `<message>${'x'.repeat(length - '<message></message>'.length)}</message>`;
    assert.equal(at(wrap(LIMITS_BEFORE_AUTH.stanzaBytes)), undefined);
    assert.equal(at(wrap(LIMITS_BEFORE_AUTH.stanzaBytes + 1)), 'policy-violation');
    assert.equal(at(`<message>${'<a/>'.repeat(256)}</message>`), undefined);
    assert.equal(at(`<message ${Array.from({ length: 64 }, (_, n) => `a${n}=''`).join(' ')}/>`), undefined);
    // The stream itself is the first of the 32.
    assert.equal(at('<a>'.repeat(31) + '</a>'.repeat(31)), undefined);
    assert.equal(at('<a>'.repeat(32)), 'policy-violation');
    assert.equal(at(`<${'n'.repeat(256)}/>`), undefined);
  });

  test('the limit is on each stanza, not on the chunk they come in', () => {
    const stanza = `<message>${'x'.repeat(5000)}</message>`;
    const frames = read(OPEN + stanza.repeat(20));
    assert.equal(frames.filter((frame) => frame.kind === 'element').length, 20);
    assert(frames.every((frame) => frame.kind !== 'element' || frame.bytes === stanza.length));
  });

  test('after authentication 64 KiB pass', () => {
    const stanza = `<message>${'x'.repeat(60 * 1024)}</message>`;
    assert.equal(refusal(stanza), 'policy-violation');
    assert.equal(refusal(stanza, LIMITS_AFTER_AUTH), undefined);
  });

  test('keep-alive spaces pass at a rate for as long as the stream lives', () => {
    const reader = new XmlStreamReader(LIMITS_AFTER_AUTH);
    reader.push(Buffer.from(OPEN), 0);
    for (let minute = 1; minute < 10_000; minute++) assert.deepEqual(reader.push(Buffer.from(' \n'), minute * 60_000), []);
    assert.equal(reader.push(Buffer.from('<iq/>'), 0)[0]?.kind, 'element');
    assert.equal(reader.pendingBytes, 0);
    const flood = Array.from({ length: 2000 }, () => reader.push(Buffer.from(' '), 1)).flat();
    assert.equal(flood[0]?.kind === 'refused' && flood[0].condition, 'policy-violation');
  });

  test('the work is linear: an unfinished attribute in small pieces costs no more than its bytes', () => {
    const piece = Buffer.from('x'.repeat(1024));
    const cost = (pieces: number): number => {
      const reader = new XmlStreamReader({ ...LIMITS_AFTER_AUTH, stanzaBytes: 1 << 30, attributeBytes: 1 << 30 });
      reader.push(Buffer.from(`${OPEN}<a b='`));
      const before = process.cpuUsage();
      for (let n = 0; n < pieces; n++) reader.push(piece);
      const spent = process.cpuUsage(before);
      return spent.user + spent.system;
    };
    const least = (pieces: number): number => Math.min(...[1, 2, 3].map(() => cost(pieces)));
    // Sixteen times the bytes; quadratic work would be 256 times the cost. What else the process does meanwhile adds little to the least of three.
    assert(least(3200) < 100 * Math.max(least(200), 2000));
  });
});
