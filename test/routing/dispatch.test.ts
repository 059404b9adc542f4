import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reason } from '../../src/errors.ts';
import { SILENT } from '../../src/log.ts';
import type { Event, ImReceipt, ImSent, Origin } from '../../src/model/event.ts';
import { delivered, failed, type Outcome, refused } from '../../src/model/outcome.ts';
import type { Gateway } from '../../src/model/ports.ts';
import type { DecisionRecord } from '../../src/model/stores.ts';
import type { Partner, Policy } from '../../src/model/table.ts';
import { type Accepted, ANSWER_WITHIN_MS } from '../../src/routing/answer.ts';
import { Discovered } from '../../src/routing/discovered.ts';
import { Dispatch } from '../../src/routing/dispatch.ts';
import { Limits } from '../../src/routing/limits.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ownDomain, partner, table } from '../support/table.ts';

const sip: Origin = { network: 'sip', side: 'inside', peer: 'fe1.corp.example', connection: 'c', proof: 'inside' };
const xmpp: Origin = { network: 'xmpp', side: 'edge', peer: 'partner.example', connection: 'c', proof: 'certificate' };
const nora = { local: 'nora', domain: 'corp.example' };
const li = { local: 'li', domain: 'partner.example' };

function message(origin: Origin, from = nora, to = li): ImSent {
  return {
    kind: 'im.sent',
    id: `e-${Math.random()}`,
    at: 0,
    origin,
    from,
    to,
    body: 'hello',
    style: 'chat',
    wants: { delivered: false, displayed: false },
    ids: {},
  };
}

/** A dispatch with a hand-played outbox. */
class Bench {
  readonly clock = new ManualClock();
  readonly submitted: Event[] = [];
  readonly told: string[] = [];
  readonly held: Event[] = [];
  readonly decisions: DecisionRecord[] = [];
  readonly delivered: Event[] = [];
  readonly known = new Set<string>();
  readonly pins = new Map<string, { protocol: 'sip' | 'xmpp'; proof: 'certificate'; lastSeenAt: number }>();
  readonly outcome = Promise.withResolvers<Outcome>();
  readonly firstWord = Promise.withResolvers<Outcome>();
  accepted: Accepted = {
    kind: 'accepted',
    outcome: this.outcome.promise,
    firstWord: this.firstWord.promise,
    laneIdle: true,
    withdraw: async () => this.withdrawable,
  };
  withdrawable = true;
  ended = false;
  targets = 0;
  readonly dispatch: Dispatch;

