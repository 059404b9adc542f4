// A partner who asks which users we have cannot tell by the clock who refused: policy, or the system inside.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import type { Event, ImReceipt, ImSent } from '../../src/model/event.ts';
import { HANDED_OVER, type Outcome, refused } from '../../src/model/outcome.ts';
import type { Delivery } from '../../src/model/ports.ts';
import type { Reason } from '../../src/model/reason.ts';
import { EvenAnswers } from '../../src/routing/even-answers.ts';
import { ManualClock } from '../support/manual-clock.ts';

const FROM_INSIDE = reason('PEER_UNKNOWN_USER', 'no such user', {
  peer: { network: 'xmpp', condition: 'item-not-found', type: 'cancel' },
});
const BY_POLICY = reason('POLICY_RULE', 'kept to themselves');

function message(network: 'sip' | 'xmpp', side: 'edge' | 'inside' = 'edge', wireId = 'm1'): ImSent {
  return {
    kind: 'im.sent',
    id: 'e1',
    at: 0,
    origin: { network, side, peer: 'partner.example', connection: 'c1', proof: 'certificate' },
    from: { local: 'li', domain: 'partner.example' },
    to: { local: 'nora', domain: 'corp.example' },
    body: 'are you there',
    style: 'normal',
    wants: { delivered: false, displayed: false },
    ids: { wireId },
  };
}

/** A timer of the system is late by one: that is allowed for. */
function near(ms: number, wanted: number): void {
  assert.ok(Math.abs(ms - wanted) <= 1, `${ms} ms, wanted ${wanted}`);
}

/** A submit whose answer comes after so many ms. */
function scene(random = 0) {
  const clock = new ManualClock();
  const even = new EvenAnswers({ clock, random: () => random });
  const submitted = async (afterMs: number, outcome: Outcome): Promise<Outcome> => {
    if (afterMs > 0) await new Promise<void>((resolve) => clock.after(afterMs, resolve));
    return outcome;
  };
  /** How long an answer takes, ms. */
  const takes = async (event: Event, afterMs: number, outcome: Outcome): Promise<number> => {
    const since = clock.monotonic();
    let at: number | undefined;
    void even
      .around(() => submitted(afterMs, outcome))(event)
      .then(() => {
        at = clock.monotonic();
      });
    for (let ms = 0; at === undefined && ms < 1000; ms++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (at === undefined) clock.advance(1);
    }
    return (at ?? Number.NaN) - since;
  };
  return { clock, even, takes };
}

test('a refusal by policy takes as long as the last from inside took', async () => {
  const { takes } = scene();
  assert.equal(await takes(message('sip'), 37, refused(FROM_INSIDE)), 37);
  near(await takes(message('sip'), 0, refused(BY_POLICY)), 37);
});

test('before any has come from inside it takes a usual time; each protocol has its own', async () => {
  const { takes } = scene();
  near(await takes(message('sip'), 0, refused(BY_POLICY)), 10);
  await takes(message('sip'), 80, refused(FROM_INSIDE));
  near(await takes(message('xmpp'), 0, refused(BY_POLICY)), 10);
});

test('the time is drawn from the last 64 and is never longer than 250 ms', async () => {
  const { takes } = scene(0.999);
  await takes(message('sip'), 5, refused(FROM_INSIDE));
  await takes(message('sip'), 900, refused(FROM_INSIDE));
  near(await takes(message('sip'), 0, refused(BY_POLICY)), 250);
  for (let count = 0; count < 64; count++) await takes(message('sip'), 20, refused(FROM_INSIDE));
  near(await takes(message('sip'), 0, refused(BY_POLICY)), 20);
});

test('what is delivered, what a limit refuses and what our own users send does not wait', async () => {
  const { takes } = scene();
  const limit: Reason = reason('LIMIT_SENDER_RATE', 'too many');
  assert.equal(await takes(message('sip'), 0, HANDED_OVER), 0);
  assert.equal(await takes(message('sip'), 0, refused(limit)), 0);
  assert.equal(await takes(message('sip', 'inside'), 0, refused(BY_POLICY)), 0);
});

test('an XMPP user is refused by a stanza of its own: the time runs until that goes out', async () => {
  const { clock, even, takes } = scene();
  await takes(message('xmpp', 'edge', 'm7'), 0, { kind: 'queued', answer: 202 });
  clock.advance(44);
  const { from, to, id, at, origin } = message('xmpp');
  const notice: ImReceipt = { kind: 'im.receipt', id, at, origin, from: to, to: from, about: 'm7', status: 'failed', reason: FROM_INSIDE };
  const gateway = even.watched({ network: 'xmpp', keepsWriteOrder: true, deliver: async () => HANDED_OVER });
  await gateway.deliver({ event: notice } as unknown as Delivery); // nothing else of it is looked at
  near(await takes(message('xmpp'), 0, refused(BY_POLICY)), 44);
});
