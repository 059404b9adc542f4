// The thread behind slow-peers.ts: one kind of peer, many times, and when each was closed.

import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Callers, type Reachable } from '../hostile/callers.ts';
import { KINDS } from './slow-kinds.ts';

/** One address may have 100 connections: they come from as many as they need. */
const PER_ADDRESS = 80;
const GIVE_UP_MS = 60_000;

const { id, load, at } = workerData as { id: string; load: number; at: Reachable }; // slow-peers.ts gives these
const callers = new Callers(at);
const closedMs: number[] = [];
const ends: Promise<void>[] = [];
for (let index = 0; index < load; index++) {
  const socket = await KINDS[id]!.open(callers, `127.0.2.${1 + Math.floor(index / PER_ADDRESS)}`);
  const since = performance.now();
  ends.push(new Promise((resolve) => socket.once('close', () => resolve(void closedMs.push(performance.now() - since)))));
}
await Promise.race([Promise.all(ends), pause(GIVE_UP_MS)]);
parentPort?.postMessage(closedMs);
callers.hangUp();
