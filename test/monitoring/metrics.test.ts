import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observed, SILENT } from '../../src/log.ts';
import { type MetricsParts, makeMetrics } from '../../src/monitoring/metrics.ts';
import { EVENTS } from '../../src/ops/events.ts';

const NOW = Date.UTC(2026, 10, 23);

function world(more: Partial<MetricsParts> = {}) {
  const metrics = makeMetrics({
    now: () => NOW,
    version: '1.2.3',
    health: { roads: () => [] },
    sessions: { list: () => [] },
    waiting: () => [],
    certificates: async () => [],
    store: () => ({ p99Ms: 2, failures: 0, backlog: 0 }),
    generation: () => 7,
    lastBackup: () => undefined,
    label: (domain) => (domain === 'corp.example' ? 'ours' : domain === 'partner.example' ? 'partner.example' : 'unlisted'),
    ...more,
  });
  const log = observed(SILENT, [metrics.watch]);
  const lines = async (name: string): Promise<string[]> =>
    (await metrics.scrape()).text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return { metrics, log, lines };
}

test('a message counts for its partner, in its direction, with how it ended', async () => {
  const { metrics, log, lines } = world();
  const ended = { event: 'message.ended', kind: 'im.sent', state: 'delivered' };
  log.info({ ...ended, fromDomain: 'corp.example', toDomain: 'partner.example' });
  log.info({ ...ended, fromDomain: 'corp.example', toDomain: 'partner.example' });
  log.info({ ...ended, fromDomain: 'partner.example', toDomain: 'corp.example', state: 'refused' });
  log.info({ ...ended, kind: 'im.receipt', fromDomain: 'partner.example', toDomain: 'corp.example' });
  assert.deepEqual((await lines('isthmus_messages_total')).sort(), [
    'isthmus_messages_total{partner="partner.example",direction="fromThem",result="refused"} 1',
    'isthmus_messages_total{partner="partner.example",direction="toThem",result="delivered"} 2',
  ]);
  metrics.stop();
});

test('what the filters do counts for the partner, whichever way it went', async () => {
  const { metrics, log, lines } = world();
  log.info({ event: 'message.filtered', fromDomain: 'partner.example', toDomain: 'corp.example', action: 'refuse', what: 'words' });
  log.info({ event: 'message.filtered', fromDomain: 'corp.example', toDomain: 'partner.example', action: 'add', what: 'disclaimer' });
  log.warn({ event: 'filter.hookFailed', url: 'https://filter.example/' });
  assert.deepEqual((await lines('isthmus_filtered_total')).sort(), [
    'isthmus_filtered_total{partner="partner.example",action="add",what="disclaimer"} 1',
    'isthmus_filtered_total{partner="partner.example",action="refuse",what="words"} 1',
  ]);
  assert.deepEqual(await lines('isthmus_filter_hook_failures_total'), ['isthmus_filter_hook_failures_total 1']);
  metrics.stop();
});

test('strangers share one label', async () => {
  const { metrics, log, lines } = world();
  for (let i = 0; i < 1000; i += 1) log.warn({ event: 'peer.refused', domain: `d${i}.example`, code: 'CERT_PEER_UNTRUSTED' });
  assert.deepEqual(await lines('isthmus_handshake_failures_total'), [
    'isthmus_handshake_failures_total{partner="unlisted",step="identity",reason="CERT_PEER_UNTRUSTED"} 1000',
  ]);
  metrics.stop();
});

test('what stands is read at the scrape, and what is gone is gone', async () => {
  let rows = 3;
  const { metrics, lines } = world({
    waiting: () => (rows === 0 ? [] : [{ domain: 'partner.example', rows, oldestAt: NOW - 90_000 }]),
    health: {
      roads: () => [
        { domain: 'partner.example', protocol: 'xmpp', direction: 'out', state: 'down', sinceMs: 0, waiting: 3, oldestMs: 90_000 },
        { domain: 'partner.example', protocol: 'xmpp', direction: 'in', state: 'idle', sinceMs: 0, waiting: 0, oldestMs: 0 },
      ],
    },
    certificates: async () => [{ role: 'own', name: 'corp', notAfter: NOW + 86_400_000 }],
  });
  assert.deepEqual(await lines('isthmus_outbox_depth'), ['isthmus_outbox_depth{partner="partner.example"} 3']);
  assert.deepEqual(await lines('isthmus_outbox_oldest_seconds'), ['isthmus_outbox_oldest_seconds{partner="partner.example"} 90']);
  assert.deepEqual(await lines('isthmus_partner_up'), ['isthmus_partner_up{partner="partner.example",protocol="xmpp",direction="out"} 0']);
  assert.deepEqual(await lines('isthmus_certificate_expiry_seconds'), ['isthmus_certificate_expiry_seconds{role="own",name="corp"} 86400']);
  rows = 0;
  assert.deepEqual(await lines('isthmus_outbox_depth'), []);
  metrics.stop();
});

test('every metric that the catalogue of events names is served', async () => {
  const { metrics } = world();
  const { text } = await metrics.scrape();
  const missing = Object.values(EVENTS).flatMap(({ metric }) => (metric === null || text.includes(`# TYPE ${metric} `) ? [] : [metric]));
  assert.deepEqual([...new Set(missing)], []);
  metrics.stop();
});

test('every error of the log that is nothing else counts as a defect', async () => {
  const { metrics, log, lines } = world();
  log.error({ event: 'us.bug' });
  assert.deepEqual(await lines('isthmus_bugs_total'), ['isthmus_bugs_total{event="us.bug"} 1']);
  metrics.stop();
});
