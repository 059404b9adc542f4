// The archive from the command line: who looks says why, what of whom is archived and by which line, what a purge would take, and
// holds that keep it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { im } from '../../outbox/events.ts';
import { PeopleHome } from '../user/people-home.ts';

const [NORA, OMAR, BOB] = ['nora@people.example', 'omar@people.example', 'bob@partner.example'];
const DAY = 86_400_000;
const WHY = { why: 'case 4711' };
const FILE = [
  'everyone: { external: true }',
  'groups:',
  '  traders: { internal: true }',
  'users:',
  '  omar@old.example: { external: false }',
  'retention: 30d',
  '',
].join('\n');

async function home(text = FILE): Promise<PeopleHome> {
  const one = new PeopleHome({ 'records/archive.yaml': text, 'routes/policy.yaml': `groups:\n  traders: [${NORA}]\n` });
  await one.run('user add', { address: 'li@people.example', name: 'Li' }); // makes the database
  const { archive } = one.operations.records();
  const now = one.operations.clock.now();
  for (const [id, age, from, to, body] of [
    ['a', 40, NORA, OMAR, 'the old\x1b[31m one'],
    ['b', 2, NORA, OMAR, 'the delivery is late'],
    ['c', 1, BOB, NORA, 'hello\nNora'],
  ] as const) {
    const scope = from === BOB ? 'external' : 'internal';
    await archive.append({ id, at: now - age * DAY, scope, from, to, event: im(id, { body }) });
  }
  return one;
}
const bodies = (json: unknown): string[] => (json as { lines: { body: string }[] }).lines.map(({ body }) => body); // of archive list

test('lines are shown by person, peer, domain, scope, time and words, the newest of them, oldest first', async () => {
  using one = await home();
  const list = async (given: object): Promise<string[]> => bodies((await one.run('archive list', { ...given }, WHY)).json);
  assert.deepEqual(await list({ user: 'Nora@old.example', with: BOB }), ['hello\nNora']);
  assert.deepEqual(await list({ since: '7d' }), ['the delivery is late', 'hello\nNora']);
  assert.deepEqual(await list({ domain: 'partner.example' }), ['hello\nNora']);
  assert.deepEqual(await list({ scope: 'internal', limit: '1' }), ['the delivery is late']);
  const found = await one.run('archive search', { words: ['DELIVERY', 'late'] }, WHY);
  assert.deepEqual(bodies(found.json), ['the delivery is late']);
  const { text } = await one.run('archive list', {}, WHY);
  assert.match(text, /bob@partner\.example => nora@people\.example: hello\n {4}Nora/);
  assert.doesNotMatch(text, /\x1b/);
});

test('what does not fit a page is on the next, also where messages are of the same moment', async () => {
  using one = await home();
  const { archive } = one.operations.records();
  const at = one.operations.clock.now();
  for (const id of ['d', 'e'])
    await archive.append({ id, at, scope: 'internal', from: NORA, to: OMAR, event: im(id, { body: `late ${id}` }) });
  const pages = async (words: string, given: object): Promise<string[]> => {
    const seen: string[] = [];
    for (let before: string | undefined, more = true; more; ) {
      const { json } = await one.run(words, { ...given, limit: '1', ...(before !== undefined && { before }) }, WHY);
      const page = json as { more: boolean; next?: number }; // what archive list answers
      seen.push(...bodies(json));
      more = page.more;
      before = page.next === undefined ? undefined : String(page.next);
    }
    return seen;
  };
  assert.deepEqual(await pages('archive list', { user: NORA, since: '7d' }), ['late e', 'late d', 'hello\nNora', 'the delivery is late']);
  assert.deepEqual(await pages('archive search', { words: 'late' }), ['late e', 'late d', 'the delivery is late']);
});

test('who looks without saying why is refused, and each look stands in the audit log with its reason', async () => {
  using one = await home();
  assert.equal((await one.run('archive list')).exit, 2);
  assert.equal((await one.run('archive search', { words: 'x' }, { why: ' ' })).exit, 2);
  await one.run('archive search', { words: 'delivery', user: NORA }, WHY);
  const [entry] = await one.operations.audit().list({ limit: 1 });
  assert.deepEqual([entry?.act, entry?.exit, /delivery/.test(entry?.input ?? '')], ['archive search', 0, true]);
});

