// Recorded decisions asked again, under what is in force and under the files as they stand: who would be cut off, and who
// would be let in. Streamed; what is kept is bounded, and what is left out is counted.

import { setImmediate as breathe } from 'node:timers/promises';
import type { ContactRequestStore, DecisionRecord, DecisionStore, DiscoveredStore } from '../../model/stores.ts';
import type { Protocol, Table } from '../../model/table.ts';

/** What policy would say to an exchange on record; the edge's own decide(). undefined: nothing is decided about such a one. */
export type Replay = (
  record: DecisionRecord,
  table: Table,
  facts: { readonly nowMs: number; readonly knows: boolean; readonly pinned?: Protocol },
) => Replayed | undefined;

export interface Replayed {
  readonly verdict: 'allow' | 'hold' | 'refuse';
  readonly code?: string;
  readonly where: { readonly file?: string; readonly key?: string; readonly line?: number };
}

/** One pair of users for whom something changes. */
export interface Difference {
  readonly from: string;
  readonly to: string;
  readonly what: 'messages' | 'presence';
  /** How often it was on record. */
  readonly count: number;
  /** Wall ms of the last one. */
  readonly last: number;
  readonly now: Replayed;
  readonly then: Replayed;
}

export interface ReplayReport {
  /** Decisions that were read. */
  readonly read: number;
  /** Of them, those about which policy decides something. */
  readonly asked: number;
  /** Wall ms of the oldest one. */
  readonly oldest?: number;
  readonly cut: readonly Difference[];
  readonly allowed: readonly Difference[];
  /** Exchanges of pairs that are not listed one by one, because there are too many. */
  readonly unlisted: number;
}

/** Pairs that are told apart; a list beyond that helps nobody. */
const MAX_PAIRS = 10_000;
/** Answers that are remembered, so that a pair who wrote a thousand times is asked once. */
const MAX_REMEMBERED = 50_000;
const BATCH = 1000;

interface Stores {
  readonly decisions: DecisionStore;
  readonly requests: ContactRequestStore;
  readonly discovered: DiscoveredStore;
}

export interface ReplayOptions {
  readonly before: Table;
  readonly after: Table;
  readonly sinceMs: number;
  readonly nowMs: number;
  readonly replay: Replay;
  readonly signal: AbortSignal;
  progress(line: string): void;
}

/** Reads the decisions since then and asks both tables. */
export async function replayDecisions({ decisions, requests, discovered }: Stores, options: ReplayOptions): Promise<ReplayReport> {
  const { before, after, replay, signal, progress, nowMs } = options;
  const differences = new Map<string, { -readonly [K in keyof Difference]: Difference[K] }>();
  const remembered = new Map<string, readonly [Replayed, Replayed] | null>();
  const counts = { read: 0, asked: 0, unlisted: 0, oldest: undefined as number | undefined };

  const ask = async (record: DecisionRecord): Promise<readonly [Replayed, Replayed] | null> => {
    const theirs = domainOf(before.domains.has(domainOf(record.from)) ? record.to : record.from);
    const pinned =
      before.policy.federation === 'discovered' || after.policy.federation === 'discovered'
        ? (await discovered.pinned(theirs))?.protocol
        : undefined;
    const facts = { nowMs, knows: false, ...(pinned !== undefined && { pinned }) };
    let [now, then] = [replay(record, before, facts), replay(record, after, facts)];
    if (now === undefined || then === undefined) return null;
    if ((now.verdict === 'hold' || then.verdict === 'hold') && (await requests.knows(record.to, record.from))) {
      now = replay(record, before, { ...facts, knows: true }) ?? now;
      then = replay(record, after, { ...facts, knows: true }) ?? then;
    }
    return [now, then];
  };

  for await (const record of decisions.since(options.sinceMs)) {
    if (record.allowed && record.code !== undefined) continue; // what a filter did to a message that is on record by itself
    counts.read += 1;
    counts.oldest ??= record.at;
    if (counts.read % BATCH === 0) {
      signal.throwIfAborted();
      if (counts.read % 100_000 === 0) progress(`${counts.read} decisions asked again`);
      await breathe(); // messages go first
    }
    const name = [record.kind, record.from, record.to, record.network, record.proof].join(' ');
    let answers = remembered.get(name);
    if (answers === undefined) {
      answers = await ask(record);
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(name, answers);
    }
    if (answers === null) continue;
    counts.asked += 1;
    const [now, then] = answers;
    if ((now.verdict === 'allow') === (then.verdict === 'allow')) continue;
    const what = record.kind.startsWith('im.') ? 'messages' : 'presence';
    const pair = `${what} ${record.from} ${record.to}`;
    const known = differences.get(pair);
    if (known !== undefined) {
      known.count += 1;
      known.last = Math.max(known.last, record.at);
    } else if (differences.size < MAX_PAIRS) {
      differences.set(pair, { from: record.from, to: record.to, what, count: 1, last: record.at, now, then });
    } else counts.unlisted += 1;
  }
  const all = [...differences.values()].sort((a, b) => b.count - a.count || (a.from < b.from ? -1 : 1));
  const { read, asked, unlisted, oldest } = counts;
  return {
    read,
    asked,
    unlisted,
    ...(oldest !== undefined && { oldest }),
    cut: all.filter(({ now }) => now.verdict === 'allow'),
    allowed: all.filter(({ now }) => now.verdict !== 'allow'),
  };
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