  constructor(entry: Partial<Partner> = {}, policy: Partial<Policy> = {}, listed = true) {
    const rules = table([ownDomain('corp.example', 'sip')], listed ? [partner('partner.example', entry)] : [], policy);
    const gateway: Gateway = {
      network: 'xmpp',
      keepsWriteOrder: true,
      deliver: async ({ event }) => {
        this.delivered.push(event);
        return { kind: 'handedOver' };
      },
    };
    const store = {
      pinned: async (domain: string) => this.pins.get(domain),
      pin: async (domain: string, protocol: 'sip' | 'xmpp', _proof: unknown, at: number) =>
        void this.pins.set(domain, { protocol, proof: 'certificate', lastSeenAt: at }),
      countTarget: async () => ++this.targets,
    };
    this.dispatch = new Dispatch({
      table: () => rules,
      clock: this.clock,
      log: SILENT,
      limits: new Limits(this.clock),
      requests: {
        knows: async (local, stranger) => this.known.has(`${local} ${stranger}`),
        learn: async (local, stranger) => void this.known.add(`${local} ${stranger}`),
      },
      hold: async (event) => void this.held.push(event),
      discovered: new Discovered(store, this.clock, () => rules),
      decisions: {
        note: (record) => void this.decisions.push(record),
        ofEvent: async () => [],
        between: async () => [],
        since: async function* () {},
        lastOfDomains: async () => new Map(),
        expire: async () => 0,
      },
      sentIds: { originalOf: async () => ({ id: 'x', wireId: 'stanza-7', messageId: 'imdn-7' }) },
      gateways: new Map([
        ['xmpp', gateway],
        ['sip', { ...gateway, network: 'sip' }],
      ]),
    });
    this.dispatch.connect(
      {
        submit: async (event) => {
          this.submitted.push(event);
          return this.accepted;
        },
        toldQueued: (id) => {
          this.told.push(id);
          return !this.ended;
        },
      },
      { handle: async () => ({ kind: 'handedOver' }), undeliverable: async () => {} },
    );
  }
}
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what the sender of a SIP MESSAGE is answered', () => {
  test('200 when the far end confirms within 4 s', async () => {
    const bench = new Bench();
    const answer = bench.dispatch.submit(message(sip));
    bench.firstWord.resolve(delivered('XMPP ping answered after it'));
    assert.equal((await answer).kind, 'delivered');
    assert.deepEqual(bench.told, []);
  });

  test('the mapped error when the far end refuses within 4 s', async () => {
    const bench = new Bench();
    const answer = bench.dispatch.submit(message(sip));
    bench.firstWord.resolve(refused(reason('PEER_UNKNOWN_USER', 'x')));
    assert.equal((await answer).kind, 'refused');
    assert.deepEqual(bench.told, [], 'no notice will follow');
  });

  test('queued after 4 s, and then a notice is owed', async () => {
    const bench = new Bench();
    const answer = bench.dispatch.submit(message(sip));
    await tick();
    bench.clock.advance(ANSWER_WITHIN_MS);
    assert.deepEqual(await answer, { kind: 'queued', answer: 202 });
    assert.equal(bench.told.length, 1);
  });

  test('queued at once when the first try fails', async () => {
    const bench = new Bench();
    bench.firstWord.resolve(failed(reason('NET_CONNECT_REFUSED', 'x')));
    assert.deepEqual(await bench.dispatch.submit(message(sip)), { kind: 'queued', answer: 202 });
  });

  test('queued at once when the lane is not empty, with the answer of the partner preset', async () => {
    const bench = new Bench({ sip: { ...partner('x').sip, queuedAnswer: 200 } });
    bench.accepted = { ...(bench.accepted as Extract<Accepted, { kind: 'accepted' }>), laneIdle: false };
    assert.deepEqual(await bench.dispatch.submit(message(sip)), { kind: 'queued', answer: 200 });
  });

  test('480 takes the row back; what is written already answers 202', async () => {
    for (const [withdrawable, expected] of [
      [true, 'refused'],
      [false, 'queued'],
    ] as const) {
      const bench = new Bench({ sip: { ...partner('x').sip, queuedAnswer: 480 } });
      bench.withdrawable = withdrawable;
      bench.firstWord.resolve(failed(reason('NET_CONNECT_REFUSED', 'x')));
      const answer = await bench.dispatch.submit(message(sip));
      assert.equal(answer.kind, expected);
      if (answer.kind === 'queued') assert.equal(answer.answer, 202);
    }
  });

  test('a copy is answered as the first one was', async () => {
    const bench = new Bench();
    bench.accepted = { kind: 'duplicate', outcome: delivered('SIP 200') };
    assert.equal((await bench.dispatch.submit(message(sip))).kind, 'delivered');
  });

  test('a full disk is a refusal, not a yes', async () => {
    const bench = new Bench();
    bench.accepted = { kind: 'refused', outcome: refused(reason('STORE_FULL', 'x')) };
    assert.equal((await bench.dispatch.submit(message(sip))).kind, 'refused');
  });
});

