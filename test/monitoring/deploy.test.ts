import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { makeMetrics } from '../../src/monitoring/metrics.ts';

const FOLDER = join(import.meta.dirname, '../../deploy/monitoring');
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

async function served(): Promise<ReadonlySet<string>> {
  const metrics = makeMetrics({
    now: () => 0,
    version: '1',
    health: { roads: () => [] },
    sessions: { list: () => [] },
    waiting: () => [],
    certificates: async () => [],
    store: () => ({ p99Ms: 0, failures: 0, backlog: 0 }),
    generation: () => 1,
    lastBackup: () => undefined,
    label: () => 'x',
  });
  const { text } = await metrics.scrape();
  metrics.stop();
  return new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map((match) => match[1]!));
}

test('dashboard, alert rules and the table for operators name only metrics that are served', async () => {
  const names = await served();
  for (const file of ['alerts.yaml', 'grafana-dashboard.json', 'README.md']) {
    const used = [...read(file).matchAll(/\bisthmus_[a-z_]+\b/g)].map((match) => match[0].replace(/_bucket$/, ''));
    assert.ok(used.length > 5, file);
    assert.deepEqual(
      used.filter((name) => !names.has(name)),
      [],
      file,
    );
  }
});

test('every metric of ours stands in the table for operators', async () => {
  const text = read('README.md');
  const missing = [...(await served())].filter((name) => name.startsWith('isthmus_') && !text.includes(`\`${name}\``));
  assert.deepEqual(missing, ['isthmus_build_info']);
});

test('each alert says what is wrong and what to do', () => {
  const { groups } = parse(read('alerts.yaml'));
  const rules: { alert: string; expr: string; annotations: { summary: string; action: string } }[] = groups[0].rules;
  assert.ok(rules.length >= 10);
  for (const { alert, expr, annotations } of rules) {
    assert.ok(alert.startsWith('Isthmus') && expr !== '' && annotations.summary !== '' && annotations.action !== '', alert);
  }
});
