// The connection: what is written together leaves together, a peer that never reads or never goes on is let go, and a stream
// restart voids what the old stream still held.

import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import type { Link } from '../../../src/model/ports.ts';
import { CONNECTION_LIMITS, type ConnectionLimits, type Ended, XmlConnection } from '../../../src/protocols/xmpp/connection.ts';
import type { StreamFrame } from '../../../src/protocols/xmpp/framing.ts';
import { printStreamOpen } from '../../../src/protocols/xmpp/print.ts';
import { LIMITS_AFTER_AUTH, LIMITS_BEFORE_AUTH } from '../../../src/protocols/xmpp/stream-limits.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NO_NOTES } from '../../support/notes.ts';

const OPEN = printStreamOpen({ from: 'a.example', to: 'b.example' });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A socket whose far end takes writes only while `takes` is on. */
class FakeSocket extends Duplex {
  takes = true;
  readonly writes: string[] = [];
  #held: (() => void)[] = [];
  constructor() {
    super({ highWaterMark: 1024, allowHalfOpen: true });
  }
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(chunk.toString());
    if (this.takes) done();
    else this.#held.push(done);
  }
  takeAll(): void {
    this.takes = true;
    for (const done of this.#held.splice(0)) done();
  }
}
function linkOf(socket: Duplex): Link {
  const unproven = { proven: false, reason: { code: 'CERT_MISSING', blame: 'peer', retry: 'never', text: 'none' } } as const;
  const peer = {
    side: 'edge',
    address: '192.0.2.1',
    port: 5269,
    names: [],
    proves: async () => unproven,
    provenAlready: () => unproven,
  } as const;
  return {
    id: 'c1',
    socket,
    peer,
    notes: NO_NOTES,
    direction: 'in',
    secure: false,
    local: { address: '192.0.2.2', port: 5269 },
    showsOurs: () => true,
  };
}
interface Made {
  readonly socket: FakeSocket;
  readonly clock: ManualClock;
  readonly connection: XmlConnection;
  readonly frames: StreamFrame[];
  readonly ended: Ended[];
  readonly broken: unknown[];
  slow: number;
}
function made(onFrame: (frame: StreamFrame, self: Made) => void | Promise<void> = () => {}, limits: Partial<ConnectionLimits> = {}): Made {
  const socket = new FakeSocket();
  const clock = new ManualClock();
  const frames: StreamFrame[] = [];
  const ended: Ended[] = [];
  const broken: unknown[] = [];
  const owner = {
    frame: (frame: StreamFrame): void | Promise<void> => {
      frames.push(frame);
      return onFrame(frame, self);
    },
    broken: (error: unknown): void => void broken.push(error),
    slow: (): void => void self.slow++,
    ended: (how: Ended): void => void ended.push(how),
  };
  const connection = new XmlConnection(linkOf(socket), owner, clock, { ...CONNECTION_LIMITS, ...limits }, LIMITS_BEFORE_AUTH);
  const self: Made = { socket, clock, connection, frames, ended, broken, slow: 0 };
  return self;
}

