// Ports for programs that are stopped and started again on the same place. They lie below the ports that the system gives to
// connections: while such a program is down, nobody who tries to reach it may take its place.

import { createServer } from 'node:net';

const PORTS = { first: 20_000, last: 32_000 } as const;
const MAX_TRIES = 1000;

/** Ports on 127.0.0.1 that nobody uses now, each another one. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count && tries < MAX_TRIES; tries += 1) {
    const port = PORTS.first + Math.floor(Math.random() * (PORTS.last - PORTS.first));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  if (found.size < count) throw new Error(`no ${count} free ports between ${PORTS.first} and ${PORTS.last}`);
  return [...found];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}
