// The command line and the process, over a real socket.

import assert from 'node:assert/strict';
import { linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { listenOnSocket } from '../../src/assembly/admin/socket.ts';
import { SILENT } from '../../src/log.ts';
import { askProcess } from '../../src/ops/admin-client.ts';
import { ACTOR_HEADER } from '../../src/ops/api/answer.ts';
import { makeApi } from '../../src/ops/api/api.ts';
import type { Verb } from '../../src/ops/verb.ts';
import { broken, change, echo, keptAudit, long, operationsFor, ROWS } from './api/verbs.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-admin-'));
after(() => rmSync(folder, { recursive: true }));
let sockets = 0;
const socketPath = (): string => join(folder, `${(sockets += 1)}.sock`);

async function open(socket = socketPath()) {
  const audit = keptAudit();
  const api = await makeApi({
    verbs: ROWS,
    version: '1.2.3',
    log: SILENT,
    server: (handler) => createServer(handler),
    who: async ({ headers }) => ({ name: decodeURIComponent(String(headers[ACTOR_HEADER])), role: 'admin', via: 'commandLine' }),
    forbidden: async () => {},
    operations: operationsFor(audit.log),
  });
  await listenOnSocket(api.server, socket);
  return { api, socket, audit: audit.entries, [Symbol.asyncDispose]: () => api.close(0) };
}

function ask(socket: string, verb: Verb, input: Record<string, unknown> = {}, signal = new AbortController().signal) {
  const said: string[] = [];
  const report = askProcess({
    socket,
    verb,
    input,
    actor: 'Jörg',
    signal,
    line: (text) => void said.push(text),
    progress: (text) => void said.push(`(${text})`),
  });
  return { said, report };
}

/** A socket file that nobody listens on any more. */
async function stale(): Promise<string> {
  const [path, left] = [socketPath(), socketPath()];
  const server = createNetServer().listen(path);
  await new Promise((done) => server.once('listening', done));
  linkSync(path, left); // closing removes the first name only
  await new Promise((done) => server.close(done));
  return left;
}

test('nobody there is no answer: no socket, and one that a killed process left behind', async () => {
  assert.equal(await ask(join(folder, 'none.sock'), echo, { name: 'a' }).report, undefined);
  assert.equal(await ask(await stale(), echo, { name: 'a' }).report, undefined);
});

test('what was typed arrives as typed, and the report comes back whole', async () => {
  await using at = await open();
  const { report } = ask(at.socket, echo, { name: 'ä/b', loud: true, maxLines: '7', tag: ['x', 'y'] });
  assert.deepEqual(await report, {
    text: 'it is ä/b',
    json: { name: 'ä/b', loud: true, maxLines: 7, tag: ['x', 'y'] },
    exit: 0,
    status: 200,
  });
});

test('the audit line names who typed it and why', async () => {
  await using at = await open();
  await ask(at.socket, change, { name: 'a', to: 'b', why: 'because' }).report;
  assert.deepEqual(
    at.audit.map(({ actor, act, why }) => [actor.name, act, why]),
    [['Jörg', 'thing change', 'because']],
  );
});

test('what a long verb says is there before its report', async () => {
  await using at = await open();
  const { said, report } = ask(at.socket, long, { steps: '2' });
  assert.deepEqual((await report)?.json, { said: 2 });
  assert.deepEqual(said, ['(1 of 2)', 'line 1', '(2 of 2)', 'line 2']);
});

test('Ctrl-C ends the work in the process', async () => {
  await using at = await open();
  const stop = new AbortController();
  const lines: string[] = [];
  const report = askProcess({
    socket: at.socket,
    verb: long,
    input: { steps: '1000000' },
    actor: 'x',
    signal: stop.signal,
    line: (text) => {
      lines.push(text);
      stop.abort();
    },
    progress() {},
  });
  assert.deepEqual(await report, { text: 'isthmus thing watch: stopped', json: { error: 'stopped' }, exit: 1 });
  await at.api.close(60_000); // waits for the verb, which sees its signal
  assert.deepEqual(lines.slice(0, 1), ['line 1']);
});

test('a process that ends in the middle is told, and one of another version, and a defect', async () => {
  const at = await open();
  const cut = ask(at.socket, long, { steps: '1000000' });
  while (cut.said.length === 0) await new Promise(setImmediate);
  await at.api.close(0);
  assert.equal((await cut.report)?.exit, 3);
  await using again = await open(at.socket);
  const other = await ask(again.socket, { ...echo, http: { method: 'GET', path: '/newer' } }).report;
  assert.equal(other?.exit, 2);
  assert.match(other?.text ?? '', /of another version \(1\.2\.3\) and does not know this/);
  assert.equal((await ask(again.socket, broken).report)?.exit, 3);
  assert.match((await ask(again.socket, change, { name: 'a' }).report)?.text ?? '', /to: the new text is needed/);
});

test('owner and group may connect, nobody else', async () => {
  await using at = await open();
  assert.equal(statSync(at.socket).mode & 0o777, 0o660);
});

test('the socket of a killed process is taken over; one that answers, or no socket, never', async () => {
  await using taken = await open(await stale());
  assert.equal((await ask(taken.socket, echo, { name: 'a' }).report)?.text, 'it is a');
  const path = socketPath();
  const first = createNetServer().listen(path);
  await new Promise((done) => first.once('listening', done));
  await assert.rejects(listenOnSocket(createNetServer(), path), /another process answers on/);
  assert.ok(
    await new Promise((done) =>
      connect(path).once('connect', function (this: { destroy(): void }) {
        this.destroy();
        done(true);
      }),
    ),
  );
  await new Promise((done) => first.close(done));
  writeFileSync(path, 'mine');
  await assert.rejects(listenOnSocket(createNetServer(), path), /is in the way of the admin socket and is no socket/);
  await assert.rejects(listenOnSocket(createNetServer(), join(folder, 'x'.repeat(120))), /octets, 107 are possible/);
});
