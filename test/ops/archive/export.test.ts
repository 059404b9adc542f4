// What is taken out of the archive: every line once, with a manifest under which no byte can change unseen.

import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Operations } from '../../../src/ops/operations.ts';
import type { Report } from '../../../src/ops/verb.ts';
import { im } from '../../outbox/events.ts';
import { PeopleHome } from '../user/people-home.ts';

const [NORA, OMAR, LI, BOB] = ['nora@people.example', 'omar@people.example', 'li@people.example', 'bob@partner.example'];
const NOON = Date.parse('2026-11-20T12:00:00Z');
const MINUTE = 60_000;
const FIRST = '2026-11-20/nora@people.example__omar@people.example_120000.eml';
const WHY = { why: 'case 4711' };

const LINES: readonly (readonly [minute: number, from: string, to: string, body: string])[] = [
  [0, NORA, OMAR, 'the delivery is late'],
  [1, BOB, NORA, 'hello <b>Nora</b>'],
  [2, OMAR, NORA, 'Which one?\nThe one of yesterday'],
  [40, NORA, OMAR, 'another conversation'],
  [41, LI, OMAR, 'not of Nora'],
  [13 * 60, OMAR, NORA, 'the day after'],
];

async function homeWithArchive(): Promise<PeopleHome> {
  const home = new PeopleHome();
  await home.run('user add', { address: NORA, name: 'Nora' });
  const { archive } = home.operations.records();
  for (const [index, [minute, from, to, body]] of LINES.entries()) {
    const scope = `${from}${to}`.includes('partner') ? 'external' : 'internal';
    const at = NOON + minute * MINUTE;
    await archive.append({ id: `m${index}`, at, scope, from, to, event: im(`m${index}`, { body, at }) });
  }
  return home;
}

interface Manifest {
  readonly by: string;
  readonly why: string;
  readonly approval: unknown;
  readonly filter: Readonly<Record<string, unknown>>;
  readonly counts: { readonly files: number; readonly lines: number };
  readonly firstLine: { readonly id: string; readonly at: string } | null;
  readonly lastLine: { readonly id: string } | null;
  readonly files: readonly { readonly path: string; readonly lines: number; readonly between: readonly string[] }[];
}
const manifestIn = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));

test('one mail for each conversation of two people, and another after half an hour without a word', async () => {
  using home = await homeWithArchive();
  const out = join(home.dir, 'out');
  const { exit, text } = await home.run('archive export', { user: NORA, out }, WHY);
  assert.equal(exit, 0, text);
  const { files, counts, firstLine, lastLine, by, why, approval, filter } = manifestIn(out);
  assert.deepEqual(files.map(({ path, lines }) => [path, lines]).sort(), [
    ['2026-11-20/bob@partner.example__nora@people.example_120100.eml', 1],
    ['2026-11-20/nora@people.example__omar@people.example_120000.eml', 2],
    ['2026-11-20/nora@people.example__omar@people.example_124000.eml', 1],
    ['2026-11-21/nora@people.example__omar@people.example_010000.eml', 1],
  ]);
  assert.deepEqual([counts.files, counts.lines, firstLine?.id, lastLine?.id], [4, 5, 'm0', 'm5']);
  assert.deepEqual([by, why, approval, filter.user, filter.all], [home.operations.actor.name, 'case 4711', null, NORA, false]);
  const mail = readFileSync(join(out, FIRST), 'utf8');
  assert.match(mail, /^From: <nora@people\.example>\r\nTo: <omar@people\.example>\r\nDate: Fri, 20 Nov 2026 12:00:00 \+0000\r\n/);
  assert.match(mail, /\[12:02:00\] omar@people\.example: Which one\?\r\n {4}The one of yesterday\r\n$/);
  assert.equal(statSync(join(out, FIRST)).mode & 0o777, 0o600);
});

const FILTERS: readonly (readonly [title: string, given: object, lines: number, files: number])[] = [
  ['everything', { all: true }, 6, 3],
  ['a domain', { domain: 'partner.example' }, 1, 1],
  ['an alias of a domain of ours', { user: 'nora@old.example' }, 5, 2],
  ['two people', { user: NORA, with: BOB }, 1, 1],
  ['inside only', { all: true, scope: 'internal' }, 5, 2],
  ['a period', { all: true, since: '2026-11-20T12:02:00Z', until: '2026-11-20T12:41:00Z' }, 3, 2],
  ['nobody', { user: 'zed@people.example' }, 0, 0],
];
for (const [title, given, lines, files] of FILTERS)
  test(`taken out by ${title}`, async () => {
    using home = await homeWithArchive();
    const out = join(home.dir, 'out');
    const { exit, text } = await home.run('archive export', { ...given, format: 'json', out }, WHY);
    assert.equal(exit, 0, text);
    const { counts, files: named } = manifestIn(out);
    assert.deepEqual([counts.lines, counts.files], [lines, files]);
    const read = named.flatMap(({ path }): unknown[] => JSON.parse(readFileSync(join(out, path), 'utf8')));
    assert.equal(read.length, lines);
    assert.equal((await home.run('archive verify', { folder: out })).exit, 0);
  });

