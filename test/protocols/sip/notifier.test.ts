import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint, PresenceDocument } from '../../../src/model/presence.ts';
import {
  begin,
  grantExpires,
  type Input,
  type Notification,
  type Notifier,
  notification,
  restored,
  step,
  TERMS,
} from '../../../src/protocols/sip/notifier.ts';

const end = (id: string, availability: Endpoint['availability'] = 'open'): Endpoint => ({ id, availability, notes: [], at: 1 });
const pad: PresenceDocument = { endpoints: [end('pad')] };
const desk: PresenceDocument = { endpoints: [end('desk')] };
const EXPIRES_AT = 3_600_000;

/** Feeds inputs; a NOTIFY is answered 200 at once unless `slow`. Returns what was said, and the machine. */
function play(start: Notifier, inputs: readonly Input[], slow = false): { said: string[]; machine: Notifier } {
  let machine = start;
  const said: string[] = [];
  const feed = (input: Input): void => {
    const [next, actions] = step(machine, input);
    machine = next;
    for (const action of actions) {
      if (action.do === 'notify') {
        said.push(words(notification(machine, 0)));
        if (!slow) feed({ kind: 'answered', status: 200 });
      } else if (action.do === 'forget') said.push(action.watcherGone ? 'forget+gone' : 'forget');
      else if (action.do !== 'ignore') said.push(action.do);
    }
  };
  for (const input of inputs) feed(input);
  return { said, machine };
}

function words(one: Notification): string {
  const body =
    one.document === undefined ? 'empty' : one.document.endpoints.map((each) => `${each.id}:${each.availability}`).join(' ') || 'nobody';
  return `${one.state}${one.reason === undefined ? '' : `;${one.reason}`}${one.retryAfterS === undefined ? '' : `;${one.retryAfterS}`} ${body}`;
}

const decided: Input = { kind: 'decided' };
const granted: Input = { kind: 'granted' };
const denied: Input = { kind: 'denied' };
const show = (document: PresenceDocument): Input => ({ kind: 'notified', document });
const fresh = begin(false, EXPIRES_AT);
const poll = begin(true, 5000);

// Spec 5.3, the column of SIP actions.
const ROWS: readonly (readonly [title: string, start: Notifier, inputs: readonly Input[], said: readonly string[]])[] = [
  ['nobody has granted anything: pending, empty', fresh, [decided], ['pending empty']],
  ['granted before, with a document: active in the first NOTIFY', fresh, [granted, show(pad), decided], ['active pad:open']],
  ['granted before, nothing known: active, empty', fresh, [granted, decided], ['active empty']],
  ['denied before: terminated at once', fresh, [denied, decided], ['terminated;rejected empty', 'forget']],
  ['a document before the grant is not shown', fresh, [show(pad), decided, show(pad)], ['pending empty']],
  ['granted while pending', fresh, [decided, granted, show(pad)], ['pending empty', 'active empty', 'active pad:open']],
  ['refused while pending', fresh, [decided, denied], ['pending empty', 'terminated;rejected empty', 'forget']],
  [
    'refused while active: nothing of the document goes with it',
    fresh,
    [granted, show(pad), decided, denied],
    ['active pad:open', 'terminated;rejected empty', 'forget'],
  ],
  [
    'a closed tuple once, then omitted',
    fresh,
    [granted, decided, show({ endpoints: [end('pad'), end('desk', 'closed')] }), { kind: 'refreshed', expiresAt: EXPIRES_AT }],
    ['active empty', 'active pad:open desk:closed', 'active pad:open'],
  ],
  [
    'everybody is gone: said so on every refresh',
    fresh,
    [granted, decided, show({ endpoints: [end('pad', 'closed')] }), { kind: 'refreshed', expiresAt: EXPIRES_AT }],
    ['active empty', 'active pad:closed', 'active nobody'],
  ],
  [
    'the far server cannot be reached while pending',
    fresh,
    [decided, { kind: 'ended', reason: 'probation', retryAfterS: 300 }],
    ['pending empty', 'terminated;probation;300 empty', 'forget'],
  ],
  [
    'the user does not exist',
    fresh,
    [decided, { kind: 'ended', reason: 'noresource' }],
    ['pending empty', 'terminated;noresource empty', 'forget'],
  ],
  ['a refresh while pending', fresh, [decided, { kind: 'refreshed', expiresAt: EXPIRES_AT }], ['pending empty', 'pending empty']],
  [
    'a refresh gives the full state',
    fresh,
    [granted, show(pad), decided, { kind: 'refreshed', expiresAt: EXPIRES_AT }],
    ['active pad:open', 'active pad:open'],
  ],
  [
    'Expires 0 inside: timeout, everything closed',
    fresh,
    [granted, show(pad), decided, { kind: 'left' }],
    ['active pad:open', 'tellLeft', 'terminated;timeout pad:closed', 'forget'],
  ],
  [
    'Expires 0 while pending: timeout, empty',
    fresh,
    [decided, { kind: 'left' }],
    ['pending empty', 'tellLeft', 'terminated;timeout empty', 'forget'],
  ],
  [
    'the dialog lapses',
    fresh,
    [granted, show(pad), decided, { kind: 'lapsed' }],
    ['active pad:open', 'tellLeft', 'terminated;timeout pad:closed', 'forget'],
  ],
  ['a poll with something in the cache', poll, [show(pad), decided], ['terminated;timeout pad:open', 'forget']],
  ['a poll that has to wait', poll, [decided, show(pad)], ['terminated;timeout pad:open', 'forget']],
  ['a poll that waits in vain', poll, [decided, { kind: 'lapsed' }], ['terminated;timeout empty', 'forget']],
  ['a poll by somebody without a grant', poll, [denied, decided], ['terminated;timeout empty', 'forget']],
  [
    'nothing after the end',
    fresh,
    [decided, denied, granted, show(pad), { kind: 'refreshed', expiresAt: 1 }, { kind: 'left' }, { kind: 'lapsed' }],
    ['pending empty', 'terminated;rejected empty', 'forget'],
  ],
  [
    'taken up after a restart: says nothing until something is known',
    restored('active', EXPIRES_AT),
    [decided, show(pad)],
    ['active pad:open'],
  ],
  ['taken up while pending', restored('pending', EXPIRES_AT), [granted], ['active empty']],
];
for (const [title, start, inputs, said] of ROWS) {
  test(title, () => {
    assert.deepEqual(play(start, inputs).said, said);
  });
}

