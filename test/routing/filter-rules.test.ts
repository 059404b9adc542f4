import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { FILE_EXTENSIONS, LINK_PREFIXES, LINK_SCHEMES } from '../../src/config/sections/filters.ts';
import type { Filters } from '../../src/model/filters.ts';
import { filtersFor, judge } from '../../src/routing/filter-rules.ts';
import { anyText } from '../support/any-text.ts';
import { partner } from '../support/table.ts';

const file = 'routes/filters.yaml';
const OFF: Filters = {
  urls: {
    action: 'off',
    direction: 'both',
    prefixes: [...LINK_SCHEMES.map((scheme) => `${scheme}:`), ...LINK_PREFIXES],
    trusted: ['wiki.example'],
    ignoreLocal: true,
    warnMessage: 'Look twice.',
    allowMessage: '',
    where: { file, key: '/urls/action' },
  },
  files: {
    action: 'off',
    direction: 'both',
    extensions: new Set(FILE_EXTENSIONS),
    names: ['links', 'texts'],
    warnMessage: 'A program.',
    where: { file, key: '/files/action' },
  },
  conversationPauseMs: 1000,
};
const urls = (action: Filters['urls']['action']): Filters => ({ ...OFF, urls: { ...OFF.urls, action } });
const files = (action: Filters['files']['action']): Filters => ({ ...OFF, files: { ...OFF.files, action } });
const nobody = (): boolean => false;

/** The whole text with its lines, or the code and key of the refusal. */
function said(body: string, filters: Filters, subject?: string): string {
  const judged = judge({ body, ...(subject !== undefined && { subject }) }, filters, nobody);
  if ('refused' in judged) return `${judged.refused.code} ${judged.refused.file}${judged.refused.key}`;
  const { words, lines } = judged;
  return [...(words.subject === undefined ? [] : [`<${words.subject}>`]), ...lines, words.body].join('\n');
}

describe('what becomes of a text', () => {
  const rows: [what: string, filters: Filters, body: string, becomes: string][] = [
    ['nothing is on', OFF, 'http://x.example setup.exe', 'http://x.example setup.exe'],
    ['allow makes dead links', urls('allow'), 'a http://x.example b HTTPS://Y.example', 'a _http://x.example b _HTTPS://Y.example'],
    ['allow leaves trusted links', urls('allow'), 'https://wiki.example/ and www.x.example', 'https://wiki.example/ and _www.x.example'],
    ['allow, both of two in one', urls('allow'), 'https://x.example?u=http://y.example', '_https://x.example?u=_http://y.example'],
    ['allow, hidden', urls('allow'), 'h\u200bttp://x.example', '_h\u200bttp://x.example'],
    ['allow without a link', urls('allow'), 'hello', 'hello'],
    ['warn', urls('warn'), 'http://x.example', 'Look twice.\nhttp://x.example'],
    ['warn, trusted only', urls('warn'), 'https://wiki.example', 'https://wiki.example'],
    ['block', urls('block'), 'hello http://x.example', `CONTENT_FILTERED ${file}/urls/action`],
    ['block, trusted only', urls('block'), 'https://wiki.example', 'https://wiki.example'],
    ['files block', files('block'), 'setup.exe', `CONTENT_FILTERED ${file}/files/action`],
    ['files block in a link', files('block'), 'https://x.example/setup.exe', `CONTENT_FILTERED ${file}/files/action`],
    ['files warn', files('warn'), 'setup.exe', 'A program.\nsetup.exe'],
    [
      'length, at the bound',
      { ...OFF, length: { most: 5, direction: 'both', where: { file, key: '/length/most' } } },
      '😀😀😀😀😀',
      '😀😀😀😀😀',
    ],
    [
      'length, above',
      { ...OFF, length: { most: 5, direction: 'both', where: { file, key: '/length/most' } } },
      '123456',
      `CONTENT_FILTERED ${file}/length/most`,
    ],
  ];
  for (const [what, filters, body, becomes] of rows) test(what, () => assert.equal(said(body, filters), becomes));

  test('a subject is read as well', () => {
    assert.equal(said('hello', urls('block'), 'http://x.example'), `CONTENT_FILTERED ${file}/urls/action`);
    assert.equal(said('hello', urls('allow'), 'http://x.example'), '<_http://x.example>\nhello');
  });

  test('more than 1000 links are refused whatever the action, trusted ones too; 1000 are not', () => {
    for (const action of ['allow', 'warn'] as const) {
      assert.equal(said('https://wiki.example '.repeat(1001), urls(action)), `CONTENT_FILTERED ${file}/urls/action`);
      assert.equal(said('https://wiki.example '.repeat(1000), urls(action)), 'https://wiki.example '.repeat(1000));
    }
  });

  test('a refusal never repeats the text of a message', () => {
    for (const filters of [urls('block'), files('block')]) {
      const judged = judge({ body: 'secret http://secret.example/secret.exe' }, filters, nobody);
      assert.ok('refused' in judged && !judged.refused.text.includes('secret'));
    }
  });

  test('making links dead only ever adds underscores, and doing it does not lose any text', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anyText(8), fc.constantFrom('http://', 'www.x', ' ', 'ﷺ', '%68ttp:x'))), (parts) => {
        const body = parts.join('').replaceAll('_', '-');
        const judged = judge({ body }, urls('allow'), nobody);
        assert.ok('words' in judged);
        assert.equal(judged.words.body.replaceAll('_', ''), body);
      }),
      { numRuns: 300 },
    );
  });
});

