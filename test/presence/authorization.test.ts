import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Authorization } from '../../src/model/stores.ts';
import { type Action, type Facts, type Input, step } from '../../src/presence/authorization.ts';

const NOW = 1_750_000_000_000;
const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
const FACTS: Facts = {
  watcher: 'li@contoso.example',
  presentity: 'nora@fabrikam.example',
  now: NOW,
  watcherOurs: false,
  presentityOurs: true,
  reverseGranted: false,
};

function record(state: Authorization['state'], more: Partial<Authorization> = {}): Authorization {
  const { watcher, presentity } = FACTS;
  return { watcher, presentity, state, changedAt: NOW - DAY, lastSubscribeAt: NOW - HOUR, watcherSeenAt: NOW - 60_000, ...more };
}

function words(actions: readonly Action[]): string {
  return actions
    .map((action) => {
      switch (action.do) {
        case 'grant':
        case 'deny':
          return `${action.do}${action.durable ? '!' : ''}`;
        case 'hide':
          return action.grace ? 'hideLater' : 'hide';
        case 'fail':
          return action.first ? 'fail' : 'failWithdrawn';
        case 'unwatch':
          return action.quiet ? 'unwatchQuietly' : 'unwatch';
        case 'ignore':
          return '-';
        default:
          return action.do;
      }
    })
    .join(' ');
}

const granted = record('granted');
const pending = record('pending');
const denied = record('denied');
const cached = { cacheAgeMs: 1000 };
const stale = { cacheAgeMs: 11 * 60_000 };
const toOurs = { watcherOurs: true, presentityOurs: false };

type Row = readonly [title: string, now: Authorization | undefined, input: Input, next: string, actions: string, facts?: Partial<Facts>];

