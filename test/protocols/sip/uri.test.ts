import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseSipUri, printSipUri, schemeOf } from '../../../src/protocols/sip/uri.ts';

const GOOD: readonly (readonly [text: string, expected: Readonly<Record<string, unknown>>, printed?: string])[] = [
  ['sip:li@contoso.example', { scheme: 'sip', user: 'li', host: 'contoso.example' }],
  ['SIP:Li@Contoso.EXAMPLE', { scheme: 'sip', user: 'Li', host: 'contoso.example' }, 'sip:Li@contoso.example'],
  ['sips:li@contoso.example:5061', { scheme: 'sips', user: 'li', host: 'contoso.example', port: 5061 }],
  ['sip:contoso.example', { scheme: 'sip', host: 'contoso.example' }],
  ['sip:contoso.example:5060;transport=tls', { scheme: 'sip', host: 'contoso.example', port: 5060, params: { transport: 'tls' } }],
  [
    'sip:a@[2001:DB8::10:5070]:5061',
    { scheme: 'sip', user: 'a', host: '[2001:db8::10:5070]', port: 5061 },
    'sip:a@[2001:db8::10:5070]:5061',
  ],
  ['sip:a@192.0.2.1', { scheme: 'sip', user: 'a', host: '192.0.2.1' }],
  ['sip:a:secret@b.example', { scheme: 'sip', user: 'a', password: 'secret', host: 'b.example' }],
  ['sip:a:@b.example', { scheme: 'sip', user: 'a', password: '', host: 'b.example' }],
  ['sip:alice;day=tuesday@atlanta.example', { scheme: 'sip', user: 'alice;day=tuesday', host: 'atlanta.example' }],
  ['sip:a?b/c@d.example', { scheme: 'sip', user: 'a?b/c', host: 'd.example' }],
  [
    'sip:a@b.example;lr;MADDR=192.0.2.1;gr=x%20y',
    { scheme: 'sip', user: 'a', host: 'b.example', params: { lr: '', maddr: '192.0.2.1', gr: 'x%20y' } },
    'sip:a@b.example;lr;maddr=192.0.2.1;gr=x%20y',
  ],
  [
    'sip:a@b.example;opaque=user:epid:Abc-_=;gruu',
    { scheme: 'sip', user: 'a', host: 'b.example', params: { opaque: 'user:epid:Abc-_=', gruu: '' } },
  ],
  ['sip:a@b.example?subject=x&to=sip:c%40d', { scheme: 'sip', user: 'a', host: 'b.example', headers: 'subject=x&to=sip:c%40d' }],
  ['sip:a@bücher.example', { scheme: 'sip', user: 'a', host: 'xn--bcher-kva.example' }, 'sip:a@xn--bcher-kva.example'],
  ['sip:a@例え.jp', { scheme: 'sip', user: 'a', host: 'xn--r8jz45g.jp' }, 'sip:a@xn--r8jz45g.jp'],
  ['sip:a@b.example.', { scheme: 'sip', user: 'a', host: 'b.example' }, 'sip:a@b.example'],
  ['tel:+1-555-123;phone-context=x', { scheme: 'tel', user: '+1-555-123', host: '', params: { 'phone-context': 'x' } }],
  ['im:jo.w@x.example', { scheme: 'im', user: 'jo.w', host: 'x.example' }],
  ['pres:jo.w@x.example?a=b', { scheme: 'pres', user: 'jo.w', host: 'x.example', headers: 'a=b' }],
];
for (const [text, expected, printed] of GOOD) {
  test(`reads and prints ${text}`, () => {
    const uri = parseSipUri(text);
    assert.ok(uri);
    assert.deepEqual({ ...uri, params: Object.fromEntries(uri.params) }, { params: {}, ...expected });
    assert.equal(printSipUri(uri), printed ?? text);
  });
}

const BAD = [
  '',
  'li@contoso.example',
  'sip:',
  'sip:@contoso.example',
  'sip::pw@contoso.example',
  'sip:a@',
  'sip:a@b@c.example',
  'sip:a b@c.example',
  'sip:a%4@c.example',
  'sip:a%zz@c.example',
  'sip:"a"@c.example',
  'sip:<a>@c.example',
  'sip:fü@c.example',
  'sip:a#b@c.example',
  'sip:a@c.example:0',
  'sip:a@c.example:65536',
  'sip:a@c.example:',
  'sip:a@c.example;',
  'sip:a@c.example;;lr',
  'sip:a@c.example;lr;LR',
  'sip:a@c.example;x=a b',
  'sip:a@c..example',
  'sip:a@-c.example',
  'sip:a@c_d.example/',
  'sip:a@1.2.3',
  'sip:a@1.2.3.256',
  'sip:a@2001:db8::10',
  'sip:a@[2001:db8:::1]',
  'sip:a@[fe80::1%25eth0]',
  'sip:a@[::1',
  'sip:a@c.example?',
  'sip:a@c.example?x=<y>',
  'sip:a@１.２.３.４',
  'sip:a@c.example\r\nVia: x',
  `sip:${'a'.repeat(5000)}@b.example`,
  `sip:a@${'b'.repeat(64)}.example`,
  `sip:a@b.example${';p'.repeat(40)}`,
  'im:a',
  'im:@x.example',
  'tel:xyz',
  'http://a.example',
  'isbn:123',
];
for (const text of BAD) {
  test(`refuses ${JSON.stringify(text.slice(0, 60))}`, () => assert.equal(parseSipUri(text), undefined));
}

test('tells the scheme of any URI', () => {
  assert.equal(schemeOf('SoAP.beep://x'), 'soap.beep');
  assert.equal(schemeOf('no scheme: here'), undefined);
  assert.equal(schemeOf('<sip:a@b>'), undefined);
});

test('property: what is read prints to a text that reads the same', () => {
  const piece = fc.constantFrom(
    'a',
    'Z',
    '9',
    '%41',
    '%c3%bc',
    '.',
    ';',
    ':',
    '@',
    '?',
    '=',
    '&',
    '[',
    ']',
    '::1',
    'lr',
    'gr=',
    '.example',
    '5061',
    '/',
    'ü',
    ' ',
  );
  const property = fc.property(fc.array(piece, { minLength: 1, maxLength: 14 }), (pieces) => {
    const uri = parseSipUri(`sip:${pieces.join('')}`);
    if (uri !== undefined) assert.deepEqual(parseSipUri(printSipUri(uri)), uri);
  });
  fc.assert(property, { numRuns: 1500 });
});
