// One road for a pair over hours: keep-alive, a silent partner, idleness; adoption.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { reason } from '../../../src/errors.ts';
import { SILENT } from '../../../src/log.ts';
import type { Reason } from '../../../src/model/reason.ts';
import { element } from '../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import type { SendingStream } from '../../../src/protocols/xmpp/sending-stream.ts';
import type { StreamError } from '../../../src/protocols/xmpp/stream-error.ts';
import { StreamManagement } from '../../../src/protocols/xmpp/stream-management.ts';
import { StreamPair } from '../../../src/protocols/xmpp/stream-pair.ts';
import { type Wire, XMPP_SETTINGS } from '../../../src/protocols/xmpp/wire.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NO_NOTES } from '../../support/notes.ts';
import { partner } from '../../support/table.ts';

const LISTED = partner('partner.example');
const MESSAGE = element('message', NS.server, { to: 'a@partner.example' });

describe('a pair of domains', () => {
  let clock: ManualClock;
  let pair: StreamPair;
  let written: string[];
  let closedWith: (StreamError | undefined)[];
  let dials: number;
  let gone: ((why: Reason) => void) | undefined;

  function stream(more: Partial<SendingStream> = {}): SendingStream {
    let open = true;
    return {
      id: 's1',
      notes: NO_NOTES,
      direction: 'out',
      proof: 'certificate',
      bothWays: true,
      management: new StreamManagement(),
      peerLimits: {},
      get isOpen() {
        return open;
      },
      lastReceivedAt: 0,
      write: (text) => void written.push(text),
      close: (error) => {
        closedWith.push(error);
        open = false;
        gone?.(reason('NET_CLOSED', 'closed'));
      },
      onGone: (run) => {
        gone = run;
      },
      ...more,
    };
  }
  const pingId = (): string => /id='(ping-[^']+)'/.exec(written.findLast((text) => text.includes('urn:xmpp:ping')) ?? '')?.[1] ?? '';

  beforeEach(() => {
    clock = new ManualClock();
    written = [];
    closedWith = [];
    dials = 0;
    gone = undefined;
    let count = 0;
    const never = (): never => {
      throw new Error('not of this test');
    };
    const wire: Wire = {
      clock,
      ids: { event: never, token: () => String(count++) },
      log: SILENT,
      connector: { connect: never },
      tlsUpgrade: { asServer: never, asClient: never },
      resolver: {
        srv: () => {
          dials++;
          return new Promise(() => {});
        },
        naptr: never,
        addresses: never,
      },
      table: never,
      dialbackSecret: '',
      secret: never,
      random: () => 0.5,
      settings: XMPP_SETTINGS,
      onStanza: never,
      pingAnswered: never,
      roadBack: () => undefined,
      reply: never,
      verifyKey: never,
    };
    pair = new StreamPair(wire, { ourDomain: 'corp.example', theirDomain: 'partner.example' });
  });

  test('adopts a stream of both directions only when it has none and makes none', async () => {
    assert.equal(pair.adopt(stream({ isOpen: false })), false);
    assert.equal(pair.adopt(stream({ direction: 'in' })), true);
    assert.equal(pair.adopt(stream({ direction: 'in', id: 's2' })), false);
    assert.equal((await pair.send(LISTED, MESSAGE)).kind, 'written');
    assert.equal(dials, 0);
    gone?.(reason('NET_CLOSED', 'gone'));
    void pair.send(LISTED, MESSAGE);
    assert.deepEqual([pair.state, dials], ['connecting', 2]);
    assert.equal(pair.adopt(stream()), false);
  });

  test('messages keep their order when a stream breaks: none goes on the next one before those before it are settled', async () => {
    pair.adopt(stream({ bothWays: false }));
    const first = await pair.send(LISTED, MESSAGE, { durable: true });
    assert(first.kind === 'written');
    const fate = pair.barrier(first.number);
    gone?.(reason('NET_CLOSED', 'reset'));
    pair.adopt(stream({ id: 's2' }));
    assert.equal((await pair.send(LISTED, MESSAGE, { durable: true })).kind, 'failed');
    assert.equal((await pair.send(LISTED, MESSAGE)).kind, 'written', 'what is not kept does not wait');
    clock.advance(2000);
    assert.equal((await fate).kind, 'closed');
    assert.equal((await pair.send(LISTED, MESSAGE, { durable: true })).kind, 'written');
  });

  test('asks for the XEP-0198 count with each ping', async () => {
    const management = new StreamManagement();
    management.enable(0);
    pair.adopt(stream({ management }));
    await pair.send(LISTED, MESSAGE);
    void pair.barrier();
    assert.equal(written.at(-1), `<r xmlns='${NS.sm}'/>`);
    assert.equal(management.sent, 2);
  });

  test('pings a silent road every two minutes, and not one on which something came', () => {
    pair.adopt(stream());
    clock.advance(119_999);
    assert.deepEqual(written, []);
    // Nothing ever came on this one: its last byte is of the time zero.
    clock.advance(1);
    assert.equal(written.length, 1);
    assert.equal(pair.pingAnswered(pingId()), true);
    clock.advance(120_000);
    assert.equal(written.length, 2);
    pair.pingAnswered(pingId());

    const lively = stream();
    Object.defineProperty(lively, 'lastReceivedAt', { get: () => clock.monotonic() });
    gone?.(reason('NET_CLOSED', 'gone'));
    pair.adopt(lively);
    clock.advance(1_200_000);
    assert.equal(written.length, 2);
  });

  test('closes a road on which a ping stays without answer or count: it may be half open', () => {
    pair.adopt(stream());
    clock.advance(120_000 + 20_000);
    assert.equal(closedWith[0]?.condition, 'connection-timeout');
    assert.equal(pair.state, 'idle');
  });

  test('keeps a road whose partner counts but cannot answer', async () => {
    const management = new StreamManagement();
    management.enable(0);
    pair.adopt(stream({ management }));
    await pair.send(LISTED, MESSAGE);
    const waiting = pair.barrier();
    management.take(element('a', NS.sm, { h: '2' }));
    clock.advance(20_000);
    const result = await waiting;
    assert(result.kind === 'noReturnPath' && result.acknowledged);
    assert.deepEqual([pair.state, closedWith], ['open', []]);
  });

  test('closes a stream of ours after half an hour without use, and leaves an adopted one to its owner', () => {
    const lively = (direction: 'in' | 'out'): SendingStream => {
      const made = stream({ direction });
      Object.defineProperty(made, 'lastReceivedAt', { get: () => clock.monotonic() });
      return made;
    };
    pair.adopt(lively('in'));
    clock.advance(3_600_000);
    assert.equal(pair.state, 'open');
    gone?.(reason('NET_CLOSED', 'gone'));
    pair.adopt(lively('out'));
    clock.advance(1_799_999);
    assert.equal(pair.state, 'open');
    clock.advance(120_000);
    assert.deepEqual([pair.state, closedWith], ['idle', [undefined]]);
    assert.equal(pair.isDisposable, true);
  });

  test('what is not durable waits 30 s for a connection; the bound counts each kind for itself', async () => {
    const early = pair.send(LISTED, MESSAGE);
    clock.advance(10_000);
    const later = pair.send(LISTED, MESSAGE);
    let durable: string | undefined;
    void pair.send(LISTED, MESSAGE, { durable: true }).then((result) => {
      durable = result.kind;
    });
    clock.advance(20_000);
    const first = await early;
    assert(first.kind === 'failed' && first.reason.code === 'PEER_TIMEOUT');
    assert.equal(pair.waiting, 2);
    clock.advance(10_000);
    assert.equal((await later).kind, 'failed');
    assert.deepEqual([pair.waiting, durable], [1, undefined]);
  });
});