test('one NOTIFY at a time; of what comes meanwhile the latest is sent', () => {
  const first = play(fresh, [granted, decided, show(pad), show(desk), show({ endpoints: [end('third')] })], true);
  assert.deepEqual(first.said, ['active empty']);
  assert.deepEqual(play(first.machine, [{ kind: 'answered', status: 200 }]).said, ['active third:open']);
});

test('the end that comes while a NOTIFY is out is sent after it', () => {
  const first = play(fresh, [granted, decided, show(pad), denied], true);
  assert.deepEqual(play(first.machine, [{ kind: 'answered', status: 200 }]).said, ['terminated;rejected empty', 'forget']);
});

test('a closed tuple that was overtaken before it was said is still said', () => {
  const first = play(fresh, [granted, decided, show({ endpoints: [end('pad', 'closed')] })], true);
  const second = play(first.machine, [{ kind: 'answered', status: 200 }]);
  assert.deepEqual(second.said, ['active pad:closed']);
});

const ANSWERS = [
  [481, false, ['forget+gone']],
  [404, false, ['forget+gone']],
  [405, false, ['forget+gone']],
  [489, false, ['forget+gone']],
  [408, false, ['forget+gone']],
  [503, false, ['forget+gone']],
  [503, true, []],
  [500, true, []],
  [undefined, false, ['forget+gone']],
] as const;
for (const [status, retryAfter, said] of ANSWERS) {
  test(`NOTIFY answered ${status ?? 'not at all'}${retryAfter ? ' with Retry-After' : ''}`, () => {
    const out = play(fresh, [granted, decided], true).machine;
    const input: Input = { kind: 'answered', retryAfter, ...(status === undefined ? {} : { status }) };
    assert.deepEqual(play(out, [input], true).said, said);
  });
}

test('an answer nobody waits for changes nothing', () => {
  assert.deepEqual(play(restored('active', EXPIRES_AT), [{ kind: 'answered', status: 481 }]).said, []);
});

test('a refusal of the last NOTIFY is no news: the watcher was told to have left', () => {
  const out = play(fresh, [granted, decided], false).machine;
  const leaving = play(out, [{ kind: 'left' }], true);
  assert.deepEqual(leaving.said, ['tellLeft', 'terminated;timeout empty']);
  assert.deepEqual(play(leaving.machine, [{ kind: 'answered', status: 481 }]).said, ['forget']);
});

test('expires is what is left, never less than nothing', () => {
  const { machine } = play(fresh, [decided]);
  assert.equal(notification(machine, 600_500).expiresS, 3000);
  assert.equal(notification(machine, EXPIRES_AT + 9000).expiresS, 0);
});

test('a reason of ours that SIP has no word for is said with the nearest', () => {
  for (const [reason, word] of [
    ['unreachable', 'probation'],
    ['unsubscribed', 'timeout'],
    ['giveup', 'giveup'],
  ] as const) {
    assert.deepEqual(play(restored('active', 1), [{ kind: 'ended', reason }]).said, [`terminated;${word} empty`, 'forget']);
  }
});

const EXPIRES: readonly (readonly [header: string | undefined, dialect: 'standard' | 'lync', expected: string])[] = [
  [undefined, 'standard', '3600'],
  ['3600', 'standard', '3600'],
  ['60', 'standard', '60'],
  ['59', 'standard', '423 60'],
  ['1', 'standard', '423 60'],
  ['0', 'standard', '0'],
  ['7200', 'standard', '7200'],
  ['7201', 'standard', '7200'],
  ['4294967295', 'standard', '7200'],
  ['4294967296', 'standard', '400'],
  ['99999999999999999999', 'standard', '400'],
  ['-1', 'standard', '400'],
  ['soon', 'standard', '400'],
  ['', 'standard', '400'],
  ['299', 'lync', '423 300'],
  ['300', 'lync', '300'],
  ['28800', 'lync', '28800'],
  ['90000', 'lync', '86400'],
];
for (const [header, dialect, expected] of EXPIRES) {
  test(`Expires ${header ?? 'absent'} (${dialect}): ${expected}`, () => {
    const reading = grantExpires(header, TERMS[dialect]);
    const said = reading.kind === 'accepted' ? String(reading.seconds) : reading.kind === 'tooBrief' ? `423 ${reading.minS}` : '400';
    assert.equal(said, expected);
  });
}
