// The OpenAPI 3.1 document, made from the same rows as the routes: what a verb takes is its own schema, and nothing here
// knows any verb by name (spec.openapis.org/oas/v3.1.1).

import * as z from 'zod';
import type { Verb } from '../verb.ts';
import { camelCase } from '../verb-command.ts';
import { LINES, WHOLE } from './answer.ts';
import { isFlag, isList } from './input.ts';

type Json = Readonly<Record<string, unknown>>;

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

const SCHEMAS: Json = {
  Fault: {
    type: 'object',
    required: ['error', 'text'],
    properties: {
      error: { type: 'string', description: 'input, unauthorized, forbidden, unknown, busy, limited, or a code of docs/errors.md.' },
      text: { type: 'string', description: 'One sentence: what was found and what would be right.' },
      faults: { type: 'array', items: { type: 'string' }, description: 'For input: each mistake.' },
    },
  },
  Report: {
    type: 'object',
    required: ['text', 'json', 'exit', 'status'],
    properties: {
      text: { type: 'string', description: 'What the command line prints.' },
      json: { description: 'What application/json answers alone.' },
      exit: { type: 'integer', enum: [0, 1, 2, 3], description: '0 good, 1 a finding, 2 usage or configuration, 3 not running.' },
      status: { type: 'integer', description: 'The HTTP status that goes with it.' },
      changes: { type: 'string', description: 'What changed, as the audit log has it.' },
    },
  },
  Line: {
    type: 'object',
    description: 'One line of application/x-ndjson: exactly one of the three; an empty line says that the work goes on.',
    properties: { line: { type: 'string' }, progress: { type: 'string' }, report: ref('Report') },
  },
};

const RESPONSES: Json = {
  Unauthorized: faultResponse('No token or client certificate that isthmus.yaml names.'),
  Forbidden: faultResponse('The role is too small; the text names the one that is needed.'),
  Input: faultResponse('The input has mistakes, or the home has; all of them at once.'),
  Limited: faultResponse('Too many failed attempts from this address; Retry-After says when.'),
  Unavailable: faultResponse('Too many calls at one time, or the part that is asked does not run.'),
};

function faultResponse(description: string): Json {
  return { description, content: { 'application/json': { schema: ref('Fault') } } };
}

/** The document. @param base where the routes begin: `/v1` */
export function openApiOf(verbs: readonly Verb[], version: string, base: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const verb of verbs) {
    const path = `${base}${verb.http.path}`;
    paths[path] = { ...paths[path], [verb.http.method.toLowerCase()]: operationOf(verb) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Isthmus',
      version,
      description:
        'Operation of a federation edge: the same verbs as the command line. On the admin socket the mode of the file decides who may call; on TCP a token or a client certificate does.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, { certificate: [] }],
    tags: [...new Set(verbs.map(tagOf))].sort().map((name) => ({ name })),
    paths,
    components: {
      schemas: SCHEMAS,
      responses: RESPONSES,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A secret that admin.tokens of isthmus.yaml names.' },
        certificate: { type: 'mutualTLS', description: 'A client certificate that admin.clients of isthmus.yaml names.' },
      },
    },
  };
}

function operationOf(verb: Verb): Json {
  const { properties, required } = keysOf(verb);
  const inPath = new Set([...verb.http.path.matchAll(/\{([A-Za-z]+)\}/g)].map((match) => match[1] ?? ''));
  const rest = Object.keys(properties).filter((key) => !inPath.has(key));
  const isGet = verb.http.method !== 'POST';
  const parameters = [...inPath, ...(isGet ? rest : [])].map((name) => {
    const { description, ...schema } = properties[name] ?? { type: 'string' };
    return {
      name,
      in: inPath.has(name) ? 'path' : 'query',
      required: inPath.has(name) || required.has(name),
      ...(description !== undefined && { description }),
      schema,
    };
  });
  const why = { why: { type: 'string', maxLength: 1000, description: 'The reason, for the audit log.' } };
  const body = { ...Object.fromEntries(rest.map((key) => [key, properties[key]])), ...(verb.audited && why) };
  const needed = rest.filter((key) => required.has(key));
  const schema = { type: 'object', properties: body, additionalProperties: false, ...(needed.length > 0 && { required: needed }) };
  return {
    operationId: camelCase(verb.words.replaceAll(' ', '-')),
    tags: [tagOf(verb)],
    summary: verb.summary,
    description: `${verb.details === '' ? '' : `${verb.details}\n\n`}Role: ${verb.role}. On the command line: \`${verb.example}\``,
    'x-isthmus-role': verb.role,
    'x-isthmus-audited': verb.audited,
    ...(parameters.length > 0 && { parameters }),
    ...(!isGet && { requestBody: { required: needed.length > 0, content: { 'application/json': { schema } } } }),
    responses: {
      200: {
        description: 'Done, or a finding: the header isthmus-exit is 0 or 1.',
        headers: { 'isthmus-exit': { schema: { type: 'integer' } } },
        content: {
          'application/json': { schema: {} },
          'text/plain': { schema: { type: 'string' } },
          [WHOLE]: { schema: ref('Report') },
          [LINES]: { schema: ref('Line') },
        },
      },
      401: { $ref: '#/components/responses/Unauthorized' },
      403: { $ref: '#/components/responses/Forbidden' },
      422: { $ref: '#/components/responses/Input' },
      429: { $ref: '#/components/responses/Limited' },
      503: { $ref: '#/components/responses/Unavailable' },
    },
  };
}

const tagOf = (verb: Verb): string => verb.words.split(' ')[0] ?? verb.words;

interface Keys {
  readonly properties: Readonly<Record<string, Json & { readonly description?: unknown }>>;
  readonly required: ReadonlySet<string>;
}

/** What may be sent, key by key: before it is coerced, and with the command line's words where the schema has none. */
function keysOf(verb: Verb): Keys {
  const made = z.toJSONSchema(verb.input, { io: 'input', unrepresentable: 'any', target: 'draft-2020-12' });
  const required = new Set(made.required ?? []);
  const properties: Record<string, Json> = {};
  for (const [key, schema] of Object.entries(made.properties ?? {})) {
    const { description = saysOf(verb, key), ...rest } = typeof schema === 'boolean' ? {} : schema;
    // A coerced number may be written as text too, and shows as anything; the command line knows what it is.
    const type = Object.keys(rest).some((one) => ['type', 'anyOf', 'oneOf', 'enum', 'const', '$ref'].includes(one))
      ? {}
      : looseType(verb, key);
    properties[key] = { ...type, ...rest, ...(description !== undefined && { description }) };
  }
  return { properties, required };
}

function looseType(verb: Verb, key: string): Json {
  if (isFlag(verb, key)) return { type: 'boolean' };
  return isList(verb, key) ? { type: 'array', items: { type: 'string' } } : { type: ['string', 'number'] };
}

function saysOf(verb: Verb, key: string): string | undefined {
  return Object.entries(verb.options).find(([name]) => camelCase(name) === key)?.[1].says;
}
