import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { editHome, planEdit } from '../../src/config/edit.ts';
import { editYaml } from '../../src/config/edit-yaml.ts';
import { EditError, type Plain, plainOf, printYaml } from '../../src/config/yaml-plain.ts';
import type { Step } from '../../src/config/yaml-step.ts';
import { EXAMPLE_HOME, exampleText, NOW_MS } from './example.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-edit-'));
after(() => rmSync(folder, { recursive: true }));
const options = { nowMs: NOW_MS };
let homes = 0;

function home(): string {
  const dir = join(folder, String(++homes));
  cpSync(EXAMPLE_HOME, dir, { recursive: true });
  return dir;
}

// --- the text --------------------------------------------------------------------------------------------------

const rows: readonly [what: string, before: string, step: Step, after: string][] = [
  ['a value keeps the comment behind it', 'a: 1   # one\nb: 2\n', { kind: 'set', path: ['a'], value: 3 }, 'a: 3   # one\nb: 2\n'],
  ['a new key goes to the end', 'a: 1\n# end\n', { kind: 'set', path: ['b'], value: [1, 2] }, 'a: 1\nb: [1, 2]\n# end\n'],
  ['a new key in brackets', 'x: { a: 1 } # c\n', { kind: 'set', path: ['x', 'b'], value: 2 }, 'x: { a: 1, b: 2 } # c\n'],
  [
    'a new key below another',
    'x:\n  a: 1\ny: 2\n',
    { kind: 'set', path: ['x', 'b'], value: { c: true } },
    'x:\n  a: 1\n  b: { c: true }\ny: 2\n',
  ],
  ['keys above are made', '# only words\n', { kind: 'set', path: ['x', 'y'], value: 1 }, '# only words\nx: { y: 1 }\n'],
  ['a key with nothing behind it', 'x:   # c\n', { kind: 'set', path: ['x', 'y'], value: 1 }, 'x: { y: 1 }   # c\n'],
  [
    'an entry of a list has its line',
    'l:\n  - a  # c\n',
    { kind: 'append', path: ['l'], value: { b: 1 } },
    'l:\n  - a  # c\n  - { b: 1 }\n',
  ],
  ['an entry in brackets', 'l: [a] # c\n', { kind: 'append', path: ['l'], value: 'b' }, 'l: [a, b] # c\n'],
  ['one value becomes a list', 'l: a # c\n', { kind: 'append', path: ['l'], value: 'b' }, 'l: [a, b] # c\n'],
  ['a list that was not there', 'a: 1\n', { kind: 'append', path: ['l'], value: { b: 1 } }, 'a: 1\nl:\n  - { b: 1 }\n'],
  ['the file is the list', '# c\n- { a: 1 }\n', { kind: 'append', path: [], value: { a: 2 } }, '# c\n- { a: 1 }\n- { a: 2 }\n'],
  ['the file becomes a list', '# c\n', { kind: 'append', path: [], value: { a: 2 } }, '# c\n- { a: 2 }\n'],
  ['a key goes with its lines', 'a: 1\nx:\n  b: 2\n  c: 3\n# y\ny: 1\n', { kind: 'delete', path: ['x'] }, 'a: 1\n# y\ny: 1\n'],
  ['an entry goes with its line', 'l:\n  - a # one\n  - b # two\n', { kind: 'delete', path: ['l', 0] }, 'l:\n  - b # two\n'],
  ['the last entry leaves an empty list', 'l:\n  - a\nm: 1\n', { kind: 'delete', path: ['l', 0] }, 'l: []\nm: 1\n'],
  ['an entry in brackets goes', 'l: [a, b, c]\n', { kind: 'delete', path: ['l', 2] }, 'l: [a, b]\n'],
  ['what is not there stays so', 'a: 1\n', { kind: 'delete', path: ['b', 'c'] }, 'a: 1\n'],
  ['line ends of Windows stay', 'a: 1\r\nb: 2\r\n', { kind: 'set', path: ['c'], value: 3 }, 'a: 1\r\nb: 2\r\nc: 3\r\n'],
  ['what has a meaning is quoted', 'a: 1\n', { kind: 'set', path: ['n'], value: 'x # y: [z]' }, 'a: 1\nn: "x # y: [z]"\n'],
];
for (const [what, before, step, wanted] of rows) test(`edit: ${what}`, () => assert.equal(editYaml(before, [step]), wanted));

