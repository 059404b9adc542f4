// The OpenAPI document as a client generator reads it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiOf } from '../../../src/ops/api/openapi.ts';
import { VERBS } from '../../../src/ops/verb-table.ts';
import { broken, change, echo, long } from './verbs.ts';

type Node = Readonly<Record<string, unknown>>;
const nodes = function* (value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Node;
  for (const inner of Object.values(value)) yield* nodes(inner);
};
const at = (document: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((node, key) => (typeof node === 'object' && node !== null ? (node as Node)[key] : undefined), document);

interface Operation extends Node {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean; readonly schema: Node }[];
  readonly responses: Node;
}
const operations = (document: Node): [string, string, Operation][] =>
  Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [path, method, operation]),
  );

test('a verb becomes an operation with its own schema, in the query of a GET and the body of a POST', () => {
  const document = openApiOf([echo, change, long, broken], '1.2.3', '/v1');
  assert.deepEqual(at(document, ['paths', '/v1/things/{name}', 'get', 'parameters']), [
    { name: 'name', in: 'path', required: true, description: 'Its name.', schema: { type: 'string', maxLength: 20 } },
    { name: 'loud', in: 'query', required: false, description: 'louder', schema: { type: 'boolean' } },
    {
      name: 'maxLines',
      in: 'query',
      required: false,
      description: 'at most so many',
      schema: { type: 'integer', minimum: 1, maximum: 9007199254740991 },
    },
    { name: 'tag', in: 'query', required: false, description: 'a tag', schema: { type: 'array', items: { type: 'string' } } },
  ]);
  assert.deepEqual(at(document, ['paths', '/v1/things/{name}/change', 'post', 'requestBody', 'content', 'application/json', 'schema']), {
    type: 'object',
    properties: {
      to: { type: 'string', description: 'the new text' },
      why: { type: 'string', maxLength: 1000, description: 'The reason, for the audit log.' },
    },
    additionalProperties: false,
    required: ['to'],
  });
});

test('the document of every verb holds together: references, parameters, names', async () => {
  const verbs = await Promise.all(VERBS.map((row) => row.load()));
  const document = JSON.parse(JSON.stringify(openApiOf(verbs, '1.2.3', '/v1'))) as Node;
  assert.equal(document.openapi, '3.1.1');
  const all = operations(document);
  assert.equal(all.length, verbs.length, 'two verbs share a path and a method');
  assert.equal(new Set(all.map(([, , operation]) => operation.operationId)).size, all.length);
  for (const node of nodes(document)) {
    if (typeof node.$ref === 'string') assert.notEqual(at(document, node.$ref.slice(2).split('/')), undefined, node.$ref);
  }
  for (const [path, method, operation] of all) {
    const title = `${method} ${path}`;
    assert.match(path, /^\/v1(\/[a-z-]+|\/\{[A-Za-z]+\})+$/, title);
    const named = [...path.matchAll(/\{([A-Za-z]+)\}/g)].map((match) => match[1]);
    const declared = (operation.parameters ?? []).filter((one) => one.in === 'path').map((one) => one.name);
    assert.deepEqual(declared, named, title);
    for (const parameter of operation.parameters ?? []) assert.notDeepEqual(parameter.schema, {}, `${title} ${parameter.name} has no type`);
    for (const status of ['200', '401', '403', '422', '503']) assert.ok(status in operation.responses, title);
  }
  for (const verb of verbs) {
    const known = Object.keys(verb.input.shape);
    for (const [, key] of verb.http.path.matchAll(/\{([A-Za-z]+)\}/g))
      assert.ok(known.includes(key ?? ''), `${verb.words}: {${key}} is no key of its input`);
  }
});
