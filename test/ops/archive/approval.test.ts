// Two persons for one act: who asks, who agrees, and what runs then, once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Operations } from '../../../src/ops/operations.ts';
import type { Report } from '../../../src/ops/verb.ts';
import { im } from '../../outbox/events.ts';
import { PeopleHome } from '../user/people-home.ts';

const NORA = 'nora@people.example';
const DAY = 86_400_000;

/** A home where two must agree, and its people at the keyboard. */
async function twoPersonHome() {
  const home = new PeopleHome({ 'records/archive.yaml': 'secondPerson: true\n' });
  await home.run('user add', { address: NORA, name: 'Nora' });
  let now = Date.parse('2026-11-20T12:00:00Z');
  const by =
    (name: string) =>
    (words: string, given: object = {}, why = 'case 4711'): Promise<Report> => {
      const actor = { name, role: 'compliance', via: 'commandLine' } as const;
      const clock = { ...home.operations.clock, now: () => now };
      return home.run(words, { ...given }, { actor, clock, ...(why !== '' && { why }) } satisfies Partial<Operations>);
    };
  return { home, olga: by('olga'), pavel: by('pavel'), later: (ms: number) => (now += ms), [Symbol.dispose]: () => home[Symbol.dispose]() };
}

const idOf = ({ json }: Report): string => String((json as { approval?: unknown }).approval); // what the first call answers

test('what one asks for runs once, after another has agreed, for the same call of the same person', async () => {
  using two = await twoPersonHome();
  const { home, olga, pavel } = two;
  const asked = await olga('user history', { address: NORA });
  assert.deepEqual([asked.exit, asked.status], [1, 202]);
  const id = idOf(asked);
  assert.match(asked.text, new RegExp(`isthmus archive approve ${id}`));
  const refused = async (report: Promise<Report>, says: RegExp): Promise<void> => {
    const { exit, text, status } = await report;
    assert.deepEqual([exit, status], [2, 409], text);
    assert.match(text, says);
  };
  await refused(olga('user history', { address: NORA, approval: id }), /still waits for a second person/);
  await refused(olga('archive approve', { id }), /asked for by olga, who cannot also decide/);
  assert.equal((await pavel('archive approve', { id })).exit, 0);
  await refused(olga('user history', { address: 'omar@people.example', approval: id }), /is for another call/);
  await refused(olga('user export', { address: NORA, out: '/nowhere', approval: id }), /is for another call/);
  await refused(pavel('user history', { address: NORA, approval: id }), /asked for by olga, you are pavel/);
  const done = await olga('user history', { address: NORA, approval: id });
  assert.deepEqual([done.exit, done.text], [0, `Nothing of ${NORA} is kept that fits.`]);
  await refused(olga('user history', { address: NORA, approval: id }), /was used at/);
  await refused(pavel('archive approve', { id }), /done, approved by pavel/);
  const lines = await home.operations.audit().list({ act: 'user history', limit: 10 });
  assert.deepEqual(
    lines.map(({ actor, changes }) => [actor.name, changes]).filter(([, changes]) => changes !== undefined),
    [
      ['olga', `approval ${id}: asked by olga, approved by pavel`],
      ['olga', `asked: approval ${id}`],
    ],
  );
  const decided = (await home.operations.audit().list({ act: 'archive approve', limit: 5 })).find(({ exit }) => exit === 0);
  assert.match(decided?.changes ?? '', new RegExp(`^approved ${id}: user history .*nora.*asked by olga`));
});

test('what was refused before it began may be tried again', async () => {
  using two = await twoPersonHome();
  const { home, olga, pavel } = two;
  home.write('full/already.txt', 'here');
  const given = { address: NORA, out: `${home.dir}/full` };
  const id = idOf(await olga('user export', given));
  await pavel('archive approve', { id });
  assert.match((await olga('user export', { ...given, approval: id })).text, /is not empty/);
  assert.match((await olga('user export', { ...given, approval: id })).text, /is not empty/);
});

test('an answer of no, and a week without one, end it', async () => {
  using two = await twoPersonHome();
  const { olga, pavel, later } = two;
  const no = idOf(await olga('user history', { address: NORA }));
  assert.match((await pavel('archive deny', { id: no }, '')).text, /add --why/);
  assert.equal((await pavel('archive deny', { id: no }, 'no case')).exit, 0);
  assert.match((await olga('user history', { address: NORA, approval: no })).text, /was denied by pavel: no case/);
  const old = idOf(await olga('user history', { address: NORA }));
  later(7 * DAY + 1);
  assert.match((await pavel('archive approve', { id: old })).text, /lapsed/);
  assert.match((await olga('user history', { address: NORA, approval: old })).text, /has lapsed/);
  const late = idOf(await olga('user history', { address: NORA }));
  await pavel('archive approve', { id: late });
  later(8 * DAY);
  assert.match((await olga('user history', { address: NORA, approval: late })).text, /has lapsed/);
  const { text, json } = await olga('archive approvals');
  assert.match(text, new RegExp(`${no} +denied by pavel +olga +user history`));
  assert.deepEqual(
    (json as { approvals: { id: string; state: string }[] }).approvals.map(({ state }) => state).sort(),
    ['approved', 'denied', 'lapsed'].map((state) => (state === 'approved' ? 'lapsed' : state)).sort(),
  );
  assert.match((await pavel('archive approve', { id: 'nothing' })).text, /nobody has asked for/);
});

test('without a reason nothing is asked for, and with faulty files nothing runs', async () => {
  using two = await twoPersonHome();
  assert.match((await two.olga('user history', { address: NORA }, '')).text, /add --why/);
  two.home.write('isthmus.yaml', 'nonsense: [\n');
  const { exit, text } = await two.olga('user history', { address: NORA });
  assert.deepEqual([exit, /whether a second person is needed cannot be read/.test(text)], [2, true]);
});

test('what is erased waits for a second person, what is only counted does not', async () => {
  using two = await twoPersonHome();
  const { olga, pavel } = two;
  assert.match((await olga('user erase', { address: NORA }, '')).text, /Nothing was erased: add --yes/);
  const id = idOf(await olga('user erase', { address: NORA, yes: true }));
  await pavel('archive approve', { id });
  const { exit, text } = await olga('user erase', { address: NORA, yes: true, approval: id });
  assert.equal(exit, 0, text);
  assert.match(text, /account, passwords, photo, devices +1/);
});

test('where no second person is asked for, nothing waits', async () => {
  using home = new PeopleHome();
  await home.run('user add', { address: NORA, name: 'Nora' });
  assert.equal((await home.run('user history', { address: NORA }, { why: 'case 4711' })).exit, 0);
  assert.equal((await home.run('archive approvals')).text, 'Nobody has asked for anything.');
});

test('an age such as 1d counts back from when it was asked for, whenever it is run', async () => {
  using two = await twoPersonHome();
  const { histories } = two.home.operations.records();
  const day = async (id: string, at: string): Promise<void> =>
    histories.append({
      ...{ owner: NORA, peer: 'omar@people.example', direction: 'in', at: Date.parse(at), border: false },
      said: { event: im(id, { body: `of ${id}` }) },
    });
  await day('the 19th', '2026-11-19T18:00:00Z');
  await day('the 23rd', '2026-11-23T18:00:00Z');
  const given = { address: NORA, since: '1d', until: '1h' };
  const approval = idOf(await two.olga('user history', given));
  await two.pavel('archive approve', { id: approval });
  two.later(4 * DAY);
  const { text } = await two.olga('user history', { ...given, approval });
  assert.match(text, /of the 19th/);
  assert.doesNotMatch(text, /of the 23rd/);
});
