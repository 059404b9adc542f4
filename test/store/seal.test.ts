import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sealWith } from '../../src/store/seal.ts';

const seal = sealWith(new Uint8Array(32).fill(7));

test('opens what it closed, and nothing that was changed, moved or made with another key', () => {
  const other = sealWith(new Uint8Array(32).fill(8));
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.nat(), (text, label, at) => {
      const closed = seal.close(text, label);
      assert.equal(seal.open(closed, label)?.toString('utf8'), Buffer.from(text).toString('utf8'));
      assert.equal(seal.open(closed, `${label}!`), undefined);
      assert.equal(other.open(closed, label), undefined);
      const harmed = Uint8Array.from(closed);
      harmed[at % harmed.length] = (harmed[at % harmed.length] ?? 0) ^ 1;
      assert.equal(seal.open(harmed, label), undefined);
      assert.equal(seal.open(closed.subarray(0, at % closed.length), label), undefined);
    }),
  );
});

test('no two seals of one text are alike', () => {
  const seen = new Set(Array.from({ length: 1000 }, () => Buffer.from(seal.close('x', 'l')).toString('hex')));
  assert.equal(seen.size, 1000);
});
