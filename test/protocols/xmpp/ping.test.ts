// The ping barrier: one ping in flight, what it covers, and every way it can end.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import type { Element } from '../../../src/protocols/xmpp/element.ts';
import { type BarrierResult, PingBarrier } from '../../../src/protocols/xmpp/ping.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('the ping barrier', () => {
  let clock: ManualClock;
  let pings: Element[];
  let silent: boolean[];
  let roadsBack: number;
  let open: boolean;
  let acknowledged: boolean;
  let barrier: PingBarrier;
  const lost = reason('NET_CLOSED', 'gone');
  const id = (): string => pings.at(-1)?.attrs.id ?? '';
  const kinds = async (...promises: Promise<BarrierResult>[]): Promise<string[]> =>
    (await Promise.all(promises)).map((result) => result.kind);

  beforeEach(() => {
    clock = new ManualClock();
    pings = [];
    silent = [];
    roadsBack = 0;
    open = true;
    acknowledged = false;
    let count = 0;
    const road = {
      write: (ping: Element) => {
        if (open) pings.push(ping);
        return open;
      },
      acknowledged: () => acknowledged,
      silent: (taken: boolean) => silent.push(taken),
      back: () => {
        roadsBack += 1;
      },
    };
    barrier = new PingBarrier('corp.example', 'xn--bcher-kva.example', road, clock, { event: () => '', token: () => `t${count++}` });
  });

  test('pings from our domain to theirs and covers what was written before', async () => {
    barrier.noteWritten();
    const result = barrier.cover();
    assert.deepEqual([pings[0]?.attrs.from, pings[0]?.attrs.to], ['corp.example', 'b\u00fccher.example']);
    assert.equal(barrier.answered('another'), false);
    assert.equal(barrier.answered(id()), true);
    assert.deepEqual(await result, { kind: 'covered', evidence: 'XMPP ping answered after it' });
    assert.equal(barrier.answered(id()), false, 'an answer counts once');
  });

  test('has one ping in flight; the next covers all that was written meanwhile', async () => {
    const first = barrier.cover(barrier.noteWritten());
    const later = [1, 2, 3].map(() => barrier.cover(barrier.noteWritten()));
    assert.equal(pings.length, 1);
    barrier.answered(id());
    assert.deepEqual(await kinds(first), ['covered']);
    assert.equal(pings.length, 2);
    assert.equal(barrier.covered, 1);
    barrier.answered(id());
    assert.deepEqual(await kinds(...later), ['covered', 'covered', 'covered']);
    assert.equal(pings.length, 2);
  });

  test('what an answer covered is never asked about again', async () => {
    const number = barrier.noteWritten();
    const first = barrier.cover(number);
    barrier.answered(id());
    await first;
    assert.deepEqual(await kinds(barrier.cover(number)), ['covered']);
    assert.equal(pings.length, 1);
  });

  test('a ping covers what was written, although nobody waits for it yet', async () => {
    const early = barrier.noteWritten();
    const late = barrier.noteWritten();
    const first = barrier.cover(early);
    barrier.answered(id());
    await first;
    assert.deepEqual(await kinds(barrier.cover(late)), ['covered']);
    assert.equal(pings.length, 1);
  });

  test('without an answer for 20 s there is no return path, and the road hears of it', async () => {
    acknowledged = true;
    const first = barrier.cover(barrier.noteWritten());
    const second = barrier.cover(barrier.noteWritten());
    clock.advance(19_999);
    assert.equal(silent.length, 0);
    clock.advance(1);
    const [one, two] = await Promise.all([first, second]);
    assert(one.kind === 'noReturnPath' && one.acknowledged && one.reason.code === 'XMPP_NO_RETURN_PATH');
    assert.equal(two.kind, 'noReturnPath');
    assert.deepEqual(silent, [true]);
  });

  test('a peer that always answered and falls silent is behind a half-open stream: what was written goes again, three times', async () => {
    const first = barrier.cover(barrier.noteWritten());
    barrier.answered(id());
    await first;
    const results: string[] = [];
    for (let silence = 0; silence < 4; silence += 1) {
      const waiting = barrier.cover(barrier.noteWritten());
      clock.advance(20_000);
      results.push(...(await kinds(waiting)));
    }
    assert.deepEqual(results, ['closed', 'closed', 'closed', 'noReturnPath']);
  });

  test('an answer that comes after one was missing tells that there is a road back', async () => {
    const parked = barrier.cover(barrier.noteWritten());
    clock.advance(20_000);
    assert.deepEqual(await kinds(parked), ['noReturnPath']);
    assert.equal(roadsBack, 0);
    barrier.probe();
    barrier.answered(id());
    barrier.probe();
    barrier.answered(id());
    assert.equal(roadsBack, 1);
  });

  test('a stream of both directions that is lost ends the wait at once', async () => {
    const waiting = barrier.cover(barrier.noteWritten());
    barrier.streamLost(lost, true);
    assert.deepEqual(await waiting, { kind: 'closed', reason: lost });
    assert.equal(clock.pending, 0);
  });

  test('after a lost stream the answer may still come over the other for two seconds', async () => {
    const covered = barrier.cover(barrier.noteWritten());
    const behind = barrier.cover(barrier.noteWritten());
    barrier.streamLost(lost, false);
    clock.advance(1999);
    assert.equal(barrier.answered(id()), true);
    assert.deepEqual(await kinds(covered, behind), ['covered', 'closed']);

    const next = barrier.cover(barrier.noteWritten());
    barrier.streamLost(lost, false);
    clock.advance(2000);
    assert.deepEqual(await kinds(next), ['closed']);
  });

  test('without a stream there is nothing to wait for', async () => {
    open = false;
    assert.deepEqual(await kinds(barrier.cover(barrier.noteWritten())), ['closed']);
    assert.equal(barrier.waiting, false);
  });
});
