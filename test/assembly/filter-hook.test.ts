// The operator's own filter over HTTP, against a server of the test.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { filterHook, HOOK_FAILURES, HOOK_REST_MS } from '../../src/assembly/filter-hook.ts';
import { makeResolver } from '../../src/edge/resolver.ts';
import { systemClock } from '../../src/edge/system-clock.ts';
import { makeWeb, type Web } from '../../src/edge/web.ts';
import type { Log } from '../../src/log.ts';
import type { AskHook, HookQuestion, HookRule } from '../../src/model/filters.ts';
import { makeCa } from '../support/ca.ts';
import { MapResolver } from '../support/edge-world.ts';
import { ManualClock } from '../support/manual-clock.ts';

const question: HookQuestion = {
  id: 'e-1',
  at: 0,
  direction: 'toThem',
  from: 'nora@corp.example',
  to: 'li@partner.example',
  partner: 'partner.example',
  proof: 'inside',
  body: 'hello "you"\n',
};

interface Seen {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}
const seen: Seen[] = [];
let answer: (response: ServerResponse) => void = () => {};
const server = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer); // no encoding was set
  seen.push({ method: request.method, headers: request.headers, body: JSON.parse(Buffer.concat(parts).toString()) });
  answer(response);
});
let url = '';
const web = makeWeb({ resolver: makeResolver({ clock: systemClock, servers: [] }), clock: systemClock });

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/check`; // it listens on a port
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const rule = (more: Partial<HookRule> = {}): HookRule => ({
  url,
  timeoutMs: 5000,
  onFailure: 'refuse',
  direction: 'both',
  atOnce: 8,
  where: { file: 'routes/filters.yaml', key: '/hook/url' },
  ...more,
});
const json = (value: unknown) => (response: ServerResponse) => void response.end(JSON.stringify(value));

function hookWith(more: { clock?: ManualClock; web?: Web; roots?: () => readonly string[] } = {}): {
  readonly ask: AskHook;
  readonly events: string[];
} {
  const events: string[] = [];
  const line = ({ event }: { readonly event: string }): void => void events.push(event);
  const log: Log = { child: () => log, error: line, warn: line, info: line, debug() {} };
  return { ask: filterHook({ web, clock: systemClock, log, secret: (name) => `the token in ${name}`, ...more }), events };
}

describe('over the wire', () => {
  test('a question is one POST with JSON and the token', async () => {
    answer = json({ action: 'pass' });
    seen.length = 0;
    assert.deepEqual(await hookWith().ask(rule({ token: 'filter-hook' }), question), { action: 'pass' });
    assert.equal(seen.length, 1);
    const [{ method, headers, body } = {} as Seen] = seen;
    assert.deepEqual(
      [method, headers.authorization, headers['content-type']],
      ['POST', 'Bearer the token in filter-hook', 'application/json'],
    );
    assert.deepEqual(body, { ...question, at: '1970-01-01T00:00:00.000Z' });
  });

  const answers: [what: string, value: unknown, expected: unknown][] = [
    ['refuse with a reason', { action: 'refuse', reason: 'card\u0007 number\n' }, { action: 'refuse', reason: 'card number' }],
    ['refuse without one', { action: 'refuse', more: 1 }, { action: 'refuse' }],
    ['a very long reason', { action: 'refuse', reason: 'x'.repeat(5000) }, { action: 'refuse', reason: 'x'.repeat(200) }],
    ['replace', { action: 'replace', body: 'other' }, { action: 'replace', body: 'other' }],
  ];
  for (const [what, value, expected] of answers) {
    test(what, async () => {
      answer = json(value);
      assert.deepEqual(await hookWith().ask(rule(), question), expected);
    });
  }

  const failures: [what: string, say: (response: ServerResponse) => void, why: RegExp][] = [
    ['another status', (response) => void response.writeHead(500).end(), /status 500/],
    ['a redirect is not followed', (response) => void response.writeHead(302, { location: url }).end(), /status 302/],
    ['no JSON', (response) => void response.end('yes'), /not JSON/],
    ['an unknown action', json({ action: 'drop' }), /none of/],
    ['an empty replacement', json({ action: 'replace', body: '' }), /none of/],
    ['too much', (response) => void response.end('x'.repeat(2 * 1024 * 1024)), /more than/],
    ['the connection is closed', (response) => void response.destroy(), /cannot be fetched/],
    ['no answer', () => {}, /did not answer within/],
  ];
  for (const [what, say, why] of failures) {
    test(`${what}: a failure, and it is logged`, async () => {
      answer = say;
      const { ask, events } = hookWith();
      await assert.rejects(ask(rule({ timeoutMs: what === 'no answer' ? 100 : 5000 }), question), why);
      assert.deepEqual(events, ['filter.hookFailed']);
    });
  }

  test('over TLS the certificate is checked against the roots that are given', async () => {
    const ca = makeCa('Hook');
    const pair = ca.issue({ names: ['filter.corp.example'] });
    const secure = createSecure({ key: pair.keyPem, cert: pair.chainPem }, (_request, response) => json({ action: 'pass' })(response));
    secure.listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const resolver = new MapResolver();
    resolver.hosts.set('filter.corp.example', ['127.0.0.1']);
    const there = { web: makeWeb({ resolver, clock: systemClock, roots: () => [makeCa('Other').rootPem] }) };
    const tls = rule({ url: `https://filter.corp.example:${(secure.address() as AddressInfo).port}/` }); // it listens on a port
    try {
      assert.deepEqual(await hookWith({ ...there, roots: () => [ca.rootPem] }).ask(tls, question), { action: 'pass' });
      await assert.rejects(hookWith(there).ask(tls, question), /cannot be fetched/);
    } finally {
      secure.close();
    }
  });

  test('a secret that is not there is a failure too', async () => {
    const secret = (): string => {
      throw new Error('ENOENT');
    };
    const log: Log = { child: () => log, error() {}, warn() {}, info() {}, debug() {} };
    const ask = filterHook({ web, clock: systemClock, log, secret });
    await assert.rejects(ask(rule({ token: 'gone' }), question), /ENOENT/);
  });
});

