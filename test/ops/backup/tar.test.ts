// The container of a backup, against the system's own tar where there is one.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { readTar, TAR_END, TarError, tarHeader, tarPadding } from '../../../src/ops/backup/tar.ts';

const FILES: readonly { readonly path: string; readonly text: string }[] = [
  { path: 'a', text: '' },
  { path: 'home/isthmus.yaml', text: 'x'.repeat(512) },
  { path: `home/${'d'.repeat(60)}/${'n'.repeat(80)}`, text: 'prefix' },
  { path: `home/${'l'.repeat(180)}`, text: 'too long for a header' },
  { path: 'home/über.pem', text: 'not ASCII' },
];

function archive(files = FILES): Buffer {
  const parts = files.map(({ path, text }) => {
    const bytes = Buffer.from(text);
    return Buffer.concat([
      tarHeader({ path, size: bytes.length, mode: 0o640, changedAt: 1_700_000_000_000 }),
      bytes,
      tarPadding(bytes.length),
    ]);
  });
  return Buffer.concat([...parts, TAR_END]);
}

/** Reads it in pieces of `piece` bytes. */
async function read(bytes: Buffer, piece: number) {
  const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, at) => bytes.subarray(at * piece, (at + 1) * piece));
  const found: { path: string; text: string; mode: number }[] = [];
  for await (const { path, mode, chunks } of readTar(Readable.from(pieces))) {
    const parts: Buffer[] = [];
    for await (const chunk of chunks) parts.push(Buffer.from(chunk));
    found.push({ path, mode, text: Buffer.concat(parts).toString() });
  }
  return found;
}

test('what was written is read again, in whatever pieces it comes', async () => {
  for (const piece of [1, 7, 511, 512, 513, 100_000]) {
    assert.deepEqual(
      await read(archive(), piece),
      FILES.map(({ path, text }) => ({ path, text, mode: 0o640 })),
      `pieces of ${piece}`,
    );
  }
});

test('the system lists it', (t) => {
  const listed = spawnSync('tar', ['tf', '-'], { input: archive(), encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  if (listed.error !== undefined) return t.skip('there is no tar here');
  assert.equal(listed.status, 0, listed.stderr);
  assert.deepEqual(
    listed.stdout
      .trim()
      .split('\n')
      .map((line) => line.replaceAll(/\\(\d{3})\\(\d{3})/g, 'ü')),
    FILES.map(({ path }) => path),
  );
});

test('an end that is missing, a damaged header, and anything but a file are refused', async () => {
  const good = archive();
  await assert.rejects(read(good.subarray(0, 700), 512), TarError);
  await assert.rejects(read(good.subarray(0, good.length - 1024), 512), /ends early/);
  const damaged = Buffer.from(good);
  damaged[600] = 0x55;
  await assert.rejects(read(Buffer.from('x'.repeat(1024)), 512), /no tar archive/);
  const link = tarHeader({ path: 'l', size: 0, mode: 0o777, changedAt: 0 });
  link.write('2', 156);
  link.write('      ', 148);
  let sum = 0;
  for (let at = 0; at < 512; at += 1) sum += at >= 148 && at < 156 ? 32 : (link[at] ?? 0);
  link.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  await assert.rejects(read(Buffer.concat([link, TAR_END]), 512), /l is not a regular file/);
});
