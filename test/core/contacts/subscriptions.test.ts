// RFC 6121 appendix A, table by table, and that two users of ours never disagree about who sees whom.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { between, inbound, NO_SUBSCRIPTIONS, outbound, stateOf } from '../../../src/core/contacts/subscriptions.ts';
import type { SubscriptionVerb } from '../../../src/model/core.ts';
import type { Subscriptions } from '../../../src/model/core-stores.ts';

/** The nine states of A.1, in its order: subscription, then what waits (out, in). */
const STATES = ['none', 'none+out', 'none+in', 'none+out+in', 'to', 'to+in', 'from', 'from+out', 'both'] as const;
type Name = (typeof STATES)[number];

function stateNamed(name: Name): Subscriptions {
  const [subscription, ...waiting] = name.split('+');
  return {
    sees: subscription === 'to' || subscription === 'both',
    seen: subscription === 'from' || subscription === 'both',
    asked: waiting.includes('out'),
    asks: waiting.includes('in'),
    approved: false,
  };
}

function nameOf(state: Subscriptions): string {
  return `${stateOf(state)}${state.asked ? '+out' : ''}${state.asks ? '+in' : ''}`;
}

/** One table: for each of the nine states, whether the stanza goes on (to the contact, or to the user), and the new state; `.`: no change. */
type Table = readonly (readonly [on: boolean, next: Name | '.'])[];

const OUTBOUND: Readonly<Record<SubscriptionVerb, Table>> = {
  // A.2.1
  subscribe: [
    [true, 'none+out'],
    [true, '.'],
    [true, 'none+out+in'],
    [true, '.'],
    [true, '.'],
    [true, '.'],
    [true, 'from+out'],
    [true, '.'],
    [true, '.'],
  ],
  // A.2.2
  unsubscribe: [
    [true, '.'],
    [true, 'none'],
    [true, '.'],
    [true, 'none+in'],
    [true, 'none'],
    [true, 'none+in'],
    [true, '.'],
    [true, 'from'],
    [true, 'from'],
  ],
  // A.2.3
  subscribed: [
    [false, '.'],
    [false, '.'],
    [true, 'from'],
    [true, 'from+out'],
    [false, '.'],
    [true, 'both'],
    [false, '.'],
    [false, '.'],
    [false, '.'],
  ],
  // A.2.4
  unsubscribed: [
    [false, '.'],
    [false, '.'],
    [true, 'none'],
    [true, 'none+out'],
    [false, '.'],
    [true, 'to'],
    [true, 'none'],
    [true, 'none+out'],
    [true, 'to'],
  ],
};

const INBOUND: Readonly<Record<SubscriptionVerb, Table>> = {
  // A.3.1
  subscribe: [
    [true, 'none+in'],
    [true, 'none+out+in'],
    [false, '.'],
    [false, '.'],
    [true, 'to+in'],
    [false, '.'],
    [false, '.'],
    [false, '.'],
    [false, '.'],
  ],
  // A.3.2
  unsubscribe: [
    [false, '.'],
    [false, '.'],
    [true, 'none'],
    [true, 'none+out'],
    [false, '.'],
    [true, 'to'],
    [true, 'none'],
    [true, 'none+out'],
    [true, 'to'],
  ],
  // A.3.3
  subscribed: [
    [false, '.'],
    [true, 'to'],
    [false, '.'],
    [true, 'to+in'],
    [false, '.'],
    [false, '.'],
    [false, '.'],
    [true, 'both'],
    [false, '.'],
  ],
  // A.3.4
  unsubscribed: [
    [false, '.'],
    [true, 'none'],
    [false, '.'],
    [true, 'none+in'],
    [true, 'none'],
    [true, 'none+in'],
    [false, '.'],
    [true, 'from'],
    [true, 'from'],
  ],
};

const VERBS = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'] as const satisfies readonly SubscriptionVerb[];

for (const verb of VERBS) {
  test(`appendix A.2, outbound ${verb}`, () => {
    STATES.forEach((name, i) => {
      const [on, expected] = OUTBOUND[verb][i]!; // nine rows each
      const { next, send } = outbound(verb, stateNamed(name));
      assert.deepEqual([name, send, nameOf(next)], [name, on, expected === '.' ? name : expected]);
    });
  });

  test(`appendix A.3, inbound ${verb}`, () => {
    STATES.forEach((name, i) => {
      const [on, expected] = INBOUND[verb][i]!; // nine rows each
      const { next, tell } = inbound(verb, stateNamed(name));
      assert.deepEqual([name, tell, nameOf(next)], [name, on, expected === '.' ? name : expected]);
    });
  });
}

test('who is seen already is answered at once (RFC 6121 §3.1.3)', () => {
  for (const name of ['from', 'from+out', 'both'] as const) assert.equal(inbound('subscribe', stateNamed(name)).reply, 'subscribed');
  for (const name of ['none', 'none+in', 'to'] as const) assert.equal(inbound('subscribe', stateNamed(name)).reply, undefined);
});

test('pre-approval: granted unseen when they ask, taken back by a refusal (RFC 6121 §3.4)', () => {
  const approved = outbound('subscribed', NO_SUBSCRIPTIONS);
  assert.deepEqual([approved.send, approved.next.approved, approved.next.seen], [false, true, false]);
  const asked = inbound('subscribe', approved.next);
  assert.deepEqual([asked.tell, asked.reply, asked.next.seen, asked.next.asks], [false, 'subscribed', true, false]);
  assert.equal(outbound('unsubscribed', approved.next).next.approved, false);
  const both = between('subscribe', NO_SUBSCRIPTIONS, approved.next);
  assert.deepEqual([nameOf(both.mine), nameOf(both.theirs), both.tellMine], ['to', 'from', 'subscribed']);
});

test('two users of ours never disagree, whatever they say in whatever order', () => {
  const word = fc.record({ first: fc.boolean(), verb: fc.constantFrom(...VERBS) });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      let [a, b] = [NO_SUBSCRIPTIONS, NO_SUBSCRIPTIONS];
      for (const { first, verb } of words) {
        const done = first ? between(verb, a, b) : between(verb, b, a);
        [a, b] = first ? [done.mine, done.theirs] : [done.theirs, done.mine];
        assert.deepEqual([a.sees, a.asked, a.seen, a.asks], [b.seen, b.asks, b.sees, b.asked]);
        assert.ok(!(a.sees && a.asked) && !(a.seen && a.asks));
      }
    }),
    { numRuns: 500 },
  );
});
