// The printer: what it writes reads back as the same values, whatever they hold.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { element } from '../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import { parseElement } from '../../../src/protocols/xmpp/parse.ts';
import { printable, printElement, printStreamOpen } from '../../../src/protocols/xmpp/print.ts';
import { anyElement } from './elements.ts';

describe('printing', () => {
  test('parse(print(x)) equals x, and printing twice is stable', () => {
    fc.assert(
      fc.property(anyElement(), (node) => {
        const text = printElement(node);
        const back = parseElement(text);
        assert.deepEqual(back, node);
        assert(back !== undefined);
        assert.equal(printElement(back), text);
      }),
      { numRuns: 300 },
    );
  });

  test('any text in a body stays text: one body, no other element', () => {
    // Any UTF-16 unit, surrogates alone among them, and often what means something in XML.
    const unit = fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0x40 }), fc.integer({ min: 0xd7f0, max: 0xe010 }));
    const anything = fc.array(unit, { maxLength: 30 }).map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(anything, (body) => {
        const back = parseElement(printElement(element('message', NS.server, { id: body }, [element('body', NS.server, {}, [body])])));
        assert(back !== undefined);
        assert.equal(back.attrs.id, printable(body));
        assert.equal(back.children.length, 1);
        const [inner] = back.children;
        assert(typeof inner === 'object' && inner.name === 'body');
        assert.deepEqual(inner.children, body === '' ? [] : [printable(body)]);
      }),
      { numRuns: 300 },
    );
  });

  test('what XML cannot carry becomes U+FFFD, never nothing', () => {
    const rows: readonly [string, string][] = [
      ['a\u0000b', 'a\ufffdb'],
      ['\u001b[31m', '\ufffd[31m'],
      ['\ud800', '\ufffd'],
      ['x\udfff\ud83dy', 'x\ufffd\ufffdy'],
      ['\ufffe\uffff', '\ufffd\ufffd'],
      ['\u{1f600}', '\u{1f600}'],
      ['tab\tnl\ncr\r', 'tab\tnl\ncr\r'],
    ];
    for (const [text, carried] of rows)
      assert.deepEqual(parseElement(printElement(element('a', NS.server, {}, [text])))?.children, [carried]);
  });

  test('writes xmlns only where it changes, and the prefixes of every header', () => {
    const inner = element('a', 'urn:x', {}, [element('b', 'urn:x'), element('c', NS.server)]);
    assert.equal(printElement(element('iq', NS.server, {}, [inner])), `<iq><a xmlns='urn:x'><b/><c xmlns='jabber:server'/></a></iq>`);
    assert.equal(
      printElement(element('features', NS.streams, {}, [element('sm', NS.sm)])),
      `<stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features>`,
    );
    assert.equal(printElement(element('result', NS.dialback, { from: 'a', to: undefined }, ['k'])), `<db:result from='a'>k</db:result>`);
  });

  test('a stream header cannot be broken out of by its values', () => {
    const header = printStreamOpen({ from: `a'><evil/>`, to: '"&' });
    assert(header.includes(`from='a&apos;&gt;&lt;evil/&gt;'`));
    assert(header.includes(`to='&quot;&amp;'`));
  });
});

describe('reading one element', () => {
  test('refuses what is not exactly one', () => {
    for (const text of [
      '',
      'x',
      '<a/><b/>',
      '<a>',
      '</stream:stream>',
      '<a/></stream:stream><b/>',
      '<!--x--><a/>',
      '<!DOCTYPE a><a/>',
      '<a/>x',
    ]) {
      assert.equal(parseElement(text), undefined, text);
    }
    assert.equal(parseElement('<a/>', 'urn:presence')?.ns, 'urn:presence');
  });
});
