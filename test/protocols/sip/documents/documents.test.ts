import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { carriable, decodeText } from '../../../../src/protocols/sip/documents/charset.ts';
import { parseCpim, printCpim } from '../../../../src/protocols/sip/documents/cpim.ts';
import { htmlToText } from '../../../../src/protocols/sip/documents/html-text.ts';
import { parseImdn, printImdn } from '../../../../src/protocols/sip/documents/imdn.ts';
import { parseIsComposing, printIsComposing } from '../../../../src/protocols/sip/documents/iscomposing.ts';
import { readXml } from '../../../../src/protocols/sip/documents/xml-reader.ts';
import { anyText } from '../../../support/any-text.ts';

describe('charset', () => {
  test('decodes what senders name, and says so when it cannot', () => {
    assert.equal(decodeText(Buffer.from('gr\u00fc\u00df', 'latin1'), 'ISO-8859-1'), 'grüß');
    assert.equal(decodeText(Buffer.from('Žluť', 'utf16le'), 'utf-16le'), 'Žluť');
    assert.equal(decodeText(Buffer.from([0xc3, 0x28])), undefined);
    assert.equal(decodeText(Buffer.from('x'), 'klingon-8'), undefined);
  });

  test('whatever the text, the result can stand in XML and loses no other character', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        const safe = carriable(text);
        assert.doesNotMatch(safe, /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/);
        assert.equal(safe.isWellFormed(), true);
        assert.equal(safe.length, text.length);
      }),
    );
  });
});

describe('html', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['<p>one</p><p>two</p>', 'one\ntwo'],
    ['a<br/>b<BR>c', 'a\nb\nc'],
    ['<b>bold</b> and <i>not</i>', 'bold and not'],
    ['see <a href="https://example.com/x?a=1&amp;b=2">this page</a>', 'see this page <https://example.com/x?a=1&b=2>'],
    ['<a href="https://example.com/">https://example.com/</a>', 'https://example.com/'],
    ['<a href="javascript:alert(1)">click</a>', 'click'],
    ['<script>alert("x")</script>after', 'after'],
    ['<style>p { color: red }</style><div>text</div>', 'text'],
    ['5 &lt; 6 &amp;&nbsp;7 &#955; &#x3bb; &unknown;', '5 < 6 & 7 λ λ &unknown;'],
    ['<!-- hidden -->shown', 'shown'],
    ['a < b', 'a < b'],
    ['<ul><li>one</li><li>two</li></ul>', 'one\ntwo'],
  ];
  for (const [html, expected] of rows) test(`${html} reads ${JSON.stringify(expected)}`, () => assert.equal(htmlToText(html), expected));

  test('is total and linear on whatever is sent', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('<', '>', 'a', '/', '"', '&', '#', ';', '!', '-', ' ', 'p') }),
        (html) => void htmlToText(html),
      ),
    );
    htmlToText('<'.repeat(200_000));
    htmlToText(`<a href=${'x'.repeat(200_000)}`);
    htmlToText('<a '.repeat(50_000));
  });
});

describe('CPIM', () => {
  test('unwraps the message and resolves the IMDN prefix', () => {
    const cpim = parseCpim(
      Buffer.from(
        'From: Li <sip:li@contoso.example>\r\nTo: <sip:nora@fabrikam.example>\r\nNS: i <urn:ietf:params:imdn>\r\ni.Message-ID: 34jk324j\r\n' +
          'i.Disposition-Notification: positive-delivery, display\r\n\r\nContent-type: text/plain; charset=utf-8\r\n\r\nHello World\r\n\r\nagain',
      ),
    );
    assert.equal(cpim?.headers.get('imdn.message-id'), '34jk324j');
    assert.equal(cpim?.contentType, 'text/plain; charset=utf-8');
    assert.equal(Buffer.from(cpim?.content ?? []).toString(), 'Hello World\r\n\r\nagain');
  });

  test('a prefix that NS does not bind to IMDN means nothing', () => {
    for (const ns of ['', 'NS: imdn <urn:other>\r\n']) {
      const cpim = parseCpim(Buffer.from(`From: a\r\n${ns}imdn.Message-ID: x\r\n\r\n\r\nbody`));
      assert.equal(cpim?.headers.get('from'), 'a');
      assert.equal(cpim?.headers.get('imdn.message-id'), undefined);
    }
  });

  test('what was printed is read again, and no value adds a header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), anyText(80), (body, value) => {
        const again = parseCpim(Buffer.from(printCpim([['Subject', value.toWellFormed()]], 'text/plain', body)));
        assert.deepEqual([...(again?.headers.keys() ?? [])], ['subject']);
        assert.equal(Buffer.from(again?.content ?? []).toString(), Buffer.from(body).toString());
      }),
    );
  });

  test('something else is not CPIM', () => {
    for (const text of ['', 'hello', 'no colon here\r\n\r\nx', 'From: x\r\n'.repeat(100)])
      assert.equal(parseCpim(Buffer.from(text)), undefined, text);
  });
});

describe('typing and receipts', () => {
  test('iscomposing is read with its refresh, other states as idle', () => {
    assert.deepEqual(parseIsComposing(printIsComposing('active', 90)), { state: 'active', refreshSeconds: 90 });
    assert.deepEqual(parseIsComposing(printIsComposing('idle')), { state: 'idle', refreshSeconds: 120 });
    assert.equal(
      parseIsComposing('<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>dancing</state></isComposing>')?.state,
      'idle',
    );
    assert.equal(
      parseIsComposing('<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state><refresh>1</refresh></isComposing>')
        ?.refreshSeconds,
      120,
    );
    assert.equal(parseIsComposing('<isComposing xmlns="urn:other"><state>active</state></isComposing>'), undefined);
  });

  test('IMDN is read as it is printed; forbidden tells nothing', () => {
    for (const status of ['delivered', 'displayed', 'failed'] as const)
      assert.deepEqual(parseImdn(printImdn({ messageId: 'a<b&"c', status }, 0)), { messageId: 'a<b&"c', status });
    const forbidden =
      '<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>1</message-id><display-notification><status><forbidden/></status></display-notification></imdn>';
    assert.equal(parseImdn(forbidden), undefined);
  });

  test('a DTD, a comment, an entity or depth ends the reading', () => {
    for (const xml of [
      '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
      '<a><!-- c --></a>',
      '<a>&undefined;</a>',
      '<?php x?><a/>',
      `${'<a>'.repeat(17)}${'</a>'.repeat(17)}`,
      '<a><b></a></b>',
      '<a x="1" x="2"/>',
      '',
    ])
      assert.equal(readXml(xml), undefined, xml);
  });
});
