// Histories as those see them who may look: by time, by words, as files with hashes; and every look in the audit log.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { VERBS } from '../../../src/ops/verb-table.ts';
import { im } from '../../outbox/events.ts';
import { PeopleHome } from './people-home.ts';

const NORA = 'nora@people.example';
const NOON = Date.parse('2026-11-20T12:00:00Z');
const DAY = 86_400_000;

async function homeWithWords(): Promise<PeopleHome> {
  const home = new PeopleHome();
  home.why = 'case 4711';
  await home.run('user add', { address: NORA, name: 'Nora' });
  const { histories } = home.operations.records();
  const say = (id: string, at: number, peer: string, direction: 'in' | 'out', body: string): Promise<void> =>
    histories.append({ owner: NORA, peer, direction, at, border: peer.endsWith('partner.example'), said: { event: im(id, { body }) } });
  await say('m1', NOON, 'omar@people.example', 'out', 'the delivery is late');
  await say('m2', NOON + 1000, 'omar@people.example', 'in', 'Which DELIVERY?\nThe one <of> yesterday & today');
  await say('m3', NOON + DAY, 'bob@partner.example', 'in', 'Grüße \u001b[31m from a partner');
  await say('m4', NOON + 2 * DAY, 'omar@people.example', 'out', 'done');
  await histories.append({
    ...{ owner: NORA, peer: 'omar@people.example', direction: 'in', at: NOON + 2 * DAY + 1, border: false },
    said: { event: { ...im('r1'), kind: 'im.receipt', about: 'm4', status: 'displayed' } },
  });
  return home;
}

