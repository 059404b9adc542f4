// What hostile XML can do to a stream, as data: the bytes, and the stream error that is right. For the suite beside this file and
// for the memory figure of test/faults. `first`: in place of the stream header; `inside`: behind it, before or after authentication.

export interface Bomb {
  readonly name: string;
  readonly bytes: string | Uint8Array;
  /** In place of the first byte of a stream; undefined: makes sense only inside one. */
  readonly first?: string;
  /** Inside a stream; `a or b`: whichever bound the bytes meet first, as they are cut. */
  readonly inside?: string;
}

const repeated = (count: number, part: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => part(index)).join('');
const MESSAGE = (body: string, attrs = ''): string =>
  `<message from='li@partner.example' to='nora@corp.example'${attrs}><body>${body}</body></message>`;
const LAUGHS = `<!DOCTYPE x [<!ENTITY a "ha">${repeated(30, (n) => `<!ENTITY a${n} "&a${n - 1};&a${n - 1};">`)}]>`;
/** In the middle of what is not UTF-8. */
const around = (bytes: readonly number[]): Uint8Array =>
  Buffer.concat([Buffer.from('<message><body>'), Buffer.from(bytes), Buffer.from('</body></message>')]);

export const BOMBS: readonly Bomb[] = [
  { name: 'a document type', bytes: '<!DOCTYPE a>', first: 'restricted-xml', inside: 'restricted-xml' },
  {
    name: 'a document type with an outside entity',
    bytes: '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    first: 'restricted-xml',
    inside: 'restricted-xml',
  },
  { name: 'entities that double thirty times', bytes: LAUGHS, first: 'restricted-xml', inside: 'restricted-xml' },
  { name: 'an entity nobody declared', bytes: MESSAGE('&xxe;'), inside: 'restricted-xml' },
  { name: 'a comment', bytes: '<!-- x -->', first: 'restricted-xml', inside: 'restricted-xml' },
  { name: 'a comment that never ends', bytes: `<!-- ${'x'.repeat(1 << 20)}`, first: 'policy-violation', inside: 'policy-violation' },
  { name: 'a processing instruction', bytes: '<?php x ?>', first: 'restricted-xml', inside: 'restricted-xml' },
  { name: 'an XML declaration inside the stream', bytes: `<?xml version='1.0'?>`, inside: 'not-well-formed' },
  { name: 'another encoding', bytes: `<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream>`, first: 'unsupported-encoding' },
  { name: 'an attribute of 1 MiB', bytes: `<message a='${'x'.repeat(1 << 20)}'/>`, first: 'policy-violation', inside: 'policy-violation' },
  {
    name: '50,000 attributes',
    bytes: `<message ${repeated(50_000, (n) => `a${n}='' `)}/>`,
    first: 'policy-violation',
    inside: 'policy-violation',
  },
  { name: '65 attributes', bytes: `<message ${repeated(65, (n) => `a${n}='' `)}/>`, inside: 'policy-violation' },
  { name: '10,000 namespaces', bytes: `<message ${repeated(10_000, (n) => `xmlns:a${n}='urn:x' `)}/>`, inside: 'policy-violation' },
  { name: '100,000 nested elements', bytes: '<a>'.repeat(100_000), first: 'invalid-namespace', inside: 'policy-violation' },
  { name: '33 levels', bytes: '<a>'.repeat(33), inside: 'policy-violation' },
  { name: '100,000 children', bytes: `<message>${'<a/>'.repeat(100_000)}`, inside: 'policy-violation' },
  { name: 'a name of 1 MiB', bytes: `<${'x'.repeat(1 << 20)}/>`, first: 'policy-violation', inside: 'policy-violation' },
  { name: '16 MiB of text', bytes: `<message><body>${'x'.repeat(1 << 24)}`, inside: 'policy-violation' },
  { name: '1 MiB of white space', bytes: ' \n'.repeat(1 << 19), first: 'policy-violation', inside: 'policy-violation' },
  {
    name: '1 MiB of white space inside a tag',
    bytes: `<message ${' '.repeat(1 << 20)}`,
    first: 'policy-violation',
    inside: 'policy-violation',
  },
  { name: '1 MiB of CDATA', bytes: `<message><body><![CDATA[${'x'.repeat(1 << 20)}`, inside: 'policy-violation' },
  {
    name: 'UTF-16',
    bytes: Buffer.from(`<stream:stream xmlns='jabber:server'>`, 'utf16le'),
    first: 'unsupported-encoding',
    inside: 'not-well-formed',
  },
  {
    name: 'UTF-16 with its mark',
    bytes: Buffer.from(`\ufeff<stream:stream xmlns='jabber:server'>`, 'utf16le'),
    first: 'unsupported-encoding',
  },
  { name: 'bytes that are no UTF-8', bytes: around([0xc3, 0x28]), inside: 'unsupported-encoding' },
  { name: 'an overlong slash', bytes: around([0xc0, 0xaf]), inside: 'unsupported-encoding' },
  { name: 'a surrogate in UTF-8', bytes: around([0xed, 0xa0, 0x80]), inside: 'unsupported-encoding' },
  { name: 'a code point past the last', bytes: around([0xf4, 0x90, 0x80, 0x80]), inside: 'unsupported-encoding' },
  { name: 'a reference to a surrogate', bytes: MESSAGE('&#xD83D;&#xDE00;'), inside: 'not-well-formed' },
  { name: 'a reference to NUL', bytes: MESSAGE('&#0;'), inside: 'not-well-formed' },
  { name: 'a reference to U+0001', bytes: MESSAGE('&#1;'), inside: 'not-well-formed' },
  { name: 'a reference past the last code point', bytes: MESSAGE('&#x110000;'), inside: 'not-well-formed' },
  { name: 'a reference of a thousand digits', bytes: MESSAGE(`&#${'9'.repeat(1000)};`), inside: 'not-well-formed' },
  { name: 'U+0001 itself', bytes: MESSAGE('\u0001'), inside: 'not-well-formed' },
  { name: 'NUL itself', bytes: MESSAGE('\0'), inside: 'not-well-formed' },
  { name: 'U+FFFE', bytes: MESSAGE('\ufffe'), inside: 'not-well-formed' },
  { name: 'a prefix nobody declared', bytes: '<x:message/>', inside: 'not-well-formed' },
  { name: 'an attribute prefix nobody declared', bytes: `<message x:a='1'/>`, inside: 'not-well-formed' },
  { name: 'the same attribute twice', bytes: `<message from='a@partner.example' from='b@partner.example'/>`, inside: 'not-well-formed' },
  {
    name: 'the same attribute under two prefixes',
    bytes: `<message xmlns:a='urn:x' xmlns:b='urn:x' a:c='1' b:c='2'/>`,
    inside: 'not-well-formed',
  },
  { name: 'an attribute without quotes', bytes: '<message to=nora@corp.example/>', inside: 'not-well-formed' },
  { name: 'a tag in an attribute', bytes: `<message a='<x/>'/>`, inside: 'not-well-formed' },
  { name: 'the end of CDATA in text', bytes: MESSAGE(']]>'), inside: 'not-well-formed' },
  { name: 'tags that cross', bytes: '<message><body></message></body>', inside: 'not-well-formed' },
  { name: 'more ends than beginnings', bytes: '</message>', inside: 'not-well-formed' },
  { name: 'xmlns taken for another prefix', bytes: `<message xmlns:xmlns='urn:x'/>`, inside: 'not-well-formed' },
  { name: 'xml bound to something else', bytes: `<message xmlns:xml='urn:x'/>`, inside: 'not-well-formed' },
  { name: 'words between stanzas', bytes: 'hello<message/>', inside: 'bad-format' },
  { name: '1 MiB of words between stanzas', bytes: 'x'.repeat(1 << 20), inside: 'bad-format or policy-violation' },
];