describe('which rules hold for a partner', () => {
  const all: Filters = {
    ...urls('warn'),
    length: { most: 10, direction: 'toThem', where: { file, key: '/length/most' } },
    disclaimer: { text: 'archived', direction: 'toThem', where: { file, key: '/disclaimer/text' } },
    externalMark: { who: 'everyone', prefix: '[E]', where: { file, key: '/externalMark' } },
    hook: { url: 'https://x.example', timeoutMs: 1, onFailure: 'pass', direction: 'both', atOnce: 1, where: { file, key: '/hook/url' } },
  };
  const names = (rules: Filters): string[] =>
    Object.entries(rules)
      .filter(([, one]) => typeof one === 'object' && (!('action' in one) || one.action !== 'off'))
      .map(([name]) => name);

  test('what looks the other way is off; people of ours are never marked', () => {
    assert.deepEqual(names(filtersFor(all, partner('p.example'), 'toThem')), ['urls', 'length', 'disclaimer', 'hook']);
    assert.deepEqual(names(filtersFor(all, partner('p.example'), 'fromThem')), ['urls', 'externalMark', 'hook']);
  });

  test("a partner's file switches on and off, and is named then", () => {
    const where = { file: 'routes/partners/p.example.yaml', key: '/filters/urls' };
    const own = partner('p.example', {
      filters: { urls: 'block', disclaimer: false, externalMark: false, hook: false, length: 3, trusted: ['p.example'] },
      sources: new Map([
        ['filters.urls', where],
        ['filters.length', { ...where, key: '/filters/length' }],
      ]),
    });
    const rules = filtersFor(all, own, 'toThem');
    assert.deepEqual(names(rules), ['urls', 'length']);
    assert.deepEqual([rules.urls.action, rules.urls.where, rules.urls.trusted], ['block', where, ['wiki.example', 'p.example']]);
    assert.deepEqual([rules.length?.most, rules.length?.where.key], [3, '/filters/length']);
    assert.equal(filtersFor(OFF, partner('q.example', { filters: { urls: 'warn' } }), 'fromThem').urls.action, 'warn');
    assert.equal(filtersFor(all, partner('q.example', { filters: { urls: 'off' } }), 'fromThem').urls.action, 'off');
  });
});
