import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { compareSets, showChange } from '../../src/config/compare.ts';
import { effectiveValues } from '../../src/config/effective.ts';
import type { Filters } from '../../src/model/filters.ts';
import { check, exampleWith } from './example.ts';

const FILE = 'routes/filters.yaml';
const PARTNER = 'routes/partners/partner.example.yaml';
const EXAMPLE = readFileSync(join(import.meta.dirname, '../..', FILE), 'utf8');

function filters(text: string | undefined, partner?: string): Filters | undefined {
  const result = check(exampleWith({ [FILE]: text, ...(partner !== undefined && { [PARTNER]: partner }) }));
  assert.deepEqual(result.faults, []);
  assert.ok(result.ok);
  return result.table.filters;
}

/** `line: found; right` of every finding in the file. */
function findings(text: string, file = FILE): string[] {
  const result = check(exampleWith({ [file]: text }));
  const all = [...result.faults, ...result.notices].filter((one) => one.file === file);
  return all.map(({ line, level, found, right }) => `${line} ${level} ${found}; ${right}`);
}

describe('what is filtered', () => {
  test('nothing without the file, with an empty one, and with the example as it is shipped', () => {
    assert.equal(filters(undefined), undefined);
    assert.equal(filters('# nothing\n'), undefined);
    assert.equal(filters(EXAMPLE), undefined);
    assert.equal(filters('enabled: false\nurls: { action: block }\n'), undefined);
  });

  test('the example with everything switched on', () => {
    const on = EXAMPLE.replaceAll('enabled: false', 'enabled: true').replaceAll(
      /^( *)# (schemes|prefixes|extensions|notice|warning):/gm,
      '$1$2:',
    );
    const all = filters(on);
    assert.ok(all !== undefined);
    assert.deepEqual(
      { ...all, urls: { ...all.urls, where: 0 }, files: { ...all.files, where: 0 } },
      {
        urls: {
          action: 'warn',
          direction: 'fromThem',
          prefixes: ['http:', 'https:', 'ftp:', 'ftp.', 'www*', 'href'],
          trusted: [],
          ignoreLocal: true,
          warnMessage: 'This message from outside has a link. Look twice before you open it.',
          allowMessage: '',
          where: 0,
        },
        files: {
          action: 'block',
          direction: 'both',
          extensions: new Set(['exe', 'bat', 'js', 'lnk']),
          names: ['links', 'texts'],
          warnMessage: 'This message names a file that can start a program.',
          where: 0,
        },
        length: { most: 4000, direction: 'both', where: all.length?.where },
        disclaimer: { text: 'Messages with us are archived.', direction: 'toThem', where: all.disclaimer?.where },
        externalMark: {
          who: 'everyone',
          prefix: '[External]',
          notice: 'You have never written to this person.',
          warning: 'This person does not belong to us.',
          where: all.externalMark?.where,
        },
        hook: {
          url: 'https://filter.corp.example/isthmus',
          timeoutMs: 3000,
          onFailure: 'refuse',
          direction: 'both',
          atOnce: 32,
          where: all.hook?.where,
        },
        conversationPauseMs: 8 * 3_600_000,
      },
    );
    const line = on.split('\n').findIndex((one) => one.includes('action: warn')) + 1;
    assert.deepEqual(all.urls.where, { file: FILE, key: '/urls/action', line });
  });

  test('one part alone', () => {
    const all = filters('urls: { action: block, trusted: Bücher.example, schemes: [HTTPS, "sip:"], prefixes: www* }\n');
    assert.deepEqual(
      [all?.urls.action, all?.urls.trusted, all?.urls.prefixes],
      ['block', ['xn--bcher-kva.example'], ['https:', 'sip:', 'www*']],
    );
    assert.deepEqual([all?.files.action, all?.length, all?.hook], ['off', undefined, undefined]);
    assert.ok(filters('files: {}\n')?.files.extensions.has('exe'));
    assert.deepEqual(filters('files: { extensions: [.EXE, "*.bat"] }\n')?.files.extensions, new Set(['exe', 'bat']));
  });

  test("a partner's file switches on what is off for everyone, with its place", () => {
    const all = filters(undefined, 'filters: { urls: block, hook: false }\n');
    assert.deepEqual([all?.urls.action, all?.urls.prefixes.includes('https:')], ['off', true]);
    const result = check(exampleWith({ [PARTNER]: 'filters: { urls: block, hook: false }\n' }));
    assert.ok(result.ok);
    const partner = result.table.partners.get('partner.example');
    assert.deepEqual(partner?.filters, { urls: 'block', hook: false });
    assert.deepEqual(partner?.sources.get('filters.urls'), { file: PARTNER, key: '/filters/urls', line: 1 });
    const shown = effectiveValues(partner!).filter(({ key }) => key.startsWith('filters.'));
    assert.deepEqual(
      shown.map(({ key, value, where }) => `${key}=${value}:${where.line}`),
      ['filters.urls=block:1', 'filters.hook=false:1'],
    );
  });
});

