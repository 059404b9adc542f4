// Hostile XML at the running edge, at each of the three places where a peer can send it: before TLS, inside TLS before it has
// authenticated, and as a partner in good standing. Each gets the right stream error and is closed; memory does not grow.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/wait.ts';
import { streamHeader } from '../support/xmpp-peer.ts';
import { EdgeApart, type Footprint } from './edge-apart.ts';
import { CORP, PARTNER } from './names.ts';
import { BOMBS } from './xml-bombs.ts';

/** spec/security.md §5. */
const MAX_GROWTH_BYTES = 16 * 1024 * 1024;
const MAX_PEAK_BYTES = 64 * 1024 * 1024;

describe('hostile XML at the running edge', () => {
  let edge: EdgeApart;
  let calm: Footprint;
  before(async () => {
    edge = await EdgeApart.open();
    // TLS and the JIT have their memory before any is counted: what good partners cost is not what is asked here.
    for (let round = 0; round < 8; round++) await Promise.all(Array.from({ length: 8 }, async () => (await edge.xmpp()).close()));
    calm = await edge.footprint();
  });
  after(() => edge[Symbol.asyncDispose]());

  const places = {
    'instead of a stream header': async () => edge.tcp(),
    'before TLS': async () => {
      const socket = await edge.tcp();
      socket.write(streamHeader(PARTNER, CORP));
      return socket;
    },
    'inside TLS, not authenticated': async () => (await edge.xmpp({ only: 'tls' })).socket,
    'from an authenticated partner': async () => (await edge.xmpp()).socket,
  } as const;

  for (const [place, open] of Object.entries(places)) {
    describe(place, { concurrency: 8 }, () => {
      for (const { name, bytes, first, inside } of BOMBS) {
        const expected = place === 'instead of a stream header' ? first : inside;
        if (expected === undefined) continue;
        test(`${name}: ${expected}, and closed`, async () => {
          const socket = await open();
          const got = await condition(socket, bytes);
          assert.ok(got !== undefined && expected.split(' or ').includes(got), `the stream error was ${got}`);
        });
      }
    });
  }

  test(`nothing of it was delivered, and no more than ${MAX_GROWTH_BYTES >> 20} MiB are held that were not held before`, async (t) => {
    assert.equal(await edge.delivered(), 0);
    const now = await edge.footprint();
    const mib = (bytes: number): string => `${(bytes / 1048576).toFixed(1)} MiB`;
    t.diagnostic(`held +${mib(now.held - calm.held)}, resident +${mib(now.rss - calm.rss)}, peak +${mib(now.peak - calm.peak)}`);
    assert.ok(now.held - calm.held < MAX_GROWTH_BYTES, `held +${mib(now.held - calm.held)}`);
    assert.ok(now.peak - calm.peak < MAX_PEAK_BYTES, `peak +${mib(now.peak - calm.peak)}`);
  });

  test('a good partner is served afterwards as before', async () => {
    const stream = await edge.xmpp();
    stream.send(`<message from='li@${PARTNER}' to='nora@${CORP}' id='m1'><body>hello</body></message>`);
    await until('the message inside', async () => (await edge.delivered()) === 1);
  });
});

/** Sends, waits for the connection's end, and gives the condition of the stream error that came before it. */
async function condition(socket: Socket, bytes: string | Uint8Array): Promise<string | undefined> {
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const closed = once(socket, 'close');
  socket.write(bytes);
  socket.once('end', () => socket.destroy());
  await closed;
  return /<stream:error>\s*<([a-z-]+) /.exec(said)?.[1];
}
