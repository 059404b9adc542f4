// What filters read: any text, in linear time, and nothing of it is lost by making links dead.

import assert from 'node:assert/strict';
import { FILE_EXTENSIONS, LINK_PREFIXES, LINK_SCHEMES } from '../../src/config/sections/filters.ts';
import type { Filters } from '../../src/model/filters.ts';
import { judge } from '../../src/routing/filter-rules.ts';
import type { Target } from './engine.ts';

const where = { file: 'routes/filters.yaml', key: '' };
const rules: Filters = {
  urls: {
    action: 'allow',
    direction: 'both',
    prefixes: [...LINK_SCHEMES.map((scheme) => `${scheme}:`), ...LINK_PREFIXES],
    trusted: ['wiki.example'],
    ignoreLocal: true,
    warnMessage: '',
    allowMessage: '',
    where,
  },
  files: {
    action: 'warn',
    direction: 'both',
    extensions: new Set(FILE_EXTENSIONS),
    names: ['links', 'texts'],
    warnMessage: 'a program',
    where,
  },
  conversationPauseMs: 1,
};

export const FILTERED: Target = {
  name: 'filters: links and names of files in any text',
  seeds: [
    'see https://wiki.example/page and http://evil.example/x.exe?y=%2e',
    'h\u200bttps://b\u00fccher.example \uff48\uff54\uff54\uff50://x www.x.example mailto:li@evil.example',
    'C:\\tools\\setup.exe, https://a.example?u=https://b.example/c%252eexe',
  ].map((text) => Buffer.from(text)),
  words: [
    ...['http:', 'https://', 'www.', 'ftp.', 'href=', 'mailto:', 'wiki.example', '.exe', '.com', '%2e', '%68', '%25', '@', '//', '\\'],
    ...['\u200b', '\u00ad', '\ufdfa', '\u3002', '\uff48', ' ', '\n', '"', ':80', '?', '#', ',', '_'],
  ],
  run(input) {
    const body = input.toString('utf8');
    const judged = judge({ body }, rules, () => false);
    if ('refused' in judged) return;
    assert.equal(judged.words.body.replaceAll('_', ''), body.replaceAll('_', ''), 'something of the text is lost');
    const again = judge({ body }, { ...rules, urls: { ...rules.urls, action: 'block' } }, () => false);
    assert.equal('refused' in again, judged.words.body !== body, 'a link that is made dead is one that is blocked');
  },
};
