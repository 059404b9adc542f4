import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { schemaFiles } from '../../src/config/print-schemas.ts';

const ROOT = join(import.meta.dirname, '../..');

for (const [path, text] of schemaFiles()) {
  test(`${path} is what the sections say now (node src/config/print-schemas.ts writes it)`, () => {
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), text);
  });
}

test('every example names a schema that is there', () => {
  const examples = [
    'isthmus.example.yaml',
    ...['routes', 'people', 'records', 'certs'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
    ),
  ].filter((path) => path.endsWith('.yaml'));
  assert.ok(examples.length >= 9);
  for (const path of examples) {
    const schema = /^# yaml-language-server: \$schema=(\S+)$/m.exec(readFileSync(join(ROOT, path), 'utf8'))?.[1];
    assert.ok(schema !== undefined, `${path} names no schema`);
    assert.ok(schemaFiles().has(join(path, '..', schema)), `${path}: ${schema} is not there`);
  }
});

test('a list may be written as one value in the schema too', () => {
  const schema = JSON.parse(schemaFiles().get('routes/partner.schema.json')!) as {
    properties: Record<string, { anyOf?: { type?: string }[] }>;
  };
  assert.deepEqual(
    schema.properties.prefer?.anyOf?.map((choice) => choice.type),
    ['string', 'array'],
  );
});