test('edit: what is no YAML is refused, not overwritten', () => {
  assert.throws(() => editYaml('a: [1\n', [{ kind: 'set', path: ['b'], value: 1 }]), EditError);
  assert.throws(() => editYaml('a: 1\na: 2\n', [{ kind: 'set', path: ['b'], value: 1 }]), EditError);
  assert.throws(() => editYaml('a: 1\n', [{ kind: 'set', path: ['a', 'b'], value: 1 }]), EditError);
});

// A file as people write it: blocks and brackets, comments behind values and on lines of their own.
const word = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
const scalar: fc.Arbitrary<Plain> = fc.oneof(
  word,
  fc.integer({ min: 0, max: 99 }),
  fc.boolean(),
  fc.constant('a: b'),
  fc.constant("it's # not"),
);
const value: fc.Arbitrary<Plain> = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(word, scalar, { maxKeys: 3, noNullPrototype: true }),
);
interface Entry {
  readonly value: Plain;
  readonly block: boolean;
  readonly above: boolean;
  readonly behind: boolean;
}
const entry = fc.record({ value, block: fc.boolean(), above: fc.boolean(), behind: fc.boolean() });
const file = fc.dictionary(word, entry, { minKeys: 1, maxKeys: 5, noNullPrototype: true });

function printed(entries: Readonly<Record<string, Entry>>): string {
  const inline = (one: Plain): string => printYaml('', { x: one }).trim().slice('x: '.length);
  return Object.entries(entries)
    .map(([key, { value: held, block, above, behind }]) => {
      const comment = behind ? `   # behind ${key}` : '';
      const head = above ? `# above ${key}\n` : '';
      if (!block || typeof held !== 'object' || Object.keys(held).length === 0) return `${head}${key}: ${inline(held)}${comment}\n`;
      const items = Array.isArray(held)
        ? held.map((item: Plain) => `  - ${inline(item)}`)
        : Object.entries(held).map(([name, item]) => `  ${name}: ${inline(item)}`);
      return `${head}${key}:${comment}\n${items.join('\n')}\n`;
    })
    .join('');
}