test('what was handed out is marked, and only that', async () => {
  using home = await homeWithArchive();
  await home.run('archive export', { user: BOB, out: join(home.dir, 'out') }, WHY);
  const { archive } = home.operations.records();
  const { removed } = await archive.purge(Number.MAX_SAFE_INTEGER, true, 0);
  assert.deepEqual([removed, await archive.count({})], [1, LINES.length - 1]);
});

test('without a reason, into a full folder, over the API or for nobody in particular nothing is taken out', async () => {
  using home = await homeWithArchive();
  const out = join(home.dir, 'out');
  const says = async (report: Promise<Report>, words: RegExp): Promise<void> => {
    const { exit, text } = await report;
    assert.equal(exit, 2);
    assert.match(text, words);
  };
  await says(home.run('archive export', { user: NORA, out }), /add --why/);
  home.write('full/already.txt', 'here');
  await says(home.run('archive export', { user: NORA, out: join(home.dir, 'full') }, WHY), /is not empty/);
  const api: Partial<Operations> = { ...WHY, actor: { name: 'token', role: 'compliance', via: 'api' } };
  await says(home.run('archive export', { user: NORA, out }, api), /run it on the machine/);
  await assert.rejects(home.run('archive export', { out }, WHY), /says whose messages/);
  await assert.rejects(home.run('archive export', { user: NORA, all: true, out }, WHY), /says whose messages/);
});

test('an export that is cut short has no manifest and marks nothing', async () => {
  using home = await homeWithArchive();
  const out = join(home.dir, 'out');
  const { exit } = await home.run('archive export', { all: true, out }, { ...WHY, signal: AbortSignal.abort() });
  assert.equal(exit, 1);
  assert.equal((await home.run('archive verify', { folder: out })).exit, 2);
  const { removed } = await home.operations.records().archive.purge(Number.MAX_SAFE_INTEGER, true, 0);
  assert.equal(removed, 0);
});

test('a folder is whole as it was written; any byte that changed is found', async () => {
  using home = await homeWithArchive();
  const out = join(home.dir, 'out');
  const { json } = await home.run('archive export', { user: NORA, out }, WHY);
  const { manifestSha256 } = json as { manifestSha256: string };
  const whole = await home.run('archive verify', { folder: out, expect: manifestSha256 });
  assert.equal(whole.exit, 0, whole.text);
  assert.match(whole.text, /^Whole: 4 files\.\nSHA-256 of manifest\.json: [0-9a-f]{64}\nMade by .*: line \d+ of the audit log\.$/);
  const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.integer({ min: 1, max: 255 }), async (file, place, flip) => {
      const path = join(file.parentPath, file.name);
      const before = readFileSync(path);
      const changed = Buffer.from(before);
      changed[place % changed.length]! ^= flip;
      writeFileSync(path, changed);
      const { exit } = await home.run('archive verify', { folder: out });
      writeFileSync(path, before);
      return exit === 1;
    }),
    { numRuns: 60 },
  );
});

test('files that are gone, were added, or are named outside the folder are told', async () => {
  using home = await homeWithArchive();
  const out = join(home.dir, 'out');
  await home.run('archive export', { user: NORA, out }, WHY);
  const copy = join(home.dir, 'copy');
  cpSync(out, copy, { recursive: true });
  rmSync(join(copy, manifestIn(out).files[0]!.path));
  writeFileSync(join(copy, 'more.eml'), '');
  const { exit, text } = await home.run('archive verify', { folder: copy });
  assert.equal(exit, 1);
  assert.match(text, /\.eml: is missing\nmore\.eml is not in the manifest/);
  const manifest = readFileSync(join(out, 'manifest.json'), 'utf8').replace('"path":"2026-11-20/bob', '"path":"../2026-11-20/bob');
  writeFileSync(join(out, 'manifest.json'), manifest);
  const outside = await home.run('archive verify', { folder: out });
  assert.match(outside.text, /manifest\.json cannot be read/);
  const other = await home.run('archive verify', { folder: out, expect: '0'.repeat(64) });
  assert.match(other.text, /is not the expected one/);
});