describe('dispatch', () => {
  test('an XMPP sender waits for nobody and is told later by a notice', async () => {
    const bench = new Bench();
    assert.equal((await bench.dispatch.submit(message(xmpp, li, nora))).kind, 'queued');
    assert.equal(bench.told.length, 1);
  });

  test('a refusal never reaches the outbox, and the decision names file and key', async () => {
    const bench = new Bench({}, {}, false);
    assert.equal((await bench.dispatch.submit(message(sip))).kind, 'refused');
    assert.deepEqual(bench.submitted, []);
    assert.deepEqual(
      [bench.decisions[0]?.code, bench.decisions[0]?.file, bench.decisions[0]?.key],
      ['POLICY_PARTNER_UNLISTED', 'routes/policy.yaml', '/federation'],
    );
  });

  test("a stranger's message is kept and refused; after our user writes, it passes", async () => {
    const bench = new Bench({}, { federation: 'discovered' }, false);
    assert.equal((await bench.dispatch.submit(message(xmpp, li, nora))).kind, 'refused');
    assert.equal(bench.held.length, 1);
    bench.accepted = { kind: 'duplicate', outcome: delivered('x') };
    await bench.dispatch.submit(message(sip, nora, li));
    assert.equal((await bench.dispatch.submit(message(xmpp, li, nora))).kind, 'delivered');
    assert.equal(bench.held.length, 1);
  });

  test('a discovered partner is pinned to the protocol that proved itself first', async () => {
    const bench = new Bench({}, { federation: 'discovered' }, false);
    await bench.dispatch.submit(message(xmpp, li, nora));
    const other = await bench.dispatch.submit(message({ ...xmpp, network: 'sip' }, li, nora));
    assert.ok(other.kind === 'refused' && other.reason.code === 'PARTNER_OTHER_PROTOCOL');
    bench.clock.advance(31 * 86_400_000);
    const later = await bench.dispatch.submit(message({ ...xmpp, network: 'sip' }, li, nora));
    assert.ok(later.kind === 'refused' && later.reason.code !== 'PARTNER_OTHER_PROTOCOL', 'thirty idle days free it');
  });

  test('a discovered partner reaches so many different users and no more', async () => {
    const bench = new Bench({}, { federation: 'discovered' }, false);
    bench.targets = 1000;
    const answer = await bench.dispatch.submit(message(xmpp, li, nora));
    assert.ok(
      answer.kind === 'refused' && answer.reason.code === 'LIMIT_TARGETS' && answer.reason.key === '/discovered/limits/distinctTargets',
    );
    assert.deepEqual(bench.held, []);
  });

  test('a message over the size of the partner entry is refused with its key', async () => {
    const bench = new Bench({ limits: { messageBytes: 4 } });
    const answer = await bench.dispatch.submit(message(sip));
    assert.ok(answer.kind === 'refused' && answer.reason.code === 'CONTENT_TOO_LARGE');
    const [noted, ...more] = bench.decisions;
    assert.deepEqual([noted?.allowed, noted?.code, more.length], [false, 'CONTENT_TOO_LARGE', 0], '`explain` must not call it allowed');
  });

  test('typing crosses only within a conversation', async () => {
    const bench = new Bench();
    const composing: Event = { kind: 'im.composing', id: 'e', at: 0, origin: sip, from: nora, to: li, state: 'composing' };
    await bench.dispatch.submit(composing);
    assert.deepEqual(bench.delivered, [], 'nobody has written yet');
    bench.accepted = { kind: 'duplicate', outcome: delivered('x') };
    await bench.dispatch.submit(message(xmpp, li, nora));
    await bench.dispatch.submit(composing);
    assert.equal(bench.delivered.length, 1);
    bench.clock.advance(16 * 60_000);
    await bench.dispatch.submit(composing);
    assert.equal(bench.delivered.length, 1, 'a quarter of an hour later it would show who is at the keyboard');
  });

  test('a receipt names the message as its sender knows it: by stanza id on XMPP, by IMDN Message-ID on SIP', async () => {
    const receipt = (origin: Origin, from: typeof nora, to: typeof nora): ImReceipt => ({
      kind: 'im.receipt',
      id: 'r',
      at: 0,
      origin,
      from,
      to,
      about: 'ours',
      status: 'delivered',
    });
    const bench = new Bench();
    await Promise.all([bench.dispatch.submit(receipt(xmpp, li, nora)), bench.outcome.resolve(delivered('x'))]);
    bench.firstWord.resolve(delivered('x'));
    await bench.dispatch.submit(receipt(sip, nora, li));
    assert.deepEqual(
      bench.submitted.map((event) => event.kind === 'im.receipt' && event.about),
      ['imdn-7', 'stanza-7'],
    );
  });

  for (const [what, entry, policy, listed] of [
    ['the partner is paused', { paused: { messages: 'refuse' } }, {}, true],
    ['the partner is switched off', { enabled: false }, {}, true],
    ['its file is taken away', {}, {}, false],
    ['federation is off', {}, { federation: 'off' }, true],
  ] as const) {
    test(`a message waits and ${what}: it is refused, and its sender is told so all the same`, async () => {
      const bench = new Bench(entry, policy, listed);
      assert.ok('refused' in (await bench.dispatch.resolve(message(sip))));
      const local: Origin = { network: 'core', side: 'local', peer: 'partner.example', connection: 'outbox', proof: 'local' };
      const notice: ImReceipt = { kind: 'im.receipt', id: 'n', at: 0, origin: local, from: li, to: nora, about: 'm', status: 'failed' };
      const route = await bench.dispatch.resolve(notice);
      assert.ok(!('refused' in route), 'the notice has a way');
      assert.deepEqual([route.hop.side, route.hop.theirDomain], ['inside', 'corp.example']);
      // Toward the partner the same policy holds for notices too.
      assert.ok('refused' in (await bench.dispatch.resolve({ ...notice, from: nora, to: li })));
    });
  }

  test('a partner that is paused keeps its rows: they are held, not refused for good', async () => {
    const bench = new Bench({ paused: { messages: 'hold' } });
    const route = await bench.dispatch.resolve(message(sip));
    assert.ok('refused' in route && route.refused.code === 'PARTNER_PAUSED' && route.refused.retry !== 'never');
  });

  test('a last word goes out where policy has just closed the way', async () => {
    const bench = new Bench({ allow: { messages: 'both', theySee: [], weSee: false, firstContact: 'anyone' } });
    const event: Event = {
      kind: 'presence.notified',
      id: 'e',
      at: 0,
      origin: { ...sip, side: 'local' },
      from: nora,
      to: li,
      scope: 'full',
      document: { endpoints: [] },
    };
    assert.equal((await bench.dispatch.deliver(event)).kind, 'refused');
    assert.equal((await bench.dispatch.deliver(event, true)).kind, 'handedOver');
  });
});