test('edit: a step changes what it names, and every other line, comment and value stays', () => {
  fc.assert(
    fc.property(file, word, value, fc.nat(9), (entries, name, put, choice) => {
      const text = printed(entries);
      const keys = Object.keys(entries);
      const key = choice < 7 ? keys[choice % keys.length]! : name;
      const kind = (['set', 'append', 'delete'] as const)[choice % 3]!;
      const held = entries[key]?.value;
      // A mapping that is to become a list is written anew: nothing in a home asks for it.
      fc.pre(kind !== 'append' || typeof held !== 'object' || Array.isArray(held));
      const step: Step = kind === 'delete' ? { kind, path: [key] } : { kind, path: [key], value: put };
      const result = editYaml(text, [step]);
      const [before, after] = [plainOf(text), plainOf(result)] as Record<string, unknown>[];
      for (const other of keys) if (other !== key) assert.deepEqual(after![other], before![other]);
      if (kind === 'set') assert.deepEqual(after![key], put);
      if (kind === 'append') assert.deepEqual((after![key] as unknown[]).at(-1), put);
      if (kind === 'delete') assert.equal(Object.hasOwn(after!, key), false);
      // Lines that belong to nothing that was touched are there, in order.
      const untouched = Object.entries(entries).filter(([other]) => other !== key);
      let from = 0;
      for (const [other, one] of untouched) {
        const at = result.indexOf(printed({ [other]: one }), from);
        assert.ok(at >= 0, `${JSON.stringify(step)}\n${text}---\n${result}`);
        from = at;
      }
      if (kind !== 'delete')
        for (const comment of text.match(/# (above|behind) \w+/g) ?? []) assert.ok(result.includes(comment), `${comment} in\n${result}`);
    }),
    { numRuns: 300 },
  );
});

// --- the home ----------------------------------------------------------------------------------------------------

test('an edit writes one file, keeps its mode and comments, and says what it did as a diff', () => {
  const dir = home();
  const path = join(dir, 'routes/partners/lync.example.yaml');
  chmodSync(path, 0o640);
  const edit = editHome(dir, { 'routes/partners/lync.example.yaml': [{ kind: 'set', path: ['allow', 'weSee'], value: false }] }, options);
  assert.ok(!('refused' in edit), JSON.stringify(edit));
  assert.match(edit.diff, /^--- a\/routes\/partners\/lync\.example\.yaml\n\+\+\+ b\/routes\/partners\/lync\.example\.yaml$/m);
  assert.match(edit.diff, /^\+allow: \{ theySee: \[availability\], weSee: false \}$/m);
  assert.equal(edit.diff.match(/^[-+](?![-+])/gm)?.length, 2);
  assert.equal(statSync(path).mode & 0o777, 0o640);
  assert.equal(
    readFileSync(path, 'utf8'),
    exampleText('routes/partners/lync.example.yaml').replace('[availability] }', '[availability], weSee: false }'),
  );
  assert.deepEqual(
    readdirSync(join(dir, 'routes/partners')).filter((name) => name.includes('new')),
    [],
  );
});

test('an edit that would make a fault is refused with the fault, and nothing is written', () => {
  const dir = home();
  const before = readFileSync(join(dir, 'routes/policy.yaml'), 'utf8');
  const edit = editHome(dir, { 'routes/policy.yaml': [{ kind: 'append', path: ['blocked'], value: { domian: 'x.example' } }] }, options);
  assert.ok('refused' in edit);
  assert.equal(edit.faults[0]?.meant, 'domain');
  assert.equal(edit.faults[0]?.line, 7);
  assert.equal(readFileSync(join(dir, 'routes/policy.yaml'), 'utf8'), before);
});

test('a fault that was there before does not stop an edit somewhere else', () => {
  const dir = home();
  writeFileSync(join(dir, 'routes/partners/new.example.yaml'), 'xmpp: { prof: dialback }\n');
  const edit = editHome(dir, { 'routes/policy.yaml': [{ kind: 'append', path: ['blocked'], value: { domain: 'x.example' } }] }, options);
  assert.ok(!('refused' in edit));
  assert.match(readFileSync(join(dir, 'routes/policy.yaml'), 'utf8'), /- \{ domain: x\.example \}/);
});

test('a new file and one that is taken away', () => {
  const dir = home();
  const made = editHome(
    dir,
    { 'routes/partners/a.example.yaml': printYaml('# A.', { note: 'ticket 1' }), 'routes/partners/old.example.yaml': undefined },
    options,
  );
  assert.ok(!('refused' in made), JSON.stringify(made));
  assert.deepEqual(made.changed, ['routes/partners/a.example.yaml', 'routes/partners/old.example.yaml']);
  assert.match(made.diff, /^--- \/dev\/null\n\+\+\+ b\/routes\/partners\/a\.example\.yaml$/m);
  assert.match(made.diff, /^\+\+\+ \/dev\/null$/m);
  assert.equal(readFileSync(join(dir, 'routes/partners/a.example.yaml'), 'utf8'), '# A.\nnote: ticket 1\n');
  assert.equal(statSync(join(dir, 'routes/partners/old.example.yaml'), { throwIfNoEntry: false }), undefined);
});

test('a planned edit writes nothing', () => {
  const dir = home();
  const plan = planEdit(dir, { 'routes/partners/old.example.yaml': undefined }, options);
  assert.ok(!('refused' in plan) && plan.diff !== '');
  assert.ok(statSync(join(dir, 'routes/partners/old.example.yaml')).isFile());
});
