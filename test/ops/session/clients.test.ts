// Clients of users of the core in the list of connections, and how one is ended whose connection is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientSight } from '../../../src/model/core.ts';
import type { Session } from '../../../src/model/sessions.ts';
import type { Live } from '../../../src/ops/live.ts';
import type { Operations } from '../../../src/ops/operations.ts';
import { sessionClose } from '../../../src/ops/session/close.ts';
import { sessionList } from '../../../src/ops/session/list.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const connection = (id: string, more: Partial<Session> = {}): Session => ({
  ...{ id, protocol: 'xmpp', side: 'local', direction: 'in', address: '192.0.2.9', port: 40_000, since: 0, proven: new Map() },
  ...{ received: 0, sent: 0, bytesReceived: 0, bytesSent: 0 },
  ...more,
});
const client = (local: string, id: string): ClientSight => ({
  ...{ user: { local, domain: 'people.example' }, resource: 'desk', face: 'xmpp', connection: id, address: '192.0.2.9', since: 0 },
});

function process(open: readonly Session[], clients: readonly ClientSight[]) {
  const ended: string[] = [];
  const live = {
    sessions: { list: () => open, close: (id: string) => open.some((one) => one.id === id) && ended.push(`connection ${id}`) > 0 },
    clients: {
      list: () => clients,
      end: (user: string, resource: string) => ended.push(`client ${user}/${resource}`) && 1,
    },
  } as unknown as Live; // the two verbs look at no more
  const operations = { live, clock: new ManualClock(), actor: { name: 'olga', role: 'operator', via: 'api' } } as unknown as Operations;
  return { operations, ended };
}

test('a connection of a signed-in client shows whose it is; one before sign-in does not', async () => {
  const { operations } = process(
    [connection('c1'), connection('c2'), connection('c3')],
    [client('nora', 'c1'), client('omar', 'c3'), client('li', 'c3')],
  );
  const { text, json } = await sessionList.run(operations, {});
  assert.match(text, /^c1 +nora@people\.example +account +xmpp/m);
  assert.match(text, /^c2 +nobody yet +- +xmpp/m);
  assert.match(text, /^c3 +omar@people\.example, li@people\.example +account/m);
  const { sessions } = json as { sessions: { id: string; users: string[] }[] };
  assert.deepEqual(sessions.find(({ id }) => id === 'c1')?.users, ['nora@people.example']);
});

test('a client that has lost its connection is signed out by the ID of it', async () => {
  const { operations, ended } = process([connection('c1')], [client('nora', 'c1'), client('omar', 'gone')]);
  assert.equal((await sessionClose.run(operations, { id: 'c1' })).text, 'Connection c1 closed.');
  assert.equal(
    (await sessionClose.run(operations, { id: 'gone' })).text,
    '1 client of omar@people.example signed out; the connection was gone already.',
  );
  assert.deepEqual(ended, ['connection c1', 'client omar@people.example/desk']);
  assert.equal((await sessionClose.run(operations, { id: 'never' })).exit, 1);
});