describe('faults name the line and what would be right', () => {
  const rows: [text: string, finding: string][] = [
    ['urls:\n  action: forbid\n', '2 fault "forbid"; one of allow, warn, block'],
    ['urls:\n  prefixes: ["("]\n', '2 fault "("; the beginning of a name such as ftp. or www*, or a word such as href'],
    ['urls: { trusted: "https://x.example" }\n', '1 fault "https://x.example"; a domain name such as partner.example, without "https://"'],
    ['files: { extensions: [a/b] }\n', '1 fault "a/b"; an extension such as exe: letters and digits, no dot'],
    ['length: {}\n', '1 fault "most" is missing; most: a number'],
    ['disclaimer: { text: "" }\n', '1 fault ""; some text'],
    ['externalMark: { who: everyone }\n', '1 fault a mark that says nothing; one of names, prefix, notice, warning'],
    [`externalMark: { warning: "${'x'.repeat(257)}" }\n`, `1 fault "${'x'.repeat(77)}..."; at most 256 characters; it has 257`],
    ['externalMark: { prefix: "a\\nb" }\n', '1 fault "a b"; one line of text'],
    [
      'hook: { url: "http://filter.corp.example/" }\n',
      '1 fault "http://filter.corp.example/"; an address such as https://filter.corp.example/isthmus; http:// only to this machine, since messages go there',
    ],
    ['hook: { url: "https://x.example", timeout: 40s }\n', '1 fault "40s"; from 100ms to 20s: the sender waits as long'],
    [
      'hook: { url: "https://x.example", token: abc }\n',
      '1 fault a secret written into the file; put the value into a file in secrets/ (mode 0600) and write { secret: NAME-OF-THE-FILE }',
    ],
    [
      'hook: { url: "https://x.example", token: { secret: gone } }\n',
      '1 warning secrets/gone is not there; write the token into secrets/gone (mode 0600), or pass it in $CREDENTIALS_DIRECTORY; until then the hook cannot be asked',
    ],
    ['conversationPause: 1s\n', '1 fault "1s"; from 1m to 30d'],
    [
      'uls: {}\n',
      '1 fault unknown key "uls"; known here: urls, files, length, disclaimer, externalMark, hook, conversationPause, note, enabled',
    ],
  ];
  for (const [text, finding] of rows) test(JSON.stringify(text), () => assert.deepEqual(findings(text), [finding]));

  test('hook to this machine in clear is possible', () => assert.deepEqual(findings('hook: { url: "http://127.0.0.1:8080/x" }\n'), []));

  test('in a partner’s file', () => {
    assert.deepEqual(findings('filters: { hook: true, urls: no }\n', PARTNER), [
      '1 fault true; false',
      '1 fault "no"; one of off, allow, warn, block',
    ]);
  });
});

test('plan shows what changes, key by key, with the line', () => {
  const side = (text: string) => {
    const result = check(exampleWith({ [FILE]: text }));
    assert.ok(result.ok);
    return result;
  };
  const changes = compareSets(side('urls: { action: warn }\n'), side('urls:\n  action: block\nlength: { most: 10 }\n'));
  assert.deepEqual(changes.map(showChange), [
    `~ filters: urls.action: warn (${FILE}:1) -> block (${FILE}:2)`,
    `~ filters: length.most: none -> 10 (${FILE}:3)`,
    `~ filters: length.direction: none -> both (${FILE}:3)`,
  ]);
});
