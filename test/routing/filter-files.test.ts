import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FILE_EXTENSIONS, LINK_PREFIXES, LINK_SCHEMES } from '../../src/config/sections/filters.ts';
import type { FileFilter, UrlFilter } from '../../src/model/filters.ts';
import { findFile } from '../../src/routing/filter-files.ts';
import { findLinks } from '../../src/routing/filter-links.ts';
import { filterText } from '../../src/routing/filter-text.ts';

const where = { file: 'routes/filters.yaml', key: '/files/action' };
const urls: UrlFilter = {
  action: 'warn',
  direction: 'both',
  prefixes: [...LINK_SCHEMES.map((scheme) => `${scheme}:`), ...LINK_PREFIXES],
  trusted: [],
  ignoreLocal: false,
  warnMessage: '',
  allowMessage: '',
  where,
};
const filter: FileFilter = {
  action: 'block',
  direction: 'both',
  extensions: new Set(FILE_EXTENSIONS),
  names: ['links', 'texts'],
  warnMessage: '',
  where,
};

function found(original: string, rules: FileFilter = filter): string | undefined {
  const text = filterText(original);
  return findFile(
    text,
    findLinks(text, urls, () => false),
    rules,
  );
}

describe('names of files', () => {
  const rows: [text: string, extension: string | undefined][] = [
    ['open setup.exe please', 'exe'],
    ['SETUP.EXE', 'exe'],
    ['it is "report.pdf.lnk"', 'lnk'],
    ['a\u202efdp.scr', 'scr'],
    ['run.e\u200bxe', 'exe'],
    ['ｒｕｎ．ｅｘｅ', 'exe'],
    ['run.exe.', 'exe'],
    ['run.bat, then', 'bat'],
    ['C:\\tools\\x.com', 'com'],
    ['see ./install.sh', 'sh'],
    ['https://partner.example/x.exe', 'exe'],
    ['https://partner.example/x.com?y=1', 'com'],
    ['https://partner.example/get?file=x.js&z', 'js'],
    ['https://partner.example/x%2eexe', 'exe'],
    ['https://partner.example/get?to=%2Ffiles%2Fx%252eexe', 'exe'],
    ['https://partner.example/x.hta/', 'hta'],
    ['file:///c:/x.cmd', 'cmd'],
    ['https://partner.com', undefined],
    ['https://partner.com/report.pdf', undefined],
    ['partner.com, Node.js and install.sh', undefined],
    ['an .exe is a program', undefined],
    ['version 1.2.3 ...exe', undefined],
    ['report.pdf report.docx', undefined],
    ['nora@corp.com', undefined],
    ['', undefined],
  ];
  for (const [text, extension] of rows) test(`${JSON.stringify(text)}: ${extension}`, () => assert.equal(found(text), extension));

  test('only where the operator wants it looked for', () => {
    assert.equal(found('setup.exe', { ...filter, names: ['links'] }), undefined);
    assert.equal(found('https://x.example/setup.exe', { ...filter, names: ['texts'] }), undefined);
    assert.equal(found('setup.doc', { ...filter, extensions: new Set(['doc']) }), 'doc');
  });

  test('the worst texts are read in linear time', () => {
    for (const unit of ['.exe', 'x.sh,', 'x.sh ', '/x.sh', 'https://a/.', '%25', 'https://a/%2', '. ', 'a.com']) {
      const text = filterText(unit.repeat(Math.floor(65_536 / unit.length)));
      const links = findLinks(text, urls, () => false);
      const began = process.cpuUsage();
      findFile(text, links, { ...filter, extensions: new Set(['sh', 'com', 'nothing']) });
      assert.ok(process.cpuUsage(began).user < 1_000_000, unit);
    }
  });
});
