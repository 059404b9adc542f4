// Which push services are told at all: those that clients.push names, unless the rules in force say otherwise.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pushRoom } from '../../../src/assembly/clients/push.ts';
import { SILENT } from '../../../src/log.ts';
import type { Policy } from '../../../src/model/table.ts';
import { element } from '../../../src/protocols/xmpp/element.ts';
import { NS } from '../../../src/protocols/xmpp/names.ts';
import { tempStore } from '../../store/temp-store.ts';
import { table } from '../../support/table.ts';

const NORA = { local: 'nora', domain: 'people.example' };
const BLOCKED = { domain: 'push.example', subdomains: false, where: { file: 'routes/policy.yaml', key: '/blocked/0' } } as const;

/** Which services hear of a message. */
async function told(named: readonly string[], rules: Partial<Policy> = {}): Promise<string[]> {
  await using temp = tempStore();
  const { store, clock } = temp;
  for (const service of ['push.example', 'ann@push.example/phone', 'other.example'])
    await store.push.put('nora@people.example', { service, node: 'n', resource: 'phone', options: [], failures: 0, enabledAt: 0 });
  const asked: string[] = [];
  const room = pushRoom({
    home: { clients: { push: named } },
    table: () => table([], [], rules),
    store,
    clock,
    log: SILENT,
    ask: async (_ours, _to, iq) => {
      asked.push(iq.attrs.to ?? '');
      return { kind: 'answer', stanza: element('iq', NS.server, { type: 'result' }) };
    },
  });
  room.see(() => false);
  room.news.arrived(NORA);
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  room.close();
  return asked;
}

test('services are told by their domain, and only those that are named', async () => {
  assert.deepEqual((await told(['push.example'])).sort(), ['ann@push.example/phone', 'push.example']);
  assert.deepEqual(await told([]), []);
});

test('a block list and a federation that is off beat the name', async () => {
  assert.deepEqual(await told(['push.example'], { blocked: [BLOCKED] }), []);
  assert.deepEqual(await told(['push.example'], { federation: 'off' }), []);
});
