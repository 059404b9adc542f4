// The API as a program sees it.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { SILENT } from '../../../src/log.ts';
import type { Actor } from '../../../src/model/audit.ts';
import { type ApiParts, makeApi } from '../../../src/ops/api/api.ts';
import { VERBS } from '../../../src/ops/verb-table.ts';
import { keptAudit, OPERATOR, operationsFor, ROWS } from './verbs.ts';

async function open(actor: Actor = OPERATOR, more: Partial<ApiParts> = {}) {
  const audit = keptAudit();
  const logged: string[] = [];
  const api = await makeApi({
    verbs: ROWS,
    version: '1.2.3',
    log: { ...SILENT, error: (fields) => void logged.push(String(fields.event)) },
    server: (handler) => createServer(handler),
    who: async () => actor,
    forbidden: async () => {},
    operations: operationsFor(audit.log),
    ...more,
  });
  return { api, audit: audit.entries, logged };
}

test('a verb answers under its path with its JSON, never cached, with its exit status beside it', async () => {
  const { api } = await open();
  const answer = await api.inject({ url: '/v1/things/a%2Fb?loud=true&maxLines=7&tag=x' });
  assert.equal(answer.statusCode, 200);
  assert.deepEqual(answer.json(), { name: 'a/b', loud: true, maxLines: 7, tag: ['x'] });
  assert.equal(answer.headers['isthmus-exit'], '0');
  assert.equal(answer.headers['isthmus-version'], '1.2.3');
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal(answer.headers['access-control-allow-origin'], undefined);
});

test('the same answer as text, or whole', async () => {
  const { api } = await open();
  const text = await api.inject({ url: '/v1/things/a', headers: { accept: 'text/plain' } });
  assert.equal(text.body, 'it is a\n');
  const whole = await api.inject({ url: '/v1/things/a', headers: { accept: 'application/vnd.isthmus.report+json' } });
  assert.deepEqual(whole.json(), { text: 'it is a', json: { name: 'a' }, exit: 0, status: 200 });
});

test('an address that cannot be read is refused in the words of every refusal', async () => {
  const { api } = await open();
  const answer = await api.inject({ url: '/v1/things/%zz' });
  assert.equal(answer.statusCode, 400);
  assert.equal(answer.json().error, 'input');
  assert.match(answer.json().text, /%zz/);
  assert.equal(answer.headers['cache-control'], 'no-store');
});

test('all mistakes of a call are told at once, with the nearest key', async () => {
  const { api, audit } = await open();
  const answer = await api.inject({ url: `/v1/things/${'x'.repeat(21)}?maxLines=0&lout=true` });
  assert.equal(answer.statusCode, 422);
  assert.deepEqual(answer.json().faults, [
    'lout: unknown key in the query. Did you mean "loud"?',
    'name: at most 20 characters',
    'maxLines: at least 1',
  ]);
  const twice = await api.inject({ method: 'POST', url: '/v1/things/a/change', payload: { name: 'b', to: 'c', why: 4 } });
  assert.deepEqual(twice.json().faults, ['name: given twice, in the body and before it', 'why: a text of at most 1000 characters']);
  assert.deepEqual(audit, []);
});

test('a change is audited with who, what and why', async () => {
  const { api, audit } = await open();
  const answer = await api.inject({ method: 'POST', url: '/v1/things/a/change', payload: { to: 'b', why: 'ticket 7' } });
  assert.equal(answer.statusCode, 200);
  assert.deepEqual(audit, [
    { at: audit[0]?.at, actor: OPERATOR, act: 'thing change', input: '{"name":"a","to":"b"}', exit: 0, changes: '-a\n+b', why: 'ticket 7' },
  ]);
});

test('hostile and broken requests get 4xx and no more', async () => {
  const { api, logged } = await open();
  const post = (payload: string, type = 'application/json') =>
    api.inject({ method: 'POST', url: '/v1/things/a/change', payload, headers: { 'content-type': type } });
  assert.equal((await post('{"to":')).statusCode, 400);
  assert.equal((await post('[1]')).statusCode, 422);
  assert.equal((await post('{"__proto__":{"to":"x"}}')).statusCode, 400);
  assert.equal((await post('{"to":"x"}', 'text/plain')).statusCode, 415);
  assert.equal((await post('to=x', 'application/x-www-form-urlencoded')).statusCode, 415);
  assert.equal((await post(JSON.stringify({ to: 'x'.repeat(1_100_000) }))).statusCode, 413);
  assert.equal((await post('')).statusCode, 422);
  assert.equal((await api.inject({ url: '/v1/nothing' })).statusCode, 404);
  assert.equal((await api.inject({ method: 'DELETE', url: '/v1/things/a' })).statusCode, 404);
  assert.deepEqual(logged, []);
});

test('a page of another site may not call it', async () => {
  const { api, audit } = await open();
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'null' }]) {
    const answer = await api.inject({ method: 'POST', url: '/v1/things/a/change', payload: { to: 'b' }, headers });
    assert.equal(answer.statusCode, 403);
  }
  assert.deepEqual(audit, []);
});

test('a defect is told without its inside, and logged', async () => {
  const { api, logged } = await open({ ...OPERATOR, role: 'admin' });
  const answer = await api.inject({ method: 'POST', url: '/v1/break' });
  assert.equal(answer.statusCode, 503);
  assert.doesNotMatch(answer.body, /secret/);
  assert.deepEqual(logged, ['us.bug']);
});

test('a role that is too small is told which one is needed, and somebody hears of it', async () => {
  const told: string[] = [];
  const forbidden: ApiParts['forbidden'] = async (actor, verb) => void told.push(`${actor.name} ${verb.words}`);
  const { api, audit } = await open({ ...OPERATOR, role: 'helpdesk' }, { forbidden });
  const answer = await api.inject({ method: 'POST', url: '/v1/things/a/change', payload: { to: 'b' } });
  assert.equal(answer.statusCode, 403);
  assert.match(answer.json().text, /"thing change" needs the role operator; olga is helpdesk/);
  assert.deepEqual(told, ['olga thing change']);
  assert.deepEqual(audit, []);
});

test('too many calls at one time are sent away, and later ones served', async () => {
  const { api } = await open(OPERATOR, { maxCalls: 1 });
  const first = api.inject({ url: '/v1/watch?steps=100000' });
  await new Promise(setImmediate);
  const second = await api.inject({ url: '/v1/things/a' });
  assert.equal(second.statusCode, 503);
  assert.equal(second.headers['retry-after'], '1');
  await api.close(0);
  assert.equal((await first).statusCode, 200);
});

test('every verb has a route of its own', async () => {
  const { api } = await open(OPERATOR, { verbs: VERBS });
  await api.close(0);
});

test('a caller who sends slowly, or opens many connections, is bounded', async () => {
  const { api } = await open();
  const { requestTimeout, headersTimeout, keepAliveTimeout, maxConnections } = api.server;
  assert.deepEqual([requestTimeout, headersTimeout, keepAliveTimeout, maxConnections], [30_000, 15_000, 5000, 200]);
  await api.close(0);
});