// Spec 5.2 and 5.3, as far as they are about the record.
const ROWS: readonly Row[] = [
  ['subscribe, nobody asked before: asks once', undefined, { kind: 'requested' }, 'pending', 'request'],
  ['subscribe while pending: makes sure of the dialog, asks nothing', pending, { kind: 'requested' }, 'pending', 'watch'],
  [
    'subscribe while pending after a day: asks again',
    record('pending', { lastSubscribeAt: NOW - DAY }),
    { kind: 'requested' },
    'pending',
    'request',
  ],
  ['subscribe while pending whose request never arrived: asks again', withoutAsking(), { kind: 'requested' }, 'pending', 'request'],
  ['subscribe while granted: answered and shown at once', granted, { kind: 'requested' }, 'granted', 'grant show watch', cached],
  ['subscribe while granted, nothing cached: asks the presentity', granted, { kind: 'requested' }, 'granted', 'grant watch probe'],
  ['subscribe while granted, old cache: shown and asked', granted, { kind: 'requested' }, 'granted', 'grant show watch probe', stale],
  ['subscribe while denied: refused at once', denied, { kind: 'requested' }, 'denied', 'deny'],
  [
    'subscribe while denied after a day: asks again',
    record('denied', { lastSubscribeAt: NOW - DAY }),
    { kind: 'requested' },
    'pending',
    'request',
  ],
  ['subscribe after policy took it back: waits', record('denied', { reason: 'policy' }), { kind: 'requested' }, 'pending', ''],
  ['subscribed while pending', pending, { kind: 'granted' }, 'granted', 'grant!'],
  ['subscribed that nobody asked for', undefined, { kind: 'granted' }, 'none', '-'],
  ['subscribed again', granted, { kind: 'granted' }, 'granted', '-'],
  ['subscribed after a denial: the presentity has changed their mind', denied, { kind: 'granted' }, 'granted', 'grant!'],
  ['unsubscribed while pending, own word', pending, { kind: 'denied', own: true }, 'denied', 'deny!'],
  ['403 while pending, our presentity, their watcher: they are not told', pending, { kind: 'denied', own: false }, 'pending', '-'],
  ['403 while pending, our watcher', pending, { kind: 'denied', own: false }, 'denied', 'deny!', toOurs],
  ['403 of a server after the grant', granted, { kind: 'denied', own: false }, 'denied', 'hide deny!'],
  ['unsubscribed while active', granted, { kind: 'denied', own: true }, 'denied', 'hide deny!'],
  ['unsubscribed of nobody', undefined, { kind: 'denied', own: true }, 'none', '-'],
  ['unsubscribed twice', denied, { kind: 'denied', own: true }, 'denied', '-'],
  ['unsubscribe while granted', granted, { kind: 'endedByWatcher' }, 'none', 'hide stop'],
  ['unsubscribe while pending', pending, { kind: 'endedByWatcher' }, 'none', 'stop'],
  ['unsubscribe after a denial: the denial is remembered', denied, { kind: 'endedByWatcher' }, 'denied', '-'],
  ['unsubscribe of nothing', undefined, { kind: 'endedByWatcher' }, 'none', '-'],
  ['the peer confirms an unsubscribe', undefined, ended('unsubscribed'), 'none', 'deny'],
  ['rejected while pending', pending, ended('rejected'), 'denied', 'deny!'],
  ['rejected while granted', granted, ended('rejected'), 'denied', 'hide deny!'],
  ['404 while pending, our watcher', pending, ended('noresource'), 'none', 'fail', toOurs],
  ['404 while pending, their watcher: stays pending', pending, ended('noresource'), 'pending', '-'],
  ['404 while pending, both ours', pending, ended('noresource'), 'none', 'fail', { watcherOurs: true }],
  ['noresource while granted: withdrawn', granted, ended('noresource'), 'none', 'hide failWithdrawn'],
  ['noresource after a denial', denied, ended('noresource'), 'denied', '-'],
  ['remote-server-* while pending: told, asked again later', pending, ended('probation'), 'pending', 'fail'],
  ['remote-server-* while granted: shown as gone, kept', granted, ended('probation'), 'granted', 'hideLater'],
  ['two refreshes failed: shown as gone, kept', granted, ended('unreachable'), 'granted', 'hideLater'],
  ['two tries failed while pending: nothing', pending, ended('unreachable'), 'pending', '-'],
  ['invariant: what was shown stays', granted, ended('invariant'), 'granted', '-'],
  ['presence while granted', granted, { kind: 'notified' }, 'granted', 'take'],
  ['presence before the grant', pending, { kind: 'notified' }, 'pending', '-'],
  ['presence after a denial', denied, { kind: 'notified' }, 'denied', '-'],
  ['presence nobody asked for', undefined, { kind: 'notified' }, 'none', '-'],
  ['probe while granted', granted, { kind: 'probed' }, 'granted', 'show watch', cached],
  ['probe while granted, nothing cached', granted, { kind: 'probed' }, 'granted', 'watch probe'],
  ['probe while pending: unsubscribed', pending, { kind: 'probed' }, 'pending', 'deny'],
  ['probe by a stranger: unsubscribed', undefined, { kind: 'probed' }, 'none', 'deny'],
  ['a refresh while granted', granted, { kind: 'watcherOnline' }, 'granted', 'watch', cached],
  ['a refresh with a cache of 11 minutes', granted, { kind: 'watcherOnline' }, 'granted', 'watch probe', stale],
  ['a refresh while pending: no second subscribe', pending, { kind: 'watcherOnline' }, 'pending', 'watch'],
  [
    'a refresh while pending after a day: one more',
    record('pending', { lastSubscribeAt: NOW - DAY }),
    { kind: 'watcherOnline' },
    'pending',
    'request',
  ],
  ['a dialog restored after the denial', denied, { kind: 'watcherOnline' }, 'denied', 'deny'],
  ['a dialog of nobody', undefined, { kind: 'watcherOnline' }, 'none', '-'],
  ['the last dialog ends', granted, { kind: 'watcherOffline', quiet: false }, 'granted', 'unwatch'],
  [
    'the last dialog ends, the presentity sees the watcher',
    granted,
    { kind: 'watcherOffline', quiet: false },
    'granted',
    '-',
    { reverseGranted: true },
  ],
  ['the last resource leaves', granted, { kind: 'watcherOffline', quiet: true }, 'granted', 'unwatchQuietly', { reverseGranted: true }],
  ['somebody pending leaves', pending, { kind: 'watcherOffline', quiet: false }, 'pending', '-'],
  ['policy takes a grant back', granted, { kind: 'withdrawn' }, 'denied', 'hide deny unwatch'],
  ["policy takes a partner's request back: they are not told", pending, { kind: 'withdrawn' }, 'pending', '-'],
  ['policy takes a request of ours back', pending, { kind: 'withdrawn' }, 'denied', 'deny', toOurs],
  ['policy takes back nothing', undefined, { kind: 'withdrawn' }, 'none', '-'],
];

function ended(reason: 'unsubscribed' | 'rejected' | 'noresource' | 'probation' | 'unreachable' | 'invariant'): Input {
  return { kind: 'endedByPresentity', reason };
}
function withoutAsking(): Authorization {
  const { lastSubscribeAt: _, ...rest } = pending;
  return rest;
}

for (const [title, now, input, next, actions, facts] of ROWS) {
  test(`${now?.state ?? 'none'}: ${title}`, () => {
    const [after, done] = step(now, input, { ...FACTS, ...facts });
    assert.equal(after?.state ?? 'none', next);
    assert.equal(words(done), actions);
  });
}

test('a request that bounced leaves no trace in the day count', () => {
  const [after] = step(pending, ended('probation'), FACTS);
  assert.equal(after?.lastSubscribeAt, undefined);
});

test('asking notes when it was asked, and a sign of life is written once an hour', () => {
  const [asked] = step(undefined, { kind: 'requested' }, FACTS);
  assert.equal(asked?.lastSubscribeAt, NOW);
  const [same] = step(granted, { kind: 'probed' }, FACTS);
  assert.equal(same, granted);
  const [seen] = step(record('granted', { watcherSeenAt: NOW - HOUR }), { kind: 'probed' }, FACTS);
  assert.equal(seen?.watcherSeenAt, NOW);
});
