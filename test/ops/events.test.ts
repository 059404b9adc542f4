import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EVENTS } from '../../src/ops/events.ts';

const SRC = join(import.meta.dirname, '../../src');

/** Every `event: 'name'` of a log line. */
function written(): { name: string; place: string }[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => {
      const text = readFileSync(join(SRC, path), 'utf8');
      return [...text.matchAll(/\bevent: '([\w.]+)'/g)].map((match) => ({
        name: match[1]!,
        place: `src/${path}:${text.slice(0, match.index).split('\n').length}`,
      }));
    });
}

test('every event that is logged stands in the catalogue of src/ops/events.ts', () => {
  const missing = written().filter(({ name }) => !Object.hasOwn(EVENTS, name));
  assert.deepEqual(missing, []);
});

test('nothing stands in the catalogue that nobody logs', () => {
  const logged = new Set(written().map(({ name }) => name));
  assert.deepEqual(
    Object.keys(EVENTS).filter((name) => !logged.has(name)),
    [],
  );
});

test('log lines are found at all', () => {
  assert.ok(written().length > 20);
});

test('a name says noun, then past verb, in lower case with dots, or one word for the process', () => {
  for (const name of Object.keys(EVENTS)) assert.match(name, /^[a-z]+(\.[a-z]+[A-Za-z]*){0,2}$/);
});

test('each meaning is a sentence, each metric a name of ours', () => {
  for (const { meaning, metric } of Object.values(EVENTS)) {
    assert.match(meaning, /^[A-Z].*\.$|^[A-Z].*: .*\.$/);
    if (metric !== null) assert.match(metric, /^isthmus_[a-z_]+$/);
  }
});
