import assert from 'node:assert/strict';
import { test } from 'node:test';
import { step } from '../../../src/protocols/sip/subscriber.ts';
import { type Action, begin, type Input, type Phase, reconfirm, type Subscriber } from '../../../src/protocols/sip/subscription.ts';

const NOW = 10_000_000;
const HALF = { nowMs: NOW, random: 0.5 };

function words(action: Action): string {
  switch (action.do) {
    case 'subscribe':
      return `${action.fresh ? 'SUBSCRIBE' : 'refresh'} ${action.expiresS}`;
    case 'timer':
      return `in ${Math.round(action.ms / 1000)}`;
    case 'tell':
      return `tell ${action.what}`;
    default:
      return action.do;
  }
}

/** Feeds inputs at the same moment, or later by `afterS` of each. */
function play(
  start: Subscriber,
  inputs: readonly (Input & { readonly afterS?: number })[],
  random = 0.5,
): { said: string[]; machine: Subscriber } {
  let machine = start;
  let nowMs = NOW;
  let said: string[] = [];
  for (const input of inputs) {
    nowMs += (input.afterS ?? 0) * 1000;
    const [next, actions] = step(machine, input, { nowMs, random });
    machine = next;
    said = actions.filter((action) => action.do !== 'ignore' && action.do !== 'cancelTimer').map(words);
  }
  return { said, machine };
}

