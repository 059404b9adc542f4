import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerTry } from '../../src/model/peer-try.ts';
import { tempStore } from './temp-store.ts';

const one = (at: number, more: Partial<PeerTry> = {}): PeerTry => ({
  at,
  protocol: 'sip',
  domain: 'partner.example',
  ok: false,
  code: 'CERT_PEER_EXPIRED',
  text: 'x',
  ...more,
});
const nobody = (at: number, address: string): PeerTry => ({ at, address, ok: false, code: 'NET_TLS_FAILED', text: 'x' });
const noAddress: ReadonlySet<string> = new Set();

test('tries are found by claimed domain, and those of nobody by address, the newest first, also after a restart', async () => {
  await using temp = tempStore();
  temp.store.peerTries.note(one(1));
  temp.store.peerTries.note(nobody(3, '192.0.2.7'));
  temp.store.peerTries.note(one(2, { domain: 'other.example', address: '192.0.2.7' }));
  temp.store.peerTries.note(one(4, { ok: true }));
  temp.store.flush();
  const store = temp.reopen();
  assert.deepEqual(
    (await store.peerTries.of('partner.example', noAddress)).map((found) => found.at),
    [4, 1],
  );
  assert.deepEqual(
    (await store.peerTries.of('partner.example', new Set(['192.0.2.7']))).map((found) => found.at),
    [4, 3, 1],
    'what says that it is another is another',
  );
  assert.deepEqual((await store.peerTries.of('partner.example', noAddress))[1], one(1));
});

test('whoever knocks all day fills nothing', async () => {
  await using temp = tempStore();
  for (let round = 0; round < 6; round++) {
    for (let at = 0; at < 1000; at++) temp.store.peerTries.note(one(round * 1000 + at));
    temp.store.flush();
  }
  const found = await temp.store.peerTries.of('partner.example', noAddress);
  assert.equal(found.length, 100);
  assert.equal(found[0]?.at, 5999);
});
