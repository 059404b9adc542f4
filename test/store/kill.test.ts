import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../src/store/store.ts';
import { ManualClock } from '../support/manual-clock.ts';

const CHILD = new URL('./kill-child.ts', import.meta.url).pathname;

/** Starts a child, kills it without warning after its first answers, and returns what it had acknowledged. */
function killedInABurst(folder: string, run: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, folder, String(run)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(folder, 'cache') },
    });
    let said = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (said === '') setTimeout(() => child.kill('SIGKILL'), (run * 7) % 23);
      said += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the child ended by itself: ${code} ${complaint}`));
      else resolve(said.split('\n').slice(0, -1));
    });
  });
}

test('20 times kill -9 in the middle of a burst: every acknowledged row is there and opens', async () => {
  const roots = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'isthmus-kill-')));
  try {
    // Two chains of ten, each on its own home: every start recovers what the kill before it left.
    await Promise.all(
      roots.map(async (folder, chain) => {
        const acknowledged: string[] = [];
        for (let run = 0; run < 10; run += 1) acknowledged.push(...(await killedInABurst(folder, chain * 10 + run)));
        const store = openStore({ folder, clock: new ManualClock(), mode: 'own' });
        const waiting = new Map((await store.outbox.waiting()).map((one) => [one.id, one.row]));
        assert.ok(acknowledged.length >= 200);
        assert.deepEqual(
          acknowledged.filter((id) => !waiting.has(id)),
          [],
          'lost',
        );
        for (const id of acknowledged.slice(-50)) assert.equal((await store.outbox.load(waiting.get(id) ?? 0))?.id, id);
        const last = acknowledged.at(-1) ?? '';
        assert.equal((await store.ledger.find(`c-${last}`))[0]?.state, 'accepted', 'its ledger line was mended');
        store.close();
      }),
    );
  } finally {
    for (const folder of roots) rmSync(folder, { recursive: true, force: true });
  }
});
