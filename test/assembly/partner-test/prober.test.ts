// What a probe says about our own records, with a real DNS answer: `domain dns` and `partner test` must not contradict each other.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { makeProber } from '../../../src/assembly/partner-test/prober.ts';
import { loadHome } from '../../../src/config/load.ts';
import { makeCa } from '../../support/ca.ts';
import { startDns } from '../../support/dns.ts';

const dir = mkdtempSync(join(tmpdir(), 'isthmus-probe-'));
after(() => rmSync(dir, { recursive: true }));

test('our record may lead to any name of the certificate, edge.host or not; elsewhere it is told', async () => {
  await using dns = await startDns();
  const { chainPem, keyPem } = makeCa('Test CA').issue({ names: ['corp.example', 'sip.corp.example'] });
  for (const [path, text] of Object.entries({
    'isthmus.yaml': `dns: { servers: ["${dns.server}"] }\n`,
    'routes/domains.yaml': 'domains: { corp.example: { served: sip, nextHop: tls://fe.corp.example, acceptFrom: fe.corp.example } }\n',
    'routes/partners/fabrikam.example.yaml': 'note: a partner\n',
    'certs/own/main/fullchain.pem': chainPem,
    'certs/own/main/key.pem': keyPem,
  })) {
    mkdirSync(join(dir, dirname(path)), { recursive: true });
    writeFileSync(join(dir, path), text, { mode: 0o600 });
  }
  const loaded = loadHome(dir);
  assert.ok(loaded.ok, JSON.stringify(loaded.faults));
  const probe = makeProber(loaded.home, () => loaded.table).probe('fabrikam.example', undefined);
  assert.ok(typeof probe !== 'string', String(probe));
  assert.equal(probe.ourHost, 'corp.example');
  // The domain is served: sip, so XMPP is what is spoken with partners, and it comes first.
  assert.deepEqual(probe.spoken, ['xmpp']);
  assert.equal(probe.climbers[0]?.protocol, 'xmpp');
  for (const [protocol, service, target, ours] of [
    ['sip', '_sips._tcp.corp.example', 'sip.corp.example', true],
    ['xmpp', '_xmpp-server._tcp.corp.example', 'jabber.corp.example', false],
  ] as const) {
    dns.set(service, { srv: [{ target, port: 5061 }] });
    const record = await probe.ourRecords(protocol);
    assert.ok(record.kind === 'published');
    assert.equal(record.ours, ours, target);
  }
});
