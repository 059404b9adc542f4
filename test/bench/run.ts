// `npm run bench`: what a message and a NOTIFY cost with everything on, beside the yardsticks of DESIGN 12, in alternating rounds.
//   node test/bench/run.ts [--quick] [--only TEXT] [--no-memory] [--profile FOLDER] [--keep]
// Nothing is asserted: the table says what is reached. docs/bench.md explains it and keeps one run.

import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { FEEDS, type FeedName, type Pace, ROADS, type RoadName } from './cast.ts';
import { memory } from './memory.ts';
import { alternate, onFeed, onRoad, type Sample, type Work } from './rounds.ts';
import { Stage } from './stage.ts';
import { type Line, table } from './table.ts';

/** Of each kind, for the memory table: one partner may have a hundred. */
const CONNECTIONS = 80;
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    'no-memory': { type: 'boolean', default: false },
    profile: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const plan = values.quick
  ? { rounds: 2, runMs: 800, warmMs: 1200, watchers: 100, presentities: 3 }
  : { rounds: 5, runMs: 2000, warmMs: 3000, watchers: 100, presentities: 10 };

const BUSY: Pace = { kind: 'inFlight', count: 64 };
const CALM: Pace = { kind: 'perSecond', count: 500 };
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const wanted = (name: string): boolean => name.includes(values.only);

const began = performance.now();
const stage = await Stage.open();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stage.close().then(() => process.exit(130)));
try {
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
  if (values.only === '' || !values.only.includes('presence')) await stage.start('isthmus', profile);
  if (wanted('core presence') || values.only.includes('presence')) await stage.start('core', profile);
  if (values.only === '' || values.only.includes('bare')) await stage.start('bare');
  for (const name of ['kamailio', 'ejabberd'] as const)
    if (values.only === '' || values.only.includes(name) || (name === 'kamailio' && values.only.includes('presence')))
      await stage.start(name);
  const roads = (Object.keys(ROADS) as RoadName[]).filter((road) => stage.has(ROADS[road].subject) && wanted(road));
  const feeds = (Object.keys(FEEDS) as FeedName[]).filter(
    (feed) => (feed.startsWith('kamailio presence') ? stage.kamailioPresence : stage.has(FEEDS[feed].subject)) && wanted(feed),
  );
  for (const feed of feeds) {
    say(`subscriptions: ${feed}`);
    await stage.order({ do: 'subscribe', feed, watchers: plan.watchers, presentities: plan.presentities });
  }
  for (const road of roads) {
    say(`warming up: ${road}`);
    await stage.order({ do: 'open', road });
    await onRoad(stage, road, BUSY, plan.warmMs);
  }
  const works: Work[] = [
    ...roads.map((road) => ({ name: `64 ${road}`, sample: () => onRoad(stage, road, BUSY, plan.runMs) })),
    ...roads.map((road) => ({ name: `500 ${road}`, sample: () => onRoad(stage, road, CALM, plan.runMs) })),
    ...feeds.map((feed) => ({ name: feed, sample: () => onFeed(stage, feed) })),
  ];
  const samples = await alternate(works, plan.rounds, say);
  process.stdout.write(`\n${cpus().length} processors (${cpus()[0]?.model ?? 'unknown'}), node ${process.version}, `);
  process.stdout.write(`${plan.rounds} rounds, medians\n\n${table(linesOf(samples))}\n`);
  if (!values.quick && !values['no-memory'] && values.only === '') {
    await Promise.all([stage.stop('isthmus'), stage.stop('core')]);
    process.stdout.write(`\n${await memory(stage, CONNECTIONS)}\n`);
  }
  for (const line of stage.missing) process.stdout.write(`\n${line}\n`);
} finally {
  await stage.close(values.keep);
}
say(`${((performance.now() - began) / 1000).toFixed(0)} s`);

function linesOf(samples: ReadonlyMap<string, readonly Sample[]>): Line[] {
  const of = (name: string): readonly Sample[] => samples.get(name) ?? [];
  const lines: Line[] = [];
  for (const [pace, work] of [
    ['64', '64 in flight'],
    ['500', '500 a second'],
  ] as const) {
    for (const road of Object.keys(ROADS) as RoadName[]) {
      if (of(`${pace} ${road}`).length === 0) continue;
      const against =
        ROADS[road].subject === 'isthmus'
          ? [
              { name: 'bare', samples: of(`${pace} ${road.replace('isthmus', 'bare')}`), ...(pace === '64' && { goal: 2.2 }) },
              { name: 'kamailio', samples: of(`${pace} kamailio relay`), ...(pace === '64' && { goal: 1 }) },
              { name: 'ejabberd', samples: of(`${pace} ejabberd s2s-component`) },
            ]
          : [];
      lines.push({ work, name: road, samples: of(`${pace} ${road}`), against });
    }
  }
  for (const feed of Object.keys(FEEDS) as FeedName[]) {
    if (of(feed).length === 0) continue;
    const each = { name: 'kamailio, a connection each', samples: of('kamailio presence each'), goal: 0.7 };
    const together = { name: 'kamailio', samples: of('kamailio presence'), goal: 0.7 };
    const against = feed.startsWith('kamailio') ? [] : feed === 'core presence' ? [each, together] : [together];
    lines.push({ work: `presence, ${plan.watchers} watchers`, name: feed, samples: of(feed), against });
  }
  return lines;
}
