// DESIGN 7: toward partners our users who do not exist, who block and who are kept to themselves are one and the same.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Asker, asker, HIDDEN, type Hidden, POLICY } from './enumeration-questions.ts';
import { RunningEdge } from './running-edge.ts';

const QUESTIONS = [
  ['SIP MESSAGE', /^SIP\/2\.0 403 /],
  ['SIP SUBSCRIBE', /^SIP\/2\.0 200 /],
  ['XMPP message', /service-unavailable/],
  ['XMPP subscribe', undefined],
  ['XMPP probe', undefined],
  ['XMPP available', undefined],
  ['XMPP disco#info', /service-unavailable/],
  ['XMPP disco#items', /service-unavailable/],
  ['XMPP vCard', /service-unavailable/],
  ['XMPP ping', /service-unavailable/],
  ['XMPP last activity', /service-unavailable/],
  ['XMPP version', /service-unavailable/],
] as const;

describe('who asks which users we have', () => {
  let edge: RunningEdge;
  let partner: Asker;
  before(async () => {
    edge = await RunningEdge.open({ policy: POLICY });
    partner = await asker(edge);
  });
  after(() => {
    partner.close();
    return edge[Symbol.asyncDispose]();
  });

  test('asks in every way that is asked here', () => {
    assert.deepEqual(
      Object.keys(partner.questions),
      QUESTIONS.map(([name]) => name),
    );
  });

  for (const [name, expected] of QUESTIONS)
    test(`by ${name} hears the same of everybody who is not there for them`, async () => {
      const question = partner.questions[name]!;
      // A user's own refusal of a subscription is theirs to give, and is passed on (DESIGN 7).
      const people = HIDDEN.filter((user) => user !== 'declines' || name !== 'XMPP subscribe');
      const [first, ...others] = people as [Hidden, ...Hidden[]]; // there are six, or five
      const heard = await question(first);
      if (expected === undefined) assert.ok(heard.length <= 1);
      else assert.match(heard[0] ?? '', expected);
      for (const user of others) assert.deepEqual(await question(user), heard, `${user} is told from ${first}`);
      if (!/MESSAGE|message|subscribe/.test(name)) return;
      // Asked again, the same once more: nothing was learnt by asking.
      for (const user of people) assert.deepEqual(await question(user), name === 'XMPP subscribe' ? [] : heard, `${user}, asked again`);
    });
});
