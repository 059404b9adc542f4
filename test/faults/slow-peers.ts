// Peers that take a place and give nothing for it, 400 of each kind from many addresses, beside one good partner: when is the last of
// them gone, and what does the good one notice? Alone: node test/faults/slow-peers.ts [--short] [KIND ...]

import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { EdgeApart } from '../hostile/edge-apart.ts';
import { ask } from '../support/sip-exchange.ts';
import { header, status } from '../support/sip-message.ts';
import { count, type Fault, figure, type Row, type Scale, time } from './row.ts';
import { KINDS, type Kind } from './slow-kinds.ts';

const GOAL_CLOSED_MS = 30_000;
const GOAL_P99_MS = 50;
const EVERY_MS = 20;

export const SLOW_PEERS: Readonly<Record<string, Fault>> = Object.fromEntries(
  Object.entries(KINDS).map(([id, kind]) => [id, (scale: Scale) => play(id, kind, scale)]),
);

async function play(id: string, kind: Kind, scale: Scale): Promise<Row> {
  const started = performance.now();
  await using edge = await EdgeApart.open();
  const load = scale === 'full' ? kind.full : Math.ceil(kind.full / 20);
  const good = new GoodPartner(edge);
  await good.begin();
  await pause(1000);
  const calm = good.take();

  // In a thread of its own, so that what the crowd costs its own side is not measured at the good one.
  const crowd = new Worker(join(import.meta.dirname, 'slow-crowd.ts'), { workerData: { id, load, at: edge.at } });
  const [closedMs] = (await once(crowd, 'message')) as [number[]]; // slow-crowd.ts says one thing, at the end
  await crowd.terminate();
  const meanwhile = good.take();
  await good.end();
  const last = closedMs.length === load ? Math.max(...closedMs) : Number.POSITIVE_INFINITY;
  const { sent, answered } = good;
  return {
    id,
    fault: kind.what,
    load: `${load} connections, a good partner with a message every ${EVERY_MS} ms`,
    sent,
    delivered: answered,
    refused: 0,
    lost: sent - answered,
    doubled: Math.max(0, (await edge.delivered()) - sent),
    copies: 0,
    outOfOrder: 0,
    garbled: 0,
    contradicted: 0,
    recoveryMs: undefined,
    goals: [
      count('closed by us', `${closedMs.length} of ${load}`, closedMs.length === load),
      count("the good partner's messages delivered", `${answered} of ${sent}`, answered === sent),
      time('the last one gone', last, GOAL_CLOSED_MS),
      time("the good partner's p99 meanwhile", percentile(meanwhile, 0.99), GOAL_P99_MS),
      figure('its p99 and median before', `${percentile(calm, 0.99).toFixed(1)} and ${percentile(calm, 0.5).toFixed(1)} ms`, true),
      figure('its median meanwhile', `${percentile(meanwhile, 0.5).toFixed(1)} ms`, true),
    ],
    tookMs: performance.now() - started,
  };
}

/** Sends messages at a steady pace and waits for each answer. */
class GoodPartner {
  sent = 0;
  answered = 0;
  readonly #edge: EdgeApart;
  #times: number[] = [];
  #stop = false;
  #running: Promise<void> | undefined;

  constructor(edge: EdgeApart) {
    this.#edge = edge;
  }

  async begin(): Promise<void> {
    const peer = await this.#edge.sip();
    const one = async (): Promise<void> => {
      this.sent += 1;
      const id = `good-${this.sent}`;
      const since = performance.now();
      peer.send(ask('MESSAGE', { 'Call-ID': id, 'Content-Type': 'text/plain' }, `message ${this.sent}`));
      const answer = await peer.next((message) => header(message, 'Call-ID') === id);
      this.#times.push(performance.now() - since);
      if (status(answer) === 200 || status(answer) === 202) this.answered += 1;
    };
    this.#running = (async () => {
      while (!this.#stop) await Promise.all([one().catch(() => {}), pause(EVERY_MS)]);
    })();
  }

  /** The times since the last call, ms. */
  take(): number[] {
    const times = this.#times;
    this.#times = [];
    return times;
  }

  async end(): Promise<void> {
    this.#stop = true;
    await this.#running;
  }
}

function percentile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

if (import.meta.main) {
  const words = process.argv.slice(2);
  for (const [id, fault] of Object.entries(SLOW_PEERS)) {
    if (words.some((word) => !word.startsWith('--')) && !words.includes(id)) continue;
    const row = await fault(words.includes('--short') ? 'short' : 'full');
    console.log(`${row.id} (${row.fault}; ${row.load})`);
    for (const { what, came, met } of row.goals) console.log(`  ${met ? 'met' : 'NOT MET'}  ${what}: ${came}`);
  }
}
