// What the archive costs a message: rows accepted with their lines and without, in alternating rounds on one store; then how long a
// purge and a search hold up the event loop. By hand:   node test/bench/archive.ts [messages of a round]

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { makeIds } from '../../src/edge/ids.ts';
import { systemClock as clock } from '../../src/edge/system-clock.ts';
import { SILENT } from '../../src/log.ts';
import type { ImSent } from '../../src/model/event.ts';
import { newRow } from '../../src/outbox/accept.ts';
import { Archiving } from '../../src/routing/archiving.ts';
import { openStore } from '../../src/store/store.ts';
import { ownDomain, table } from '../support/table.ts';

const ROUNDS = 7;
const TOGETHER = 16;
const [messages = 4000] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'isthmus-archive-'));
const store = openStore({ folder, clock, mode: 'own' });
const ids = makeIds(clock);
const rules = table([ownDomain('ours.example', 'core')], []);
const where = { file: 'records/archive.yaml', key: '/everyone' };
const settings = {
  rules: [{ who: 'everyone', name: '', internal: true, external: true, where }],
  ...{ blockOnFailure: false, purgeHour: 2, purgeOnlyExported: false, secondPerson: false },
} as const;
const archiving = new Archiving({
  store: store.archive,
  holds: store.holds,
  settings: () => settings,
  table: () => rules,
  clock,
  log: SILENT,
});

function message(n: number): ImSent {
  const id = ids.event();
  return {
    ...{ kind: 'im.sent', id, at: clock.now(), style: 'chat', wants: { delivered: true, displayed: false } },
    origin: { network: 'xmpp', side: 'edge', peer: 'theirs.example', connection: 'c', proof: 'certificate' },
    from: { local: `user${n % 500}`, domain: 'theirs.example' },
    to: { local: `user${(n * 7) % 1000}`, domain: 'ours.example' },
    body: `ten words of a message that says number ${n} and nothing else`,
    ids: { wireId: id, messageId: id, dedupKey: id },
  };
}

async function round(archived: boolean): Promise<{ readonly us: number; readonly ms: number; readonly groups: number }> {
  const [cpu, began, { groups }] = [process.cpuUsage(), performance.now(), store.stats()];
  const times = () => ({ acceptedAt: clock.now(), serviceNow: clock.now(), serviceDeadline: clock.now() + 86_400_000 });
  for (let n = 0; n < messages; n += TOGETHER) {
    const rows = Array.from({ length: TOGETHER }, (_, k) => message(n + k)).map((event) =>
      store.outbox.accept(newRow(event, ids, times()), archived ? archiving.capture(event)?.line : undefined),
    );
    for (const result of await Promise.all(rows))
      if (result.kind === 'accepted')
        store.outbox.delivered({ row: result.row.row, state: 'delivered', at: clock.now(), attempts: 1, evidence: 'bench' });
  }
  const ms = performance.now() - began;
  store.flush();
  const { user, system } = process.cpuUsage(cpu);
  return { us: (user + system) / messages, ms: ms / messages, groups: store.stats().groups - groups };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const show = (label: string, value: string): void => console.log(`${label.padEnd(44)} ${value}`);
await round(false);
const pairs: { readonly without: Awaited<ReturnType<typeof round>>; readonly with: Awaited<ReturnType<typeof round>> }[] = [];
for (let n = 0; n < ROUNDS; n += 1) pairs.push({ without: await round(false), with: await round(true) });
const bytes = (await store.archive.size()).bytes / (await store.archive.count({}));
show(
  'CPU us a message, without and with its line',
  `${median(pairs.map((p) => p.without.us)).toFixed(1)}, ${median(pairs.map((p) => p.with.us)).toFixed(1)}`,
);
show('ratio in the same round', median(pairs.map((p) => p.with.us / p.without.us)).toFixed(2));
show('commits a round, without and with', `${pairs[0]?.without.groups ?? 0}, ${pairs[0]?.with.groups ?? 0}`);
show(
  'ms a message, without and with',
  `${median(pairs.map((p) => p.without.ms)).toFixed(3)}, ${median(pairs.map((p) => p.with.ms)).toFixed(3)}`,
);

const lines = await store.archive.count({});
const delay = monitorEventLoopDelay({ resolution: 1 });
for (const [label, work] of [
  ['a rare word among all', () => store.archive.find({}, ['no such word'], 50)],
  ['one person, page by page', () => store.archive.page({ user: 'user7@ours.example' }, 0, 10_000)],
  ['a purge of all', () => store.archive.purge(clock.now() + 1, false, clock.now())],
] as const) {
  delay.reset();
  delay.enable();
  const began = performance.now();
  await work();
  delay.disable();
  show(`${label} (${lines} lines)`, `${(performance.now() - began).toFixed(0)} ms, a turn at most ${(delay.max / 1e6).toFixed(0)} ms`);
}
show('sealed bytes a line', bytes.toFixed(0));
show('database after it', `${(statSync(join(folder, 'isthmus.db')).size / 1024 ** 2).toFixed(0)} MiB`);
store.close();
rmSync(folder, { recursive: true });
