// The promise as a property: whatever happens - copies, lost connections, refusals, crashes between any two steps - every
// accepted message is delivered, or its sender knows; never both a notice and a delivery in the same run of events; order holds
// within a lane; and what a peer gets twice is marked.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { reason } from '../../src/errors.ts';
import { delivered, failed, refused } from '../../src/model/outcome.ts';
import { deliverAll, im, type Pending, settle } from './events.ts';
import { outboxWorld } from './outbox-world.ts';

type Step =
  | { readonly kind: 'submit' | 'copy'; readonly lane: number }
  | { readonly kind: 'answer'; readonly which: number; readonly how: 'yes' | 'no' | 'closed' | 'lost' }
  | { readonly kind: 'written'; readonly which: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'crash' | 'restart' | 'connected' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('submit' as const), lane: fc.integer({ min: 0, max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('copy' as const), lane: fc.integer({ min: 0, max: 2 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      which: fc.nat(5),
      how: fc.constantFrom('yes' as const, 'yes' as const, 'no' as const, 'closed' as const, 'lost' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('written' as const), which: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(100, 2000, 60_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('crash' as const, 'restart' as const, 'connected' as const) }) },
);

async function run(steps: readonly Step[], keepsWriteOrder: boolean): Promise<void> {
  await using world = await outboxWorld({ keepsWriteOrder });
  const { gateway } = world;
  const accepted = new Map<string, number>();
  const told = new Map<string, Set<string>>();
  /** What the far end has, in order: the id of each message as often as it was taken and confirmed or cut off in between. */
  const reached: string[] = [];
  const open: { readonly at: number }[] = [];
  let dead = 0;
  let count = 0;
  const pending = () => gateway.taken.slice(dead).filter((_, index) => !open.some((one) => one.at === dead + index));
  /** What was put on a connection, in order. */
  const wrote: Pending[] = [];
  const write = (one: Pending | undefined): void => {
    // The contract of gateways: what was called back before it was written is not written any more.
    if (one === undefined || wrote.includes(one) || one.signal.aborted) return;
    wrote.push(one);
    one.written();
  };
  const arrive = (at: number): void => {
    const one = gateway.taken[at];
    if (one?.event.kind === 'im.sent') reached.push(one.event.ids.messageId ?? '');
    if (one?.event.kind === 'im.receipt') told.set(one.event.about, (told.get(one.event.about) ?? new Set()).add(one.event.id));
  };
  for (const one of steps) {
    switch (one.kind) {
      case 'submit':
      case 'copy': {
        const id = one.kind === 'submit' ? `m${(count += 1)}` : `m${count}`;
        const lane = one.kind === 'submit' ? one.lane : (accepted.get(id) ?? one.lane);
        const fresh = im(one.kind === 'submit' ? id : `${id}-copy-${gateway.taken.length}-${accepted.size}-${steps.indexOf(one)}`, {
          pair: [`u${lane}@sip.example`, 'nora@xmpp.example'],
          ids: { messageId: id, dedupKey: id },
        });
        const result = await world.outbox.submit(fresh);
        if (result.kind === 'accepted') {
          assert.equal(accepted.has(id), false, 'a copy was accepted');
          accepted.set(id, lane);
          world.outbox.toldQueued(fresh.id);
        } else assert.equal(result.kind, 'duplicate');
        break;
      }
      case 'written': {
        const waiting = pending();
        write(waiting[one.which % Math.max(1, waiting.length)]);
        break;
      }
      case 'answer': {
        const waiting = pending();
        const found = waiting[one.which % Math.max(1, waiting.length)];
        if (found === undefined) break;
        const at = gateway.taken.indexOf(found);
        open.push({ at });
        if (one.how === 'yes' || one.how === 'lost') write(found);
        if (one.how !== 'no' && one.how !== 'closed' && wrote.includes(found)) arrive(at);
        if (one.how === 'yes' && wrote.includes(found)) found.answer(delivered('yes'));
        else if (one.how === 'no') found.answer(refused(reason('PEER_UNKNOWN_USER', 'no')));
        else found.answer(failed(reason('NET_CLOSED', 'closed')));
        break;
      }
      case 'pass':
        await world.clock.pass(one.ms, 10_000);
        break;
      case 'crash':
        dead = gateway.taken.length;
        await world.crash();
        break;
      case 'restart':
        dead = gateway.taken.length;
        await world.restart();
        break;
      case 'connected':
        world.outbox.partnerConnected('xmpp.example');
        break;
    }
    await settle(2);
  }
  // The far end recovers and takes everything; what is on its way is lost with its process.
  dead = gateway.taken.length;
  await world.crash();
  for (let at = dead; at < gateway.taken.length; at += 1) arrive(at);
  for (const one of gateway.taken.slice(dead)) {
    write(one);
    one.answer(delivered('yes'));
  }
  gateway.auto = (delivery) => {
    arrive(gateway.taken.length - 1);
    write(gateway.taken.at(-1));
    return deliverAll(delivery);
  };
  await world.clock.pass(700_000, 50_000);
  assert.equal(world.outbox.stats().rows, 0, 'something waits for ever');

  for (const id of accepted.keys()) {
    const line = (await world.store.ledger.find(id)).find((one) => one.kind === 'im.sent');
    assert.ok((told.get(id)?.size ?? 0) <= 1, `${id}: two notices`);
    if (line?.state === 'refused') assert.ok(line.noticeId !== undefined, `${id} was refused and nobody was told`);
    else {
      assert.equal(line?.state, 'delivered');
      assert.ok(reached.includes(id), `${id} was lost`);
      assert.equal(told.has(id), false, `${id}: a notice and a delivery`);
    }
    const copies = wrote.filter(({ event }) => event.kind === 'im.sent' && event.ids.messageId === id).slice(1);
    assert.ok(
      copies.every((one) => one.possibleCopy === true),
      `${id}: an unmarked copy`,
    );
  }
  for (let lane = 0; lane < 3; lane += 1) {
    const order = wrote
      .filter(({ event, possibleCopy }) => event.from.local === `u${lane}` && event.kind === 'im.sent' && possibleCopy !== true)
      .map(({ event }) => (event.kind === 'im.sent' ? Number(event.ids.messageId?.slice(1)) : 0));
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
      `lane ${lane} was sent out of order`,
    );
  }
}

/** What random runs have found: a message accepted before a jump of the clock could not be found by its ids after a kill. */
const FOUND: [Step[]][] = [
  [
    [
      { kind: 'submit', lane: 0 },
      { kind: 'pass', ms: 60_000 },
      { kind: 'submit', lane: 0 },
      { kind: 'answer', which: 3, how: 'no' },
      { kind: 'crash' },
    ],
  ],
];
const RUNS = Number(process.env.ISTHMUS_MODEL_RUNS ?? 10);

for (const keepsWriteOrder of [false, true]) {
  test(`nothing is lost, nothing is told twice, order holds (${keepsWriteOrder ? 'written ahead' : 'one at a time'})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 30 }), (steps) => run(steps, keepsWriteOrder)),
      { numRuns: RUNS, examples: FOUND },
    );
  });
}