describe('when it fails again and again', () => {
  const broken: Web = { fetch: async () => Promise.reject(new Error('refused')) };

  test('it is left alone, one question tries again, and its word opens the road', async () => {
    const clock = new ManualClock();
    let works = false;
    let asked = 0;
    const turning: Web = {
      fetch: async (at) => {
        asked += 1;
        if (!works) throw new Error('refused');
        return { status: 200, headers: new Map(), body: Buffer.from('{"action":"pass"}'), url: at };
      },
    };
    const { ask, events } = hookWith({ clock, web: turning });
    for (let time = 0; time < HOOK_FAILURES; time += 1) await assert.rejects(ask(rule(), question), /refused/);
    await assert.rejects(ask(rule(), question), /asked again in 30 s/);
    assert.equal(asked, HOOK_FAILURES);
    assert.deepEqual(events.slice(-2), ['filter.hookFailed', 'filter.hookRests']);
    await clock.advance(HOOK_REST_MS);
    await assert.rejects(ask(rule(), question), /refused/);
    await assert.rejects(ask(rule(), question), /asked again/);
    assert.equal(asked, HOOK_FAILURES + 1);
    works = true;
    await clock.advance(HOOK_REST_MS);
    assert.deepEqual(await ask(rule(), question), { action: 'pass' });
    assert.equal(events.at(-1), 'filter.hookRestored');
    assert.deepEqual(await ask(rule(), question), { action: 'pass' });
  });

  test('another address begins anew', async () => {
    const { ask } = hookWith({ clock: new ManualClock(), web: broken });
    for (let time = 0; time < HOOK_FAILURES; time += 1) await assert.rejects(ask(rule(), question), /refused/);
    await assert.rejects(ask(rule({ url: 'https://other.example/' }), question), /refused/);
  });
});

describe('many at once', () => {
  test('no more than atOnce are open; the others wait in order, and not longer than they have', async () => {
    const clock = new ManualClock();
    const open: (() => void)[] = [];
    const slow: Web = {
      fetch: async (at) => {
        await new Promise<void>((resolve) => open.push(resolve));
        return { status: 200, headers: new Map(), body: Buffer.from('{"action":"pass"}'), url: at };
      },
    };
    const { ask } = hookWith({ clock, web: slow });
    const two = rule({ atOnce: 2, timeoutMs: 1000 });
    const done: string[] = [];
    const asked = ['a', 'b', 'c', 'd'].map((id) =>
      ask(two, { ...question, id }).then(
        () => done.push(id),
        (error: Error) => done.push(`${id}: ${error.message}`),
      ),
    );
    await turn();
    assert.equal(open.length, 2);
    open.shift()?.();
    await turn();
    assert.deepEqual([done, open.length], [['a'], 2]); // c took the place of a
    await clock.advance(1000);
    await turn();
    assert.deepEqual(done, ['a', 'd: no room to ask it within 1000 ms']);
    for (const each of open.splice(0)) each();
    await Promise.all(asked);
    assert.deepEqual(done.slice(2).sort(), ['b', 'c']);
    const next = ask(two, question);
    await turn();
    open.shift()?.();
    assert.deepEqual(await next, { action: 'pass' });
  });
});
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
