// Whatever stands in the files: an answer, never an exception, and never a set that takes effect with a fault in it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { check, examplePaths, exampleText, exampleWith } from './example.ts';

const YAML_FILES = examplePaths().filter((path) => path.endsWith('.yaml'));
const SPLINTERS = [
  '{',
  '}',
  '[',
  ']',
  ':',
  '-',
  '&a ',
  '*a',
  '|',
  '>',
  '\n',
  '\t',
  '"',
  "'",
  '#',
  '? ',
  '!!x ',
  '<<: ',
  '\u0000',
  '\ud800',
  '💥',
  '__proto__: 1',
  '- - - ',
];

const mutation = fc.record({
  path: fc.constantFrom(...YAML_FILES),
  cuts: fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      remove: fc.nat(12),
      insert: fc.oneof(fc.constantFrom(...SPLINTERS), fc.string({ maxLength: 8 })),
    }),
    {
      minLength: 1,
      maxLength: 4,
    },
  ),
});

test('no mutation of a file makes the check throw; what is found stands inside a file of the home', () => {
  fc.assert(
    fc.property(mutation, ({ path, cuts }) => {
      let text = exampleText(path);
      for (const { at, remove, insert } of cuts) {
        const offset = Math.floor(at * text.length);
        text = text.slice(0, offset) + insert + text.slice(offset + remove);
      }
      const result = check(exampleWith({ [path]: text }));
      assert.equal(result.ok, result.faults.length === 0);
      for (const finding of [...result.faults, ...result.notices]) {
        assert.ok(finding.line >= 1 && finding.column >= 1);
        assert.notEqual(finding.found, '');
        assert.notEqual(finding.right, '');
      }
    }),
    { numRuns: 80 },
  );
});

test('any value at all in place of a file is answered', () => {
  fc.assert(
    fc.property(fc.constantFrom(...YAML_FILES), fc.json(), (path, text) => {
      check(exampleWith({ [path]: text }));
    }),
    { numRuns: 60 },
  );
});

for (const [title, text] of [
  ['ten thousand open brackets', '['.repeat(10_000)],
  ['ten thousand nested mappings', 'a: {'.repeat(10_000)],
  ['forty levels', `${Array.from({ length: 40 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')} 1`],
  ['two megabytes', `note: ${'x'.repeat(2_000_000)}`],
  ['a binary file', '\u0000\u0001\u0002\ufffd'],
] as const) {
  test(`${title} are a fault of the file, told in no time`, () => {
    const started = performance.now();
    const result = check(exampleWith({ 'routes/policy.yaml': text }));
    assert.ok(result.faults.some((fault) => fault.file === 'routes/policy.yaml'));
    assert.ok(performance.now() - started < 2000);
  });
}