test('status names the line that decides, also for one person, and who is held', async () => {
  using one = await home();
  const { text, exit } = await one.run('archive status');
  assert.equal(exit, 0);
  assert.match(text, /^omar@people\.example +- +no +records\/archive\.yaml:5$/m);
  assert.match(text, /^group traders +yes +- +records\/archive\.yaml:3$/m);
  assert.match(text, /^lines +3 .*from 20.* to 20/m);
  assert.match(text, /^kept +for 30 d; purged every day at 2:00$/m);
  const of = async (address: string): Promise<string> => (await one.run('archive status', { address })).text;
  assert.equal(await of(NORA), `${NORA}: internal and external (records/archive.yaml:3, records/archive.yaml:1)`);
  assert.equal(await of(OMAR), `${OMAR}: not archived (records/archive.yaml:5)`);
  await one.run('hold add', { matter: '4711', who: OMAR }, WHY);
  assert.equal(await of('omar@old.example'), `${OMAR}: not archived (records/archive.yaml:5); held, so all of it: 4711`);
  await one.run('user add', { address: NORA, name: 'Nora' });
  assert.match((await one.run('user show', { address: NORA })).text, /^ +archived +internal and external/m);
  assert.match((await one.run('explain', { idOrFrom: NORA, to: BOB })).text, /^Archived\n {2}nora@people\.example: internal and external/m);
  using bare = new PeopleHome();
  await bare.run('user add', { address: NORA, name: 'Nora' });
  assert.match((await bare.run('archive status')).text, /^Nothing is archived/);
});

test('a purge takes what is older than the retention, but what is held; without a word it only counts', async () => {
  using one = await home();
  const purge = async (given: object): Promise<[exit: number, text: string]> => {
    const { exit, text } = await one.run('archive purge', { ...given });
    return [exit, text.replace(/ before .* UTC/, '')];
  };
  assert.equal((await purge({}))[0], 2);
  await one.run('hold add', { matter: '4711', who: [NORA] }, WHY);
  assert.deepEqual(await purge({ dryRun: true }), [0, '0 lines would go; 1 kept by holds.']);
  await one.run('hold release', { matter: '4711' }, WHY);
  assert.deepEqual(await purge({ dryRun: true }), [0, '1 line would go; 0 kept by holds.']);
  assert.deepEqual(await purge({ yes: true }), [0, '1 line gone; 0 kept by holds.']);
  assert.equal((await one.run('archive list', {}, WHY)).text.includes('old'), false);
  assert.match((await one.run('archive status')).text, /^last purge .*1 line removed, 0 kept by holds$/m);
  using forever = await home('retention: forever\n');
  const refused = await forever.run('archive purge', { yes: true });
  assert.deepEqual([refused.exit, /forever/.test(refused.text)], [2, true]);
  forever.write('routes/policy.yaml', 'federation: maybe\n');
  const unread = await forever.run('archive purge', { yes: true });
  assert.deepEqual([unread.exit, /have faults; isthmus check/.test(unread.text)], [2, true], unread.text);
});

test('a hold names users and domains of ours by their own names, once for each matter, with a reason', async () => {
  using one = await home();
  const add = (given: object, more: object = WHY) => one.run('hold add', { ...given }, more);
  assert.equal((await add({ matter: '4711', who: NORA }, {})).exit, 2);
  assert.match((await add({ matter: '4711', who: ['partner.example'] })).text, /no domain of ours/);
  assert.match((await add({ matter: '4711', who: NORA, since: '1d', until: '2d' })).text, /after/);
  assert.equal((await add({ matter: '4711', who: ['nora@old.example', 'old.example', NORA], since: '2026-01-01' })).exit, 0);
  assert.equal((await add({ matter: '4711', who: OMAR })).status, 409);
  assert.match(
    (await add({ matter: '4713', who: ['nroa@people.example', BOB] })).text,
    /note: there is no user nroa@people\.example; if that was a slip/,
  );
  assert.match((await one.run('hold list')).text, /4711 +in force +nora@people\.example, people\.example +from 2026-01-01 00:00 UTC/);
  assert.equal((await one.run('hold release', { matter: '4712' }, WHY)).status, 404);
  assert.equal((await one.run('hold release', { matter: '4711' }, WHY)).exit, 0);
  assert.match((await one.run('hold list')).text, /4711 +released/);
});

test('who is removed while a hold is in force is told to stay in what is kept', async () => {
  using one = await home();
  await one.run('user add', { address: NORA, name: 'Nora' });
  await one.run('hold add', { matter: '4711', who: 'people.example' }, WHY);
  const { text, json } = await one.run('user remove', { address: NORA, yes: true });
  assert.match(text, /stays until it is released: 4711/);
  assert.deepEqual(json, { address: NORA, removed: true, held: ['4711'] });
});

test('where a second person is asked, reading waits for one', async () => {
  using one = await home(`${FILE}secondPerson: true\n`);
  const { exit, text } = await one.run('archive list', {}, WHY);
  assert.deepEqual([exit, /second person/.test(text), /delivery/.test(text)], [1, true, false]);
});