describe('an XML connection', () => {
  test('writes once for each tick, and once for each chunk received', async () => {
    const { socket, connection } = made((frame, self) => {
      if (frame.kind === 'element') self.connection.write('<r/>');
    });
    connection.write('<a/>');
    connection.write('<b/>');
    assert.deepEqual(socket.writes, []);
    await turn();
    assert.deepEqual(socket.writes, ['<a/><b/>']);
    socket.push(`${OPEN}<x/><x/><x/>`);
    await turn();
    assert.deepEqual(socket.writes, ['<a/><b/>', '<r/><r/><r/>']);
  });

  test('hands frames out one after the other, and does not read on while one is in work', async () => {
    let finish: (() => void) | undefined;
    const self = made((frame) => {
      if (frame.kind !== 'open') return;
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    self.socket.push(`${OPEN}<x/>`);
    await turn();
    self.socket.push('<y/>');
    await turn();
    assert.deepEqual([self.frames.length, self.socket.isPaused()], [1, true]);
    finish?.();
    await turn();
    await turn();
    assert.deepEqual(
      self.frames.map((frame) => (frame.kind === 'element' ? frame.element.name : frame.kind)),
      ['open', 'x', 'y'],
    );
  });

  test('drops what the old stream held when a new one begins', async () => {
    const self = made((frame, { connection }) => {
      if (frame.kind === 'element') connection.restart(LIMITS_AFTER_AUTH);
    });
    self.socket.push(`${OPEN}<auth/><evil/>`);
    await turn();
    self.socket.push(`${OPEN}<x/>`);
    await turn();
    assert.deepEqual(
      self.frames.map((frame) => (frame.kind === 'element' ? frame.element.name : frame.kind)),
      ['open', 'auth', 'open', 'x'],
    );
  });

  test('lets a peer go that never reads: at the cap at once', async () => {
    const self = made(() => {}, { unsentBytes: 10_000 });
    self.socket.takes = false;
    for (let n = 0; n < 11; n++) {
      self.connection.write('x'.repeat(1000));
      await turn();
    }
    assert.deepEqual(self.ended, ['neverReads']);
    assert.equal(self.socket.destroyed, true);
  });

  test('lets a peer go that reads nothing for 30 s, and keeps one that reads in time', async () => {
    const late = made();
    late.socket.takes = false;
    late.connection.write('x'.repeat(5000));
    await turn();
    late.clock.advance(29_999);
    assert.deepEqual(late.ended, []);
    late.clock.advance(1);
    assert.deepEqual(late.ended, ['neverReads']);

    const inTime = made();
    inTime.socket.takes = false;
    inTime.connection.write('x'.repeat(5000));
    await turn();
    inTime.clock.advance(20_000);
    inTime.socket.takeAll();
    await turn();
    inTime.clock.advance(20_000);
    assert.deepEqual(inTime.ended, []);
  });

  test('calls a peer slow that drips an element, and not one that sends a large one steadily', async () => {
    const drips = made();
    drips.socket.push(`${OPEN}<message>`);
    for (let second = 0; second < 9; second++) {
      await turn();
      drips.clock.advance(1000);
      drips.socket.push('x');
    }
    await turn();
    assert.equal(drips.slow, 0);
    drips.clock.advance(1000);
    assert.equal(drips.slow, 1);

    const steady = made(() => {}, {});
    steady.connection.relax(LIMITS_AFTER_AUTH);
    steady.socket.push(`${OPEN}<message>`);
    for (let second = 0; second < 40; second++) {
      await turn();
      steady.clock.advance(1000);
      steady.socket.push('x'.repeat(1500));
    }
    await turn();
    assert.deepEqual([steady.slow, steady.frames.length], [0, 1]);
  });

  test('a silent stream between elements is not slow', async () => {
    const self = made();
    self.socket.push(`${OPEN}<x/>`);
    await turn();
    self.clock.advance(3_600_000);
    assert.deepEqual([self.slow, self.ended], [0, []]);
  });

  test('closes with the last words and waits three seconds for the peer', async () => {
    const self = made();
    self.connection.close('<bye/>');
    self.connection.write('<late/>');
    await turn();
    assert.deepEqual(self.socket.writes, ['<bye/></stream:stream>']);
    assert.deepEqual(self.ended, []);
    self.clock.advance(3000);
    assert.deepEqual(self.ended, ['closed']);
  });

  test('a defect in a frame handler reaches the owner, not the process', async () => {
    const self = made((frame) => {
      if (frame.kind === 'open') throw new Error('at once');
      return Promise.reject(new Error('later'));
    });
    self.socket.push(`${OPEN}<x/><y/>`);
    await turn();
    await turn();
    assert.deepEqual(
      self.broken.map((error) => (error as Error).message),
      ['at once', 'later', 'later'],
    );
  });

  test('hears of the end once, whatever comes', async () => {
    const self = made();
    self.socket.push(null);
    await turn();
    self.socket.destroy(new Error('reset'));
    self.connection.destroy();
    await turn();
    assert.deepEqual(self.ended, ['peerClosed']);
  });
});
