// The intake: handled counts without gaps, who waits for them, and when the stream is not read.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SILENT } from '../../../src/log.ts';
import type { StanzaHandler } from '../../../src/protocols/xmpp/context.ts';
import { type Element, element } from '../../../src/protocols/xmpp/element.ts';
import { Intake, type IntakeOwner, renamespaced } from '../../../src/protocols/xmpp/intake.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import { type Wire, XMPP_SETTINGS } from '../../../src/protocols/xmpp/wire.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NO_NOTES } from '../../support/notes.ts';

const stanza = (id: string): Element => element('message', NS.server, { from: 'a@partner.example', to: 'b@corp.example', id });

function made(onStanza: StanzaHandler, inHand = 256): { intake: Intake; clock: ManualClock; replies: Element[] } {
  const clock = new ManualClock();
  const replies: Element[] = [];
  const never = (): never => {
    throw new Error('not of this test');
  };
  const wire: Wire = {
    clock,
    ids: { event: never, token: never },
    log: SILENT,
    connector: { connect: never },
    tlsUpgrade: { asServer: never, asClient: never },
    resolver: { srv: never, naptr: never, addresses: never },
    table: never,
    dialbackSecret: '',
    secret: never,
    random: () => 0,
    settings: { ...XMPP_SETTINGS, inHand },
    onStanza,
    pingAnswered: (ours, theirs, id) => `${ours} ${theirs} ${id}` === 'corp.example partner.example ours',
    roadBack: () => undefined,
    reply: never,
    verifyKey: never,
  };
  const owner: IntakeOwner = {
    side: 'edge',
    connection: 'c1',
    notes: NO_NOTES,
    peer: () => 'partner.example',
    answersFor: () => true,
    judge: () => ({ is: 'allowed', proof: 'certificate' }),
    reply: (_ours: string, _theirs: string, reply: Element) => void replies.push(reply),
  };
  return { intake: new Intake(wire, owner), clock, replies };
}

describe('the intake', () => {
  test('counts as handled only what has no gap before it', async () => {
    const finish: (() => void)[] = [];
    const { intake } = made(() => new Promise<void>((resolve) => finish.push(resolve)));
    const ran: string[] = [];
    for (const id of ['1', '2', '3']) intake.take(stanza(id));
    intake.whenHandled(1, () => ran.push('one'));
    intake.whenHandled(3, () => ran.push('three'));
    finish[2]?.();
    finish[1]?.();
    await Promise.resolve();
    assert.deepEqual([intake.received, intake.handled, ran], [3, 0, []]);
    finish[0]?.();
    await Promise.resolve();
    assert.deepEqual([intake.handled, ran], [3, ['one', 'three']]);
  });

  test('a handler that fails has handled it: one defect does not stop the count', async () => {
    const { intake } = made(async ({ attrs }) => {
      if (attrs.id === '2') throw new Error('a defect');
    });
    const sync = made(() => {
      throw new Error('a defect');
    });
    for (const id of ['1', '2', '3']) assert.equal(intake.take(stanza(id)), undefined);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(intake.handled, 3);
    assert.equal(sync.intake.take(stanza('1')), undefined);
    assert.equal(sync.intake.handled, 1);
  });

  test('waits ten seconds for a slow handler and no longer', () => {
    const { intake, clock, replies } = made(() => new Promise<void>(() => {}));
    intake.take(stanza('1'));
    intake.take(
      element('iq', NS.server, { type: 'get', id: 'p', from: 'partner.example', to: 'corp.example' }, [element('ping', NS.ping)]),
    );
    clock.advance(9999);
    assert.equal(replies.length, 0);
    clock.advance(1);
    assert.deepEqual({ ...replies[0]?.attrs }, { type: 'result', from: 'corp.example', to: 'partner.example', id: 'p' });
    assert.equal(clock.pending, 0);
  });

  test('keeps the answer to our ping to itself, and no other', () => {
    const seen: string[] = [];
    const { intake } = made(({ attrs }) => void seen.push(attrs.id ?? ''));
    const answer = (id: string, from = 'partner.example', to = 'corp.example', type = 'result'): void =>
      void intake.take(element('iq', NS.server, { type, id, from, to }));
    answer('ours');
    answer('ours', 'partner.example', 'corp.example', 'error');
    answer('theirs');
    answer('ours', 'other.example');
    answer('ours', 'user@partner.example');
    answer('ours', 'partner.example', 'user@corp.example');
    assert.deepEqual(seen, ['theirs', 'ours', 'ours', 'ours']);
    assert.equal(intake.handled, 6);
  });

  test('holds the stream when too much is in hand, until half of it is done', async () => {
    const finish: (() => void)[] = [];
    const { intake } = made(() => new Promise<void>((resolve) => finish.push(resolve)), 4);
    for (const id of ['1', '2', '3', '4']) assert.equal(intake.take(stanza(id)), undefined);
    let goesOn = false;
    const held = intake.take(stanza('5'));
    assert(held instanceof Promise);
    void held.then(() => {
      goesOn = true;
    });
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    finish[0]?.();
    finish[1]?.();
    await turn();
    assert.equal(goesOn, false);
    finish[2]?.();
    await turn();
    assert.equal(goesOn, true);
  });

  test('changes one namespace into another, all the way down and nowhere else', () => {
    const before = element('iq', NS.component, { a: '1' }, ['t', element('x', 'urn:x', {}, [element('y', NS.component)])]);
    const after = element('iq', NS.server, { a: '1' }, ['t', element('x', 'urn:x', {}, [element('y', NS.server)])]);
    assert.deepEqual(renamespaced(before, NS.component, NS.server), after);
  });
});
