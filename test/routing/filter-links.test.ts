import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { LINK_PREFIXES, LINK_SCHEMES } from '../../src/config/sections/filters.ts';
import type { UrlFilter } from '../../src/model/filters.ts';
import { findLinks, MOST_LINKS } from '../../src/routing/filter-links.ts';
import { filterText } from '../../src/routing/filter-text.ts';
import { anyText } from '../support/any-text.ts';

const filter: UrlFilter = {
  action: 'warn',
  direction: 'both',
  prefixes: [...LINK_SCHEMES.map((scheme) => `${scheme}:`), ...LINK_PREFIXES],
  trusted: ['wiki.example', 'xn--bcher-kva.example'],
  ignoreLocal: true,
  warnMessage: '',
  allowMessage: '',
  where: { file: 'routes/filters.yaml', key: '/urls/action' },
};
const ours = (domain: string): boolean => domain === 'corp.example' || domain.endsWith('.corp.example');

/** What begins at each strange link, as the sender wrote it. */
function strange(original: string, rules: UrlFilter = filter): string[] {
  const text = filterText(original);
  return findLinks(text, rules, ours)
    .filter((link) => !link.trusted)
    .map((link) => original.slice(text.at(link.start), text.at(link.end)));
}

describe('what is a link', () => {
  const rows: [text: string, links: string[]][] = [
    ['see http://evil.example/x now', ['http://evil.example/x']],
    ['HTTP://EVIL.example', ['HTTP://EVIL.example']],
    ['<https://evil.example>', ['https://evil.example']],
    ['(www.evil.example)', ['www.evil.example)']],
    ['www2.evil.example', ['www2.evil.example']],
    ['ftp.evil.example and ftp:evil', ['ftp.evil.example', 'ftp:evil']],
    ['mailto:li@evil.example', ['mailto:li@evil.example']],
    ['tel:4930123 callto:li http:8080', ['tel:4930123', 'callto:li', 'http:8080']],
    ['file:///c:/x', ['file:///c:/x']],
    ['href="x"', ['href=']],
    ['xhttp://evil.example', ['http://evil.example']],
    ['line one\nhttps://evil.example\nline three', ['https://evil.example']],
    // Hidden from a plain search, read by clients or by those who copy it.
    ['ht\u200btp://evil.example', ['ht\u200btp://evil.example']],
    ['h\u00adttps://evil.example', ['h\u00adttps://evil.example']],
    ['\u202ehttps://evil.example', ['https://evil.example']],
    ['ｈｔｔｐ：／／evil.example', ['ｈｔｔｐ：／／evil.example']],
    ['www。evil。example', ['www。evil。example']],
    ['%68ttp://evil.example', ['%68ttp://evil.example']],
    ['𝐡𝐭𝐭𝐩://evil.example', ['𝐡𝐭𝐭𝐩://evil.example']],
    // Two in one.
    ['https://evil.example?u=https://other.example', ['https://evil.example?u=https://other.example', 'https://other.example']],
    // No link.
    ['Good news: we won. Tel: see below.', []],
    ['the www is old, and www. alone is nothing', []],
    ['a shttp:x in a word', []],
    ['100% http', []],
    ['', []],
  ];
  for (const [text, links] of rows) {
    test(`${JSON.stringify(text)}: ${links.length}`, () => {
      assert.deepEqual(strange(text), links);
    });
  }
});

describe('whose link it is', () => {
  const trusted = [
    'https://wiki.example',
    'https://wiki.example/page?x=1#y',
    'http://WIKI.example:8080/',
    'https://deep.wiki.example.',
    'see https://wiki.example, please',
    'https://bücher.example/x',
    'www.corp.example',
    'https://intranet/page',
    'mailto:nora@corp.example',
    'mailto:nora@corp.example?subject=x',
    'sip:nora@pool.corp.example',
  ];
  for (const text of trusted) test(`${text} passes`, () => assert.deepEqual(strange(text), []));
  const doubtful = [
    'https://wiki.example.evil.example',
    'https://evilwiki.example',
    'https://wiki.example@evil.example',
    'https://wiki.example:80@evil.example',
    'https://wiki.example\\@evil.example',
    'https:\\\\wiki.example',
    'https:wiki.example',
    'https:///wiki.example',
    'https://wiki.exam\u200bple',
    'https://wiki%2eexample',
    'https://wiki.example%2eevil.example',
    'https://wiki.example,evil.example/',
    'https://[::1]/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://127.0.0.1/',
    'mailto:nora@corp.example,li@evil.example',
    'mailto:nora@corp.example@evil.example',
    'javascript://wiki.example/ https://evil.example',
  ];
  for (const text of doubtful) test(`${text} does not`, () => assert.equal(strange(text).length, 1));

  test('nothing is local unless ignoreLocal says so', () => {
    assert.equal(strange('https://intranet/ www.corp.example', { ...filter, ignoreLocal: false }).length, 2);
  });
});

describe('any text', () => {
  const splinter = fc.oneof(
    anyText(12),
    fc.constantFrom(
      'http:',
      'https://',
      'www.',
      'ftp.',
      'href=',
      '%68',
      '%',
      '//',
      '\u200b',
      '@',
      'wiki.example',
      '。',
      'ﷺ',
      ' ',
      '"',
      '\ud83d',
    ),
  );
  const texts = fc.array(splinter, { maxLength: 40 }).map((parts) => parts.join(''));

  test('links lie in the text, in order, and an ASCII link in clear is always found', () => {
    fc.assert(
      fc.property(texts, texts, (before, after) => {
        const original = `${before} https://evil.example/ ${after}`;
        const text = filterText(original);
        const links = findLinks(text, filter, ours);
        let last = -1;
        for (const { start, end } of links) {
          assert.ok(start > last && end > start && end <= text.plain.length);
          assert.ok(text.at(start) >= 0 && text.at(start) < original.length && text.at(end) <= original.length);
          last = start;
        }
        assert.ok(links.some((link) => !link.trusted && original.startsWith('https://evil.example/', text.at(link.start))));
      }),
      { numRuns: 300 },
    );
  });

  test('hiding characters, other widths and cases find the same links', () => {
    const hidden = fc.array(fc.constantFrom('\u200b', '\u00ad', '\u2060', '\ufeff', '\u200d', '\ufe0f'), { minLength: 0, maxLength: 2 });
    fc.assert(
      fc.property(
        fc.array(hidden, { minLength: 20, maxLength: 20 }),
        fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
        (gaps, upper) => {
          const link = 'http://evil.example/'
            .split('')
            .map((char, index) => (upper[index] ? char.toUpperCase() : char) + gaps[index]!.join(''));
          assert.equal(strange(`x ${link.join('')} y`).length, 1);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('the worst texts are read in linear time, and never more than the bound', () => {
    const worst = [
      'http:',
      'https://',
      'https://a@',
      'www.',
      '%68',
      'ﷺ',
      '.',
      'https://....',
      'x.exe,',
      '\u200b',
      'https://a,',
      'href ',
      'https://a/%25',
    ];
    for (const unit of worst) {
      const text = filterText(unit.repeat(Math.floor(65_536 / unit.length)));
      const began = process.cpuUsage();
      const links = findLinks(text, filter, ours);
      const { user } = process.cpuUsage(began);
      assert.ok(links.length <= MOST_LINKS + 1, unit);
      assert.ok(user < 2_000_000, `${unit}: ${user} µs`); // linear ones take some 10 ms; a quadratic one minutes
    }
  });
});
