// What the documents name is there: a stranger who follows them must not fall into a hole.

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { ERRORS } from '../src/errors.ts';
import { EVENTS } from '../src/ops/events.ts';
import { VERBS } from '../src/ops/verb-table.ts';

const sources = globSync('src/**/*.ts');
const documents = globSync('{*.md,docs/**/*.md,deploy/**/*.md,routes/*.md,certs/*.md}');

describe('ARCHITECTURE.md', () => {
  const text = readFileSync('ARCHITECTURE.md', 'utf8');

  test('every file that it names exists', () => {
    const named = [...text.matchAll(/`([\w/.-]+\.ts)`/g)].map(([, path]) => path ?? '');
    assert.ok(named.length > 100);
    const missing = named.filter((path) => !sources.some((source) => source === `src/${path}` || source.endsWith(`/${path}`)));
    assert.deepEqual([...new Set(missing)], []);
  });

  test('every code that it names is in the catalogue', () => {
    const named = [...text.matchAll(/`((?:ROUTE|POLICY|PARTNER|LIMIT|CONTENT|ADDRESS|AUTH|CERT|NET|PEER|XMPP|QUEUE|STORE|US)_[A-Z_]+)`/g)];
    assert.deepEqual(
      named.map(([, code]) => code ?? '').filter((code) => !(code in ERRORS)),
      [],
    );
  });

  test('every log event that it names is in the catalogue', () => {
    const named = [...text.matchAll(/[Ll]ogs? ((?:`[\w.]+`(?:, )?)+)/g)].flatMap(([, list]) => [...(list ?? '').matchAll(/`([\w.]+)`/g)]);
    assert.ok(named.length > 15);
    assert.deepEqual(
      named.map(([, event]) => event ?? '').filter((event) => !(event in EVENTS)),
      [],
    );
  });

  test('every function that it points at stands in the file beside it', () => {
    const pointed = [...text.matchAll(/`([\w/.-]+\.ts)` `(#?\w+)`/g)];
    assert.ok(pointed.length > 8);
    const missing = pointed.filter(([, path, name]) => {
      const files = sources.filter((source) => source === `src/${path}` || source.endsWith(`/${path}`));
      return !files.some((file) => readFileSync(file, 'utf8').includes(`${name}`));
    });
    assert.deepEqual(
      missing.map(([whole]) => whole),
      [],
    );
  });
});

test('README.md names every command, or its noun with three dots', () => {
  const text = readFileSync('README.md', 'utf8');
  const named = (words: string): boolean =>
    text.includes(`\`${words}\``) || text.includes(`\`${words} `) || text.includes(`\`${words.split(' ')[0]} ...\``);
  assert.deepEqual(
    VERBS.map(({ words }) => words).filter((words) => !named(words)),
    [],
  );
});

test('every decision is in the index', () => {
  const index = readFileSync('docs/decisions/README.md', 'utf8');
  const files = globSync('docs/decisions/[0-9]*.md').map((file) => basename(file));
  assert.ok(files.length > 10);
  assert.deepEqual(
    files.filter((file) => !index.includes(`(${file})`)),
    [],
  );
});

test('every link between documents leads to a file', () => {
  assert.ok(documents.length > 10);
  const broken = documents.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)]
      .map(([, to]) => to ?? '')
      .filter((to) => !/^[a-z]+:/.test(to) && !existsSync(join(dirname(file), to)))
      .map((to) => `${file}: ${to}`),
  );
  assert.deepEqual(broken, []);
});