test('a history is shown by time, by peer and by words, and who looked stands in the audit log', async () => {
  using home = await homeWithWords();
  const all = await home.run('user history', { address: NORA }, { why: 'case 4711' });
  assert.match(all.text, /2026-11-20 12:00:00 {2}-> {2}omar@people\.example: the delivery is late\n/);
  assert.match(all.text, /<- {2}omar@people\.example: Which DELIVERY\?\n {4}The one/);
  assert.match(all.text, /<-\* bob@partner\.example: Grüße {2}\[31m from a partner/);
  assert.match(all.text, /4 messages of nora@people\.example$/);
  const bodies = async (given: object): Promise<unknown[]> => {
    const { json } = await home.run('user history', { address: NORA, ...given });
    return (json as { messages: { id: string }[] }).messages.map(({ id }) => id);
  };
  assert.deepEqual(await bodies({ with: 'bob@partner.example' }), ['m3']);
  assert.deepEqual(await bodies({ since: '2026-11-21', until: '2026-11-22' }), ['m3']);
  assert.deepEqual(await bodies({ find: 'delivery' }), ['m1', 'm2']);
  assert.deepEqual(await bodies({ find: 'yesterday delivery' }), ['m2']);
  assert.deepEqual(await bodies({ limit: '2' }), ['m3', 'm4']);
  assert.match((await home.run('user history', { address: NORA, limit: '2' })).text, /there are older ones/);
  assert.match((await home.run('user history', { address: NORA, find: 'nothing like it' })).text, /Nothing of nora/);
  const [line] = await home.operations.audit().list({ from: 2, limit: 1 });
  assert.deepEqual([line?.act, line?.input], ['user history', JSON.stringify({ address: NORA })]);
});

test('a long history is read page by page to its beginning, all of it or what holds some words', async () => {
  using home = await homeWithWords();
  const pages = async (given: object): Promise<unknown[]> => {
    const seen: unknown[] = [];
    for (let next: string | undefined, more = true; more; ) {
      const { json, exit } = await home.run('user history', {
        address: NORA,
        limit: '1',
        ...given,
        ...(next !== undefined && { before: next }),
      });
      assert.equal(exit, 0);
      const page = json as { messages: { id: string }[]; more: boolean; next?: string }; // what user history answers
      seen.push(...page.messages.map(({ id }) => id));
      ({ more, next } = { next: undefined, ...page });
    }
    return seen;
  };
  assert.deepEqual(await pages({}), ['m4', 'm3', 'm2', 'm1']);
  assert.deepEqual(await pages({ find: 'delivery' }), ['m2', 'm1']);
  assert.deepEqual(await pages({ with: 'omar@people.example', limit: '2' }), ['m2', 'm4', 'm1']);
  const { text } = await home.run('user history', { address: NORA, limit: '2' });
  assert.match(text, /there are older ones: --before m3, or a larger --limit$/);
  const gone = await home.run('user history', { address: NORA, before: 'm0' });
  assert.deepEqual([gone.exit, gone.status], [2, 404]);
});

test('the history of somebody who is no user any more can be read; who never was is not found', async () => {
  using home = await homeWithWords();
  await home.run('user remove', { address: NORA, yes: true });
  assert.match((await home.run('user history', { address: NORA })).text, /4 messages/);
  for (const words of ['user history', 'user export'])
    assert.match((await home.run(words, { address: NORA, out: join(home.dir, 'none') }, { why: ' ' })).text, /says why: add --why/);
  const { exit, status } = await home.run('user history', { address: 'zed@people.example' });
  assert.deepEqual([exit, status], [2, 404]);
});

interface Manifest {
  readonly user: string;
  readonly files: readonly { readonly path: string; readonly sha256: string; readonly lines?: number; readonly bytes: number }[];
}

for (const [format, paths, lines] of [
  ['html', ['bob@partner.example.html', 'omar@people.example.html'], 4],
  ['eml', ['bob@partner.example_2026-11-21.eml', 'omar@people.example_2026-11-20.eml', 'omar@people.example_2026-11-22.eml'], 4],
  ['json', ['bob@partner.example.json', 'omar@people.example.json'], 5],
] as const)
  test(`an export as ${format} holds every line once, and the manifest the hash of every file`, async () => {
    using home = await homeWithWords();
    const out = join(home.dir, 'out');
    const { exit, text } = await home.run('user export', { address: NORA, format, out });
    assert.equal(exit, 0, text);
    const raw = readFileSync(join(out, 'manifest.json'));
    const manifest: Manifest = JSON.parse(raw.toString());
    assert.deepEqual(readdirSync(out).sort(), [...paths, 'manifest.json', 'manifest.json.sha256', 'person.json'].sort());
    assert.deepEqual(
      manifest.files.map(({ path }) => path),
      [...paths, 'person.json'],
    );
    for (const { path, sha256, bytes } of manifest.files) {
      const file = readFileSync(join(out, path));
      assert.deepEqual([createHash('sha256').update(file).digest('hex'), file.length], [sha256, bytes]);
      assert.equal(statSync(join(out, path)).mode & 0o777, 0o600);
    }
    assert.equal(
      manifest.files.reduce((all, file) => all + (file.lines ?? 0), 0),
      lines,
    );
    const own = createHash('sha256').update(raw).digest('hex');
    assert.ok(text.endsWith(own));
    const [line] = (await home.operations.audit().list({ limit: 1 })) ?? [];
    assert.match(line?.changes ?? '', new RegExp(`manifest ${own}$`));
  });

test('what people wrote cannot act in an exported page, and mails are whole', async () => {
  using home = await homeWithWords();
  await home.run('user export', { address: NORA, out: join(home.dir, 'html') });
  const page = readFileSync(join(home.dir, 'html', 'omar@people.example.html'), 'utf8');
  assert.ok(page.includes('The one &lt;of&gt; yesterday &amp; today') && page.includes("default-src 'none'"));
  await home.run('user export', { address: NORA, format: 'eml', out: join(home.dir, 'eml') });
  const mail = readFileSync(join(home.dir, 'eml', 'bob@partner.example_2026-11-21.eml'), 'latin1');
  assert.match(mail, /^From: <bob@partner\.example>\r\nTo: <nora@people\.example>\r\nDate: Sat, 21 Nov 2026 12:00:00 \+0000\r\n/);
  assert.match(mail, /\r\n\r\n\[12:00:00\] bob@partner\.example: Gr=C3=BC=C3=9Fe =1B\[31m from a partner\r\n$/);
  assert.ok(
    mail
      .split('\r\n\r\n')[1]!
      .split('\r\n')
      .every((line) => line.length <= 76),
  );
});

test('an export goes into no folder that holds something, and over the API into none at all', async () => {
  using home = await homeWithWords();
  home.write('full/already.txt', 'here');
  const given = { address: NORA, out: join(home.dir, 'full') };
  const { exit, text } = await home.run('user export', given);
  assert.equal(exit, 2);
  assert.match(text, /is not empty/);
  const over = await home.run(
    'user export',
    { ...given, out: join(home.dir, 'new') },
    { actor: { name: 'token', role: 'compliance', via: 'api' } },
  );
  assert.deepEqual([over.exit, over.status], [2, 422]);
  assert.match(over.text, /run it on the machine/);
});

test('histories are for compliance', async () => {
  for (const words of ['user history', 'user export']) {
    const verb = await VERBS.find((row) => row.words === words)?.load();
    assert.deepEqual([verb?.role, verb?.audited, verb?.where], ['compliance', true, 'here']);
  }
});
