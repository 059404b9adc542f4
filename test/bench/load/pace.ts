// Offers messages to a road at a pace and measures how long each takes. Slots stand for pairs of users: one has at most one
// message on its way, so that the order within a conversation holds nothing up that would not be held up in life.

import type { Pace, RunResult } from '../cast.ts';

export interface Road {
  /** Sends message `number` of a slot; `done` is called when it has arrived, or was answered. */
  send(slot: number, number: number): void;
  /** Set by the runner of the road. */
  done: (slot: number, number: number, good: boolean) => void;
}

const DRAIN_MS = 5000;
/** So many pairs of users take part when messages are offered by the second. */
const PAIRS = 200;

export async function run(road: Road, pace: Pace, ms: number): Promise<RunResult> {
  const sentAt = new Map<number, number>();
  const took: number[] = [];
  let failures = 0;
  let number = 0;
  const started = performance.now();
  const over = (): boolean => performance.now() - started >= ms;
  const send = (slot: number): void => {
    number += 1;
    sentAt.set(number, performance.now());
    road.send(slot, number);
  };
  let again: (slot: number) => void = () => {};
  road.done = (slot, which, good) => {
    const at = sentAt.get(which);
    if (at === undefined) return;
    sentAt.delete(which);
    if (good) took.push(performance.now() - at);
    else failures += 1;
    again(slot);
  };
  if (pace.kind === 'inFlight') {
    again = (slot) => {
      if (!over()) send(slot);
    };
    for (let slot = 0; slot < pace.count; slot++) send(slot);
    await until(over);
  } else {
    const everyMs = 1000 / pace.count;
    let due = started;
    while (!over()) {
      for (; due <= performance.now(); due += everyMs) send(number % PAIRS);
      await pause(1);
    }
  }
  again = () => {};
  const lastSent = performance.now();
  await until(() => sentAt.size === 0 || performance.now() - lastSent > DRAIN_MS);
  const end = performance.now();
  took.sort((a, b) => a - b);
  const at = (share: number): number => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Number.NaN;
  return { messages: took.length, failures: failures + sentAt.size, ms: end - started, medianMs: at(0.5), p99Ms: at(0.99) };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(2);
}
