import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reason } from '../../src/errors.ts';
import { page } from '../../src/monitoring/page.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0);
const facts = { host: 'edge.corp.example', version: '1.0.0', now: NOW, startedAt: NOW - 3_600_000, alerts: [], roads: [] };

test('who looks at the page reads which partner is unreachable since when, and how much waits', () => {
  const html = page({
    ...facts,
    roads: [
      {
        domain: 'partner.example',
        protocol: 'xmpp',
        direction: 'out',
        state: 'down',
        sinceMs: Date.UTC(2026, 10, 23, 10, 14),
        waiting: 12,
        oldestMs: 6_300_000,
        lastFailure: reason('NET_CONNECT_REFUSED', 'xmpp.partner.example:5269 refuses connections'),
      },
    ],
  });
  assert.match(html, /partner\.example.*unreachable since 2026-11-23 10:14 UTC.*12 waiting, the oldest 105 min.*NET_CONNECT_REFUSED/);
});

test('what a peer said cannot become markup', () => {
  const html = page({
    ...facts,
    roads: [
      {
        domain: 'x.example',
        protocol: 'sip',
        direction: 'in',
        state: 'idle',
        sinceMs: NOW,
        waiting: 0,
        oldestMs: 0,
        lastFailure: reason('PEER_ERROR', `<script>alert("1")</script>'&`),
      },
    ],
  });
  assert.ok(!html.includes('<script'));
  assert.match(html, /&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&#39;&amp;/);
});

test('a good day is said in words', () => {
  assert.match(page(facts), /Nothing needs attention\./);
});