const at = (inputs: readonly Input[], start: Subscriber = begin(false)): Subscriber => play(start, inputs).machine;
const start: Input = { kind: 'start' };
const ok: Input = { kind: 'answered', status: 200, expiresS: 3600 };
const active: Input = { kind: 'notify', state: 'active', expiresS: 3600 };
const waiting: Input = { kind: 'notify', state: 'pending', expiresS: 3600 };
const answered = (status: number, more: Partial<Extract<Input, { kind: 'answered' }>> = {}): Input => ({
  kind: 'answered',
  status,
  ...more,
});
const over = (reason?: string, retryAfterMs?: number): Input => ({
  kind: 'terminated',
  ...(reason === undefined ? {} : { reason }),
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

const trying = at([start]);
const neutral = at([start, ok]);
const pending = at([start, ok, waiting]);
const live = at([start, ok, active]);
/** The same some time later: the dialog has stood for long enough to be called one. */
const old: Subscriber = { ...live, askedAt: NOW - 600_000 };
const refreshing = at([{ kind: 'timer' }], old);
const closing = at([{ kind: 'stop' }], live);

// Spec 5.2, the column of SIP actions, and what the neck is told.
type Row = readonly [title: string, from: Subscriber, input: Input, phase: Phase, said: string];
const ROWS: readonly Row[] = [
  ['subscribe', begin(false), start, 'trying', 'SUBSCRIBE 3600'],
  ['200: nothing is known yet, Timer N', trying, ok, 'neutral', 'in 32'],
  ['NOTIFY pending says nothing', neutral, waiting, 'pending', 'in 3060'],
  ['first NOTIFY active: granted, shown', neutral, active, 'active', 'in 3060, tell granted, show'],
  ['NOTIFY before the 200', trying, active, 'active', 'in 3060, tell granted, show'],
  ['pending, then active', pending, active, 'active', 'in 3060, tell granted, show'],
  ['another NOTIFY active', live, active, 'active', 'in 3060, show'],
  ['another without expires: the refresh stays where it is', live, { kind: 'notify', state: 'active' }, 'active', 'show'],
  ['active, then pending: nothing is shown any more', live, waiting, 'pending', 'in 3060, blank'],
  ['423: again at once, longer', trying, answered(423, { minExpiresS: 7200 }), 'trying', 'SUBSCRIBE 7200'],
  ['423 that asks for more than a day', trying, answered(423, { minExpiresS: 1_000_000 }), 'trying', 'SUBSCRIBE 86400'],
  ['423 that asks for less than we did', trying, answered(423, { minExpiresS: 60 }), 'probation', 'in 34'],
  ['423 twice', at([answered(423, { minExpiresS: 7200 })], trying), answered(423, { minExpiresS: 9000 }), 'probation', 'in 34'],
  ['423 on a refresh', refreshing, answered(423, { minExpiresS: 7200 }), 'active', 'refresh 7200'],
  ['481 on a refresh: a new dialog', refreshing, answered(481), 'trying', 'SUBSCRIBE 3600'],
  ['481 on the first try', trying, answered(481), 'probation', 'in 34'],
  ['403', trying, answered(403), 'gone', 'tell denied, forget'],
  ['489', trying, answered(489), 'gone', 'tell denied, forget'],
  ['603', trying, answered(603), 'gone', 'tell denied, forget'],
  ['403 on a refresh', refreshing, answered(403), 'gone', 'tell denied, forget'],
  ['404 on the first try', trying, answered(404), 'gone', 'tell noresource, forget'],
  ['410 on the first try', trying, answered(410), 'gone', 'tell noresource, forget'],
  ['604 on the first try', trying, answered(604), 'gone', 'tell noresource, forget'],
  ['404 for somebody who was seen before: tried again', refreshing, answered(404), 'probation', 'in 34'],
  ['401: we have nothing to show', trying, answered(401), 'probation', 'in 300'],
  ['407', trying, answered(407), 'probation', 'in 300'],
  ['408', trying, answered(408), 'probation', 'in 34'],
  ['480', trying, answered(480), 'probation', 'in 34'],
  ['500', trying, answered(500), 'probation', 'in 34'],
  ['503 with Retry-After', trying, answered(503, { retryAfterMs: 90_000 }), 'probation', 'in 90'],
  ['600', trying, answered(600), 'probation', 'in 34'],
  ['405: told, not swallowed', trying, answered(405), 'gone', 'tell noresource, forget'],
  ['406', trying, answered(406), 'gone', 'tell noresource, forget'],
  ['501', trying, answered(501), 'gone', 'tell noresource, forget'],
  ['405 for somebody who was seen before: like giveup', refreshing, answered(405), 'probation', 'in 3600'],
  ['302: never to an address a header names', trying, answered(302), 'gone', 'tell noresource, forget'],
  ['491', trying, answered(491), 'probation', 'in 34'],
  ['607: the user has said no', trying, answered(607), 'gone', 'tell denied, forget'],
  ['no answer', trying, { kind: 'unanswered' }, 'probation', 'in 34'],
  ['no answer to a refresh', refreshing, { kind: 'unanswered' }, 'probation', 'in 34'],
  ['200 to a refresh', refreshing, answered(200, { expiresS: 1000 }), 'active', 'in 850'],
  ['Timer N: a 200 without NOTIFY is no subscription', neutral, { kind: 'timer' }, 'probation', 'in 34'],
  ['the refresh falls due', old, { kind: 'timer' }, 'active', 'refresh 3600'],
  ['probation is over', at([answered(480)], trying), { kind: 'timer' }, 'trying', 'SUBSCRIBE 3600'],
  ['probation of a refresh is over: the same dialog', at([answered(500)], refreshing), { kind: 'timer' }, 'trying', 'refresh 3600'],
  [
    'a NOTIFY while a refresh waits to be repeated: the dialog lives',
    at([answered(500)], refreshing),
    active,
    'active',
    'in 3060, tell granted, show',
  ],
  ['terminated;deactivated', old, over('deactivated'), 'trying', 'SUBSCRIBE 3600'],
  ['terminated;timeout', old, over('timeout'), 'trying', 'SUBSCRIBE 3600'],
  ['terminated without reason', old, over(), 'trying', 'SUBSCRIBE 3600'],
  ['terminated with a reason of the future', old, over('sunspots'), 'trying', 'SUBSCRIBE 3600'],
  ['terminated;probation', old, over('probation'), 'probation', 'in 60'],
  ['terminated;probation;retry-after', old, over('probation', 120_000), 'probation', 'in 120'],
  ['terminated;giveup', old, over('giveup'), 'probation', 'in 3600'],
  ['terminated;giveup;retry-after of a century', old, over('giveup', 4_000_000_000_000), 'probation', 'in 86400'],
  ['terminated;rejected: never again by itself', old, over('rejected'), 'gone', 'tell denied, forget'],
  ['terminated;noresource', old, over('noresource'), 'gone', 'tell noresource, forget'],
  ['terminated;invariant: what was shown stays', old, over('invariant'), 'gone', 'forget'],
  ['rejected before the 200', trying, over('rejected'), 'gone', 'tell denied, forget'],
  ['unsubscribe', live, { kind: 'stop' }, 'closing', 'refresh 0, in 32'],
  ['unsubscribe before any answer: waits for it', trying, { kind: 'stop' }, 'trying', ''],
  ['... and ends the dialog when there is one', at([{ kind: 'stop' }], trying), ok, 'closing', 'refresh 0, in 32'],
  ['... or is done when there is none', at([{ kind: 'stop' }], trying), answered(404), 'gone', 'tell unsubscribed, forget'],
  ['... or nobody answers', at([{ kind: 'stop' }], trying), { kind: 'unanswered' }, 'gone', 'tell unsubscribed, forget'],
  ['unsubscribe while waiting to try again', at([answered(480)], trying), { kind: 'stop' }, 'gone', 'tell unsubscribed, forget'],
  ['200 to Expires 0', closing, ok, 'closing', 'tell unsubscribed'],
  ['the last NOTIFY', at([ok], closing), over('timeout'), 'gone', 'forget'],
  ['the last NOTIFY before the 200', closing, over('timeout'), 'gone', 'tell unsubscribed, forget'],
  ['481 to Expires 0', closing, answered(481), 'gone', 'tell unsubscribed, forget'],
  ['Timer N after the 200', at([ok], closing), { kind: 'timer' }, 'gone', 'forget'],
  ['unsubscribe twice', closing, { kind: 'stop' }, 'closing', ''],
  ['a NOTIFY active while ending is not shown', closing, active, 'closing', ''],
  ['watcher online, nothing there', begin(true), { kind: 'watcherOnline' }, 'trying', 'SUBSCRIBE 3600'],
  ['watcher online, dialog there: refreshed', old, { kind: 'watcherOnline' }, 'active', 'refresh 3600'],
  ['watcher online right after a SUBSCRIBE: not again', live, { kind: 'watcherOnline' }, 'active', ''],
  ['watcher online during probation: the peer is not pressed', at([answered(480)], trying), { kind: 'watcherOnline' }, 'probation', ''],
  ['watcher offline: the dialog stays until it lapses', live, { kind: 'watcherOffline' }, 'active', ''],
  ['watcher offline: nothing is tried again', at([answered(480)], trying), { kind: 'watcherOffline' }, 'gone', 'forget'],
  ['... no refresh', at([{ kind: 'watcherOffline' }], old), { kind: 'timer' }, 'active', 'in 930'],
  ['... then the end', at([{ kind: 'watcherOffline' }, { kind: 'timer' }], old), { kind: 'timer' }, 'gone', 'forget'],
  ['... no new dialog', at([{ kind: 'watcherOffline' }], old), over('deactivated'), 'gone', 'forget'],
  [
    '... unless the watcher comes back',
    at([{ kind: 'watcherOffline' }, { kind: 'timer' }], old),
    { kind: 'watcherOnline' },
    'active',
    'refresh 3600',
  ],
  ['after a restart: re-confirmed in its dialog', reconfirm(true, 3600), { kind: 'timer' }, 'trying', 'refresh 3600'],
  ['after a restart: the peer has forgotten it', at([{ kind: 'timer' }], reconfirm(true, 3600)), answered(481), 'trying', 'SUBSCRIBE 3600'],
  ['an answer nobody waits for', live, answered(403), 'active', ''],
  ['a NOTIFY after the end', at([answered(403)], trying), active, 'gone', ''],
  ['the end after the end', at([answered(403)], trying), over('rejected'), 'gone', ''],
];
for (const [title, from, input, phase, said] of ROWS) {
  test(`${from.phase}: ${title}`, () => {
    const [next, actions] = step(from, input, HALF);
    assert.equal(next.phase, phase);
    assert.equal(
      actions
        .filter((action) => action.do !== 'ignore' && action.do !== 'cancelTimer')
        .map(words)
        .join(', '),
      said,
    );
  });
}

test('refreshes are spread between 0.75 and 0.95 of what was granted', () => {
  for (const [random, seconds] of [
    [0, 2700],
    [0.999999, 3420],
  ] as const) {
    assert.deepEqual(play(neutral, [{ kind: 'notify', state: 'pending', expiresS: 3600 }], random).said, [`in ${seconds}`]);
  }
});

test('a peer that grants one second does not make us refresh every second', () => {
  assert.deepEqual(play(neutral, [{ kind: 'notify', state: 'pending', expiresS: 1 }], 0).said, ['in 30']);
});

test('failures: 30 s doubling to an hour, jitter on top; told once, after the second', () => {
  let machine = begin(true);
  const said: string[] = [];
  for (let round = 0; round < 9; round++) {
    machine = play(machine, [round === 0 ? start : { kind: 'timer' }]).machine;
    const [next, actions] = step(machine, { kind: 'unanswered' }, { nowMs: NOW, random: 0 });
    machine = next;
    said.push(actions.map(words).join(' '));
  }
  assert.deepEqual(said, ['in 30', 'in 60 tell unreachable', 'in 120', 'in 240', 'in 480', 'in 960', 'in 1920', 'in 3600', 'in 3600']);
  assert.equal(play(at([start, { kind: 'unanswered' }], machine), [], 1).machine.toldUnreachable, true);
});

test('after two failures a new dialog is tried, and success starts the count anew', () => {
  const once = at([answered(500), { kind: 'timer' }, answered(500)], refreshing);
  assert.deepEqual(play(once, [{ kind: 'timer' }]).said, ['SUBSCRIBE 3600']);
  const well = at([{ kind: 'timer' }, ok, active], once);
  assert.equal(well.failures, 0);
  assert.equal(well.toldUnreachable, false);
});

test('a peer that ends every dialog at once gets less and less to end', () => {
  let machine = at([start, ok, active]);
  const said: string[] = [];
  for (let round = 0; round < 5; round++) {
    const ended = play(machine, [over('deactivated')]);
    said.push(ended.said.join());
    machine = ended.said[0] === 'SUBSCRIBE 3600' ? ended.machine : at([{ kind: 'timer' }], ended.machine);
    machine = at([ok, active], machine);
  }
  assert.deepEqual(said, ['SUBSCRIBE 3600', 'in 30', 'in 60', 'in 120', 'in 240']);
});

test('somebody who was denied is not subscribed to again by time, NOTIFY or answers', () => {
  const inputs: Input[] = [{ kind: 'timer' }, active, over('deactivated'), ok, { kind: 'unanswered' }, { kind: 'watcherOffline' }];
  let machine = at([over('rejected')], live);
  for (const input of inputs) {
    const [next, actions] = step(machine, input, HALF);
    machine = next;
    assert.ok(!actions.some((action) => action.do === 'subscribe'), input.kind);
  }
});
