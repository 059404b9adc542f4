// Rounds: in each of them every subject does the same work once, one after the other, and a figure is always the ratio of two
// subjects in the same round. The machine changes from minute to minute; a ratio of neighbours changes much less.

import { setTimeout as pause } from 'node:timers/promises';
import { FEEDS, type FeedName, type Pace, ROADS, type RoadName } from './cast.ts';
import { cpuUs } from './cpu.ts';
import type { Stage } from './stage.ts';

/** Subjects finish what they do after the answer (lazy marks, timers) within this time. */
const SETTLE_MS = 200;

export interface Sample {
  readonly usEach: number;
  readonly perSecond: number;
  /** User and system time of the subject, as a share of one processor. */
  readonly busy: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly failures: number;
}

/** What is repeated, by the name of its column. */
export interface Work {
  readonly name: string;
  readonly sample: () => Promise<Sample>;
}

export async function onRoad(stage: Stage, road: RoadName, pace: Pace, ms: number): Promise<Sample> {
  const group = stage.group(ROADS[road].subject);
  const before = cpuUs(group);
  const result = await stage.order({ do: 'run', road, pace, ms });
  await pause(SETTLE_MS);
  if (result === undefined) throw new Error(`${road} gave no result`);
  const used = cpuUs(group) - before;
  return {
    usEach: used / result.messages,
    perSecond: (result.messages / result.ms) * 1000,
    busy: used / 1000 / result.ms,
    medianMs: result.medianMs ?? Number.NaN,
    p99Ms: result.p99Ms ?? Number.NaN,
    failures: result.failures,
  };
}

/** One change of every presentity of a feed. */
export async function onFeed(stage: Stage, feed: FeedName): Promise<Sample> {
  const group = stage.group(FEEDS[feed].subject);
  const before = cpuUs(group);
  const result = await stage.order({ do: 'change', feed });
  await pause(SETTLE_MS);
  if (result === undefined) throw new Error(`${feed} gave no result`);
  const used = cpuUs(group) - before;
  const each = { usEach: used / result.messages, perSecond: (result.messages / result.ms) * 1000, busy: used / 1000 / result.ms };
  return { ...each, medianMs: Number.NaN, p99Ms: Number.NaN, failures: result.failures };
}

/** Does every work once a round. */
export async function alternate(works: readonly Work[], rounds: number, said: (text: string) => void): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>(works.map((work) => [work.name, []]));
  for (let round = 0; round < rounds; round++) {
    said(`round ${round + 1} of ${rounds}`);
    for (const work of works) samples.get(work.name)?.push(await work.sample());
  }
  return samples;
}
