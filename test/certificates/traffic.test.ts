// Replacement under traffic: real TLS connections that talk all the time while pairs are replaced, good ones and bad ones.
// Open connections stay, new handshakes see the new pair once the watcher has taken it, and a bad pair is seen by nobody.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { watchCertificates } from '../../src/assembly/reload.ts';
import { putPair } from '../../src/certificates/pairs.ts';
import { systemClock } from '../../src/edge/system-clock.ts';
import { type Log, SILENT } from '../../src/log.ts';
import type { Clock } from '../../src/model/ports.ts';
import { type Issued, selfSigned } from '../support/ca.ts';
import { dial, EdgeWorld } from '../support/edge-world.ts';
import { until } from '../support/wait.ts';

const CONNECTIONS = 20;
const day = (count: number): Date => new Date(Date.now() + count * 86_400_000);

test('pairs are replaced under traffic: nothing ends, the new one is shown, a bad one never', async () => {
  await using world = new EdgeWorld();
  const ca = world.ourCa;
  const home = mkdtempSync(join(tmpdir(), 'isthmus-home-'));
  symlinkSync(world.folder, join(home, 'certs'));
  const lines: { event: unknown; found: unknown }[] = [];
  const log: Log = {
    ...SILENT,
    info: ({ event }) => void lines.push({ event, found: '' }),
    warn: ({ event, found }) => void lines.push({ event, found }),
  };
  // Ten times as impatient as in earnest: what is seen between two files is seen here.
  const clock: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms / 10, run) };
  const watcher = watchCertificates({ home: { dir: home }, own: world.own, trust: world.trust, clock, log });
  const { port, next } = await world.listen();
  const talkers: Talker[] = [];
  for (let count = 0; count < CONNECTIONS; count++) talkers.push(await talk(port, next));

  const shown = async (): Promise<string> => {
    const socket = await dial(port, undefined);
    const fingerprint = new X509Certificate(socket.getPeerX509Certificate()!.raw).fingerprint256.replaceAll(':', '').toLowerCase();
    socket.destroy();
    return fingerprint;
  };
  const good = (): Issued => ca.issue({ names: ['corp.example'] });
  let inForce = world.ours;
  try {
    for (let round = 0; round < 3; round++) {
      const renewed = good();
      putPair(world.folder, 'corp', renewed);
      while ((await shown()) !== renewed.fingerprint) await new Promise((resolve) => setImmediate(resolve));
      inForce = renewed;
    }
    assert.deepEqual(
      lines.map(({ event }) => event).filter((event) => event !== 'trust.reloaded'),
      ['cert.reloaded', 'cert.reloaded', 'cert.reloaded'],
      'a good pair is never taken for half a one',
    );
    const stranger = good();
    const bad: readonly (readonly [Pick<Issued, 'chainPem' | 'keyPem'>, RegExp])[] = [
      [{ ...good(), keyPem: stranger.keyPem }, /does not belong/],
      [ca.issue({ names: ['corp.example'], notBefore: day(-9), notAfter: day(-1) }), /expired on .* stays in force/],
      [ca.issue({ names: ['other.example'] }), /names none of corp\.example.* stays in force/],
      [{ ...stranger, chainPem: stranger.certPem }, /holds no certificate of its issuer "Our CA Issuing".* stays in force/],
      [{ ...selfSigned({ names: ['other.example'] }), keyPem: 'no key' }, /not a private key/],
    ];
    for (const [pair, pattern] of bad) {
      lines.length = 0;
      // By hand, one file after the other, as people do.
      writeFileSync(join(world.folder, 'own/corp/fullchain.pem'), pair.chainPem);
      writeFileSync(join(world.folder, 'own/corp/key.pem'), pair.keyPem);
      await until('the refusal', () => lines.some(({ event, found }) => event === 'cert.rejected' && pattern.test(String(found))));
      assert.equal(await shown(), inForce.fingerprint);
    }
    const last = good();
    putPair(world.folder, 'corp', last);
    await until('the last pair', async () => (await shown()) === last.fingerprint);
    const before = talkers.map((talker) => talker.answers());
    await until('every talker to say more', () => talkers.every((talker, index) => talker.answers() > before[index]!));
    assert.deepEqual(
      talkers.filter((talker) => talker.ended()),
      [],
    );
  } finally {
    watcher.stop();
    for (const talker of talkers) talker.stop();
    rmSync(home, { recursive: true });
  }
});

interface Talker {
  answers(): number;
  ended(): boolean;
  stop(): void;
}

/** A connection that says a word, waits for it to come back, and says the next. */
async function talk(port: number, next: Awaited<ReturnType<EdgeWorld['listen']>>['next']): Promise<Talker> {
  const socket: TLSSocket = await dial(port, undefined);
  const link = await next();
  link.socket.on('data', (data) => link.socket.write(data));
  let answers = 0;
  let ended = false;
  socket.on('close', () => {
    ended = true;
  });
  socket.on('data', () => {
    answers++;
    setTimeout(() => socket.destroyed || socket.write('word'), 5);
  });
  socket.write('word');
  return { answers: () => answers, ended: () => ended, stop: () => socket.destroy() };
}
