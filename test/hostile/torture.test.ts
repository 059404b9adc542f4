// Every message of RFC 4475 and RFC 5118 against the edge as it runs, over TLS and over TCP: a right answer or a right
// silence, never a forwarded byte that should not be, and a plain OPTIONS behind each is answered at once.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SipFramer } from '../../src/protocols/sip/framing.ts';
import type { RawPeer } from '../support/raw-peer.ts';
import { ask } from '../support/sip-exchange.ts';
import { header, status } from '../support/sip-message.ts';
import { RFC4475 } from '../vectors/sip/rfc4475.ts';
import { RFC5118 } from '../vectors/sip/rfc5118.ts';
import type { Answer, TortureCase } from '../vectors/sip/torture-case.ts';
import { RunningEdge } from './running-edge.ts';

const CASES = [...RFC4475, ...RFC5118];

describe('torture messages at the running edge', () => {
  let edge: RunningEdge;
  // Over TCP we are spoken to by servers of ours alone, so there the sender's domain is ours.
  let mirrored: RunningEdge;
  before(async () => {
    [edge, mirrored] = await Promise.all([RunningEdge.open(), RunningEdge.open({ mirrored: true })]);
  });
  after(() => Promise.all([edge[Symbol.asyncDispose](), mirrored[Symbol.asyncDispose]()]));

  test('there are 49 and 12 of them', () => assert.deepEqual([RFC4475.length, RFC5118.length], [49, 12]));

  for (const transport of ['TLS', 'TCP'] as const) {
    const connect = (): Promise<RawPeer> => (transport === 'TLS' ? edge.sip() : mirrored.insideSip());
    for (const each of CASES) {
      const rfc = RFC4475.includes(each) ? 4475 : 5118;
      test(`over ${transport}, RFC ${rfc} §${each.section} ${each.name}: ${each.fact}`, async () => {
        const peer = await connect();
        const answers = await play(peer, each, connect);
        peer.socket.destroy();
        const silence = each.expect.includes('drop') || each.expect.includes('wait');
        assert.ok(
          answers.every((code) => fits(code, each.expect)),
          `answered ${answers.join(', ')}, right is ${each.expect.join(' or ')}`,
        );
        if (!silence) assert.equal(answers.length, each.messages ?? 1, `right is ${each.expect.join(' or ')}`);
      });
    }
  }

  test('nothing of theirs has made us connect to an address that a message named', () => {
    assert.deepEqual([edge.around.trap.connections, mirrored.around.trap.connections], [0, 0]);
  });
});

function fits(code: number, expected: readonly Answer[]): boolean {
  return expected.some((one) => one === code || (one === 'ok' && code !== 400 && code !== 500));
}

/** Sends a case, then OPTIONS; gives the statuses of what came for the case. */
async function play(peer: RawPeer, each: TortureCase, connect: () => Promise<RawPeer>): Promise<number[]> {
  const waits = each.codec === 'wait';
  const closes = new SipFramer().push(each.bytes).some((frame) => frame.kind === 'refused' || (frame.kind === 'message' && frame.last));
  peer.send(each.bytes);
  const answers: number[] = [];
  const silence = each.expect.includes('drop') || each.expect.includes('wait');
  // A good request's answer may have to come from inside first; a wrong one's stands before what follows it.
  while (!silence && answers.length < (each.messages ?? 1)) answers.push(status(await peer.next()));
  if (closes) await peer.closed;
  const other = waits || closes ? await connect() : peer;
  const id = `probe-${each.name}`;
  other.send(ask('OPTIONS', { 'Call-ID': id, From: '<sip:nora@fabrikam.example>;tag=p' }));
  assert.equal(status(await other.next((message) => header(message, 'Call-ID') === id)), 200, 'OPTIONS afterwards');
  if (other !== peer) other.socket.destroy();
  answers.push(...peer.messages.waiting.map(status));
  return answers;
}
