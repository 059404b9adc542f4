// The short run: 200,000 inputs that are the same each time, and everything the long runs have found. FUZZ_SEED=n is another run.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzz, MAX_MS, type Target } from './engine.ts';
import { TARGETS } from './targets.ts';
import { VECTORS } from './vectors.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 1);

test('200,000 inputs are asked', () => {
  assert.equal(
    TARGETS.reduce((sum, { short }) => sum + short, 0),
    200_000,
  );
});

describe('mutated inputs throw nothing, break no promise and take no time', () => {
  for (const { target, short } of TARGETS) {
    test(`${target.name}: ${short} inputs`, (t) => {
      const { findings, inputs, slowestMs, tookMs } = fuzz(target, short, SEED);
      t.diagnostic(`${inputs} inputs in ${Math.round(tookMs)} ms, the slowest ${slowestMs.toFixed(1)} ms`);
      const shown = findings.map(({ what, input }) => `${what.slice(0, 2000)}\n${input.toString('base64').slice(0, 4000)}`);
      assert.equal(findings.length, 0, `seed ${SEED}\n${shown.join('\n\n')}`);
    });
  }
});

for (const { name, target: prefix, input } of VECTORS) {
  test(name, () => {
    const found = TARGETS.find(({ target }) => target.name.startsWith(prefix));
    assert.ok(found !== undefined, `no target is called ${prefix}`);
    const { findings } = fuzz({ ...found.target, seeds: [input] }, 1, 1);
    assert.deepEqual(
      findings.map(({ what }) => what),
      [],
    );
  });
}

test('the engine finds a thrown error and a slow input, and says which input it was', () => {
  const broken: Target = {
    name: 'broken',
    seeds: [Buffer.from('aaaa')],
    words: ['x'],
    run: (input) => {
      if (input.includes('xx')) throw new Error('two x');
    },
  };
  const { findings } = fuzz(broken, 10_000, 1);
  assert.ok(findings.length > 0);
  assert.ok(findings.every(({ input, what }) => input.includes('xx') && what.includes('two x')));
  const slow: Target = {
    ...broken,
    run: () => {
      const end = performance.now() + MAX_MS + 5;
      while (performance.now() < end);
    },
  };
  assert.match(fuzz(slow, 1, 1).findings[0]?.what ?? '', /^took \d+ ms$/);
});
